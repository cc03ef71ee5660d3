"""Encoder files made by hand with the onnx library, for tests that need odd ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from augnet_cli.encoder.card import CARD_KEY, Card
from augnet_cli.records import Resize

SIZE, DIM = 8, 5

CARD = Card(
    id="0123456789abcdef",
    method="augnet",
    architecture={"backbone": "none", "size": SIZE, "dim": DIM},
    dim=DIM,
    resize=Resize(SIZE),
    thresholds={"0.9": 0.3, "0.99": 0.25, "0.999": 0.2},
    training={"images": 3, "command": "augnet train photos"},
    scores={"copy_recall_at_precision_0.99": 0.5},
)


def projection(seed: int = 0) -> np.ndarray:
    """(S S 3, d): what the hand-made encoder multiplies an image with."""
    return np.random.default_rng(seed).standard_normal((SIZE * SIZE * 3, DIM)).astype(np.float32)


def rows_of(images: np.ndarray) -> np.ndarray:
    """What the hand-made encoder is to give for (n, S, S, 3) uint8."""
    flat = images.reshape(len(images), -1).astype(np.float64) @ projection().astype(np.float64)
    rows: np.ndarray = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return rows


def write_encoder(
    file: Path,
    card: str | None,
    name: str = "images",
    batch: str | int = "n",
    size: int = SIZE,
    dim: int = DIM,
    kind: int = TensorProto.UINT8,
    seed: int = 0,
) -> str:
    """A linear encoder: cast, flatten, multiply, divide by the length."""
    weights = projection(seed)[: size * size * 3, :dim]
    nodes = [
        helper.make_node("Cast", [name], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["raw"]),
        helper.make_node("LpNormalization", ["raw"], ["embeddings"], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info(name, kind, [batch, size, size, 3])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [batch, dim])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if card is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = CARD_KEY, card
    onnx.save(model, str(file))
    return str(file)
