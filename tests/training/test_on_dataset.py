"""Training on a data set: whole, resumed, judged by labels that change nothing."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from dataset_files import cifar10, class_folders
from PIL import Image
from torch import nn
from training_examples import picture_folder, pixels_of

from augnet_cli.datasets.registry import read_dataset
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.errors import DatasetError, FolderError, Interrupted, TrainingError, UsageError
from augnet_cli.pipeline.train_dataset import judging_split, train_on
from augnet_cli.progress import Progress
from augnet_cli.training import preparation
from augnet_cli.training.backbones import build_backbone
from augnet_cli.training.dataset_pixels import build_pixel_cache_of
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods.udml_ss import UdmlSs, UdmlSsConfig
from augnet_cli.training.new_head import begin_as_axes
from augnet_cli.training.request import TrainRequest

SMALL = {"method": "augnet", "init": "scratch", "size": 32, "dim": 8, "epochs": 2, "images_per_step": 10}


def request(**more: object) -> TrainRequest:
    return TrainRequest(**{**SMALL, "device": "cpu", "dtype": "fp32", "workers": 1, **more})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("on-dataset")
    cifar10(folder, each=4, tests=8)
    return f"cifar10:{folder}"


@pytest.fixture(scope="module")
def judged(data: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    """An encoder trained for two epochs and judged after each, and the lines of the epochs."""
    out = tmp_path_factory.mktemp("judged") / "e.onnx"
    lines: list[dict[str, object]] = []
    outcome = train_on(data, str(out), request(eval_every=1), each_epoch=lines.append)
    assert outcome.file == str(out) and outcome.images == 20
    return out, lines


def test_all_of_the_train_split_is_learnt_from_and_the_encoder_stands_where_it_was_asked(
    judged: tuple[Path, list[dict[str, object]]],
) -> None:
    out, lines = judged
    card = Embedder.load(str(out)).card
    assert (card.method, card.dim, card.training["images"], card.training["epochs"]) == ("augnet", 8, 20, 2)
    assert [line["step"] for line in lines] == [2, 4]
    beside = Path(f"{out}.training")
    record = json.loads((beside / "training.json").read_text())
    assert (record["dataset"], record["images"], record["encoder"]) == ("cifar10", 20, card.id)
    assert record["curve"] == lines
    with Image.open(beside / "training.png") as picture:
        assert picture.width > picture.height  # two panels
    assert not (beside / "training" / "checkpoint.pt").exists() and not list(beside.glob("pixels*"))


def test_labels_tell_figures_and_change_nothing(
    judged: tuple[Path, list[dict[str, object]]], data: str, tmp_path: Path
) -> None:
    out, lines = judged
    for line in lines:
        figures = line["eval"]
        assert isinstance(figures, dict)
        assert list(figures) == ["knn", "acc", "nmi", "ari", "recall_at_1"]
        assert figures["acc"] >= 0.5  # of two classes
    # Another set's labels judge, and only after the last epoch: the encoder is the same to the last bit.
    other = class_folders(tmp_path / "other", ["x", "y"], 5, 16)
    again = str(tmp_path / "e.onnx")
    train_on(data, again, request(eval_every=5), eval_data=str(other), each_epoch=lines.append)
    assert ["eval" in line for line in lines[-2:]] == [False, True]
    assert Embedder.load(str(tmp_path / "e.onnx")).id == Embedder.load(str(out)).id


@pytest.fixture
def listening() -> Iterator[None]:
    """Interrupts are heard, also where the tests are a background job, whose shell ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_an_interrupted_run_goes_on_to_the_same_encoder(
    judged: tuple[Path, list[dict[str, object]]], data: str, tmp_path: Path
) -> None:
    out = tmp_path / "e.onnx"

    with pytest.raises(TrainingError, match="no training to resume"):
        train_on(data, str(out), request(resume=True))
    lines: list[dict[str, object]] = []

    def stop_once(line: dict[str, object]) -> None:
        lines.append(line)
        signal.raise_signal(signal.SIGINT)  # to this thread, and so before the next step

    with pytest.raises(Interrupted, match="saved"):
        train_on(data, str(out), request(eval_every=1), each_epoch=stop_once)
    assert not out.exists() and len(lines) == 1
    train_on(data, str(out), request(eval_every=1, resume=True), each_epoch=lines.append)
    assert [line["epoch"] for line in lines] == [1, 2]
    assert Embedder.load(str(out)).id == Embedder.load(str(judged[0])).id


def test_pixels_of_a_data_set_are_those_of_its_files_and_kept_while_these_last(
    tmp_path: Path,
) -> None:
    folder = class_folders(tmp_path / "train", ["a", "b"], 3, 80)
    class_folders(tmp_path / "test", ["a", "b"], 1)
    (folder / "a" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    images = read_dataset(str(tmp_path)).learnt_from()
    file = str(tmp_path / "pixels.u8")
    made = build_pixel_cache_of(images, file, side=64, workers=2)
    of_folder = pixels_of(folder)
    assert len(made) == 5 and made.contents == of_folder.contents
    for row in range(5):
        np.testing.assert_array_equal(made.image(row), of_folder.image(row))
    assert [skip.path for skip in made.skipped] == ["train/a/2.png"]
    written = os.stat(file).st_mtime_ns
    assert len(build_pixel_cache_of(images, file, side=64, workers=2)) == 5
    assert os.stat(file).st_mtime_ns == written
    (folder / "a" / "1.png").unlink()
    again = read_dataset(str(tmp_path)).learnt_from()
    assert len(build_pixel_cache_of(again, file, side=64, workers=2)) == 4


def test_what_can_not_be_written_or_judged_by_is_refused_before_the_work(data: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.onnx"
    photo.write_bytes(b"somebody's")
    for out, error, why in (
        ("e.pt", UsageError, ".onnx"),
        (str(tmp_path / "nowhere" / "e.onnx"), FolderError, "folder does not exist"),
        (str(photo), FolderError, "another file"),
    ):
        with pytest.raises(error, match=why):
            train_on(data, out, request())
    assert photo.read_bytes() == b"somebody's"
    with pytest.raises(UsageError, match="labelled images"):
        judging_split(None, 5)
    assert judging_split(None, None) is None
    few = tmp_path / "few"
    cifar10(few, each=1)
    with pytest.raises(TrainingError, match="at least 8"):
        train_on(f"cifar10:{few}", str(tmp_path / "e.onnx"), request())
    one = few / "cifar-10-batches-py" / "test_batch"
    batch = pickle.loads(one.read_bytes())
    one.write_bytes(pickle.dumps({"data": batch["data"], "labels": [0] * 6}))
    with pytest.raises(DatasetError, match="two classes"):
        train_on(data, str(tmp_path / "e.onnx"), request(eval_every=1), eval_data=f"cifar10:{few}")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Those of a narrow network, as torchvision would save them."""
    torch.manual_seed(0)
    torch.save(build_backbone("resnet18", 8)[0].state_dict(), tmp_path / "w.pth")
    return tmp_path / "w.pth"


def on_start(weights: Path, **more: object) -> TrainRequest:
    """Two clusters on a network that another program trained, with a new head."""
    options = {"clusters": "2", "instances": "4", "rotation": "0", **more}
    return TrainRequest(
        method="udml-ss",
        init=str(weights),
        backbone="resnet18",
        width=8,
        size=32,
        dim=8,
        epochs=1,
        images_per_step=8,
        options={name: str(value) for name, value in options.items()},
        device="cpu",
        dtype="fp32",
        workers=1,
    )


def test_a_new_head_begins_with_what_the_backbone_says_unless_the_run_is_faithful(
    weights: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, ...]] = []

    def note(head: nn.Linear, pooled: np.ndarray) -> bool:
        begun.append((*pooled.shape, head.out_features))
        return begin_as_axes(head, pooled)

    monkeypatch.setattr(preparation, "begin_as_axes", note)
    monkeypatch.setattr(preparation, "AXES_SAMPLE", 12)
    monkeypatch.setattr(preparation, "FEWEST_PER_NUMBER", 0)
    train_on(data, str(tmp_path / "e.onnx"), on_start(weights))
    assert begun == [(12, 64, 8)]
    train_on(data, str(tmp_path / "f.onnx"), on_start(weights, faithful="true"))
    train_on(data, str(tmp_path / "g.onnx"), dataclasses.replace(on_start(weights), init="scratch"))
    assert len(begun) == 1


def test_a_wide_backbone_is_asked_of_as_many_images_as_its_axes_need_and_too_few_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "AXES_SAMPLE", 12)
    encoder, heard = Encoder(EncoderSpec("resnet18_cifar", 32, 8, "linear", width=4)), list[str]()
    width = encoder.head.in_features
    asked: list[int] = []

    def note(head: nn.Linear, pooled: np.ndarray) -> bool:
        asked.append(len(pooled))
        return begin_as_axes(head, pooled)

    monkeypatch.setattr(preparation, "begin_as_axes", note)
    pixels = pixels_of(picture_folder(tmp_path / "photos", 2 * width + 3, width=8, height=8), side=32)
    method = UdmlSs(encoder, UdmlSsConfig())
    preparation._begin_head(method, pixels, heard.append)
    assert asked == [2 * width] and not heard
    preparation._begin_head(method, pixels.subset(np.arange(2 * width - 1)), heard.append)
    assert asked[1:] == [2 * width - 1] and "too few for axes" in heard[0]


def test_who_learns_from_a_start_is_told_that_random_weights_are_none(data: str, tmp_path: Path) -> None:
    heard: list[str] = []

    class Heard(Progress):
        def note(self, text: str) -> None:
            heard.append(text)

    scratch = dataclasses.replace(on_start(tmp_path), init="scratch")
    train_on(data, str(tmp_path / "e.onnx"), scratch, progress=Heard())
    assert any("udml-ss learns from what its start knows" in text for text in heard)
    # Nothing is held out, and no number says so.
    assert any(text.startswith("udml-ss on 20 images from scratch") for text in heard)
