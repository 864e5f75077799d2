"""Who is behind a device: A to D cell by cell, and never a person where anything speaks against it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from agent.observing.identity import (
    ADDRESS_ONLY,
    FRESH_FOR,
    MINUTE,
    NETWORK_LOG_ON,
    OLD_SIGN_IN,
    SEVERAL_PEOPLE,
    SHARED_ACCOUNT,
    SHARED_DEVICE,
    SIGNED_IN,
    STAFF_AT_PUPIL_DEVICE,
    TWO_DEVICES,
    UNKNOWN_ACCOUNT,
    WHYS,
    Identities,
    Identity,
    identify,
)
from agent.observing.known_devices import Known
from agent.storage.presence_rows import Presence, SignIn, write_presence
from agent.storage.state import StateStore
from rules.observation import Confidence
from rules.subject import Audience

AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
ADA = Presence(
    id="s1",
    device="device7",
    person="p-ada",
    kind=SignIn.LOGON,
    from_at=AT - timedelta(minutes=20),
    told_at=AT,
    until_at=AT + timedelta(minutes=20),
    audience=Audience.PUPIL,
    groups=frozenset({"class5"}),
)
BEN = replace(ADA, id="s2", person="p-ben")
ELSEWHERE = replace(ADA, id="s3", device="device8")
TEACHER = replace(ADA, id="s4", person="p-teacher", audience=Audience.STAFF)
OLD = replace(ADA, until_at=None, told_at=AT - FRESH_FOR - MINUTE)


def who(*here: Presence, elsewhere: tuple[Presence, ...] = (), **changes: Any) -> Identity:
    return identify("device7", AT, here, elsewhere, **{"audience": Audience.PUPIL, **changes})


@pytest.mark.parametrize(
    ("identity", "confidence", "why"),
    [
        pytest.param(who(replace(ADA, kind=SignIn.ATTESTED)), "A", (SIGNED_IN,), id="own-sign-in-A"),
        pytest.param(who(ADA), "B", (NETWORK_LOG_ON,), id="log-on-B"),
        pytest.param(who(ADA, replace(ADA, id="s9")), "B", (NETWORK_LOG_ON,), id="twice-the-same-person-B"),
        pytest.param(who(), "D", (ADDRESS_ONLY,), id="nobody-D"),
        pytest.param(who(replace(ADA, person="", kind=SignIn.SHARED)), "C", (SHARED_ACCOUNT,), id="shared-account-C"),
        pytest.param(who(replace(ADA, person="")), "C", (UNKNOWN_ACCOUNT,), id="unknown-account-C"),
        pytest.param(who(ADA, BEN), "C", (SEVERAL_PEOPLE,), id="two-people-C"),
        pytest.param(who(ADA, elsewhere=(ELSEWHERE,)), "C", (TWO_DEVICES,), id="two-devices-C"),
        pytest.param(who(known=Known(is_shared=True)), "C", (SHARED_DEVICE,), id="shared-device-C"),
        pytest.param(
            who(replace(ADA, kind=SignIn.ATTESTED), known=Known(is_shared=True)),
            "C",
            (SHARED_DEVICE,),
            id="shared-device-with-a-sign-in-C",
        ),
        pytest.param(who(OLD), "C", (OLD_SIGN_IN,), id="old-sign-in-that-nobody-ended-C"),
        pytest.param(who(TEACHER), "C", (STAFF_AT_PUPIL_DEVICE,), id="account-of-staff-at-a-device-of-pupils-C"),
        pytest.param(
            who(TEACHER, audience=Audience.STAFF), "B", (NETWORK_LOG_ON,), id="account-of-staff-at-one-of-staff-B"
        ),
        pytest.param(
            who(TEACHER, audience=Audience.GUEST), "B", (NETWORK_LOG_ON,), id="account-of-staff-as-a-guest-B"
        ),
        pytest.param(who(ADA, TEACHER), "C", (SEVERAL_PEOPLE, STAFF_AT_PUPIL_DEVICE), id="every-doubt-is-said"),
    ],
)
def test_each_cell(identity: Identity, confidence: str, why: tuple[str, ...]) -> None:
    assert (identity.confidence, identity.why) == (confidence, why)
    assert identity.subject == (identity.subject if identity.confidence.is_personal else "device7")
    assert set(why) <= set(WHYS)


def test_a_person_is_told_with_their_own_audience_and_classes() -> None:
    identity = who(TEACHER, audience=Audience.GUEST, known=Known(frozenset({"library"})))
    assert (identity.subject, identity.audience) == ("p-teacher", Audience.STAFF)
    assert identity.groups == {"class5", "library"}


def test_a_device_is_told_with_the_audience_of_its_network() -> None:
    identity = who(TEACHER, known=Known(frozenset({"library"})))
    assert (identity.subject, identity.audience, identity.groups) == (
        "device7",
        Audience.PUPIL,
        frozenset({"library"}),
    )


PRESENCES = (ADA, BEN, TEACHER, OLD, replace(ADA, person=""), replace(ADA, person="", kind=SignIn.SHARED))


@pytest.mark.parametrize(("one", "other"), list(product(PRESENCES, PRESENCES)))
@pytest.mark.parametrize("elsewhere", [(), (ELSEWHERE,)])
def test_never_a_person_where_two_are_possible(
    one: Presence, other: Presence, elsewhere: tuple[Presence, ...]
) -> None:
    identity = who(one, other, elsewhere=elsewhere)
    people = {one.person, other.person}
    if len(people) > 1 or "" in people or elsewhere:
        assert identity.confidence is Confidence.C
        assert identity.subject == "device7"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    opened = StateStore(tmp_path / "state.db", clock=lambda: AT)
    with opened.act() as act:
        for each in (ADA, replace(ELSEWHERE, from_at=AT + MINUTE)):
            write_presence(act, each)
    yield opened
    opened.close()


def test_it_is_looked_up_minute_by_minute(store: StateStore) -> None:
    with store.read() as database:
        identities = Identities(database)
        before, after = (identities.at("device7", at, audience=Audience.PUPIL) for at in (AT, AT + MINUTE))
        assert (before.confidence, after.confidence) == (Confidence.B, Confidence.C)
        assert after.why == (TWO_DEVICES,)
        assert identities.at("device9", AT, audience=Audience.STAFF).confidence is Confidence.D


def test_whoever_tells_of_it_may_know_who_signed_in(store: StateStore) -> None:
    with store.read() as database:
        identities = Identities(database)
        own = replace(ADA, kind=SignIn.ATTESTED)
        told = identities.told_with("device7", AT, audience=Audience.PUPIL, further=(own,))
        contradicted = identities.told_with("device7", AT, audience=Audience.PUPIL, further=(BEN,))
    assert (told.confidence, told.subject) == (Confidence.A, "p-ada")
    assert (contradicted.confidence, contradicted.why) == (Confidence.C, (SEVERAL_PEOPLE,))
