"""Restricted access: a real profile in the filter, with an end and the minimum left."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest

from agent.assembly import with_granted
from agent.dns.clients import ClientResolver
from agent.people.attempts import UnknownIdError
from agent.requests.granted import active_policies
from agent.storage.incident_rows import Filed
from agent.storage.restriction_rows import Restriction, read_running
from rules.engine import decide
from rules.errors import RefusedRequestError
from rules.event import Event
from rules.incident_kind import Kind
from rules.verdict import Allow, Block, ReasonCode

LAPTOP = "02:00:00:00:00:07"
UNTIL = NOW + timedelta(days=7)


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


@pytest.fixture
def filed(school: IncidentsOfTest) -> Filed:
    filed = school.open(Kind.BYPASS, rows=("P13",))
    school.accept(filed, row="P13")
    return school.filed(filed)


def number_of(school: IncidentsOfTest, filed: Filed, action: str = "remove_access") -> int:
    return next(step.number for step in school.steps(filed) if step.action == action)


def begin(school: IncidentsOfTest, filed: Filed, by: str = "network", **changes: Any) -> Restriction:
    values: dict[str, Any] = {
        "devices": [LAPTOP],
        "until_at": UNTIL,
        "review_on": NOW.date() + timedelta(days=3),
        "reason": REASON,
    } | changes
    number = values.pop("number", None) or number_of(school, filed)
    return school.incidents.restrictions.begin(school.ids[by], filed.incident.id, number, **values)


def verdict(school: IncidentsOfTest, address: str, *tags: str) -> ReasonCode:
    """Ask the filter as the gateway has it at this moment, what a device gets."""
    granted = active_policies(school.store.path, school.now, school.site.rulebook)
    site = with_granted(school.site, granted)
    resolver = ClientResolver(site.networks, site.groups, {"192.0.2.99": (LAPTOP,)})
    profile = resolver.profile_of(address)
    assert profile is not None
    found = decide(Event(school.now, profile, frozenset(tags)), site.rulebook)
    assert isinstance(found, Allow | Block)
    return found.reason.code


def test_only_the_minimum_is_left_to_the_device_until_the_end(school: IncidentsOfTest, filed: Filed) -> None:
    assert verdict(school, "192.0.2.99") is ReasonCode.NO_POLICY
    begin(school, filed)
    assert school.changed == 1
    assert verdict(school, "192.0.2.99") is ReasonCode.ALLOW_ONLY
    assert verdict(school, "192.0.2.99", "video") is ReasonCode.POLICY
    for guard in ("helplines", "system_updates", "school_essentials", "health_education", "for_children"):
        assert verdict(school, "192.0.2.99", guard) is ReasonCode.GUARD
    # What is blocked for everybody stays so, and nobody else is touched.
    assert verdict(school, "192.0.2.99", "games_educational", "gambling") is ReasonCode.POLICY
    assert verdict(school, "192.0.2.98") is ReasonCode.NO_POLICY
    school.now = UNTIL
    assert verdict(school, "192.0.2.99") is ReasonCode.NO_POLICY


def test_it_ends_by_itself_where_nobody_is_there_to_end_it(school: IncidentsOfTest, filed: Filed) -> None:
    begin(school, filed)
    granted = active_policies(school.store.path, school.now, school.site.rulebook)
    assert [policy.until_at for policy in granted] == [UNTIL]
    rulebook = with_granted(school.site, granted).rulebook
    assert rulebook.next_boundary(UNTIL - timedelta(seconds=1)) == UNTIL


def test_a_group_of_the_site_can_be_restricted(school: IncidentsOfTest, filed: Filed) -> None:
    begin(school, filed, devices=(), groups=["year5"])
    assert verdict(school, "192.0.2.20") is ReasonCode.ALLOW_ONLY
    assert verdict(school, "192.0.2.99") is ReasonCode.NO_POLICY


def test_it_is_begun_by_who_owns_the_step_or_reads_the_incident(school: IncidentsOfTest, filed: Filed) -> None:
    for name in ("teacher", "five", "technician", "pupil"):
        with pytest.raises(UnknownIdError):
            begin(school, filed, by=name)
    restriction = begin(school, filed, by="network")
    assert [each.id for each in school.incidents.restrictions.of(school.ids["head"], filed.incident.id)] == [
        restriction.id
    ]
    assert school.kinds()[-1] == "incident_access_restricted"
    assert LAPTOP not in school.record()[-1][2]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"reason": ""}, "The reason is missing", id="no-reason"),
        pytest.param({"until_at": NOW}, "A restriction ends; expected", id="ends-now"),
        pytest.param({"until_at": UNTIL.replace(tzinfo=None)}, "with its time zone", id="without-a-zone"),
        pytest.param({"until_at": NOW + timedelta(days=93)}, "within 92 days", id="for-ever"),
        pytest.param({"review_on": NOW.date() - timedelta(days=1)}, "looks at it again", id="review-before"),
        pytest.param({"review_on": NOW.date() + timedelta(days=8)}, "before it ends", id="review-after"),
        pytest.param({"groups": ["year9"]}, "has no group 'year9'", id="unknown-group"),
        pytest.param({"devices": []}, "would restrict nobody", id="nobody"),
        pytest.param({"devices": ["a b"]}, "devices that cannot be told", id="no-device"),
        pytest.param({"devices": [f"host{n}" for n in range(21)]}, "at most 20", id="too-many-devices"),
        pytest.param({"number": 1}, "expected the number of a step that says so", id="another-step"),
        pytest.param({"number": 99}, "expected the number of a step", id="no-step", marks=()),
    ],
)
def test_what_cannot_be_restricted_so(
    school: IncidentsOfTest, filed: Filed, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(RefusedRequestError, match=says):
        begin(school, filed, **({"by": "head"} | changes))
    assert school.changed == 0
    assert school.kinds()[-1] == "rule_refused"


def test_access_is_given_back_before_its_time_with_a_reason(school: IncidentsOfTest, filed: Filed) -> None:
    restriction = begin(school, filed)
    school.later(days=1)
    ends = school.incidents.restrictions
    with pytest.raises(RefusedRequestError, match="The reason is missing"):
        ends.end(school.ids["head"], restriction.id, reason="")
    with pytest.raises(UnknownIdError):
        ends.end(school.ids["teacher"], restriction.id, reason=REASON)
    ended = ends.end(school.ids["head"], restriction.id, reason=REASON)
    assert (ended.ended_at, ended.ended_by) == (school.now, school.ids["head"])
    assert school.changed == 2
    assert verdict(school, "192.0.2.99") is ReasonCode.NO_POLICY
    with pytest.raises(RefusedRequestError, match="is over already"):
        ends.end(school.ids["head"], restriction.id, reason=REASON)
    with pytest.raises(UnknownIdError):
        ends.end(school.ids["head"], "nothing", reason=REASON)


def test_what_the_clock_has_ended_is_written_down_once(school: IncidentsOfTest, filed: Filed) -> None:
    begin(school, filed)
    school.now = UNTIL + timedelta(hours=1)
    assert school.incidents.restrictions.sweep() == 1
    assert school.incidents.restrictions.sweep() == 0
    with school.store.read() as database:
        assert read_running(database) == []
    assert school.incidents.restrictions.of(school.ids["head"], filed.incident.id)[0].ended_at == UNTIL
    assert school.kinds()[-1] == "incident_access_restored"


def test_the_network_manager_is_told_only_of_what_is_restricted_to_them(
    school: IncidentsOfTest, filed: Filed
) -> None:
    owner = next(step for step in school.steps(filed) if step.action == "remove_access").owners
    assert owner == (school.ids["network"],)
    with pytest.raises(UnknownIdError):
        school.incidents.looking.get(owner[0], filed.incident.id, purpose="To see what it was", case=1)
