"""From any of Pillow's pixel modes to eight-bit grey or RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

# 65535 / 257 is 255 exactly.
SIXTEEN_TO_EIGHT = 257
# Formats whose mode `I` is sixteen unsigned bits; elsewhere it is 32 signed ones of any range.
_SIXTEEN_BIT_FORMATS = frozenset(("PNG", "PPM", "JPEG2000"))
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0


def flattened(image: Image.Image) -> Image.Image:
    """The loaded picture in mode `L` or `RGB`, with no transparency and no palette.

    Grey deeper than eight bits is scaled, where Pillow's own `convert` would clip it.
    Transparent pixels are laid over white: the colour of paper and of most pages that show pictures,
    so that a logo on nothing and its copy saved on white are the same picture;
    what a fully transparent pixel hides is whatever the editor left there.
    """
    mode = image.mode
    if mode.startswith("I;16"):
        return _grey(_sixteen_bit(image) / SIXTEEN_TO_EIGHT)
    if mode == "I":
        return _grey(_scaled_integers(image))
    if mode == "F":
        return _grey(_scaled(np.asarray(image), tops=(1, 255)))
    if _has_transparency(image):
        return _over_white(image)
    if mode in ("L", "RGB"):
        return image
    if mode in ("1", "LA", "La"):
        return image.convert("L")
    return image.convert("RGB")


def _sixteen_bit(image: Image.Image) -> np.ndarray:
    """(h, w) float32 in [0, 65535], 0 black; TIFFs of twelve bits, or with 0 for white, are brought to that."""
    values = np.asarray(image).astype(np.float32)
    tags = getattr(image, "tag_v2", {})
    if tags.get(_BITS_PER_SAMPLE, ())[:1] == (12,):
        values *= 65535 / 4095
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow turns eight bits round, not sixteen
        values = 65535 - values
    return values


def _scaled_integers(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if image.format in _SIXTEEN_BIT_FORMATS:
        return values / SIXTEEN_TO_EIGHT
    return _scaled(values, tops=(255,))


def _scaled(values: np.ndarray, tops: tuple[int, ...]) -> np.ndarray:
    """Values to [0, 255]: from [0, top] for the first top that holds them all, else from their own range.

    No file says what its floats mean; scenes in [0, 1] and [0, 255] are common, measurements have any range.
    """
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    for top in tops:
        if low >= 0 and high <= top:
            return values * (255 / top)
    return (values - low) * (255 / ((high - low) or 1.0))


def _grey(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _has_transparency(image: Image.Image) -> bool:
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _over_white(image: Image.Image) -> Image.Image:
    """Composite over white; a picture that is opaque everywhere is only stripped of its alpha."""
    rgba = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
    alpha = rgba.getchannel("A")
    lowest, _ = alpha.getextrema()
    picture = rgba.convert("RGB")
    if lowest == 255:
        return picture
    return Image.composite(picture, Image.new("RGB", rgba.size, "white"), alpha)
