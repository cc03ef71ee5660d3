"""From bytes to the encoder's pixels, against full decodes, numpy and Pillow's own conversions."""

from __future__ import annotations

import io
import math
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from augnet_cli.errors import EncoderError
from augnet_cli.images.decode import (
    MAX_MEGAPIXELS,
    WORTH_A_SECOND,
    decode,
    decode_short_side,
    decode_small,
    decode_within,
    decoder_id,
)
from augnet_cli.images.exif import is_another_moment
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import Resize

S = 96
EXIF = Image.Exif
# Stored so that the orientation brings the same upright picture back: the inverse of each turn.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def picture(width: int = 320, height: int = 200) -> Image.Image:
    """Smooth and unlike any turn of itself."""
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    return Image.fromarray(np.stack([255 * x, 255 * y, 255 * x * y * y], axis=2).astype(np.uint8))


def expected(image: Image.Image, size: int = S) -> np.ndarray:
    return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)).astype(int)


def difference(pixels: np.ndarray, reference: np.ndarray) -> float:
    return float(np.abs(pixels.astype(int) - reference.astype(int)).mean())


def test_pixels_are_the_full_decode_resized(sample_photos: dict[str, Image.Image]) -> None:
    for photo in sample_photos.values():
        result = decode(encoded(photo, "PNG"), Resize(S))
        assert result.pixels.dtype == np.uint8 and result.pixels.shape == (S, S, 3)
        assert result.pixels.flags.writeable
        assert (result.pixels == expected(photo)).all()
        assert (result.width, result.height) == photo.size
        assert result.taken_at is None and result.mutter == ""


def test_draft_of_a_jpeg_is_nearly_the_full_decode_and_keeps_the_original_size(
    sample_photos: dict[str, Image.Image],
) -> None:
    for photo in sample_photos.values():
        data = encoded(photo.resize((1600, 1100)), "JPEG", quality=90)
        full, drafted = decode(data, Resize(S, draft=0)), decode(data, Resize(S))
        assert (full.pixels == expected(Image.open(io.BytesIO(data)))).all()
        assert 0 < difference(drafted.pixels, full.pixels) < 2
        assert (drafted.width, drafted.height) == (1600, 1100)


def test_draft_never_goes_under_its_multiple_of_the_side() -> None:
    data = encoded(picture(3 * S - 1, 3 * S), "JPEG")
    # Half of this would leave a side under 1.5 S: decoded in full.
    assert (decode(data, Resize(S)).pixels == decode(data, Resize(S, draft=0)).pixels).all()
    data = encoded(picture(3 * S, 3 * S), "JPEG")
    assert (decode(data, Resize(S)).pixels != decode(data, Resize(S, draft=0)).pixels).any()


def test_unknown_fit_is_an_error_of_the_encoder() -> None:
    with pytest.raises(EncoderError):
        decode(encoded(picture(), "PNG"), Resize(S, fit="crop"))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_give_the_same_upright_picture(orientation: int, format_: str) -> None:
    upright = picture()
    turn = STORED_AS[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0x9003] = "2021:05:06 07:08:09"
    stored = upright if turn is None else upright.transpose(turn)
    data = encoded(stored, format_, exif=exif.tobytes())
    result = decode(data, Resize(S))
    assert (result.width, result.height) == upright.size
    assert difference(result.pixels, expected(upright)) < 2
    if format_ != "TIFF":
        assert result.taken_at == "2021-05-06T07:08:09"
    short = decode_short_side(data, 100)
    assert short.pixels.shape == (100, 160, 3)
    assert (short.width, short.height) == upright.size
    reference = np.asarray(upright.resize((160, 100), Image.Resampling.BILINEAR))
    assert difference(short.pixels, reference) < 2
    within = decode_within(data, 160)
    assert (within.width, within.height) == upright.size
    assert difference(within.pixels, reference) < 2
    small = decode_small(data, 160)
    assert (small.width, small.height) == upright.size
    assert difference(small.pixels, reference) < 2


def test_orientation_files_of_the_wild_agree(shared_data: Callable[[str], Path]) -> None:
    files = sorted((shared_data("robustness.tar")).glob("**/robust_exif-orientation/*.jpg"))
    assert len(files) >= 8
    by_stem: dict[str, list[np.ndarray]] = {}
    for file in files:
        by_stem.setdefault(file.stem.rsplit("_", 1)[0], []).append(
            decode(file.read_bytes(), Resize(S)).pixels
        )
    assert max(map(len, by_stem.values())) >= 8
    for pictures in by_stem.values():
        for pixels in pictures:
            assert difference(pixels, pictures[0]) < 6


@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40],
)
def test_broken_exif_leaves_the_picture_usable(exif: bytes) -> None:
    assert (
        difference(decode(encoded(picture(), "JPEG", exif=exif), Resize(S)).pixels, expected(picture())) < 2
    )


@pytest.mark.parametrize(
    ("digits", "fraction"),
    [("6", ".600"), ("60", ".600"), ("0612345", ".061"), ("", ""), ("  ", ""), ("-1", ""), ("x", "")],
)
def test_parts_of_a_second_are_milliseconds_where_the_camera_wrote_them(digits: str, fraction: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2021:05:06 07:08:09"
    exif.get_ifd(0x8769)[0x9291] = digits
    taken = decode(encoded(picture(), "JPEG", exif=exif.tobytes()), Resize(S)).taken_at
    assert taken == f"2021-05-06T07:08:09{fraction}"
    datetime.fromisoformat(taken)


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("2021-05-06T07:08:09", "2021-05-06T07:08:10", True),
        ("2021-05-06T07:08:09.100", "2021-05-06T07:08:09.600", True),
        ("2021-05-06T07:08:09.100", "2021-05-06T07:08:09.100", False),
        ("2021-05-06T07:08:09.100", "2021-05-06T07:08:09", False),  # an editor left the part out
        ("2021-05-06T07:08:09.100", "2021-05-06T07:08:10", True),
        ("2021-05-06T07:08:09.100", None, False),
    ],
)
def test_moments_differ_by_what_both_times_know(one: str, other: str | None, differ: bool) -> None:
    assert is_another_moment(one, other) is differ
    assert is_another_moment(other, one) is differ


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", ""])
def test_time_that_is_none_is_none(taken: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    assert decode(encoded(picture(), "JPEG", exif=exif.tobytes()), Resize(S)).taken_at is None


@pytest.mark.parametrize(
    ("size", "shape"), [((800, 400), (128, 256, 3)), ((60, 90), (90, 60, 3)), ((1, 5000), (5000, 1, 3))]
)
def test_short_side_is_bounded_and_never_enlarged(size: tuple[int, int], shape: tuple[int, ...]) -> None:
    for format_ in ("JPEG", "PNG"):
        assert decode_short_side(encoded(picture(*size), format_), 128).pixels.shape == shape


@pytest.mark.parametrize(
    ("size", "shape"), [((800, 400), (64, 128, 3)), ((60, 90), (90, 60, 3)), ((1, 5000), (128, 1, 3))]
)
def test_long_side_is_bounded_and_never_enlarged(size: tuple[int, int], shape: tuple[int, ...]) -> None:
    for format_ in ("JPEG", "PNG"):
        assert decode_within(encoded(picture(*size), format_), 128).pixels.shape == shape
        assert decode_small(encoded(picture(*size), format_), 128).pixels.shape == shape


def drafted(data: bytes, smallest: tuple[int, int]) -> tuple[int, int]:
    """The size at which Pillow decodes a JPEG that is to be no smaller."""
    image = Image.open(io.BytesIO(data))
    image.draft(None, smallest)
    return image.size


# How long one takes says how busy the machine is.
@settings(deadline=None)
@given(
    size=st.tuples(st.integers(100, 900), st.integers(100, 900)),
    side=st.sampled_from((64, 128, 192)),
    draft=st.sampled_from((0, 1, 1.5, 2)),
    format_=st.sampled_from(("JPEG", "PNG")),
)
def test_the_small_picture_beside_is_the_one_decoded_alone(
    size: tuple[int, int], side: int, draft: float, format_: str
) -> None:
    data = encoded(picture(*size), format_)
    beside = decode(data, Resize(S, draft=draft), beside=side).beside
    encoder_s = drafted(data, (math.ceil(S * draft),) * 2) if draft else size
    longer = max(size)
    compared = tuple(max(round(length * min(1, side / longer)), math.ceil(0.75 * side)) for length in size)
    small = size[0] * size[1] < WORTH_A_SECOND
    if small or (format_ == "JPEG" and encoder_s != drafted(data, compared)):
        assert beside is None
    else:
        np.testing.assert_array_equal(beside, decode_small(data, side).pixels)


def test_nothing_comes_beside_unless_asked_for() -> None:
    assert decode(encoded(picture(), "JPEG"), Resize(S)).beside is None


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_first_frame_of_an_animation(format_: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    lossless = {"lossless": True} if format_ == "WEBP" else {}
    data = encoded(frames[0], format_, save_all=True, append_images=frames[1:], **lossless)
    assert difference(decode(data, Resize(8)).pixels, np.full((8, 8, 3), (255, 0, 0))) < 3


def test_mpo_is_its_first_picture() -> None:
    data = encoded(picture(), "MPO", save_all=True, append_images=[Image.new("RGB", (320, 200))])
    result = decode(data, Resize(S))
    assert (result.width, result.height) == (320, 200)
    assert difference(result.pixels, expected(picture())) < 2


@pytest.mark.parametrize(
    "format_",
    [
        "JPEG",
        "PNG",
        "GIF",
        "WEBP",
        "BMP",
        "TIFF",
        "AVIF",
        "JPEG2000",
        "ICO",
        "PPM",
        "PCX",
        "SGI",
        "DDS",
        "QOI",
    ],
)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_cut_short_file_is_never_half_a_picture(format_: str, part: float) -> None:
    data = encoded(picture(), format_)
    assert decode(data, Resize(S)).pixels.std() > 10
    with pytest.raises(Unusable):
        decode(data[: int(len(data) * part)], Resize(S), name=f"x.{format_.lower()}")


def test_truncated_jpeg_says_so() -> None:
    for progressive in (False, True):
        data = encoded(picture(), "JPEG", progressive=progressive)
        with pytest.raises(Unusable, match="JPEG cut short: data are missing at its end"):
            decode(data[: len(data) // 2], Resize(S))


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.jpg", "the file is empty"),
        (b"Dear diary,\ntoday", "a.jpg", "holds text, no image"),
        (("é" * 3000).encode()[:-1], "a.jpg", "holds text, no image"),
        (b"\n<!DOCTYPE html><html>", "a.png", "holds a web page (HTML), no image"),
        (b"\0" * 5000, "a.jpg", "holds only zero bytes (a copy that broke off?), no image"),
        (b"%PDF-1.7\n\xff", "a.jpg", "holds a PDF document"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isommp42", "a.heic", "holds a film (MP4 or QuickTime)"),
        (b"\x81\x92\xa3" * 50, "a.jpg", "holds no image format that is known"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a.eps", "EPS is a program, not pixels: not supported"),
        (b"<?xml version='1.0'?><svg/>", "a.svg", "SVG is a drawing, not pixels: not supported"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a", "JPEG XL is not supported"),
        (b"\xff\x0a\x99\x81", "a.jxl", "JPEG XL is not supported"),
    ],
)  # fmt: skip
def test_what_is_no_picture_has_its_own_reason(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(Unusable) as error:
        decode(data, Resize(S), name=name)
    assert error.value.reason == reason


def test_camera_raw_is_not_taken_for_its_thumbnail() -> None:
    thumbnail = encoded(picture(64, 48), "TIFF")
    dng = encoded(picture(64, 48), "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    nef = encoded(picture(64, 48), "TIFF", tiffinfo={254: 1, 330: 8})
    assert decode(thumbnail, Resize(S), name="a.tif").width == 64
    for data, name in ((thumbnail, "a.NEF"), (dng, "a.tif"), (nef, "")):
        with pytest.raises(Unusable, match=r"^camera RAW is not supported"):
            decode(data, Resize(S), name=name)


def test_name_is_needed_only_where_bytes_tell_nothing() -> None:
    tga = encoded(picture(), "TGA")
    assert difference(decode(tga, Resize(S)).pixels, expected(picture())) == 0  # by its footer
    old = tga[:-26]
    with pytest.raises(Unusable):
        decode(old, Resize(S))
    assert difference(decode(old, Resize(S), name="a.TGA").pixels, expected(picture())) == 0
    assert (
        difference(decode(encoded(picture(), "PNG"), Resize(S), name="a.jpg").pixels, expected(picture()))
        == 0
    )


def lying_png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG whose header promises what its data do not hold."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in body
    )


def test_size_is_checked_from_the_header_before_decoding() -> None:
    before = time.monotonic()
    with pytest.raises(Unusable) as error:
        decode(lying_png(30_000, 30_000), Resize(S))
    assert (
        error.value.reason
        == f"900 megapixels, the limit is {MAX_MEGAPIXELS:.0f} (raise it with --max-megapixels)"
    )
    assert time.monotonic() - before < 2
    with pytest.raises(Unusable, match="cut short"):
        decode(lying_png(1000, 1000), Resize(S))


def test_limit_can_be_lowered_and_raised() -> None:
    data = encoded(picture(1000, 500), "PNG")
    with pytest.raises(Unusable, match=r"limit is 0\.25 "):
        decode(data, Resize(S), max_megapixels=0.25)
    assert decode(data, Resize(S), max_megapixels=0.5).width == 1000


def test_jpeg_is_measured_at_the_scale_it_is_decoded_unless_progressive() -> None:
    image = Image.new("RGB", (4000, 3000), "teal")
    assert decode(encoded(image, "JPEG"), Resize(S), max_megapixels=0.5).width == 4000
    with pytest.raises(Unusable, match="12 megapixels"):
        decode(encoded(image, "JPEG", progressive=True), Resize(S), max_megapixels=0.5)


@pytest.mark.parametrize("format_", ["PNG", "GIF", "WEBP", "TIFF", "ICO"])
def test_pillows_own_limit_neither_warns_nor_decides(
    format_: str, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    data = encoded(picture(250, 200), format_)
    for pillows in (1000, 40_000):  # it would refuse; it would warn
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillows)
        assert decode(data, Resize(S)).pixels.std() > 10
        assert pillows == Image.MAX_IMAGE_PIXELS
        with pytest.raises(Unusable, match=r"the limit is 0\.01 "):
            decode(data, Resize(S), max_megapixels=0.01)
        assert pillows == Image.MAX_IMAGE_PIXELS
    assert not recwarn.list


def test_icon_with_a_huge_png_inside_is_refused() -> None:
    png = lying_png(60_000, 60_000)
    directory = struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 22)
    with pytest.raises(Unusable, match=r"^3,600 megapixels, the limit is 250"):
        decode(directory + png, Resize(S))


def test_text_that_unpacks_without_end_is_refused() -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(80_000_000))
    with pytest.raises(Unusable, match="a text in it unpacks too large"):
        decode(lying_png(10, 10, (b"zTXt", bomb)), Resize(S))


def test_decoding_in_threads_gives_the_same_pixels(capfd: pytest.CaptureFixture[str]) -> None:
    jobs = [
        encoded(picture(300 + n, 200), f)
        for n, f in enumerate(["JPEG", "PNG", "TIFF", "GIF", "AVIF", "BMP"] * 5)
    ]
    alone = [decode(data, Resize(S)).pixels for data in jobs]
    together: list[np.ndarray | None] = [None] * len(jobs)

    def work(first: int) -> None:
        for at in range(first, len(jobs), 4):
            together[at] = decode(jobs[at], Resize(S)).pixels

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert other is not None and (one == other).all()
    assert capfd.readouterr().err == ""


def test_decoder_id_names_both_libraries() -> None:
    import PIL

    assert decoder_id().startswith(f"pillow {PIL.__version__}, pillow-heif ")


HEIF_CODE = """
import io, sys
{block}
from augnet_cli.images.decode import decode
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import Resize
try:
    print(decode(bytes.fromhex("00000018667479706865696300000000") + b"mif1heic", Resize(8)))
except Unusable as error:
    print(error.reason)
"""


def test_heic_without_its_library_says_what_to_install() -> None:
    code = HEIF_CODE.format(block="sys.modules['pillow_heif'] = None")
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "HEIC needs pillow-heif: pip install pillow-heif\n"


def test_heic_is_decoded_where_its_library_is() -> None:
    import pillow_heif  # of the extra `heif`, which the tests install

    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture()).save(buffer, quality=90)
    result = decode(buffer.getvalue(), Resize(S))
    assert (result.width, result.height) == (320, 200)
    assert difference(result.pixels, expected(picture())) < 3
