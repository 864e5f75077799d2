"""The one value that collectors give."""

import json

import pytest

from collectors.observed import KINDS, Observed, Priority


def test_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing of the kind 'gossip' can be observed"):
        Observed("gossip", Priority.STATE, {})


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_can_be_observed_and_written(kind: str) -> None:
    observed = Observed(kind, Priority.ACTIVITY, {"files": 3, "names": ["a"]})
    assert json.loads(json.dumps(observed.facts)) == {"files": 3, "names": ["a"]}
    assert not observed.key


def test_an_incident_goes_first_and_a_heartbeat_last() -> None:
    assert sorted(Priority) == [Priority.INCIDENT, Priority.STATE, Priority.ACTIVITY, Priority.HEARTBEAT]
