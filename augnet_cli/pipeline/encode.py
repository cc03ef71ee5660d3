"""`encode`: embeddings of a few files, without a store."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import BATCH
from augnet_cli.encoder.locate import choose_encoder
from augnet_cli.errors import ImageError
from augnet_cli.images.decode import decode
from augnet_cli.images.files import read_bytes
from augnet_cli.images.names import shown
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import Resize

SHIPPED = "shipped"


def encode(images: Sequence[str], encoder: str | None = None) -> np.ndarray:
    """Embed image files: (n, d) float32 unit rows in the order given; distance is 1 - dot product.

    Args:
        encoder: an encoder file; None takes the shipped one.

    Raises:
        ImageError: one of them can't be used.
        EncoderError: the encoder can't be used.
    """
    embedder = Embedder.load(choose_encoder(encoder or SHIPPED, data_folder=""))
    rows = [np.empty((0, embedder.dim), np.float32)]
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        pixels = [pixels_of(image, read_named(image), embedder.resize) for image in batch]
        rows.append(embedder.embed(np.stack(pixels)))
    return np.concatenate(rows)


def read_named(image: str) -> bytes:
    """The bytes of an image that the user named.

    Raises:
        ImageError: there is none, or it can't be read.
    """
    if not os.path.exists(image):
        raise ImageError(f"{shown(image)}: there is no such file", "check the path; `ls` shows what is here")
    try:
        return read_bytes(image)
    except Unusable as error:
        raise ImageError(f"{shown(image)}: {error.reason}", "name an image file that you may read") from error


def pixels_of(image: str, data: bytes, resize: Resize) -> np.ndarray:
    """The (S, S, 3) uint8 pixels of an image that the user named.

    Raises:
        ImageError: it can't be decoded.
    """
    try:
        return decode(data, resize, name=image).pixels
    except Unusable as error:
        raise ImageError(f"{shown(image)}: {error.reason}", "use another image, or repair it") from error
