"""Every pixel mode to eight-bit RGB, against numpy and Pillow's own conversions."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from augnet_cli.images.decode import decode
from augnet_cli.records import Resize

S = 64


def decoded(image: Image.Image, format_: str, **options: object) -> np.ndarray:
    """As stored: the side is the picture's own, so nothing is resized."""
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return decode(buffer.getvalue(), Resize(S, draft=0)).pixels.astype(int)


def ramp(high: float, low: float = 0) -> np.ndarray:
    return np.linspace(low, high, S * S).reshape(S, S)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(values).astype(int)[:, :, None], 3, axis=2)


def colours() -> Image.Image:
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (S, S, 3), dtype=np.uint8))


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_sixteen_bit_grey_is_scaled_not_clipped(format_: str) -> None:
    values = ramp(65535).astype(np.uint16)
    pixels = decoded(Image.fromarray(values), format_)
    assert np.abs(pixels - grey(values / 257)).max() <= 1
    assert pixels.max() == 255 and len(np.unique(pixels)) == 256


def test_big_endian_and_white_is_zero_tiffs_read_the_same() -> None:
    values = ramp(65535).astype(np.uint16)
    big = Image.frombytes("I;16B", (S, S), values.astype(">u2").tobytes())
    assert np.abs(decoded(big, "TIFF") - grey(values / 257)).max() <= 1
    turned = decoded(Image.fromarray(65535 - values), "TIFF", tiffinfo={262: 0})
    assert np.abs(turned - grey(values / 257)).max() <= 1


@pytest.mark.parametrize("mode", ["I", "F"])
@pytest.mark.parametrize(
    ("low", "high", "black", "white"),
    [(0, 255, 0, 255), (0, 200, 0, 200), (-1000, 1000, 0, 255), (5_000, 2_000_000, 0, 255)],
)
def test_32_bit_grey_is_seen(mode: str, low: float, high: float, black: int, white: int) -> None:
    values = ramp(high, low).astype(np.int32 if mode == "I" else np.float32)
    pixels = decoded(Image.fromarray(values), "TIFF")
    assert np.abs(pixels - grey(ramp(white, black))).max() <= 1


def test_floats_between_0_and_1_are_a_scene_and_no_number_is_black() -> None:
    values = ramp(0.5).astype(np.float32)
    values[0, :2] = np.nan, np.inf
    reference = ramp(127.5)
    reference[0, :2] = 0
    assert np.abs(decoded(Image.fromarray(values), "TIFF") - grey(reference)).max() <= 1
    flat = Image.fromarray(np.full((S, S), 7e9, np.float32))
    assert len(np.unique(decoded(flat, "TIFF"))) == 1


@pytest.mark.parametrize(
    ("mode", "format_"),
    [("1", "PNG"), ("L", "PNG"), ("P", "PNG"), ("P", "GIF"), ("CMYK", "TIFF"), ("CMYK", "JPEG"),
     ("YCbCr", "JPEG"), ("LAB", "TIFF"), ("RGB", "TIFF"), ("L", "JPEG")],
)  # fmt: skip
def test_opaque_modes_are_converted_as_pillow_does(mode: str, format_: str) -> None:
    if mode == "LAB":
        lab = np.full((S, S, 3), (128, 0, 0), np.uint8)
        lab[:, :, 0] = ramp(255)
        image = Image.frombytes("LAB", (S, S), lab.tobytes())
    else:
        image = colours().convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, format_)
    reference = np.asarray(Image.open(buffer).convert("RGB")).astype(int)
    pixels = decode(buffer.getvalue(), Resize(S, draft=0)).pixels
    assert (pixels == reference).all()
    assert pixels.std() > 10


def test_cmyk_jpeg_of_adobe_is_not_a_negative() -> None:
    white = decoded(Image.new("CMYK", (S, S), (0, 0, 0, 0)), "JPEG")
    assert white.min() > 250


def over_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[:, :, None] / 255
    return rgb * share + 255 * (1 - share)


@pytest.mark.parametrize(
    ("mode", "format_"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "TIFF"), ("LA", "TIFF")]
)
def test_transparent_pixels_are_laid_over_white(mode: str, format_: str) -> None:
    image = colours().convert(mode)
    alpha = ramp(255).astype(np.uint8)
    image.putalpha(Image.fromarray(alpha))
    rgb = np.asarray(image.convert("RGBA"))[:, :, :3].astype(float)
    assert np.abs(decoded(image, format_) - over_white(rgb, alpha)).max() <= 1


def test_transparent_palette_entry_and_colour_key_are_laid_over_white() -> None:
    palette = Image.new("P", (S, S), 1)
    palette.putpalette([0, 0, 0, 200, 10, 10])
    palette.paste(0, (0, 0, S, S // 2))
    for format_ in ("PNG", "GIF"):
        pixels = decoded(palette, format_, transparency=0)
        assert (pixels[: S // 2] == 255).all() and (pixels[S // 2 :] == (200, 10, 10)).all()
    keyed = Image.new("RGB", (S, S), (1, 2, 3))
    assert (decoded(keyed, "PNG", transparency=(1, 2, 3)) == 255).all()
    partly = decoded(palette, "PNG", transparency=bytes([128, 255]))
    assert np.abs(partly[0, 0] - 127).max() <= 1


def test_opaque_alpha_gives_the_pixels_of_the_same_picture_without_alpha() -> None:
    image = colours()
    assert (decoded(image.convert("RGBA"), "PNG") == decoded(image, "PNG")).all()


def test_transparency_is_resolved_before_the_resize_mixes_pixels() -> None:
    # Hidden black under full transparency must not bleed into the white around it.
    image = Image.new("RGBA", (S * 4, S * 4), (0, 0, 0, 0))
    buffer = io.BytesIO()
    image.paste((255, 255, 255, 255), (0, 0, S * 2 + 1, S * 4))
    image.save(buffer, "PNG")
    assert decode(buffer.getvalue(), Resize(S)).pixels.min() == 255
