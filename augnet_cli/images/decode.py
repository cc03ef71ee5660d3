"""From the bytes of a file to the pixels that the encoder sees: one way for training and for use.

    kind ─ header ─ size check ─ pixels ─ eight-bit RGB ─ resize ─ EXIF turn

A cut-short file is never half a picture: what can't be decoded whole raises `Unusable`.
Several threads may decode at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from augnet_cli.errors import EncoderError
from augnet_cli.images.colour import flattened
from augnet_cli.images.exif import is_sideways, read_exif, turned
from augnet_cli.images.mutter import Caught, catching_stderr, hushed_warnings
from augnet_cli.images.opening import (
    MAX_MEGAPIXELS,
    SILENT_KINDS,
    check_size,
    decoder_id,
    kind_to_decode,
    open_header,
    own_limit,
    too_large,
)
from augnet_cli.images.reasons import bomb_size, plain_reason, trimmed
from augnet_cli.images.squares import resized
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import Decoded, Resize

__all__ = ["MAX_MEGAPIXELS", "decode", "decode_short_side", "decode_within", "decoder_id"]

# A JPEG for training is decoded at a scale that leaves twice the side asked for, as `Resize.draft` does.
SHORT_SIDE_DRAFT = 2

Size = tuple[int, int]


def decode(data: bytes, resize: Resize, max_megapixels: float = MAX_MEGAPIXELS, name: str = "") -> Decoded:
    """Decode, resize and turn one image; pixels are (S, S, 3) uint8.

    The first frame of an animation, the largest picture of an icon.
    `name` is needed only where bytes tell too little: a TGA, a camera's RAW that poses as TIFF.

    Raises:
        Unusable: for whatever is wrong with the image, with the reason.
        EncoderError: `resize` asks for what this version does not know.
    """
    if resize.fit != "stretch" or resize.filter != "bilinear":
        raise EncoderError(
            f"the encoder wants images resized by {resize.fit}, {resize.filter}", "upgrade augnet"
        )
    smallest = resize.size * resize.draft
    return _decoded(
        data, name, max_megapixels, lambda _: (resize.size, resize.size), lambda _: (smallest, smallest)
    )


def decode_short_side(
    data: bytes, side: int, max_megapixels: float = MAX_MEGAPIXELS, name: str = ""
) -> Decoded:
    """Decode and turn one image for training; pixels are (h, w, 3) uint8, never enlarged.

    The shorter of h and w is `side`, or less where the image is smaller.

    Raises:
        Unusable: as `decode`.
    """

    def fitted(size: Size) -> Size:
        scale = min(1.0, side / min(size))
        width, height = (max(1, round(length * scale)) for length in size)
        return width, height

    smallest = side * SHORT_SIDE_DRAFT
    return _decoded(data, name, max_megapixels, fitted, lambda _: (smallest, smallest))


def decode_within(data: bytes, side: int, max_megapixels: float = MAX_MEGAPIXELS, name: str = "") -> Decoded:
    """Decode and turn one image for a person to look at; pixels are (h, w, 3) uint8, never enlarged.

    The longer of h and w is `side`, or less where the image is smaller.

    Raises:
        Unusable: as `decode`.
    """

    def fitted(size: Size) -> Size:
        scale = min(1.0, side / max(size))
        width, height = (max(1, round(length * scale)) for length in size)
        return width, height

    return _decoded(data, name, max_megapixels, fitted, fitted)


def _decoded(
    data: bytes,
    name: str,
    max_megapixels: float,
    target: Callable[[Size], Size],
    smallest: Callable[[Size], Size],
) -> Decoded:
    """All decodings; `target` maps the stored size to the size wanted, before the turn, `smallest` to the
    least size at which a JPEG may be decoded on the way there; (0, 0) is its full size."""
    kind = kind_to_decode(data, name)
    caught = Caught()
    try:
        with hushed_warnings(), _listening(kind) as caught:
            try:
                pixels, size, taken_at = _pixels(data, kind, max_megapixels, target, smallest)
            except Image.DecompressionBombError:
                with own_limit(max_megapixels):
                    pixels, size, taken_at = _pixels(data, kind, max_megapixels, target, smallest)
    except Unusable as error:
        raise Unusable(trimmed(error.reason)) from error
    except Image.DecompressionBombError as error:
        raise too_large(bomb_size(str(error)), max_megapixels) from error
    # The one broad catch: Pillow's decoders raise nearly every class there is for a broken file
    # (SyntaxError, KeyError, struct.error, OverflowError, ...), and a broken file is data, not a bug.
    except Exception as error:
        raise Unusable(plain_reason(kind, error, caught.text)) from error
    return Decoded(pixels, *size, taken_at, caught.text)


def _listening(kind: str) -> contextlib.AbstractContextManager[Caught]:
    return contextlib.nullcontext(Caught()) if kind in SILENT_KINDS else catching_stderr()


def _pixels(
    data: bytes,
    kind: str,
    max_megapixels: float,
    target: Callable[[Size], Size],
    smallest: Callable[[Size], Size],
) -> tuple[np.ndarray, Size, str | None]:
    """((h, w, 3) uint8, size of the turned original, taken-at)."""
    image = open_header(data, kind)
    stored = image.size
    if kind == "JPEG" and min(smallest(stored)) > 0:
        _draft(image, smallest(stored))
    # A progressive JPEG holds all its coefficients in memory at whatever scale it is decoded.
    check_size(stored if image.info.get("progressive") else image.size, max_megapixels)
    image.load()
    if kind != "JPEG":
        # Only now an icon tells the size of the picture inside, and a TIFF is turned already.
        stored = image.size
        check_size(stored, max_megapixels)
    orientation, taken_at = read_exif(image)
    small = resized(flattened(image), target(stored))
    upright = turned(small, orientation).convert("RGB")
    size = (stored[1], stored[0]) if is_sideways(orientation) else stored
    return np.array(upright), size, taken_at


def _draft(image: Image.Image, smallest: Size) -> None:
    """Have libjpeg decode at 1/2, 1/4 or 1/8 while neither side falls below `smallest`: much faster."""
    image.draft(None, smallest)
