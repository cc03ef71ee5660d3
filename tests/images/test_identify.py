"""Images told by name or by first bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from augnet_cli.images.identify import HEAD_BYTES, kind_of, named_as_image, starts_as_image


@pytest.mark.parametrize(
    "name", ["a.jpg", "A.JPEG", "b/c.HeiC", "x.CR2", "x.jxl", "x.svg", "x.eps", ".hidden.png"]
)
def test_image_suffixes_count_in_either_case(name: str) -> None:
    assert named_as_image(name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", ".jpg", "a.jpg.bak", "film.mp4", "x.pdf", "a.", ""])
def test_other_names_do_not_count(name: str) -> None:
    assert not named_as_image(name)


@pytest.mark.parametrize(
    ("format_", "kind"),
    [
        ("JPEG", "JPEG"), ("PNG", "PNG"), ("GIF", "GIF"), ("WEBP", "WebP"), ("BMP", "BMP"), ("TIFF", "TIFF"),
        ("JPEG2000", "JPEG 2000"), ("ICO", "ICO"), ("ICNS", "ICNS"), ("PPM", "Netpbm"), ("PCX", "PCX"),
        ("SGI", "SGI"), ("DDS", "DDS"), ("AVIF", "AVIF"), ("QOI", "QOI"),
    ],
)  # fmt: skip
def test_first_bytes_of_what_pillow_writes_tell_the_kind(format_: str, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, format_)
    assert kind_of(buffer.getvalue()[:HEAD_BYTES]) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIF"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", "AVIF"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "HEIF"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "camera RAW"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42", None),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "camera RAW"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (b"%!PS-Adobe-3.0\n", None),
        (b"BMW, a manual for drivers of old cars and others", None),
        (b"P5 is the fifth of our papers", None),
        (b"P5\n# made by hand\n2 2 255\n", "Netpbm"),
        (b"#define WIDTH 3\n", None),
        (b"", None),
    ],
)
def test_first_bytes_are_looked_at_closely_where_a_signature_is_short(head: bytes, kind: str | None) -> None:
    assert kind_of(head) == kind
    assert starts_as_image(head) == (kind is not None)


def test_python_sources_and_this_package_hold_no_images() -> None:
    for path in Path(__file__).resolve().parents[2].glob("augnet_cli/**/*.py"):
        assert not starts_as_image(path.read_bytes()[:HEAD_BYTES]), path
