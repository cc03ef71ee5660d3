"""A whole run from files to the encoder file: choices, resumption after a kill, what stays when it fails."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from training_examples import CPU, command, environment, picture_folder

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.errors import FolderError, Interrupted, TrainingError, UsageError
from augnet_cli.pipeline.train import train
from augnet_cli.progress import Progress
from augnet_cli.training.choices import choose_bf16, choose_device, choose_settings, parse_options
from augnet_cli.training.methods import method_class
from augnet_cli.training.methods.augnet import AugNetConfig
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.run import TrainOutcome

EPOCHS = 8  # enough for a kill to fall between the first and the last
# fp32 and one thread: the same numbers whenever it runs.
SMALL = TrainRequest(
    init="scratch",
    size=32,
    dim=16,
    images_per_step=8,
    epochs=EPOCHS,
    precision="fp32",
    device="cpu",
    workers=1,
    options={"views": "2"},
)
IMAGES = 24


def as_arguments(folder: Path, request: TrainRequest) -> list[str]:
    words = [
        "train",
        str(folder),
        "--init",
        "scratch",
        "--size",
        "32",
        "--dim",
        "16",
        "--images-per-step",
        "8",
    ]
    words += ["--precision", "fp32", "--device", "cpu", "--workers", "1", "--set", "views=2", "--quiet"]
    return [*words, "--epochs", str(request.epochs)]


def data_of(folder: Path) -> Path:
    return folder / ".augnet"


def final_weights(folder: Path) -> dict[str, Any]:
    file = data_of(folder) / "training" / "checkpoint.pt"
    weights: dict[str, Any] = torch.load(file, weights_only=True)["method"]
    return weights


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainOutcome]:
    """A folder with a finished run of SMALL; tests that change it work on a copy or put it back."""
    folder = picture_folder(tmp_path_factory.mktemp("run") / "photos", IMAGES)
    (folder / "broken.jpg").write_text("no picture")
    return folder, train(str(folder), SMALL)


def test_run_leaves_an_encoder_with_its_whole_story(trained: tuple[Path, TrainOutcome]) -> None:
    folder, outcome = trained
    assert outcome.file == str(data_of(folder) / "encoder.onnx")
    card = Embedder.load(outcome.file).card
    assert card == outcome.card
    assert (card.method, card.dim, card.resize.size) == ("augnet", 16, 32)
    assert card.architecture == {
        "backbone": "resnet18_slim",
        "size": 32,
        "dim": 16,
        "head": "linear_tanh",
    }
    told = card.training
    assert (told["images"], told["epochs"], told["steps"], told["views"]) == (
        IMAGES,
        EPOCHS,
        3 * EPOCHS,
        3 * EPOCHS * 8 * 2,
    )
    assert (told["init"], told["seed"], told["lr"], told["bf16"]) == ("scratch", 0, 5e-4, False)
    assert told["options"] == dataclasses.asdict(AugNetConfig(views=2))
    assert set(card.thresholds) == {"0.9", "0.99", "0.999"} and "copy_recall_at_precision_0.99" in card.scores
    assert [skip.path for skip in outcome.skipped] == ["broken.jpg"]
    lines = [json.loads(line) for line in (data_of(folder) / "training/log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, EPOCHS + 1))


def test_killed_run_goes_on_to_the_very_weights_of_an_unbroken_one(
    trained: tuple[Path, TrainOutcome], tmp_path: Path
) -> None:
    """kill -9 on a real process between its first and its last epoch; bits are compared."""
    _, unbroken = trained
    folder = picture_folder(tmp_path / "photos", IMAGES)
    checkpoint = data_of(folder) / "training" / "checkpoint.pt"
    with subprocess.Popen(command(as_arguments(folder, SMALL)), env=environment()) as process:
        deadline = time.monotonic() + 100
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = torch.load(checkpoint, weights_only=True)["epoch"]
    assert 1 <= done < EPOCHS
    assert not (data_of(folder) / "encoder.onnx").exists()
    resumed = train(str(folder), dataclasses.replace(SMALL, resume=True))
    expected, got = final_weights(trained[0]), final_weights(folder)
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)
    assert resumed.card.id == unbroken.card.id


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": 9}, r"epochs \(8, not 9\)"),
        ({"lr": 1e-3}, "lr"),
        ({"seed": 1}, "seed"),
        ({"options": {"views": "3"}}, r"views \(2, not 3\)"),
        ({"dim": 8}, r"dim \(16, not 8\)"),
        ({"images_per_step": 6}, "images_per_step"),
    ],
)
def test_resuming_with_other_settings_is_refused_by_name(
    changes: dict[str, Any], named: str, trained: tuple[Path, TrainOutcome]
) -> None:
    folder, outcome = trained
    before = Path(outcome.file).read_bytes()
    with pytest.raises(TrainingError, match=named) as error:
        train(str(folder), dataclasses.replace(SMALL, resume=True, **changes))
    assert "--resume" in error.value.hint
    assert Path(outcome.file).read_bytes() == before


def test_resuming_on_other_images_is_refused(trained: tuple[Path, TrainOutcome]) -> None:
    folder, _ = trained
    picture_folder(folder, 1, first=500)
    try:
        with pytest.raises(TrainingError, match="other images"):
            train(str(folder), dataclasses.replace(SMALL, resume=True))
    finally:
        os.unlink(folder / "500.png")


def test_diverging_run_leaves_the_old_encoder_alone(trained: tuple[Path, TrainOutcome]) -> None:
    folder, outcome = trained
    before = Path(outcome.file).read_bytes()
    request = dataclasses.replace(SMALL, lr=1e30, options={"views": "2", "constant_rate": "true"})
    with pytest.raises(TrainingError, match="any more") as error:
        train(str(folder), request)
    assert "--lr" in error.value.hint
    assert Path(outcome.file).read_bytes() == before


def test_ctrl_c_is_told_with_what_is_saved(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 8)

    class Stopping(Progress):
        images = 0

        def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
            self.images += done if "epoch" in detail else 0
            if self.images == self.stop_at:
                raise KeyboardInterrupt

        stop_at = 8

    request = dataclasses.replace(SMALL, epochs=2)
    with pytest.raises(Interrupted) as early:
        train(str(folder), request, progress=Stopping())
    assert "before its first epoch" in early.value.what and "--resume" not in early.value.hint
    late = Stopping()
    late.stop_at = 16
    with pytest.raises(Interrupted) as stop:
        train(str(folder), request, progress=late)
    assert "1 of 2 epochs" in stop.value.what and "--resume" in stop.value.hint


def test_run_from_a_file_starts_with_its_embeddings_and_its_normalisation(
    trained: tuple[Path, TrainOutcome], tmp_path: Path
) -> None:
    from augnet_cli.training.initial import start_encoder

    request = TrainRequest(init=trained[1].file)
    encoder = start_encoder(request, AugNetConfig())
    assert torch.equal(encoder.mean, final_weights(trained[0])["encoder.mean"])
    for option, value in (("size", 64), ("dim", 8), ("backbone", "resnet18")):
        with pytest.raises(UsageError, match=f"--{option}") as error:
            start_encoder(dataclasses.replace(request, **{option: value}), AugNetConfig())
        assert error.value.hint == "--init scratch"


@pytest.mark.parametrize("options", [{"faithful": "true"}, {"linear": "no"}, {"scalar_norm": "true"}])
def test_switches_of_a_new_encoder_are_refused_for_an_old_one(
    options: dict[str, str], trained: tuple[Path, TrainOutcome]
) -> None:
    folder, outcome = trained
    with pytest.raises(UsageError) as error:
        train(
            str(folder), dataclasses.replace(SMALL, init=outcome.file, size=None, dim=None, options=options)
        )
    assert error.value.hint == "--init scratch"


def test_one_image_and_none_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="at least 2"):
        train(str(picture_folder(tmp_path / "one", 1)), SMALL)
    (tmp_path / "none").mkdir()
    with pytest.raises(FolderError, match="no image"):
        train(str(tmp_path / "none"), SMALL)
    assert os.listdir(tmp_path / "none") == []  # a folder without images gets no store


def test_options_are_parsed_by_the_type_of_their_default() -> None:
    texts = {"views": "3", "unit": "yes", "temperature": "0.07", "loss": "softmax", "linear": "FALSE"}
    config = parse_options(AugNetConfig, texts)
    assert config == AugNetConfig(views=3, unit=True, temperature=0.07, loss="softmax", linear=False)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("views", "four", "whole number"),
        ("views", "2.5", "whole number"),
        ("unit", "maybe", "true or false"),
        ("temperature", "", "a number"),
    ],
)
def test_values_of_another_type_are_refused_with_an_example_that_works(
    name: str, value: str, wanted: str
) -> None:
    with pytest.raises(UsageError, match=wanted) as error:
        parse_options(AugNetConfig, {name: value})
    example = error.value.hint.partition("--set ")[2]
    assert parse_options(AugNetConfig, dict([example.split("=")])) == AugNetConfig()


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="vews") as error:
        parse_options(AugNetConfig, {"vews": "2"})
    assert all(field.name in error.value.hint for field in dataclasses.fields(AugNetConfig))
    with pytest.raises(UsageError, match="simclr") as error:
        method_class("simclr")
    assert "augnet" in error.value.hint


def test_device_and_precision_that_are_not_there_are_refused() -> None:
    assert choose_device("cpu") == CPU
    for name in ("tpu", "cuda" if not torch.cuda.is_available() else "mps"):
        with pytest.raises(UsageError, match=name):
            choose_device(name)
    assert choose_bf16("bf16", CPU, "resnet18") and not choose_bf16("fp32", CPU, "resnet18")
    assert not choose_bf16("auto", CPU, "mobilenet_v3_small")  # slower there than fp32
    with pytest.raises(UsageError, match="fp8"):
        choose_bf16("fp8", CPU, "resnet18")


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan"), float("inf")])
def test_rates_that_are_none_are_refused(lr: float) -> None:
    with pytest.raises(UsageError, match="learning rate"):
        choose_settings(TrainRequest(lr=lr), 100)


@pytest.mark.parametrize(
    ("images", "epochs"), [(2, 100), (80, 100), (800, 50), (8000, 5), (24_000, 2), (100_000, 1)]
)
def test_without_a_number_of_epochs_a_run_takes_about_500_steps(images: int, epochs: int) -> None:
    settings = choose_settings(TrainRequest(), images)
    assert (settings.epochs, settings.images_per_step) == (epochs, 80)
