"""What the pages on the way through the console are called."""

from agent.texts import Texts


def title_of(path: str, texts: Texts) -> str:
    """Name a page of the way.

    Raises:
        KeyError: it has no name, and so cannot be on the way.
    """
    _ = texts.gettext
    return {
        "/day": _("Today"),
        "/incidents": _("Incidents"),
        "/tasks": _("My tasks"),
        "/teaching": _("My lesson"),
        "/overrides": _("Requests"),
        "/suspensions": _("Filtering off"),
        "/explain": _("Why is it blocked?"),
        "/filter": _("Filter"),
        "/people": _("People"),
        "/devices": _("Laptops"),
        "/media": _("Media"),
        "/registers": _("Registers"),
        "/record": _("Record"),
        "/governor": _("In numbers"),
        "/setup": _("Set-up"),
        "/account": _("My account"),
    }[path]
