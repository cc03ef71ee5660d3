"""Files of weights that torch wrote: read as tensors and plain values, never as code."""

from __future__ import annotations

import _codecs
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augnet_cli.errors import EncoderError
from augnet_cli.images.names import shown

# How such a file begins: a zip archive, or, before torch 1.6, a pickle.
BEGINNINGS = (b"PK\x03\x04", b"\x80")
# Where others put the state of a network beside that of an optimiser.
WRAPPERS = ("model", "state_dict", "model_state_dict", "net", "network")
DEEPEST = 3  # wrappers within wrappers
HINT = "save the weights alone: torch.save(model.state_dict(), 'weights.pth')"


def is_weight_file(file: str) -> bool:
    """Whether the file begins as those of torch do; not if it can't be read."""
    try:
        with open(file, "rb") as source:
            return source.read(4).startswith(BEGINNINGS)
    except OSError:
        return False


def read_weight_file(file: str) -> Mapping[str, Any]:
    """What `torch.save` put into a file: a mapping of names, as it stands there.

    Raises:
        EncoderError: it holds code, is broken, or is no mapping.
    """
    try:
        with torch.serialization.safe_globals(_plain_numpy()):
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch names what it would have had to call; other failures are of bytes that are no pickle.
        if "GLOBAL" in str(error) or "Unsupported" in str(error):
            raise EncoderError(
                f"{shown(file)} holds more than weights: it would run code when opened", HINT
            ) from error
        raise _broken(file) from error
    except (OSError, RuntimeError, ValueError, EOFError, LookupError, AttributeError, TypeError) as error:
        raise _broken(file) from error
    if not isinstance(loaded, Mapping):
        raise EncoderError(f"{shown(file)} holds no weights by name", HINT)
    return loaded


def _broken(file: str) -> EncoderError:
    return EncoderError(f"{shown(file)} can't be read as weights", HINT)


def _plain_numpy() -> list[Any]:
    """What pickles of numpy's arrays and numbers call; older files have weights and losses as such."""
    made: list[Any] = [
        value.__reduce__()[0] for value in (np.zeros(1), np.float64(1))
    ]  # these know how to make both
    # Before numpy 2 the module had another name.
    old = [(call, f"numpy.core.multiarray.{call.__name__}") for call in made]
    kinds = [type(np.dtype(code)) for code in ("f2", "f4", "f8", "i4", "i8", "u1", "?")]
    return [*made, *old, np.ndarray, np.dtype, *kinds, _codecs.encode]


def tensors_of(loaded: Mapping[str, Any], file: str) -> dict[str, Tensor]:
    """The tensors of a network by name, taken out of what wraps them; arrays become tensors.

    Raises:
        EncoderError: there are none.
    """
    for _ in range(DEEPEST):
        inner = next((loaded[key] for key in WRAPPERS if isinstance(loaded.get(key), Mapping)), None)
        if inner is None:
            break
        loaded = inner
    found = {
        str(name): torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in loaded.items()
        if isinstance(value, Tensor)
        or (isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.dtype.isnative)
    }
    if not found:
        raise EncoderError(f"{shown(file)} holds no weights by name", HINT)
    return found
