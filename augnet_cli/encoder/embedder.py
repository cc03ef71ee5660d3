"""The encoder in use: uint8 images in, unit rows out, by ONNX Runtime on the CPU.

One session serves all threads; each call computes on the thread that makes it, so that as many calls as
there are cores run side by side (measured: faster than one call on all cores, above all on a busy machine).
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from augnet_cli.encoder.card import CARD_KEY, Card, parse_card
from augnet_cli.encoder.devices import session_on
from augnet_cli.encoder.session import open_session
from augnet_cli.errors import EncoderError
from augnet_cli.images.names import shown
from augnet_cli.records import Resize

# Larger files are no encoder of ours; reading them whole to find out would fill the memory.
MAX_ENCODER_BYTES = 1 << 30
CLUSTERS_OUTPUT = "clusters"  # name of the second output, which most encoders don't have


class Embedder:
    """An encoder file, open; safe to call from several threads."""

    def __init__(self, session: Any, card: Card, file: str) -> None:
        self._session = session
        self.card = card
        self.file = file

    @classmethod
    def load(cls, file: str) -> Embedder:
        """Open an encoder file.

        Raises:
            EncoderError: it is missing, no encoder, or from a newer version.
        """
        data = _read(file)
        session = _session(data, file)
        text = session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        if text is None:
            raise EncoderError(
                f"{shown(file)} is an ONNX file but no encoder of augnet: it has no card",
                "make one: augnet train FOLDER",
            )
        card = parse_card(text, file)
        _check_shapes(session, card, file)
        return cls(session, card, file)

    def on(self, device: str) -> Embedder:
        """The same encoder computed by another device, see `devices.session_on`; itself where the CPU serves.

        Raises:
            EncoderError: a device was named that can't serve.
        """
        data = _read(self.file)
        session = session_on(device, data, self.resize.size, self.embed)
        return self if session is None else Embedder(session, self.card, self.file)

    @property
    def id(self) -> str:
        return self.card.id

    @property
    def dim(self) -> int:
        return self.card.dim

    @property
    def resize(self) -> Resize:
        return self.card.resize

    @property
    def clusters(self) -> int:
        """How many clusters C it tells apart itself; 0 if it does not."""
        found = [output for output in self._session.get_outputs() if output.name == CLUSTERS_OUTPUT]
        return int(found[0].shape[1]) if found else 0

    def assignments(self, pixels: np.ndarray) -> np.ndarray:
        """(n, S, S, 3) uint8 images to (n, C) float32 probabilities of the encoder's own clusters.

        Only where `clusters` is not 0; n may be 0.
        """
        if len(pixels) == 0:
            return np.empty((0, self.clusters), np.float32)
        images = np.ascontiguousarray(pixels, np.uint8)
        (logits,) = self._session.run([CLUSTERS_OUTPUT], {"images": images})
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        made: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
        return made

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """(n, S, S, 3) uint8 images to (n, d) float32 unit rows; n may be 0."""
        if len(pixels) == 0:
            return np.empty((0, self.dim), np.float32)
        rows: np.ndarray = self._session.run(None, {"images": np.ascontiguousarray(pixels, np.uint8)})[0]
        return rows


def _read(file: str) -> bytes:
    try:
        if os.path.exists(file) and not os.path.isfile(file):  # a named pipe would be waited on for ever
            raise EncoderError(f"{shown(file)} is no file, so no encoder", "name an .onnx that augnet wrote")
        if os.path.getsize(file) > MAX_ENCODER_BYTES:
            raise EncoderError(
                f"{shown(file)} is too large to be an encoder", "name an .onnx that augnet wrote"
            )
        with open(file, "rb") as source:
            return source.read()
    except OSError as error:
        reason = (error.strerror or "can't be read").lower()
        raise EncoderError(f"the encoder {shown(file)} can't be read: {reason}", "check the path") from error


def _session(data: bytes, file: str) -> Any:
    try:
        return open_session(data)
    except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a broken file
        raise EncoderError(
            f"{shown(file)} is no encoder: ONNX Runtime can't open it",
            "name an .onnx that `augnet train` wrote",
        ) from error


def _check_shapes(session: Any, card: Card, file: str) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    size = card.resize.size
    fits = (
        len(inputs) == 1
        and inputs[0].name == "images"
        and inputs[0].type == "tensor(uint8)"
        and list(inputs[0].shape[1:]) == [size, size, 3]
        and not isinstance(inputs[0].shape[0], int)  # any number of images
        and outputs[0].type == "tensor(float)"
        and list(outputs[0].shape[1:]) == [card.dim]
        and all(_tells_clusters(output) for output in outputs[1:] if output.name == CLUSTERS_OUTPUT)
    )
    if not fits:
        raise EncoderError(
            f"{shown(file)} does not do what its card says", "use the file as `augnet train` wrote it"
        )


def _tells_clusters(output: Any) -> bool:
    """Whether an output is (n, C) floats, C at least 1."""
    shape = list(output.shape)
    return output.type == "tensor(float)" and len(shape) == 2 and isinstance(shape[1], int) and shape[1] > 0
