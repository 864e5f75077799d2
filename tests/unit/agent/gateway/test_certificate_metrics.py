"""What Prometheus is told of certificates: their end, and an end long ago of what cannot be read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.api.tls import open_certificate
from agent.gateway.certificate_metrics import UNREADABLE, certificate_metrics

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def told(path: Path) -> dict[str, float]:
    (family,) = certificate_metrics({"interface": path})
    return {sample.labels["shown_by"]: sample.value for sample in family.samples}


def test_the_end_of_a_certificate_is_told(tmp_path: Path) -> None:
    made = open_certificate(tmp_path, names=("localhost",), now=NOW)
    assert told(made.certificate) == {"interface": made.ends_at.timestamp()}


def test_nothing_is_told_of_one_that_is_not_there(tmp_path: Path) -> None:
    assert told(tmp_path / "certificate.pem") == {}


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff"])
def test_one_that_cannot_be_read_has_ended_long_ago(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "certificate.pem"
    path.write_bytes(content)
    assert told(path) == {"interface": UNREADABLE}
    assert told(tmp_path / "certificate.pem" / "inside") == {"interface": UNREADABLE}
