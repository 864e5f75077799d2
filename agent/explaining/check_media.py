"""What a site means for media, in plain words."""

from collections.abc import Iterator

from agent.packs.pack_words import spell_span
from agent.sites.site import Site
from agent.texts import Texts


def media_in_words(site: Site, texts: Texts) -> Iterator[str]:
    """Say who lets media out of the school, for how long, and what is kept; nothing where nobody can ask."""
    _ = texts.gettext
    settings = site.private.media
    if site.listeners.api is None:
        return
    text = texts.ngettext(
        "Whoever takes a medium out of the school signs it out and in alone, for %(number)d day at most.",
        "Whoever takes a medium out of the school signs it out and in alone, for %(number)d days at most.",
        settings.longest_days,
    )
    if settings.sign_out_needs == "manager":
        text = texts.ngettext(
            "Somebody who manages media lets another take one out of the school, for %(number)d day at most.",
            "Somebody who manages media lets another take one out of the school, for %(number)d days at most.",
            settings.longest_days,
        )
    yield text % {"number": settings.longest_days}
    days = settings.exception_longest.typical().days
    text = texts.ngettext(
        "A medium that is not encrypted is let pass by a second person alone, for %(number)d day at most.",
        "A medium that is not encrypted is let pass by a second person alone, for about %(number)d days at most.",
        days,
    )
    yield text % {"number": days}
    text = _("Who had a medium is known for %(time)s after it is back; what is out, lost or part of a case stays.")
    yield text % {"time": spell_span(settings.keep, texts)}
