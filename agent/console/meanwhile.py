"""What somebody else did to a thing that two people were deciding about, for the one who was slower.

It says what, when and in which role. Who sees this sees the thing itself, which tells what else is for them.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from agent.console.page import Page
from agent.console.registers.record_words import kind_words
from agent.people.people import read_person

# It was done while a page was open: one of so many newest rows of the record.
_MOST_ROWS: Final = 5_000
# What happens by itself, such as a reminder, hides nobody's act.
SYSTEM: Final = "system"
# Looking changes nothing, nor does trying.
_NOTHING_DONE: Final = ("incident_viewed", "incident_letter_read", "incident_metadata_viewed", "filter_tried")
# The kinds of what addresses name, as patterns: what has the same number, or the same id, may be something else.
# Whoever has a step to do need not know what else is done about the case, and other addresses say who decided.
_OF_MEDIA: Final = "media"
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "devices": ("device_*",),
    "filter": ("filter_*",),
    "incidents": ("incident_*",),
    _OF_MEDIA: ("medium_*", "media_*", "sign_out_*"),
    "overrides": ("override_*",),
    "people": ("people_*", "account_*", "authenticator_*", "password_*"),
    "suspensions": ("suspension_*",),
}
_SAY_IT: Final = ("/media/exceptions/", "/media/sign-outs/")


def done_meanwhile(page: Page) -> str:
    """Say what somebody else did last to what the address of a page names; nothing where nobody did."""
    path, found = page.request.url.path, page.request.path_params
    area = path.split("/")[1]
    subject = f"M-{found['number']}" if area == _OF_MEDIA and "number" in found else found.get("id", "")
    if path.startswith(_SAY_IT) or area not in _KINDS or not subject:
        return ""
    with page.parts.store.read() as database:
        row = database.execute(
            "SELECT at, kind, actor FROM audit WHERE number > (SELECT max(number) FROM audit) - ? AND subject = ?"
            " AND actor NOT IN (?, ?) AND kind NOT IN (SELECT value FROM json_each(?))"
            " AND EXISTS (SELECT 1 FROM json_each(?) WHERE kind GLOB value) ORDER BY number DESC LIMIT 1",
            (_MOST_ROWS, str(subject), page.person, SYSTEM, json.dumps(_NOTHING_DONE), json.dumps(_KINDS[area])),
        ).fetchone()
        who = read_person(database, row["actor"]) if row else None
    if row is None or who is None or not who.roles:
        return ""
    _ = page.texts.gettext
    return _("Meanwhile: %(what)s (%(who)s), %(moment)s.") % {
        "what": kind_words(row["kind"], page.texts),
        "who": page.role_words(who.roles),
        "moment": page.texts.moment(datetime.fromisoformat(row["at"]), page.parts.timezone),
    }
