"""Every refusal of a laptop has a status that tells it what to do."""

import pytest

from agent.fleet.device_errors import STATUS, RefusedDeviceError


@pytest.mark.parametrize("kind", STATUS)
def test_a_refusal_has_its_status_and_its_sentence(kind: str) -> None:
    error = RefusedDeviceError(kind, "Why.")
    assert (error.kind, error.status, str(error)) == (kind, STATUS[kind], "Why.")
    # Whatever else there is would make a laptop try again as if the gateway were at fault.
    assert error.status in (400, 401, 403, 409, 413, 503)
