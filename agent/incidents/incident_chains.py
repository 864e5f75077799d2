"""What the chains and clocks of the packs mean for an incident: who reads it, who has something to do, what runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from agent.storage.incident_briefs import Brief
from agent.storage.incident_rows import Filed, RunningClock
from rules.handbook import Case, Chain, ChainStep, Clock, PackRole, Start
from rules.incident import Incident, Track, track_of
from rules.incident_kind import Kind
from rules.ladder import OfPack, asks_whether_serious, at_once, counts, roles_on, to_do
from rules.pack_union import Union, unite
from rules.policy_pack import Pack
from rules.roles import Role
from rules.sanction import Action, Step
from rules.span import Span, stricter
from rules.steps import SAME_HOUR
from rules.subject import Audience
from rules.words import NO_WORDS, Words, words

_NOBODY: Final[frozenset[Role]] = frozenset()
Due = Callable[[datetime, Span], datetime]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A step that some packs ask for; `of` are the packs, with the place in the chain of each."""

    action: Action
    case: Case
    of: frozenset[tuple[str, int]]


class Chains:
    """The chains and clocks of the packs in force; put together once for as long as those stay.

    Args:
        packs: those that the school goes by, in its order.
    """

    def __init__(self, packs: Callable[[], Sequence[Pack]]) -> None:
        self._packs = packs
        self._known: tuple[Pack, ...] = ()
        self._union: Union = unite(())
        self._roles: Mapping[str, Mapping[str, PackRole]] = {}
        self._first: dict[tuple[Kind, Audience, bool], frozenset[Role]] = {}
        self._reading: frozenset[Role] = frozenset()

    def of(self, kind: Kind, audience: Audience) -> tuple[OfPack, ...]:
        """Give the chain of each pack for such an incident, with the roles that it speaks of."""
        return tuple((self._roles[pack], chain) for pack, chain in self._chains(kind, audience))

    def first(self, incident: Incident | Brief) -> frozenset[Role]:
        """Give the roles that are told of an incident at once; what is not ordinary goes by its track."""
        if incident.track is not Track.ORDINARY:
            return _NOBODY
        self._united()
        key = incident.kind, incident.audience, bool(incident.is_serious)
        if key not in self._first:
            self._first[key] = at_once(self.of(*key[:2]), is_serious=key[2])
        return self._first[key]

    def reading(self) -> frozenset[Role]:
        """Give the roles to which an ordinary incident may come by a chain."""
        self._united()
        return self._reading

    def asks_whether_serious(self, incident: Incident) -> bool:
        """Say whether it makes a difference to somebody whether an incident is serious, and nobody has said so."""
        chains = self.of(incident.kind, incident.audience)
        return incident.is_serious is None and asks_whether_serious(chains)

    def steps(self, incident: Incident) -> list[Action]:
        """Give what the packs ask for beside their tables, as steps; whoever is outside is told by who knows first.

        Where a row was accepted, its table says who is brought in; what is serious, and what a clock runs for, stays.
        """
        asked = self._asked(incident)
        if incident.row:
            asked = [each for each in asked if each.case is Case.SERIOUS]
        steps = {each.action.id: each.action for each in asked}
        return list({**steps, **{each.id: each for each in self._clock_steps(incident)}}.values())

    def clocks(self, filed: Filed, due: Due) -> tuple[RunningClock, ...]:
        """Give the clocks that an incident sets going, each as far as it has run; a stopped one stays as it is."""
        before = {each.id: each for each in filed.clocks}
        found = []
        for pack, clock in self._counting(filed.incident):
            ends_at = due(filed.known_at, clock.length if clock.length.amount else SAME_HOUR)
            running = RunningClock(clock.id, pack, filed.known_at, ends_at, self._action(filed.incident, pack, clock))
            if (old := before.get(clock.id)) is not None:
                running = replace(running, told=old.told, ended_at=old.ended_at)
            found.append(running)
        return tuple(found)

    def title_of(self, clock: RunningClock) -> Words:
        """Say what a clock is for; its id, where its pack says so no more."""
        for pack in self._packs():
            if pack.id == clock.pack and clock.id in pack.handbook.clocks:
                return pack.handbook.clocks[clock.id].title
        return words(en=clock.id.replace("_", " "))

    # ---- parts of each -------------------------------------------------------------------------------------

    def _united(self) -> Union:
        packs = tuple(self._packs())
        if len(packs) != len(self._known) or any(new is not old for new, old in zip(packs, self._known, strict=True)):
            self._known, self._union, self._first = packs, unite(packs), {}
            self._roles = {pack.id: pack.handbook.roles for pack in packs}
            chains = [(pack, chain) for pack in packs for chain in pack.handbook.chains.values()]
            self._reading = roles_on((pack.handbook.roles, chain) for pack, chain in chains if _is_ordinary(chain))
        return self._union

    def _chains(self, kind: Kind, audience: Audience) -> tuple[tuple[str, Chain], ...]:
        return self._united().chains_of(kind, audience)

    def _counting(self, incident: Incident) -> Iterator[tuple[str, Clock]]:
        """Give the clocks of an incident; of several packs that have the same, the stricter one."""
        for pack, clock in self._united().clocks.values():
            is_its = clock.starts is Start.AWARENESS and incident.kind in clock.kinds
            if is_its and counts(clock.case, is_serious=bool(incident.is_serious)):
                yield pack, clock

    def _clock_steps(self, incident: Incident) -> list[Action]:
        """Give what is done by a clock, as steps; what brings somebody in is a step of the chain."""
        asked = self._asked(incident)
        steps = []
        for pack, clock in self._counting(incident):
            name = self._action(incident, pack, clock)
            step = next((each.action for each in asked if each.action.id == name), None)
            if step is None:
                step = Action(name, clock.title, (), Step.REFER, clock.length, clock.cites.location)
            steps.append(step)
        return steps

    def _action(self, incident: Incident, pack: str, clock: Clock) -> str:
        """Give the id of the step that stops a clock."""
        for holder, chain in self._chains(incident.kind, incident.audience):
            for place, step in enumerate(chain.steps):
                if (
                    holder == pack
                    and step.to == clock.to
                    and (step.case is Case.SERIOUS) is (clock.case is Case.SERIOUS)
                ):
                    asked = self._asked(incident)
                    return next((each.action.id for each in asked if (pack, place) in each.of), f"clock_{clock.id}")
        return f"clock_{clock.id}"

    def _asked(self, incident: Incident) -> list[_Asked]:
        """Give the steps of every chain; what two packs ask alike is one, in the stricter time."""
        found: dict[tuple[object, ...], _Asked] = {}
        names: set[str] = set()
        for pack, chain in self._chains(incident.kind, incident.audience):
            seen: set[tuple[object, ...]] = set()
            counted = to_do(chain, is_serious=bool(incident.is_serious))
            for place, step in enumerate(chain.steps):
                if step not in counted:
                    continue
                role = self._roles[pack][step.to]
                key: tuple[object, ...] = (role.holds or role.id, step.case, step.when.in_language("en"))
                while key in seen:
                    key = (*key, place)
                seen.add(key)
                if (same := found.get(key)) is not None:
                    action = replace(same.action, within=stricter(same.action.within, step.within))
                    found[key] = _Asked(action, step.case, same.of | {(pack, place)})
                    continue
                name = _free(_named(step), names)
                names.add(name)
                found[key] = _Asked(_action_of(name, step, role, chain), step.case, frozenset({(pack, place)}))
        return list(found.values())


def _is_ordinary(chain: Chain) -> bool:
    audiences = tuple(Audience) if chain.audience is None else (chain.audience,)
    return any(track_of(kind, each) is Track.ORDINARY for kind in chain.kinds for each in audiences)


def _named(step: ChainStep) -> str:
    return f"refer_{step.to}_serious" if step.case is Case.SERIOUS else f"refer_{step.to}"


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _action_of(name: str, step: ChainStep, role: PackRole, chain: Chain) -> Action:
    return Action(
        id=name,
        label=_titled(role.title, step.when),
        owners=() if role.holds is None else (role.holds.value,),
        step=Step.REFER,
        within=step.within,
        location=chain.cites.location,
    )


def _titled(title: Words, when: Words) -> Words:
    """Give the title of a role with when it is brought in."""
    if when == NO_WORDS:
        return title
    languages = {*title.by_language, *when.by_language}
    return words(**{each: f"{title.in_language(each)}: {when.in_language(each)}" for each in languages})
