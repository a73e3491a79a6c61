"""One worker thread at a time uses the store, so that no second one joins an open transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")


class StoreThread:
    def __init__(self) -> None:
        self.limiter: Final = anyio.CapacityLimiter(1)

    async def run(self, call: Callable[[], T]) -> T:
        """What `call` returns. Raises what it raises."""
        return await anyio.to_thread.run_sync(call, limiter=self.limiter)
