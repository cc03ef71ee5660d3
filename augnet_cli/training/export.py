"""From a trained encoder to the file that the light install runs; refused if the two disagree.

The file takes uint8 images (n, S, S, 3) and gives unit rows (n, d): scaling, normalisation and the unit
length are inside the graph.  An encoder with clusters gives their logits (n, C) too, of the same pass.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from augnet_cli.encoder.card import CARD_KEY, Card
from augnet_cli.encoder.embedder import CLUSTERS_OUTPUT, Embedder
from augnet_cli.errors import TrainingError
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.float_weights import carry_float_weights
from augnet_cli.training.silence import silence
from augnet_cli.training.whole import whole_file

# Rounding differs between the two runtimes by about 1e-7; a wrong graph differs by far more than this.
MAX_DRIFT = 1e-4
# Eight-bit integers move the shipped encoder's embeddings by 0.005; by much more, it is another encoder.
MAX_SHIFT = 0.03
OPSET = 20
ID_BYTES = 8  # of the hash that names an encoder: 64 bits tell any number of trained encoders apart


class UnitRows(nn.Module):
    """The encoder as it is used: (n, S, S, 3) uint8 to (n, d) unit rows, with clusters also (n, C) logits."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        embeddings = self.encoder(images.permute(0, 3, 1, 2).float() / 255)
        rows = self.encoder.unit_of(embeddings)
        return rows if self.encoder.clusters is None else (rows, self.encoder.clusters(embeddings))


def export_encoder(encoder: Encoder, card: Card, file: str, images: np.ndarray) -> tuple[Embedder, float]:
    """Write `encoder` with its card, whose id is filled in, to `file`, whole or not at all.

    Args:
        images: (n, S, S, 3) uint8, real images on which torch and ONNX Runtime are compared.

    Returns:
        The file opened, and the largest absolute difference of the two.

    Raises:
        TrainingError: they differ by more than MAX_DRIFT; `file` is then left as it was.
    """
    encoder.cpu().eval()
    data = _onnx_bytes(UnitRows(encoder), card)
    with whole_file(file) as out:
        out.write(data)
        out.flush()
        embedder = Embedder.load(out.name)
        drift = drift_between(encoder, embedder, images)
        if not drift <= MAX_DRIFT:
            raise TrainingError(
                f"the exported encoder differs from the trained one by {drift:.2g}",
                "the checkpoint is kept; try other versions of torch and onnxruntime",
            )
    embedder.file = file
    return embedder, drift


def drift_between(encoder: Encoder, embedder: Embedder, images: np.ndarray) -> float:
    """The largest absolute difference of what the two give for (n, S, S, 3) uint8 images.

    Of rows, and of the probabilities of clusters where there are any.
    """
    rows, logits = _outputs(encoder, images)
    drift = float(np.abs(embedder.embed(images) - rows).max())
    if logits is None:
        return drift
    shares = logits.softmax(1).numpy()
    if embedder.clusters != shares.shape[1]:
        return math.inf
    return max(drift, float(np.abs(embedder.assignments(images) - shares).max()))


def shift_between(encoder: Encoder, embedder: Embedder, images: np.ndarray) -> float:
    """The mean distance between what the two give for each of (n, S, S, 3) uint8 images."""
    return float(1 - (embedder.embed(images) * _outputs(encoder, images)[0]).sum(1).mean())


def moved_between(encoder: Encoder, embedder: Embedder, images: np.ndarray) -> float:
    """The share of (n, S, S, 3) uint8 images that the two put into different clusters; 0 without clusters."""
    if encoder.clusters is None:
        return 0.0
    logits = _outputs(encoder, images)[1]
    assert logits is not None
    if embedder.clusters != logits.shape[1]:
        return 1.0
    return float((embedder.assignments(images).argmax(1) != logits.argmax(1).numpy()).mean())


def _outputs(encoder: Encoder, images: np.ndarray) -> tuple[np.ndarray, Tensor | None]:
    """Rows, and logits of clusters where the encoder has any."""
    with torch.no_grad():
        made = UnitRows(encoder)(torch.from_numpy(images))
    rows, logits = made if isinstance(made, tuple) else (made, None)
    return rows.numpy(), logits


def _onnx_bytes(module: UnitRows, card: Card) -> bytes:
    encoder = module.encoder
    size, outputs = encoder.spec.size, ["embeddings"]
    if encoder.clusters is not None:
        outputs.append(CLUSTERS_OUTPUT)
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with silence():
        # Not optimised here: ONNX Runtime does that when it opens the file, and the weights keep their names,
        # so that training can start from the file again.
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            optimize=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=outputs,
            dynamic_shapes={"images": {0: "n"}},
            verbose=False,
        )
    assert program is not None  # with `dynamo` it always is one
    return model_bytes(program.model_proto, card)


def model_bytes(model: Any, card: Card, carried: dict[str, np.ndarray] | None = None) -> bytes:
    """`model` as a file with its card, whose id is filled in, and with float weights that it is to carry.

    The id stands for all that makes an embedding: the graph, its weights, and how an image becomes its input.
    """
    _strip(model)
    bare: bytes = model.SerializeToString(deterministic=True)
    resize = json.dumps(asdict(card.resize), sort_keys=True).encode()
    named = replace(card, id=hashlib.blake2b(bare + resize, digest_size=ID_BYTES).hexdigest())
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, named.to_json()
    if carried is not None:
        carry_float_weights(model, carried)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def recarded(embedder: Embedder, card: Card) -> Embedder:
    """The file of `embedder` with another card, opened anew; graph, weights and id stay as they are.

    Raises:
        TrainingError: it can't be written; the file is then as it was.
    """
    import onnx

    model = onnx.load(embedder.file)
    for entry in model.metadata_props:
        if entry.key == CARD_KEY:
            entry.value = card.to_json()
    with whole_file(embedder.file) as out:
        out.write(model.SerializeToString(deterministic=True))
    return Embedder.load(embedder.file)


def _strip(model: Any) -> None:
    """Remove what the exporter notes for debugging: stack traces with paths of the machine that exported."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    model.producer_version = ""
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
