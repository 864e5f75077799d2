"""Metrics of a running gateway: the counters of its workers, and the state of its lists."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from agent.list_status import ListState, status
from agent.metrics import GatewayCollector, ListFacts
from agent.metrics_server import MetricsServer, health_reasons
from agent.shared_memory import SharedMemory
from agent.site import Endpoint, Site


def start_metrics(
    endpoint: Endpoint, shared: SharedMemory, *, site: Callable[[], Site], reasons: Callable[[], list[str]]
) -> MetricsServer:
    """Serve `/metrics` and `/healthz`.

    Args:
        endpoint: where.
        shared: what the workers count.
        site: gives the site in force, whose lists are shown.
        reasons: gives what is not well beside what the workers report.

    Raises:
        OSError: the endpoint cannot be listened on.
    """

    def lists() -> Iterator[ListFacts]:
        for each in status(site(), now=datetime.now(UTC)):
            yield ListFacts(each.name, each.names, each.age_seconds, is_refused=each.state is ListState.REFUSED)

    def health() -> list[str]:
        return reasons() + health_reasons(shared, time.monotonic())

    return MetricsServer(endpoint, GatewayCollector(shared, lists=lists), health)
