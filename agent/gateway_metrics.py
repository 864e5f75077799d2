"""Metrics of a running gateway: the counters of its workers, the state of its lists, and what people decided."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.core import Metric

from agent.assembly import STATE_NAME
from agent.list_status import ListState, status
from agent.metrics import GatewayCollector, ListFacts
from agent.metrics_server import MetricsServer, health_reasons
from agent.shared_memory import SharedMemory
from agent.site import Endpoint, Site
from agent.state_metrics import state_metrics


def start_metrics(
    endpoint: Endpoint, shared: SharedMemory, *, site: Callable[[], Site], reasons: Callable[[], list[str]]
) -> MetricsServer:
    """Serve `/metrics` and `/healthz`.

    Args:
        endpoint: where.
        shared: what the workers count.
        site: gives the site in force, whose lists and state are shown.
        reasons: gives what is not well beside what the workers report.

    Raises:
        OSError: the endpoint cannot be listened on.
    """

    def lists() -> Iterator[ListFacts]:
        for each in status(site(), now=datetime.now(UTC)):
            yield ListFacts(each.name, each.names, each.age_seconds, is_refused=each.state is ListState.REFUSED)

    def state() -> list[Metric]:
        return state_metrics(Path(site().paths.state) / STATE_NAME, datetime.now(UTC))

    def health() -> list[str]:
        return reasons() + health_reasons(shared, time.monotonic())

    return MetricsServer(endpoint, GatewayCollector(shared, lists=lists, state=state), health)
