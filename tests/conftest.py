"""Fixtures shared by all tests: real images, and a private home so that no test touches the user's own."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from exported_once import Exporter

# Before any fixture, also those of whole modules: no test ever touches the user's own folders.
os.environ["AUGNET_HOME"] = tempfile.mkdtemp(prefix="augnet-tests-")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files marked `early` come first; a file's tests stay together."""
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything augnet writes outside the photos' folder goes to a folder of this test."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("AUGNET_HOME", str(home))
    monkeypatch.delenv("AUGNET_FOLDER", raising=False)
    return home


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`shared_data("pokemon.tar")` is the folder that archive unpacks to.

    Without the data the test is skipped, and fails where AUGNET_REQUIRE_DATA=1 says they must be there.
    """
    unpacked: dict[str, Path] = {}

    def get(archive: str) -> Path:
        if archive not in unpacked:
            source = SHARED_DATA / archive
            if not source.exists():
                if os.environ.get("AUGNET_REQUIRE_DATA") == "1":
                    pytest.fail(f"test data missing: shared/data/{archive}")
                pytest.skip(f"test data missing: shared/data/{archive}")
            target = tmp_path_factory.mktemp(archive.removesuffix(".tar"))
            with tarfile.open(source) as tar:
                tar.extractall(target, filter="data")
            unpacked[archive] = target
        return unpacked[archive]

    return get


def drawn_picture(seed: int, width: int = 160, height: int = 120) -> Image.Image:
    """A smooth random picture, unlike that of any other seed: low-frequency colour noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def sample_photos() -> dict[str, Image.Image]:
    """The two real photographs that scikit-learn ships."""
    from sklearn.datasets import load_sample_images

    bunch = load_sample_images()
    return {
        Path(name).stem: Image.fromarray(pixels)
        for name, pixels in zip(bunch.filenames, bunch.images, strict=True)
    }


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Exporter:
    """Processes that test side by side have folders of their own in one that is this run's."""
    from exported_once import Exporter

    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "exported"
    folder.mkdir(exist_ok=True)
    return Exporter(folder)


@pytest.fixture(scope="module")
def exported_once(exporter: Exporter) -> Iterator[None]:
    """Each network is exported once in all tests that ask for this, whatever its weights are."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", exporter)
        yield
