"""Devices beside the CPU: taken where they agree with it and are faster, else told or left.

This machine has the CPU alone, so sessions of the CPU stand in for other devices; they are real ones, of the
same encoder, of another one, slowed down, or broken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoder_files import CARD, SIZE, write_encoder

from augnet_cli.encoder import devices
from augnet_cli.encoder.devices import probes
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.session import open_session
from augnet_cli.errors import EncoderError


@pytest.fixture
def embedder(tmp_path: Path) -> Embedder:
    return Embedder.load(write_encoder(tmp_path / "encoder.onnx", CARD.to_json()))


class Paced:
    """A session that computes at another pace."""

    def __init__(self, session: Any, seconds: float) -> None:
        self.session, self.seconds = session, seconds

    def run(self, names: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        time.sleep(self.seconds)
        found: list[np.ndarray] = self.session.run(names, feed)
        return found


def has(monkeypatch: pytest.MonkeyPatch, opened: dict[str, Callable[[bytes], Any]]) -> None:
    """Let the installed ONNX Runtime have these devices, each opened by a function."""
    names = {devices.PROVIDERS[name]: opens for name, opens in opened.items()}
    monkeypatch.setattr(devices, "devices", lambda: [*opened, "cpu"])
    monkeypatch.setattr(devices, "open_session", lambda data, provider: names[provider](data))


def fails(data: bytes) -> Any:
    raise RuntimeError("no driver")


def slowed(embedder: Embedder, seconds: float) -> Embedder:
    return Embedder(Paced(embedder._session, seconds), embedder.card, embedder.file)


def test_cpu_is_there_and_is_what_serves_by_itself(embedder: Embedder) -> None:
    assert devices.devices()[-1] == "cpu"
    assert embedder.on("cpu") is embedder


def test_named_device_that_is_not_installed_is_refused(embedder: Embedder) -> None:
    for name in ("rocm", "abacus"):
        with pytest.raises(EncoderError, match=name) as error:
            embedder.on(name)
        assert error.value.hint


def test_named_device_serves_with_the_same_rows(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, {"cuda": open_session})
    images = probes(SIZE)

    other = embedder.on("cuda")

    assert other is not embedder and other.id == embedder.id
    np.testing.assert_array_equal(other.embed(images), embedder.embed(images))


def test_named_device_that_fails_or_computes_something_else_is_refused(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_encoder(tmp_path / "other.onnx", CARD.to_json(), seed=1)
    has(monkeypatch, {"cuda": fails, "coreml": lambda data: open_session(Path(other).read_bytes())})
    with pytest.raises(EncoderError, match="cuda does not work here"):
        embedder.on("cuda")
    with pytest.raises(EncoderError, match="other embeddings"):
        embedder.on("coreml")


def test_auto_takes_the_first_that_works_agrees_and_is_faster(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Margins of ten and more: a busy machine does not change who is faster."""
    has(
        monkeypatch,
        {"cuda": fails, "rocm": lambda data: Paced(open_session(data), 0.4), "coreml": open_session},
    )
    slow = slowed(embedder, 0.2)

    chosen = slow.on("auto")

    assert chosen is not slow and not isinstance(chosen._session, Paced)


def test_auto_stays_on_the_cpu_where_nothing_is_faster(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, {"cuda": lambda data: Paced(open_session(data), 0.2), "rocm": fails})
    assert embedder.on("auto") is embedder


def test_without_another_device_auto_is_the_cpu(embedder: Embedder) -> None:
    if devices.devices() == ["cpu"]:
        assert embedder.on("auto") is embedder
    else:
        assert embedder.on("auto").id == embedder.id


def test_probes_are_smooth_pictures_and_always_the_same() -> None:
    first = probes(48)
    assert first.shape == (devices.PROBES, 48, 48, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, probes(48))
    steps = np.abs(np.diff(first.astype(int), axis=1))
    assert steps.mean() < 20 < first.std()
