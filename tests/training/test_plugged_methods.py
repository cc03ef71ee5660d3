"""Methods of other packages, by the entry-point group `augnet.methods`: installed as pip leaves a package."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch
from training_examples import CPU, picture_folder, pixels_of, small_encoder

from augnet_cli.errors import UsageError
from augnet_cli.training.methods import METHODS, method_class, method_names
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.trainer import train

MODULE = '''
"""A method: views of an image are to lie where its first view lies."""

from dataclasses import dataclass

from augnet_cli.training.crop_views import CropViews
from augnet_cli.training.methods.method import Method


@dataclass(frozen=True)
class Config:
    weight: float = 1.0


class Nearer(Method):
    Config = Config

    def view_transform(self, size):
        return CropViews(size)

    def loss(self, batch):
        made = self.encoder(batch.views.flatten(0, 1)).float().unflatten(0, (-1, self.views))
        return {"apart": self.config.weight * (made[:, 0] - made[:, 1]).square().mean()}


no_method = 7
'''
ENTRIES = """[augnet.methods]
nearer = plugged_nearer:Nearer
number = plugged_nearer:no_method
missing = plugged_nowhere:Nothing
augnet = plugged_nearer:Nearer
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package: its module, and beside it what its installer writes down."""
    (tmp_path / "plugged_nearer.py").write_text(MODULE)
    facts = tmp_path / "plugged_nearer-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-nearer\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()


@pytest.mark.usefixtures("package")
def test_a_method_of_another_package_trains_like_ones_own(tmp_path: Path) -> None:
    assert method_names()[: len(METHODS)] == tuple(METHODS) and "nearer" in method_names()
    kind = method_class("nearer")
    method = kind(small_encoder(), kind.Config(weight=2.0))
    before = {name: weight.clone() for name, weight in method.encoder.named_parameters()}
    pixels = pixels_of(picture_folder(tmp_path / "photos", 8))
    (tmp_path / "run").mkdir()
    settings = TrainSettings(epochs=1, images_per_step=4)
    report = train(
        method,
        pixels,
        settings,
        device=CPU,
        bf16=False,
        folder=str(tmp_path / "run"),
        resume=False,
        identity={},
    )
    assert report.steps == 2 and report.terms["apart"] > 0
    assert all(not torch.equal(before[name], weight) for name, weight in method.encoder.named_parameters())


@pytest.mark.usefixtures("package")
def test_augnets_own_names_cannot_be_taken() -> None:
    assert method_class("augnet").__module__ == "augnet_cli.training.methods.augnet"


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("name", "word"),
    [("number", "no training method"), ("missing", "can't be loaded"), ("nowhere", "nearer")],
)
def test_what_is_no_method_is_refused_in_words(name: str, word: str) -> None:
    with pytest.raises(UsageError) as told:
        method_class(name)
    assert word in f"{told.value.what} {told.value.hint}"
