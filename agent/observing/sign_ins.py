"""Sign-ins, as machines tell of them: who opened which device, from when until when.

A RADIUS server or a directory tells when somebody logs on and off, a laptop when somebody signs in to it. What is
kept are pseudonyms, for as long as what was asked is kept; like what was asked, it is no act of anybody and leaves no
row in the record. The same sign-in may be told again, to say that it goes on or when it ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.observing.accounts_in_use import AccountsInUse
from agent.observing.known_devices import KnownDevices
from agent.observing.observing_told import Taken, audience_of, check_instant, person_called, take_each
from agent.people.people import Person
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import Site
from agent.storage.observation_rows import SIGN_INS
from agent.storage.presence_rows import (
    LONGEST,
    SETTLE,
    Presence,
    SignIn,
    read_presence,
    write_presence,
)
from agent.storage.state import Act, StateStore
from rules.errors import RefusedRequestError
from rules.subject import Audience


@dataclass(frozen=True, slots=True)
class ToldSignIn:
    """A sign-in as a machine tells of it; without `until_at` it goes on.

    `device` is an address or a link-layer address. `account` is whose: the id of a person, the name that they sign in
    with, or as their source calls them. It may be empty where several use the account.
    """

    id: str
    device: str
    account: str
    kind: SignIn
    from_at: datetime
    until_at: datetime | None = None


class SignIns:
    """Where sign-ins come in.

    Args:
        known: the devices that the site knows.
    """

    def __init__(
        self,
        store: StateStore,
        pseudonyms: Pseudonyms,
        *,
        site: Callable[[], Site],
        known: Callable[[], KnownDevices],
    ) -> None:
        self._store = store
        self._pseudonyms = pseudonyms
        self._site = site
        self._known = known
        self._in_use = AccountsInUse(known)

    def take(self, told: Sequence[ToldSignIn], *, unreadable: int = 0) -> Taken:
        """Take what can be taken; once this returns it survives whatever happens.

        Args:
            unreadable: how many more were told that nobody could read; they are counted.

        Raises:
            StorageError: nothing was taken.
        """
        return take_each(self._store, SIGN_INS, told, self._take_one, unreadable=unreadable)

    def _take_one(self, act: Act, told: ToldSignIn) -> bool:
        """Take one; says whether that is news."""
        site, known = self._site(), self._known()
        check_instant(told.from_at, "This began", act.now, site.retention.activity_days)
        _check_length(told)
        on = told.from_at.astimezone(ZoneInfo(site.school.timezone)).date()
        person = person_called(act, told.account) if told.account and told.kind is not SignIn.SHARED else None
        presence = Presence(
            id=told.id,
            device=known.pseudonym(told.device, on),
            person=self._pseudonyms.person(person.id, on) if person else "",
            kind=told.kind,
            from_at=told.from_at,
            told_at=act.now,
            until_at=told.until_at,
            audience=audience_of(person) if person else None,
            groups=groups_of(act, person) if person else frozenset(),
        )
        return self.keep(act, presence, network=known.audience(told.device))

    def keep(
        self,
        act: Act,
        presence: Presence,
        *,
        network: Audience | None = None,
        is_alone: bool = True,
        is_staffs: bool = False,
    ) -> bool:
        """Keep a sign-in of whoever has worked out the pseudonyms; says whether that is news.

        Args:
            network: whose the network is that its device is in, where that is known.
            is_alone: whether nobody else is signed in to the device beside them.
            is_staffs: whether the device itself is known to be one of staff, wherever it is.

        Raises:
            RefusedRequestError: one with its id was of another device or account.
        """
        before = read_presence(act.database, presence.id)
        if before is not None:
            presence = _told_again(before, presence)
            if replace(presence, told_at=before.told_at) == before and before.until_at is not None:
                return False
        write_presence(act, presence)
        if is_alone:
            self._in_use.look(act, presence, network=network, is_staffs=is_staffs)
        return True


def _check_length(told: ToldSignIn) -> None:
    if told.kind is not SignIn.SHARED and not told.account:
        raise RefusedRequestError("This sign-in is of no account; expected one, or the kind `shared`.")
    if told.until_at is None:
        return
    if told.until_at < told.from_at:
        raise RefusedRequestError("This ended before it began; expected an end after the beginning.")
    if told.until_at - told.from_at > LONGEST:
        hours = int((told.until_at - told.from_at).total_seconds() // 3600)
        raise RefusedRequestError(f"This lasts {hours:,} hours; expected a sign-in of a day at most.")


def _told_again(before: Presence, now: Presence) -> Presence:
    """Give what is known of a sign-in after it was told again; an end that is known stays."""
    if (before.device, before.person, before.kind) != (now.device, now.person, now.kind):
        raise RefusedRequestError(
            "This sign-in was told before of another device or account; expected an id of its own for each."
        )
    after = replace(
        before,
        from_at=min(before.from_at, now.from_at),
        until_at=now.until_at or before.until_at,
        told_at=now.told_at,
    )
    return replace(after, looked_back_at=None) if _was_different(before, after) else after


def _was_different(before: Presence, after: Presence) -> bool:
    """Say whether it was another time than what was weighed meanwhile was weighed by."""
    began_before = after.from_at < before.from_at
    ended_before = after.ends_at < before.ends_at and after.ends_at < after.told_at - SETTLE
    goes_on = after.ends_at > before.ends_at and before.ends_at < after.told_at
    return began_before or ended_before or goes_on


def groups_of(act: Act, person: Person) -> frozenset[str]:
    """Give the groups of the site that are the classes of a person."""
    rows = act.database.execute(
        "SELECT group_name FROM classes JOIN memberships ON class_id = classes.id"
        " WHERE person = ? AND group_name <> '' AND closed_at IS NULL",
        (person.id,),
    )
    return frozenset(row[0] for row in rows)
