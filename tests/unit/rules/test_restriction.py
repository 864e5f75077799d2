"""Restricted access as a policy: for somebody, with an end, and with a minimum that stays."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.policy import Effect
from rules.restriction import MINIMUM, device_group, device_of_group, policy_of

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def test_a_restriction_is_a_policy_with_an_end() -> None:
    until = NOW + timedelta(days=7)
    policy = policy_of("r1", groups={"year5"}, devices={"02:00:00:00:00:07"}, from_at=NOW, until_at=until)
    assert (policy.id, policy.effect, policy.tags) == ("restriction-r1", Effect.RESTRICT, MINIMUM)
    assert policy.scope.groups == {"year5", "device:02:00:00:00:00:07"}
    assert (policy.from_at, policy.until_at) == (NOW, until)


def test_a_restriction_of_nobody_is_none_of_everybody() -> None:
    with pytest.raises(ValueError, match="of nobody"):
        policy_of("r1", groups=(), devices=(), from_at=NOW, until_at=NOW)


@pytest.mark.parametrize("device", ["02:00:00:00:00:07", "laptop-7", "192.0.2.7"])
def test_the_group_of_a_device_names_it(device: str) -> None:
    assert device_of_group(device_group(device)) == device


@pytest.mark.parametrize("group", ["year5", "network:library", "device", ""])
def test_another_group_is_no_device(group: str) -> None:
    assert device_of_group(group) is None
