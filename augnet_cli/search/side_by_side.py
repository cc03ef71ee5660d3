"""Blocks of work side by side: a thread for each core, and one thread inside each product.

Parallel inside the product, a search waits for the slowest thread in every tile: with one core busy that
measured 50 times slower than blocks side by side, which then lose no more than the core.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from augnet_cli.cores import usable_cores

Scratch = TypeVar("Scratch")
Result = TypeVar("Result")


def each(
    work: Callable[[int, Scratch], Result], items: Sequence[int], scratch: Callable[[], Scratch]
) -> list[Result]:
    """Run `work(item, scratch)` for all items; what one of them raises is raised when none runs any more.

    Args:
        work: called from several threads; it must spend its time where NumPy lets other threads run.
        items: begun in their order, so let the longest come first.
        scratch: makes what a thread works in, once for each: memory that is new to the process is slow.

    Returns:
        the results, in the order of the items.
    """
    own = threading.local()

    def run(item: int) -> Result:
        if not hasattr(own, "scratch"):
            own.scratch = scratch()
        return work(item, own.scratch)

    with _product_threads().limit(limits=1):
        if len(items) == 1:
            return [run(items[0])]
        pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="augnet-search")
        try:
            return list(pool.map(run, items))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@cache
def _product_threads() -> Any:
    """What sets the threads inside NumPy's products.  To look for it takes a millisecond, which a search of
    many small groups of rows would pay for each."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
