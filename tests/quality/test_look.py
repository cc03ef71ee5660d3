"""One file, read once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from PIL import Image

from augnet_cli.images.decode import decode_as_seen
from augnet_cli.images.files import content_hash
from augnet_cli.images.unusable import Unusable
from augnet_cli.quality.look import Look, look, looks, way


def saved(file: Path, picture: Image.Image, **options: object) -> tuple[str, str]:
    picture.save(file, **options)  # type: ignore[arg-type]
    return file.name, content_hash(file.read_bytes())


def with_camera(make: str, model: str) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = make, model
    return exif.tobytes()


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("Apple", "iPhone 13", "Apple iPhone 13"),
        ("Apple\0\0", " iPhone\n13 \x1b[2J", "Apple iPhone 13 [2J"),
        ("", "X100", "X100"),
        ("Leica", "", "Leica"),
        ("", "  ", None),
        ("A" * 500, "B", "A" * 60),
    ],
)
def test_camera_and_format_are_told(tmp_path: Path, make: str, model: str, camera: str | None) -> None:
    path, content = saved(tmp_path / "a.png", drawn_picture(1), format="JPEG", exif=with_camera(make, model))
    seen = look(str(tmp_path), path, content)
    assert (seen.format, seen.camera) == ("JPEG", camera)


def test_a_look_survives_being_kept_as_text(tmp_path: Path) -> None:
    for seed, size in ((1, (160, 120)), (2, (8, 8))):  # one too small for its blur to be told
        path, content = saved(tmp_path / f"{seed}.webp", drawn_picture(seed, *size))
        seen = look(str(tmp_path), path, content)
        assert Look.from_text(seen.as_text()) == seen
    for broken in ("", "[]", "{}", '{"format": "JPEG", "camera": null, "blur": 1}'):
        with pytest.raises(ValueError, match=r"."):
            Look.from_text(broken)
    assert "pillow" in way()


def test_a_file_that_holds_something_else_by_now_is_not_looked_at(tmp_path: Path) -> None:
    path, content = saved(tmp_path / "a.png", drawn_picture(1))
    saved(tmp_path / "a.png", drawn_picture(2))
    with pytest.raises(Unusable, match="changed"):
        look(str(tmp_path), path, content)


def test_files_come_in_order_and_what_fails_is_in_its_place(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{seed}.png", drawn_picture(seed, 100 + seed, 80)) for seed in range(12)]
    (tmp_path / "3.png").unlink()
    found = list(looks(str(tmp_path), files, workers=3))
    assert isinstance(found[3], Unusable) and "vanished" in found[3].reason
    for number, seen in enumerate(found):
        if number != 3:
            assert seen == look(str(tmp_path), *files[number])


def test_odd_and_broken_files_are_looked_at_or_told(
    shared_data: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data("robustness.tar")
    paths = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    files = [(path, content_hash((folder / path).read_bytes())) for path in paths]
    found = list(looks(str(folder), files, workers=2, max_megapixels=4))
    seen = [one for one in found if isinstance(one, Look)]
    assert len(seen) > 0.9 * len(files) and all(one.format for one in seen)
    for one in seen:
        numbers = [value for value in asdict(one.measures).values() if value is not None]
        assert np.isfinite(numbers).all() and min(numbers) >= 0
        assert (one.camera or "").isprintable() and Look.from_text(one.as_text()) == one
    assert capfd.readouterr().err == ""


def test_closing_early_ends_the_threads(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{seed}.png", drawn_picture(seed)) for seed in range(9)]
    found = looks(str(tmp_path), files, workers=2)
    next(found)
    found.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("augnet-look")]


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((640, 427), (427, 640)),
        ((2999, 40), (40, 2999)),
        ((3000, 2000), (1000, 1500)),
        ((900, 4600), (1533, 300)),
        ((4000, 1), (1, 2000)),
    ],
)
def test_large_pictures_are_seen_at_a_half_a_third_and_so_on(
    tmp_path: Path, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    picture = drawn_picture(5, *size)
    for format in ("JPEG", "PNG"):
        file = tmp_path / "large"
        picture.save(file, format, **({"compress_level": 1} if format == "PNG" else {}))
        decoded = decode_as_seen(file.read_bytes(), 1500)
        assert decoded.pixels.shape == (*shape, 3) and (decoded.width, decoded.height) == size
        wanted = np.asarray(picture.resize(shape[::-1], Image.Resampling.BOX), np.float64)
        assert np.abs(decoded.pixels - wanted).mean() < 4
