"""A school with media: real parts on files of their own, a clock that stands, people of every role."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from incidents_of_test import IncidentsOfTest

from agent.fleet.media import Media
from agent.fleet.media_register import Draft
from agent.fleet.media_sign_outs import Wanted
from agent.sites.site import MediaSettings, NoticeKind
from agent.storage.media_rows import read_medium
from agent.storage.state import Act
from collectors.volume import Crypt, Evidence
from rules.medium import Medium, MediumKind, SignOut
from rules.roles import Right, Role

TODAY = date(2026, 3, 2)
PURPOSE = "Marks of year five"
EVIDENCE = (Evidence("sysfs.dm_uuid", "CRYPT-LUKS2-x"),)


class MediaOfTest(IncidentsOfTest):
    """A school with media; `notices` is who was told what of which medium: kind, medium, number, people, roles."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder)
        self.notices: list[tuple[str, str, str, frozenset[str], frozenset[str]]] = []
        self.settle(**settings)
        self.media = Media(self.store, lambda: self.site, tell=self.tell_media, incidents=self.incidents.desk)

    def settle(self, **settings: Any) -> None:
        """Let the site say something else of media."""
        self.site = replace(self.site, private=replace(self.site.private, media=MediaSettings(**settings)))

    def tell_media(
        self,
        act: Act,
        kind: NoticeKind,
        medium: str = "",
        *,
        what: str = "",
        on: date | None = None,  # noqa: ARG002 (part of how it is told)
        people: Collection[str] = (),
        roles: Collection[Role] = (),
        right: Right | None = None,
        but: Collection[str] = (),
    ) -> None:
        assert act.database.in_transaction
        names = {person: name for name, person in self.ids.items()}
        others = {role.value for role in roles} | ({right.value} if right else set())
        told = frozenset(names[each] for each in people if each not in but)
        self.notices.append((kind.value, medium, what, told, frozenset(others)))

    def register(self, by: str = "teacher", *, for_: str = "", **said: Any) -> Medium:
        """Put a stick on the register."""
        owner = self.ids[for_] if for_ else ""
        draft = Draft(**{"kind": MediumKind.STICK, "purpose": PURPOSE, "owner": owner, **said})
        return self.media.register.register(self.ids[by], draft)

    def take(self, medium: Medium, by: str = "teacher", *, for_: str = "", due_on: date = TODAY) -> SignOut:
        """Ask to take a medium out."""
        wanted = Wanted("Reports at home", due_on, self.ids[for_] if for_ else "")
        return self.media.sign_outs.sign_out(self.ids[by], medium.number, wanted)

    def out(self, medium: Medium, by: str = "teacher", *, due_on: date = TODAY) -> SignOut:
        """Take a medium out, with the technician's leave."""
        asked = self.take(medium, by, due_on=due_on)
        return self.media.sign_outs.allow(self.ids["technician"], asked.number, version=asked.version)

    def prove(
        self, serial_key: str, crypt: Crypt, *, at: datetime | None = None, device: str = "laptop7", **further: Any
    ) -> None:
        """Let a laptop prove something of a medium."""
        evidence = further.get("evidence", EVIDENCE)
        with self.store.act() as act:
            self.media.register.record_proof(act, serial_key, crypt, evidence, device=device, at=at or self.now)

    def medium(self, medium: Medium) -> Medium:
        """Give a medium as it is on file now."""
        with self.store.read() as database:
            found = read_medium(database, medium.number)
        assert found is not None
        return found
