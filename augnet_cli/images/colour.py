"""From any of Pillow's pixel modes to eight-bit grey or RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

# Sixteen bits to eight is a division by 257, exactly.
SIXTEEN_BIT_WHITE = 65535.0
# Pixels turned into floats at a time: 8 MB.
BAND_PIXELS = 1 << 20
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
    if image.mode == "F" or image.mode.startswith("I"):
        return _deep_grey(image)
    if has_transparency(image):
        return _over_white(image)
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _deep_grey(image: Image.Image) -> Image.Image:
    """Scaled to eight bits in bands of rows: as floats, a large picture would take four times its memory."""
    values = np.asarray(image)
    black, white = _range_of(image, values)
    scale = 255 / ((white - black) or 1.0)
    grey = np.empty(values.shape, np.uint8)
    rows = max(1, BAND_PIXELS // values.shape[1])
    for top in range(0, len(values), rows):
        band = values[top : top + rows].astype(np.float64)
        band = np.nan_to_num(band, nan=0.0, posinf=0.0, neginf=0.0)
        grey[top : top + rows] = np.clip(np.rint((band - black) * scale), 0, 255)
    return Image.fromarray(grey)


def _range_of(image: Image.Image, values: np.ndarray) -> tuple[float, float]:
    """The values that are black and white.

    Sixteen bits have their full range. No file says what its floats and 32-bit integers mean:
    those in [0, 255], and floats in [0, 1], are taken for a scene; measurements span black to white.
    """
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16"):
        top = 4095.0 if tags.get(_BITS_PER_SAMPLE, ())[:1] == (12,) else SIXTEEN_BIT_WHITE
        # Pillow turns eight bits round where a TIFF has 0 for white, not sixteen.
        return (top, 0.0) if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else (0.0, top)
    if image.mode == "I" and image.format in _SIXTEEN_BIT_FORMATS:
        return 0.0, SIXTEEN_BIT_WHITE
    finite = values if np.isfinite(values).all() else values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    for top in (1.0, 255.0) if image.mode == "F" else (255.0,):
        if low >= 0 and high <= top:
            return 0.0, top
    return low, high


def has_transparency(image: Image.Image) -> bool:
    """Whether a picture has a place for transparency, used or not."""
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
