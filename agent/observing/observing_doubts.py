"""What is told late may say that somebody else was at a device: whom incidents are about is looked at again.

A sign-in that comes in late, goes on after it seemed over, or had ended before it was told, changes who was where.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from agent.incidents.incident_doubts import Doubt, doubt
from agent.incidents.incidents import Incidents
from agent.observing.identity import MINUTE, Identities, Identity
from agent.observing.known_devices import KnownDevices
from agent.storage.incident_rows import Filed, read_about_somebody
from agent.storage.presence_rows import LONGEST, Presence, SignIn
from agent.storage.state import Act
from agent.storage.timeline_rows import AtDevice, read_devices
from rules.observation import Confidence

_LEAST: Final = Confidence.C


class Doubts:
    """What is looked at again within one act.

    Args:
        known: the devices that the site knows.
    """

    def __init__(self, act: Act, incidents: Incidents, known: KnownDevices) -> None:
        self._act = act
        self._incidents = incidents
        self._known = known
        self._identities = Identities(act.database)

    def look(self, presences: Iterable[Presence]) -> int:
        """Look again at what was observed while somebody was somewhere; gives how many incidents that changed."""
        return sum(self._look(presence) for presence in presences)

    def _look(self, presence: Presence) -> int:
        # How long it once seemed to last is not kept; more than this it never did.
        first, end = presence.from_at - MINUTE, presence.from_at + LONGEST
        changed = 0
        for filed in read_about_somebody(self._act.database, first, end):
            found = self._doubt_of(filed, presence, first, end)
            changed += found is not None and doubt(self._incidents.desk, self._act, filed, found)
        return changed

    def _doubt_of(self, filed: Filed, presence: Presence, first: datetime, end: datetime) -> Doubt | None:
        observed = read_devices(self._act.database, filed.incident.id)
        is_theirs = filed.incident.subject == presence.person
        concerned = [
            each for each in observed if first <= each.at < end and (is_theirs or each.device == presence.device)
        ]
        lost = list(self._no_longer_theirs(filed, concerned))
        if not lost:
            return None
        device, identity = lost[0]
        confidence = _LEAST if identity.confidence.is_personal else identity.confidence
        return Doubt(device, confidence, identity.why, len(lost), len(observed))

    def _no_longer_theirs(self, filed: Filed, observed: Iterable[AtDevice]) -> Iterator[tuple[str, Identity]]:
        """Give what is not theirs by all that is known now: at which device, and who it was instead."""
        incident = filed.incident
        for each in observed:
            minute = each.at.replace(second=0, microsecond=0)
            known = self._known.of(each.device, self._incidents.desk.day_of(each.at))
            attested = Presence("", each.device, incident.subject, SignIn.ATTESTED, minute, each.at, minute + MINUTE)
            identity = self._identities.told_with(
                each.device,
                minute,
                audience=incident.audience,
                known=known,
                further=(attested,) if each.is_attested else (),
            )
            if identity.subject != incident.subject:
                yield each.device, identity
