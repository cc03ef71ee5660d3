"""The encoder in use: right rows, any number of images and threads, and files that are no encoders."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from encoder_files import CARD, DIM, SIZE, rows_of, write_encoder
from onnx import TensorProto

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import choose_encoder, shipped_encoder
from augnet_cli.errors import EncoderError


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write_encoder(tmp_path / "encoder.onnx", CARD.to_json())


def test_rows_are_those_of_the_network_for_any_number_of_images(file: str) -> None:
    embedder = Embedder.load(file)
    assert (embedder.id, embedder.dim, embedder.resize, embedder.file) == (CARD.id, DIM, CARD.resize, file)
    for count in (1, 2, 33):
        rows = embedder.embed(images(count))
        assert rows.shape == (count, DIM) and rows.dtype == np.float32
        np.testing.assert_allclose(rows, rows_of(images(count)), atol=1e-5)


def test_no_images_give_no_rows(file: str) -> None:
    rows = Embedder.load(file).embed(np.empty((0, SIZE, SIZE, 3), np.uint8))
    assert rows.shape == (0, DIM) and rows.dtype == np.float32


def test_pixels_need_not_lie_in_order(file: str) -> None:
    pixels = images(6)
    embedder = Embedder.load(file)
    mirrored = pixels[::2, :, ::-1]
    np.testing.assert_array_equal(embedder.embed(mirrored), embedder.embed(mirrored.copy()))


def test_many_threads_get_the_rows_of_one(file: str) -> None:
    embedder = Embedder.load(file)
    batches = [images(5, seed) for seed in range(200)]
    alone = [embedder.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(embedder.embed, batches))
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)


def test_file_may_be_replaced_while_it_is_in_use(file: str) -> None:
    embedder = Embedder.load(file)
    before = embedder.embed(images(2))
    Path(file).write_bytes(b"another")
    np.testing.assert_array_equal(embedder.embed(images(2)), before)


def refused(file: str | Path) -> EncoderError:
    with pytest.raises(EncoderError) as error:
        Embedder.load(str(file))
    assert os.path.basename(str(file)) in error.value.what
    assert "\n" not in error.value.what and error.value.hint
    return error.value


@pytest.mark.parametrize(
    "data", [b"", b"hello\n" * 99, bytes(4096), bytes(range(256)) * 40, b"\x08\x09\x12\x00" * 50]
)
def test_files_that_are_no_onnx_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "some.onnx").write_bytes(data)
    refused(tmp_path / "some.onnx")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_file_cut_short_is_refused(share: float, file: str) -> None:
    data = Path(file).read_bytes()
    Path(file).write_bytes(data[: int(len(data) * share)])
    refused(file)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "missing.onnx").what
    assert "no file" in refused(tmp_path).what


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe_is_not_waited_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "no file" in refused(tmp_path / "pipe.onnx").what


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with open(tmp_path / "huge.onnx", "wb") as huge:
        huge.truncate(3 << 30)  # sparse: takes no room
    assert "too large" in refused(tmp_path / "huge.onnx").what


def test_onnx_file_without_card_is_told_from_garbage(tmp_path: Path) -> None:
    assert "no card" in refused(write_encoder(tmp_path / "other.onnx", None)).what


@pytest.mark.parametrize(
    "shape",
    [
        {"name": "pixels"},
        {"batch": 2},  # serves two images and no other number
        {"size": 7},
        {"dim": 4},
        {"kind": TensorProto.FLOAT},
    ],
)
def test_network_that_does_not_do_what_its_card_says_is_refused(
    shape: dict[str, object], tmp_path: Path
) -> None:
    file = write_encoder(tmp_path / "other.onnx", CARD.to_json(), **shape)  # type: ignore[arg-type]
    assert "what its card says" in refused(file).what


def test_name_with_control_characters_is_shown_harmlessly(tmp_path: Path) -> None:
    with pytest.raises(EncoderError) as error:
        Embedder.load(str(tmp_path / "a\x1b[31m\nb.onnx"))
    assert r"a\x1b[31m\nb.onnx" in error.value.what


def test_named_encoder_goes_before_the_folders_own_and_that_before_the_shipped(
    file: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert choose_encoder(file, str(data)) == file
    own = write_encoder(data / "encoder.onnx", CARD.to_json())
    assert choose_encoder(None, str(data)) == own
    assert choose_encoder(file, str(data)) == file
    with pytest.raises(EncoderError, match=r"nowhere\.onnx") as error:
        choose_encoder("nowhere.onnx", str(data))
    assert "--encoder shipped" in error.value.hint


def test_shipped_encoder_serves_where_there_is_no_other(tmp_path: Path) -> None:
    shipped = shipped_encoder()
    assert choose_encoder(None, str(tmp_path)) == choose_encoder("shipped", str(tmp_path)) == shipped
    embedder = Embedder.load(shipped)
    size = embedder.resize.size
    rows = embedder.embed(np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert os.path.getsize(shipped) <= 8_000_000
    assert 0 < embedder.card.threshold < 1
