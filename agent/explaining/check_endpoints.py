"""What a site means for laptops that have the endpoint service, in plain words."""

from collections.abc import Iterator

from agent.categories import load_categories
from agent.sites.site import ActivityLevel, Site
from agent.texts import Texts


def endpoints_in_words(site: Site, texts: Texts) -> Iterator[str]:
    """Say what laptops are told and how long what they tell is kept; nothing where nobody can reach the gateway."""
    _ = texts.gettext
    settings = site.private.endpoints
    if site.listeners.api is None:
        return
    if settings.file_names == "kept":
        yield _("Names of files that are written to media are kept: %(reason)s") % {
            "reason": settings.file_names_reason
        }
    else:
        yield _("Names of files that are written to media never leave a laptop; a keyed hash does.")
    if settings.vpn:
        yield _("The school's own VPN, never a way round the filter: %(names)s") % {"names": ", ".join(settings.vpn)}
    if settings.closed:
        names = ", ".join(load_categories()[each].name(texts.language) for each in settings.closed)
        yield _("Laptops in the school look whether these are closed for them: %(names)s") % {"names": names}
    minutes = settings.grace_seconds // 60
    text = texts.ngettext(
        "Whoever uses a medium that is not encrypted is told, and has %(number)d minute to take it out.",
        "Whoever uses a medium that is not encrypted is told, and has %(number)d minutes to take it out.",
        minutes,
    )
    yield text % {"number": minutes}
    if site.retention.activity is not ActivityLevel.COUNTS:
        yield _("Of each laptop in the school it is known, to the minute, when it last asked for a name.")
    text = texts.ngettext(
        "What laptops tell is kept for %(number)d day.",
        "What laptops tell is kept for %(number)d days.",
        settings.keep_days,
    )
    yield text % {"number": settings.keep_days}
