"""Metrics of a running gateway: the counters of its workers, the state of its lists, and what people decided."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from agent.assembly import STATE_NAME
from agent.dns.shared_memory import SharedMemory
from agent.fleet.fleet_events import FILE_NAME as FLEET_NAME
from agent.fleet.fleet_metrics import fleet_metrics
from agent.gateway.certificate_metrics import certificate_metrics
from agent.gateway.metrics import GatewayCollector, ListFacts
from agent.gateway.metrics_server import MetricsServer, canary_reasons, health_reasons
from agent.gateway.state_metrics import state_metrics
from agent.lists.list_status import ListState, status
from agent.sites.site import Endpoint, Site

# A refused update says so itself; the copy that stays may still be fresh.
NOT_FRESH: Final = (ListState.STALE, ListState.MISSING, ListState.NEVER_LOADED)


def start_metrics(
    endpoint: Endpoint,
    shared: SharedMemory,
    *,
    site: Callable[[], Site],
    reasons: Callable[[], list[str]],
    is_as_approved: Callable[[], bool],
) -> MetricsServer:
    """Serve `/metrics` and `/healthz`.

    Args:
        endpoint: where.
        shared: what the workers count.
        site: gives the site in force, whose lists and state are shown.
        reasons: gives what is not well beside what the workers report.
        is_as_approved: says whether the filter in force is the one that people approved.

    Raises:
        OSError: the endpoint cannot be listened on.
    """

    def lists() -> Iterator[ListFacts]:
        for each in status(site(), now=datetime.now(UTC)):
            yield ListFacts(
                each.name,
                each.names,
                each.age_seconds,
                is_refused=each.state is ListState.REFUSED,
                is_stale=each.state in NOT_FRESH,
            )

    def state() -> list[Metric]:
        approved = GaugeMetricFamily(
            "schoolgate_filter_as_approved", "Whether approved changes of the filter are in force.", is_as_approved()
        )
        folder, now = Path(site().paths.state), datetime.now(UTC)
        silent = timedelta(seconds=site().private.endpoints.silent_seconds)
        fleet = fleet_metrics(folder / STATE_NAME, folder / FLEET_NAME, now, silent_after=silent)
        certificates = {"interface": folder / "tls" / "certificate.pem"}
        if (of_block_page := site().listeners.block_page_certificate) is not None:
            certificates["block_page"] = Path(of_block_page)
        return [approved, *state_metrics(folder / STATE_NAME, now), *fleet, *certificate_metrics(certificates)]

    def health() -> list[str]:
        now = time.monotonic()
        # Without the interface there is no record to compare with.
        canaries = canary_reasons(shared, now) if site().listeners.api is not None else []
        return reasons() + health_reasons(shared, now) + canaries

    return MetricsServer(endpoint, GatewayCollector(shared, lists=lists, state=state), health)
