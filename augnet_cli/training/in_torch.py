"""An encoder that torch computes, in the form of `encoder.embedder.Embedder`: to judge what is not exported.

Used for the untrained network and for a checkpoint of a run that is not over.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np
import torch

from augnet_cli.errors import EncoderError, TrainingError
from augnet_cli.images.names import shown
from augnet_cli.records import Resize
from augnet_cli.training.checkpoint import checkpoint_in
from augnet_cli.training.encoder import Encoder, EncoderSpec

BATCH = 64  # images at a time
PREFIX = "encoder."  # of the encoder's weights in the state of a method
ID_BYTES = 8  # as of an exported encoder


class InTorch:
    """A network of torch at use: uint8 images in, unit rows out."""

    def __init__(self, encoder: Encoder, id: str, method: str, file: str = "") -> None:
        self.encoder = encoder.cpu().eval()
        self.id, self.method, self.file = id, method, file

    @property
    def dim(self) -> int:
        return self.encoder.dim

    @property
    def resize(self) -> Resize:
        return Resize(self.encoder.spec.size)

    @property
    def architecture(self) -> dict[str, object]:
        return self.encoder.spec.as_dict()

    @property
    def clusters(self) -> int:
        """How many clusters a second output tells apart; 0: there is none."""
        return self.encoder.spec.clusters

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """(n, S, S, 3) uint8 images to (n, d) float32 unit rows; n may be 0."""
        starts = range(0, len(pixels), BATCH)
        with torch.inference_mode():
            rows = [self.encoder.unit_rows(_floats(pixels[start : start + BATCH])) for start in starts]
        return torch.cat(rows).numpy() if rows else np.empty((0, self.dim), np.float32)

    def assignments(self, pixels: np.ndarray) -> np.ndarray:
        """(n, C) probabilities of the clusters for (n, S, S, 3) uint8 images."""
        assert self.encoder.clusters is not None
        starts = range(0, len(pixels), BATCH)
        made = []
        with torch.inference_mode():
            for start in starts:
                embeddings = self.encoder(_floats(pixels[start : start + BATCH]))
                made.append(self.encoder.clusters(embeddings).float().softmax(dim=1))
        return torch.cat(made).numpy() if made else np.empty((0, self.clusters), np.float32)


def _floats(pixels: np.ndarray) -> torch.Tensor:
    """(n, 3, S, S) in [0, 1] of (n, S, S, 3) uint8."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255


def encoder_of_checkpoint(file: str) -> InTorch:
    """The encoder that a run had when it was saved.

    Raises:
        EncoderError: the file is missing, no checkpoint of augnet, or of another version.
    """
    try:
        state = checkpoint_in(file)
    except FileNotFoundError as error:
        raise EncoderError(f"there is no checkpoint {shown(file)}", "check the path") from error
    except TrainingError as error:
        raise EncoderError(error.what, "name a checkpoint.pt that `augnet train` wrote") from error
    try:
        encoder = _built(state)
        method = str(state["identity"]["method"])
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise EncoderError(
            f"{shown(file)} holds no encoder that this version can build",
            "name a checkpoint.pt that this version of augnet wrote",
        ) from error
    return InTorch(encoder, _id_of(encoder), method, os.path.basename(file))


def _built(state: dict[str, Any]) -> Encoder:
    weights = {
        name.removeprefix(PREFIX): value for name, value in state["method"].items() if name.startswith(PREFIX)
    }
    # First weights are drawn, and then replaced: nobody else's random numbers are to change for that.
    with torch.random.fork_rng(devices=[]):
        encoder = Encoder(EncoderSpec(**state["identity"]["encoder"]))
        # Added by a method on its way: it is not what the run began with.
        told_apart = weights.get("clusters.weight")
        if told_apart is not None and encoder.clusters is None:
            encoder.add_clusters(len(told_apart))
    encoder.load_state_dict(weights)
    return encoder


def _id_of(encoder: Encoder) -> str:
    found = hashlib.blake2b(digest_size=ID_BYTES)
    for name, value in sorted(encoder.state_dict().items()):
        found.update(name.encode() + value.contiguous().numpy().tobytes())
    return found.hexdigest()
