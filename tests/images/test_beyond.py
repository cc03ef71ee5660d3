"""What a file holds beyond its first frame laid over white, in real files of each kind."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from conftest import drawn_picture
from PIL import Image, TiffImagePlugin

from augnet_cli.images.beyond import FRAMES, NOTHING, TRANSPARENCY, beyond, is_plain

FIRST, SECOND = (drawn_picture(seed, 48, 32) for seed in (1, 2))
WITH_HOLE, SOLID = FIRST.convert("RGBA"), FIRST.convert("RGBA")
WITH_HOLE.putalpha(Image.fromarray(np.full((32, 48), 255, np.uint8)))
WITH_HOLE.putpixel((3, 4), (9, 9, 9, 254))


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def two(kind: str, **how: object) -> Callable[[], bytes]:
    return lambda: saved(FIRST, kind, save_all=True, append_images=[SECOND], **how)


def with_reduced_page() -> bytes:
    """A page, and behind it the same one smaller, as scanners and cameras write it."""
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out) as writer:
        FIRST.save(writer, "TIFF")
        writer.newFrame()
        FIRST.resize((12, 8)).save(writer, "TIFF", tiffinfo={254: 1})
        writer.newFrame()
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG", "PPM", "AVIF"])
def test_a_plain_picture_holds_nothing_more(kind: str) -> None:
    assert beyond(saved(FIRST, kind)) == NOTHING


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "GIF", "AVIF"])
def test_a_second_frame_is_more(kind: str) -> None:
    assert beyond(two(kind)()) == {FRAMES}


def test_two_pictures_in_one_heif_are_more_than_one() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    assert beyond(saved(FIRST, "HEIF"), "a.heic") == NOTHING
    assert beyond(two("HEIF")(), "a.heic") == {FRAMES}


def test_a_reduced_page_of_a_tiff_is_no_second_picture_and_a_whole_one_is() -> None:
    assert beyond(with_reduced_page()) == NOTHING
    assert beyond(two("TIFF")()) == {FRAMES}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparency_counts_where_some_pixel_uses_it(kind: str) -> None:
    lossless = {"lossless": True} if kind == "WEBP" else {}
    assert beyond(saved(WITH_HOLE, kind, **lossless)) == {TRANSPARENCY}
    assert beyond(saved(SOLID, kind, **lossless)) == NOTHING


def test_an_animation_with_holes_is_both() -> None:
    data = saved(WITH_HOLE, "PNG", save_all=True, append_images=[SECOND.convert("RGBA")])
    assert beyond(data) == {FRAMES, TRANSPARENCY}


def test_what_a_jpeg_carries_beside_its_picture_and_the_sizes_of_an_icon_do_not_count() -> None:
    assert beyond(two("MPO")()) == NOTHING
    assert beyond(saved(FIRST.resize((64, 64)), "ICO", sizes=[(16, 16), (64, 64)])) == NOTHING


@pytest.mark.parametrize("data", [b"", b"no image at all", saved(WITH_HOLE, "PNG")[:200]])
def test_what_can_not_be_told_is_not_guessed(data: bytes) -> None:
    assert beyond(data) is None


def test_of_a_picture_over_the_limit_nothing_is_told() -> None:
    assert beyond(saved(WITH_HOLE, "PNG"), max_megapixels=0.001) is None


def test_only_a_kind_without_frames_and_transparency_is_known_by_its_beginning() -> None:
    assert is_plain(saved(FIRST, "JPEG")[:64])
    assert not any(is_plain(saved(FIRST, kind)[:64]) for kind in ("PNG", "GIF", "WEBP", "TIFF"))
