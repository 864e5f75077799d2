"""What a site means for incidents, in plain words: which policies it goes by, and what it decides beside them."""

from collections.abc import Iterator

from agent.packs.pack_overview import conflicts_in_words
from agent.packs.pack_text import spell_replaced
from agent.packs.pack_words import spell_kinds, spell_span
from agent.sites.site import Site
from agent.sites.site_assessment import site_assessment
from agent.sites.site_packs import Packs
from agent.tables import printable
from agent.texts import Texts
from rules.incident_kind import Kind


def policies_in_words(packs: Packs, texts: Texts) -> Iterator[str]:
    """Say which policies a site goes by, what its own replace, and where they disagree."""
    for pack in packs.packs:
        yield printable(f"{pack.title.in_language(texts.language)} ({pack.id})")
    yield from (printable(spell_replaced(each, texts)) for each in packs.replaced)
    yield from conflicts_in_words(packs.packs, texts)


def incidents_in_words(site: Site, packs: Packs, texts: Texts) -> Iterator[str]:
    """Say how incidents are weighed and who deals with them; nothing where nobody can sign in."""
    _ = texts.gettext
    if site.listeners.api is None:
        return
    settings, tuned = site.private.incidents, site.private.assessment
    rules = site_assessment(site, packs.packs)
    if rules.kinds:
        yield _("A candidate is opened at %(points)d of 100 points; a person decides.") % {"points": rules.open_at}
    if kinds := spell_kinds((Kind(each) for each in tuned.kinds), texts):
        yield _("Weighed otherwise than in the policy: %(kinds)s") % {"kinds": kinds}
    if settings.second_reader:
        yield _("What is said against staff is read by the head teacher and one person who is named.")
    else:
        yield _("What is said against staff is read by the head teacher alone: nobody else is named (incidents).")
    if not settings.chair:
        yield _("Nobody is named who takes the head teacher's place where it is about them (incidents, chair).")
    if settings.warnings_last is None:
        yield _("A warning counts until the end of the school year.")
    else:
        yield _("A warning counts for %(time)s.") % {"time": spell_span(settings.warnings_last, texts)}
    kept, dismissed = (spell_span(span, texts) for span in (settings.keep_others, settings.keep_dismissed))
    text = _("Incidents are kept for %(time)s, candidates that came to nothing for %(dismissed)s.")
    yield text % {"time": kept, "dismissed": dismissed}
    for kind, span in settings.keep.items():
        values = {"what": spell_kinds((Kind(kind),), texts), "time": spell_span(span, texts)}
        yield _("Kept for %(time)s: %(what)s") % values
    cards = len(settings.contacts)
    if cards:
        text = texts.ngettext(
            "Whom to call stands on %(number)d card.", "Whom to call stands on %(number)d cards.", cards
        )
        yield text % {"number": cards}
    else:
        yield _("Whom to call, such as the police, is not written down yet (incidents, contacts).")
