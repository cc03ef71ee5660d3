"""From the bytes of a file to the pixels that the encoder sees: one way for training and for use.

    kind ─ header ─ size check ─ pixels ─ eight-bit RGB ─ resize ─ EXIF turn

A cut-short file is never half a picture: what can't be decoded whole raises `Unusable`.
Several threads may decode at once.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from augnet_cli.errors import EncoderError
from augnet_cli.images.colour import flattened
from augnet_cli.images.exif import is_sideways, read_camera, read_exif, turned
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

__all__ = [
    "MAX_MEGAPIXELS",
    "decode",
    "decode_as_seen",
    "decode_short_side",
    "decode_small",
    "decode_within",
    "decoder_id",
]

# A JPEG for training is decoded at a scale that leaves twice the side asked for: views are cut out of it.
SHORT_SIDE_DRAFT = 2
# The shorter side at which a JPEG may be decoded for comparison, in parts of the longer one asked for.
# So decodes the shipped encoder, and one decoding serves both for pictures of 4:3 and longer ones.
SMALL_SHORT_SIDE = 0.75
DRAFT_SCALES = (8, 4, 2)  # divisors at which libjpeg decodes, for Pillow
# Pixels of an image from which on a second picture beside the first costs less than to decode again one image
# in five.
WORTH_A_SECOND = 50_000

Size = tuple[int, int]


def decode(
    data: bytes,
    resize: Resize,
    max_megapixels: float = MAX_MEGAPIXELS,
    name: str = "",
    beside: int | None = None,
) -> Decoded:
    """Decode, resize and turn one image; pixels are (S, S, 3) uint8.

    The first frame of an animation, the largest picture of an icon.
    `name` is needed only where bytes tell too little: a TGA, a camera's RAW that poses as TIFF.
    With `beside`, a side in pixels, what `decode_small` makes comes along where one decoding serves both and
    the image is so large that a second one would cost more.

    Raises:
        Unusable: for whatever is wrong with the image, with the reason.
        EncoderError: `resize` asks for what this version does not know.
    """
    if resize.fit != "stretch" or resize.filter != "bilinear":
        raise EncoderError(
            f"the encoder wants images resized by {resize.fit}, {resize.filter}", "upgrade augnet"
        )
    side, smallest = resize.size, math.ceil(resize.size * resize.draft)
    wanted = _Picture(lambda _: (side, side), lambda _: (smallest, smallest))
    return _decoded(data, name, max_megapixels, wanted, None if beside is None else _small(beside))


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
    return _decoded(data, name, max_megapixels, _Picture(fitted, lambda _: (smallest, smallest)))


def decode_within(data: bytes, side: int, max_megapixels: float = MAX_MEGAPIXELS, name: str = "") -> Decoded:
    """Decode and turn one image for a person to look at; pixels are (h, w, 3) uint8, never enlarged.

    The longer of h and w is `side`, or less where the image is smaller.

    Raises:
        Unusable: as `decode`.
    """

    fitted = _within(side)
    return _decoded(data, name, max_megapixels, _Picture(fitted, fitted))


def decode_small(data: bytes, side: int, max_megapixels: float = MAX_MEGAPIXELS, name: str = "") -> Decoded:
    """Decode and turn one image for comparison; pixels are (h, w, 3) uint8, never enlarged.

    The longer of h and w is `side`, or less where the image is smaller.  As `decode_within`, but the shorter
    side of a JPEG is decoded no smaller than `SMALL_SHORT_SIDE` of `side`: so decodes the shipped encoder,
    and mostly one decoding does.

    Raises:
        Unusable: as `decode`.
    """
    return _decoded(data, name, max_megapixels, _small(side))


def decode_as_seen(data: bytes, side: int, max_megapixels: float = MAX_MEGAPIXELS, name: str = "") -> Decoded:
    """Decode and turn one image to judge how sharp it is; pixels are (h, w, 3) uint8.

    At its own scale, or at a half, a third, ... of it, the smallest at which the longer side is still `side`:
    as sharp as a screen of that size shows it, and nowhere interpolated between a few pixels.

    Raises:
        Unusable: as `decode`.
    """

    def fitted(size: Size) -> Size:
        whole = max(1, max(size) // side)
        return max(1, size[0] // whole), max(1, size[1] // whole)

    return _decoded(data, name, max_megapixels, _Picture(fitted, fitted))


@dataclass(frozen=True)
class _Picture:
    """What to make of a decoded image: `target` maps the stored size to the size wanted, before the turn,
    `smallest` to the least size at which a JPEG may be decoded on the way there; (0, 0) is its full size."""

    target: Callable[[Size], Size]
    smallest: Callable[[Size], Size]


def _small(side: int) -> _Picture:
    fitted, shorter = _within(side), math.ceil(side * SMALL_SHORT_SIDE)

    def smallest(size: Size) -> Size:
        width, height = fitted(size)
        return max(width, shorter), max(height, shorter)

    return _Picture(fitted, smallest)


def _within(side: int) -> Callable[[Size], Size]:
    def fitted(size: Size) -> Size:
        scale = min(1.0, side / max(size))
        width, height = (max(1, round(length * scale)) for length in size)
        return width, height

    return fitted


def _decoded(
    data: bytes, name: str, max_megapixels: float, wanted: _Picture, beside: _Picture | None = None
) -> Decoded:
    """All decodings; of two pictures the second comes along where both are decoded at one scale."""
    kind = kind_to_decode(data, name)
    caught = Caught()
    try:
        with hushed_warnings(), _listening(kind) as caught:
            try:
                decoded = _pixels(data, kind, max_megapixels, wanted, beside)
            except Image.DecompressionBombError:
                with own_limit(max_megapixels):
                    decoded = _pixels(data, kind, max_megapixels, wanted, beside)
    except Unusable as error:
        raise Unusable(trimmed(error.reason)) from error
    except Image.DecompressionBombError as error:
        raise too_large(bomb_size(str(error)), max_megapixels) from error
    # The one broad catch: Pillow's decoders raise nearly every class there is for a broken file
    # (SyntaxError, KeyError, struct.error, OverflowError, ...), and a broken file is data, not a bug.
    except Exception as error:
        raise Unusable(plain_reason(kind, error, caught.text)) from error
    return replace(decoded, mutter=caught.text) if caught.text else decoded


def _listening(kind: str) -> contextlib.AbstractContextManager[Caught]:
    return contextlib.nullcontext(Caught()) if kind in SILENT_KINDS else catching_stderr()


def _pixels(
    data: bytes,
    kind: str,
    max_megapixels: float,
    wanted: _Picture,
    beside: _Picture | None,
) -> Decoded:
    image = open_header(data, kind)
    stored = image.size
    if kind == "JPEG":
        smallest = wanted.smallest(stored)
        if beside is not None and _draft_scale(stored, beside.smallest(stored)) != _draft_scale(
            stored, smallest
        ):
            beside = None
        _draft(image, smallest)
    # A progressive JPEG holds all its coefficients in memory at whatever scale it is decoded.
    check_size(stored if image.info.get("progressive") else image.size, max_megapixels)
    image.load()
    if kind != "JPEG":
        # Only now an icon tells the size of the picture inside, and a TIFF is turned already.
        stored = image.size
        check_size(stored, max_megapixels)
    if stored[0] * stored[1] < WORTH_A_SECOND:
        beside = None
    orientation, taken_at = read_exif(image)
    flat = flattened(image)

    def made(picture: _Picture) -> np.ndarray:
        return np.array(turned(resized(flat, picture.target(stored)), orientation).convert("RGB"))

    width, height = (stored[1], stored[0]) if is_sideways(orientation) else stored
    return Decoded(
        pixels=made(wanted),
        width=width,
        height=height,
        taken_at=taken_at,
        beside=made(beside) if beside is not None else None,
        kind=kind,
        camera=read_camera(image),
    )


def _draft(image: Image.Image, smallest: Size) -> None:
    """Have libjpeg decode at 1/2, 1/4 or 1/8 while neither side falls below `smallest`: much faster."""
    if min(smallest) > 0:
        image.draft(None, smallest)


def _draft_scale(stored: Size, smallest: Size) -> int:
    """The divisor that `_draft` comes to."""
    if min(smallest) <= 0:
        return 1
    room = min(have // need for have, need in zip(stored, smallest, strict=True))
    return next((scale for scale in DRAFT_SCALES if scale <= room), 1)
