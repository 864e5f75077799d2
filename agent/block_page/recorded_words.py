"""What is recorded about somebody, written from what the site in force says: short, and nothing left out."""

from collections.abc import Iterator
from dataclasses import dataclass

from agent.packs.pack_words import spell_span
from agent.sites.site import ActivityLevel, Site
from agent.texts import Texts
from rules.category import Catalogue


@dataclass(frozen=True, slots=True)
class Section:
    """A question and the sentences that answer it."""

    title: str
    sentences: tuple[str, ...]


def recorded_sections(site: Site, catalogue: Catalogue, texts: Texts) -> tuple[Section, ...]:
    """Say it for a site, in the order in which people ask."""
    _ = texts.gettext
    return (
        Section(_("What does the filter see?"), tuple(_seen(texts))),
        Section(_("What is kept?"), tuple(_kept(site, catalogue, texts))),
        Section(_("What does a laptop of the school tell?"), tuple(_laptops(site, texts))),
        Section(_("Who may know that it was me?"), tuple(_known(texts))),
        Section(_("What is kept when something has happened?"), tuple(_incidents(site, texts))),
        Section(_("What may I ask for?"), tuple(_rights(site, texts))),
    )


def _seen(texts: Texts) -> Iterator[str]:
    _ = texts.gettext
    yield _("When your device goes to a site, it asks the school for the name of that site. That name is all we see.")
    yield _("We do not see the page, what you search for, what you write, or your pictures.")


def _kept(site: Site, catalogue: Catalogue, texts: Texts) -> Iterator[str]:
    _ = texts.gettext
    retention = site.retention
    match retention.activity:
        case ActivityLevel.COUNTS:
            yield _("Only how many names were asked for. Nothing is kept about you or your device.")
        case ActivityLevel.BLOCKED:
            yield _(
                "Names that were blocked: the name, the time, and made-up letters in place of your device or your"
                " name."
            )
            yield _("Of names that were open, only how many there were.")
        case ActivityLevel.ALL:
            yield _("All names: the name, the time, and made-up letters in place of your device or your name.")
            yield _("Your school keeps all of them because of this: %(reason)s") % {
                "reason": retention.all_reason or ""
            }
    days = texts.ngettext(
        "After %(days)d day it is deleted.", "After %(days)d days it is deleted.", retention.activity_days
    )
    yield days % {"days": retention.activity_days}
    names = [each.name(texts.language) for each in catalogue if each.id in catalogue.unrecorded]
    if names:
        yield _("Never kept about anybody: %(what)s.") % {"what": texts.join(names)}
    yield _("Reading this page is not kept. Of a blocked site, nothing is kept but what stands above.")


def _laptops(site: Site, texts: Texts) -> Iterator[str]:
    _ = texts.gettext
    settings = site.private.endpoints
    yield _(
        "A laptop with the school's program tells who signs in, whether the laptop is protected, which sticks and"
        " disks are plugged in, and how many files go onto them."
    )
    yield _("It tells when a new program is started, and when something goes round the filter.")
    yield _("It does not see what you type, your screen, your camera or the pages that you read.")
    if settings.file_names == "kept":
        yield _("Names of files that are copied to a stick are kept, because of this: %(reason)s") % {
            "reason": settings.file_names_reason
        }
    else:
        yield _("Nobody can read the names of your files.")
    days = texts.ngettext(
        "What laptops tell is deleted after %(days)d day.",
        "What laptops tell is deleted after %(days)d days.",
        settings.keep_days,
    )
    yield days % {"days": settings.keep_days}


def _known(texts: Texts) -> Iterator[str]:
    _ = texts.gettext
    yield _("Nobody sees your name just by looking.")
    yield _(
        "Only when something has happened may somebody who has that task at school find out who it was. They must"
        " write down why, and that stays on record."
    )
    yield _(
        "Sometimes nobody can tell who it was, because several people use one device. Then it is put down to nobody."
    )
    yield _("A computer decides nothing about you. A person looks, listens and decides.")
    yield _("All of it is kept on a computer of the school. Nothing of it is sold, or used for advertisements.")


def _incidents(site: Site, texts: Texts) -> Iterator[str]:
    _ = texts.gettext
    settings = site.private.incidents
    yield _("What belongs to it, and what people at school write about it, is kept for %(time)s.") % {
        "time": spell_span(settings.keep_others, texts)
    }
    yield _("If it turns out to be nothing, it is deleted after %(time)s.") % {
        "time": spell_span(settings.keep_dismissed, texts)
    }
    if settings.keep:
        yield _("Some things are kept for another time; your school can tell you which.")


def _rights(site: Site, texts: Texts) -> Iterator[str]:
    _ = texts.gettext
    yield _("You may ask what is kept about you, and get a copy of it.")
    yield _("You may ask that something wrong is put right, or is deleted.")
    yield _("You may say what you think before anybody decides, and say no to a decision afterwards.")
    yield _("Your parents may ask for you.")
    if site.school.contact:
        yield _("Where to ask: %(contact)s") % {"contact": site.school.contact}
