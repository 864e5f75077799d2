"""What people say at a laptop: that they need a medium as it is, and whether they accept the rules.

It stands where it would stand if they had said it at the gateway. Who they are is what the laptop attests: the
account that spoke to its service.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from agent.fleet.device_telling import line
from agent.fleet.fleet_reading import StoredEvent
from agent.fleet.media import Media
from agent.fleet.media_exceptions import Asked
from agent.observing.observing_told import person_called
from agent.people.people import Person
from agent.storage.fleet_rows import Device
from agent.storage.state import Act
from rules.errors import RefusedRequestError

SYSTEM: Final = "system"


class DeviceAnswers:
    """Where it is written down; what cannot be taken is, too, with why.

    Where it is not `is_believed` whom the laptop names, nobody has said it.
    """

    def __init__(self, media: Media) -> None:
        self._media = media

    def ask(self, act: Act, event: StoredEvent, device: Device, *, is_believed: bool = True) -> None:
        """Ask, in the name of whoever uses a laptop, that its media may be used as they are."""
        person = _person(act, event.facts) if is_believed else None
        try:
            self._ask(act, event.facts, device, person)
        except RefusedRequestError as error:
            self._note(act, "media_exception_not_asked", person, device, {"reason": str(error)})

    def answer(self, act: Act, event: StoredEvent, device: Device, *, is_believed: bool = True) -> None:
        """Write down whether whoever signed in accepts the rules that they were shown; nothing else comes of it.

        The account of somebody whom nobody knows stands beside the row, so that it can be erased.
        """
        facts = event.facts
        person = _person(act, facts) if is_believed else None
        said = {
            "version": line(facts.get("aup_version", "")),
            "accepted": facts.get("accepted") is True,
            "at": event.at.isoformat(),
            "how": line(facts.get("how", "")),
            "language": line(facts.get("language", "")),
            "event": event.id,
            "hash": event.hash,
        }
        account = line(facts.get("account") or "") if person is None else ""
        self._note(act, "rules_answered", person, device, said, personal={"account": account} if account else None)

    def _ask(self, act: Act, facts: Mapping[str, Any], device: Device, person: Person | None) -> None:
        if person is None:
            raise RefusedRequestError("Nobody is known by the account that asks; expected one of the school.")
        listed = facts.get("media")
        media = [each for each in (listed if isinstance(listed, list) else []) if isinstance(each, Mapping)]
        keys = [key for each in media if (key := self._key(act, each))]
        if not keys:
            raise RefusedRequestError("No medium with a serial number is plugged in; expected one to ask for.")
        asked = Asked(line(facts.get("words", "")), _day(facts.get("until")))
        for key in keys:
            self._media.exceptions.ask_from_laptop(act, person.id, key, asked, device=device.id)

    def _key(self, act: Act, medium: Mapping[str, Any]) -> str:
        usb = medium.get("usb")
        if not isinstance(usb, Mapping) or not usb.get("serial"):
            return ""
        ids = (line(usb.get(name, "")) for name in ("vendor", "product", "serial"))
        return self._media.register.known_key(act.database, *ids)

    def _note(
        self,
        act: Act,
        kind: str,
        person: Person | None,
        device: Device,
        facts: Mapping[str, Any],
        *,
        personal: Mapping[str, str] | None = None,
    ) -> None:
        actor = SYSTEM if person is None else person.id
        act.note(kind, actor=actor, subject=device.id, facts=facts, personal=personal)


def _person(act: Act, facts: Mapping[str, Any]) -> Person | None:
    account = facts.get("account")
    if not isinstance(account, str) or not account:
        return None
    return person_called(act, account) or person_called(act, account.rpartition("\\")[2])


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise RefusedRequestError(f"{line(text)!r} is no date; expected one such as 2026-03-02.") from None
