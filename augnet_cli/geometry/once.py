"""A property that is computed when first asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class computed_once(Generic[T]):
    """`functools.cached_property` without its lock.

    Before Python 3.12 that lock is one for all objects of a class: while one thread looks for the points of a
    picture, no other can.  Without it two threads may compute the same twice, which does no harm here.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> T:
        # What was kept under this name is found before this is asked.
        kept: dict[str, T] = instance.__dict__
        value = kept[self._name] = self._compute(instance)
        return value
