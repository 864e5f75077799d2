"""Connections to the interface: whoever says nothing is not kept, and one address never has all of them."""

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

# What uvicorn keeps in all; people, and every laptop of a large school that comes back on one morning.
MAX_CONNECTIONS: Final = 700
# A whole school may stand behind one address; a few are left to the others.
MAX_OF_ADDRESS: Final = 600
# For the head of a request, from the beginning of the connection or the end of the request before.
HEAD_SECONDS: Final = 20.0


class BoundedConnection(H11Protocol):
    """One connection."""

    max_of_address = MAX_OF_ADDRESS
    head_seconds = HEAD_SECONDS
    _head_task: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Keep it, unless its address has too many already."""
        super().connection_made(transport)
        if self._of_same_address() > self.max_of_address:
            transport.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._expect_head()
        super().on_response_complete()

    def _of_same_address(self) -> int:
        if self.client is None:
            return 0
        others = (each.client for each in self.connections if isinstance(each, BoundedConnection))
        return sum(client is not None and client[0] == self.client[0] for client in others)

    def _expect_head(self) -> None:
        self._cancel()
        self._head_task = self.loop.call_later(self.head_seconds, self._end_without_head)

    def _end_without_head(self) -> None:
        # Where a request is under way its end comes later, and with it the next wait. To take leave of somebody who
        # says nothing would take as long again.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()

    def _cancel(self) -> None:
        if self._head_task is not None:
            self._head_task.cancel()
            self._head_task = None
