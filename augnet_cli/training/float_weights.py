"""The float weights of an encoder file by the names that torch has for them: what training starts from.

A file in float has them in its graph.  One in eight-bit integers carries them beside its graph, as an archive
of arrays in a metadata entry: unused weights within the graph would make ONNX Runtime warn of each.
"""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from typing import Any

import numpy as np

PREFIX = "encoder."  # of the weights' names in the graph: the encoder stands inside `export.UnitRows`
CARRIED_KEY = "augnet_float_weights"


def float_weights(model: Any) -> dict[str, np.ndarray]:
    """The weights of an `onnx.ModelProto`, without PREFIX; empty where it has none.

    Raises:
        ValueError: what it carries can't be read.
    """
    from onnx import TensorProto, numpy_helper

    for entry in model.metadata_props:
        if entry.key == CARRIED_KEY:
            return _unpacked(entry.value)
    return {
        tensor.name.removeprefix(PREFIX): numpy_helper.to_array(tensor).copy()
        for tensor in model.graph.initializer
        if tensor.name.startswith(PREFIX) and tensor.data_type == TensorProto.FLOAT
    }


def _unpacked(text: str) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(base64.b64decode(text, validate=True)), allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"no archive of weights: {error}") from error


def carry_float_weights(model: Any, weights: dict[str, np.ndarray]) -> None:
    """Have `model` carry the weights beside its graph."""
    archive = io.BytesIO()
    np.savez_compressed(archive, **weights)  # type: ignore[arg-type]
    entry = model.metadata_props.add()
    entry.key, entry.value = CARRIED_KEY, base64.b64encode(archive.getvalue()).decode()
