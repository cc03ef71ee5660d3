"""Pickles of plain values and arrays of numbers, and nothing else.

A pickle is a program: whoever made the file could have it call any function.  CIFAR is given out as pickles,
so the few names that an array of numpy needs are known here, by our own references, and every other is
refused before it is looked up.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

_ARRAYS = ("numpy.core.multiarray", "numpy._core.multiarray")  # of numpy 1 and 2
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")


def _encoded(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes so that Python 2 can read them (`_codecs.encode`)."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"text in {encoding}")
    return text.encode("latin1")


def _known() -> dict[tuple[str, str], Callable[..., object]]:
    array = np.zeros(1, np.uint8)
    # What numpy itself would name for an array, in pickles up to protocol 4 and from 5 on.
    rebuilt: Any = array.__reduce__()[0]
    buffered: Any = array.__reduce_ex__(5)[0]
    found: dict[tuple[str, str], Callable[..., object]] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encoded,
    }
    found |= {(module, "_reconstruct"): rebuilt for module in _ARRAYS}
    found |= {(module, "_frombuffer"): buffered for module in _NUMERIC}
    return found


class _Plain(pickle.Unpickler):
    """Knows `_known` alone."""

    known = _known()

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        if (module, name) not in self.known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no plain data")
        return self.known[module, name]


def unpickled(stream: BinaryIO) -> object:
    """What a pickle holds; texts of Python 2 are read as latin1.

    Raises:
        ValueError: it is none, is cut short, or asks for anything but plain values and arrays.
        OSError: it can't be read.
    """
    try:
        return _Plain(stream, encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise ValueError(str(error)) from error
    except OSError:
        raise
    # A broken pickle raises whatever its opcodes happen to meet: it is data that can't be used, not a bug.
    except Exception as error:
        raise ValueError(f"it is no pickle ({type(error).__name__})") from error
