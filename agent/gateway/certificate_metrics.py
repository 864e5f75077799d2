"""What Prometheus is told of certificates: until when each is good, never for whom it is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cryptography import x509
from prometheus_client.core import GaugeMetricFamily, Metric

# As if it had ended long ago, for whoever waits for one that is good is told soon then.
UNREADABLE: Final = 0.0


def certificate_metrics(certificates: Mapping[str, Path]) -> Iterator[Metric]:
    """Tell when certificates end; nothing of one that is not there.

    Args:
        certificates: PEM files, by a word of ours for who shows them.
    """
    ends = GaugeMetricFamily(
        "schoolgate_certificate_end_time_seconds",
        f"When a certificate ends, since 1970; {UNREADABLE:g} where it cannot be read.",
        labels=["shown_by"],
    )
    for shown_by, path in certificates.items():
        try:
            ends_at = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            ends_at = UNREADABLE
        ends.add_metric([shown_by], ends_at)
    yield ends
