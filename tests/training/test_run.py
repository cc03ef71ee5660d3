"""A whole run from files to the encoder file: choices, resumption after a kill, what stays when it fails."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from training_examples import CPU, command, environment, picture_folder, smooth_picture

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import FolderError, Interrupted, StoreError, TrainingError, UsageError
from augnet_cli.images.changes import CHANGES
from augnet_cli.images.squares import square
from augnet_cli.pipeline.embed import embed
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.pipeline.train import train
from augnet_cli.progress import Progress
from augnet_cli.store.lock import training, writing
from augnet_cli.store.place import place_for
from augnet_cli.training import preparation
from augnet_cli.training import run as run_module
from augnet_cli.training.backbones import BACKBONES
from augnet_cli.training.choices import choose_bf16, choose_device, choose_settings, parse_options
from augnet_cli.training.methods import method_class
from augnet_cli.training.methods.augnet import AugNetConfig
from augnet_cli.training.outcome import TrainOutcome
from augnet_cli.training.presets import PRESETS, with_preset
from augnet_cli.training.recipe import Recipe
from augnet_cli.training.request import DEFAULT_METHOD, TrainRequest

pytestmark = [pytest.mark.early, pytest.mark.usefixtures("exported_once")]

EPOCHS = 8  # enough for a kill to fall between the first and the last
# fp32 and one thread: the same numbers whenever it runs.  `always`: it is no match for the shipped encoder.
SMALL = TrainRequest(
    method="augnet",
    replace="always",
    init="scratch",
    size=32,
    dim=16,
    images_per_step=8,
    epochs=EPOCHS,
    dtype="fp32",
    device="cpu",
    workers=1,
    options={"views": "2"},
)
IMAGES, TRAINED, HELD_OUT = 48, 36, 12
STEPS = 4 * EPOCHS


def photos(folder: Path) -> Path:
    """IMAGES different pictures, one of them twice."""
    picture_folder(folder, IMAGES)
    smooth_picture(3).resize((40, 33)).save(folder / "003 again.png")
    return folder


def as_arguments(folder: Path, request: TrainRequest) -> list[str]:
    words = [
        "train",
        str(folder),
        "--method",
        "augnet",
        "--replace",
        "always",
        "--init",
        "scratch",
        "--size",
        "32",
        "--dim",
        "16",
        "--images-per-step",
        "8",
    ]
    words += ["--dtype", "fp32", "--device", "cpu", "--workers", "1", "--set", "views=2", "--quiet"]
    return [*words, "--epochs", str(request.epochs)]


def data_of(folder: Path) -> Path:
    return folder / ".augnet"


def interrupted(folder: Path, epochs: int = 2) -> None:
    """Begin a run of SMALL and stop it after some epochs."""
    met = []

    def each_epoch(line: dict[str, Any]) -> None:
        met.append(line)
        if len(met) == epochs:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        train(str(folder), SMALL, each_epoch=each_epoch)


@pytest.fixture(scope="module")
def trained(exported_once: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainOutcome]:
    """A folder with a finished run of SMALL; tests that change it work on a copy or put it back."""
    folder = photos(tmp_path_factory.mktemp("run") / "photos")
    (folder / "broken.jpg").write_text("no picture")
    return folder, train(str(folder), SMALL)


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of SMALL that was stopped; tests that change it put it back."""
    folder = photos(tmp_path_factory.mktemp("unfinished") / "photos")
    interrupted(folder)
    return folder


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
        "whitened": False,
        "clusters": 0,
        "width": 0,
    }
    told = card.training
    assert (told["images"], told["epochs"], told["steps"]) == (TRAINED, EPOCHS, STEPS)
    assert told["views"] == STEPS * 8 * 2
    assert (told["init"], told["seed"], told["lr"], told["bf16"]) == ("scratch", 0, 5e-4, False)
    assert told["options"] == dataclasses.asdict(AugNetConfig(views=2))
    assert set(card.thresholds) == {"0.9", "0.99", "0.999"} and "copy_recall_at_precision_0.99" in card.scores
    assert [skip.path for skip in outcome.skipped] == ["broken.jpg"]
    lines = [json.loads(line) for line in (data_of(folder) / "training/log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, EPOCHS + 1))
    assert not any(name.startswith("pixels") for name in os.listdir(data_of(folder) / "cache"))


def test_record_tells_what_was_measured_and_decided(trained: tuple[Path, TrainOutcome]) -> None:
    folder, outcome = trained
    record = json.loads((data_of(folder) / "training.json").read_text())
    assert record == json.loads(json.dumps(outcome.as_dict()))
    assert record["version"] == 1 and record["settings"]["seed"] == 0
    assert (record["images"], record["trained"], record["set_aside"]) == (IMAGES, TRAINED, 1)
    before, after = record["before"], record["after"]
    assert (before["held_out"], before["copies"], before["others"]) == (8, 8 * len(CHANGES), IMAGES - 1)
    assert list(before["by_change"]) == list(after["by_change"]) == list(CHANGES)
    shipped = Embedder.load(shipped_encoder()).id
    assert record["encoders"] == {
        "before": shipped,
        "candidate": outcome.card.id,
        "serving": outcome.card.id,
    }
    assert record["decision"]["taken"] is True and "--replace always" in record["decision"]["why"]
    gain = record["decision"]["gain"]["mean"]
    assert gain == pytest.approx(after["micro_ap"] - before["micro_ap"], abs=2e-4)
    assert [line["epoch"] for line in record["curve"]] == list(range(1, EPOCHS + 1))
    assert record["looks"][-1]["step"] <= STEPS and len(record["looks"]) >= 3
    assert os.listdir(data_of(folder) / "candidates") == [f"{outcome.card.id}.onnx"]


def test_picture_of_the_run_is_a_picture(trained: tuple[Path, TrainOutcome]) -> None:
    """What it shows is for eyes; that all of it is there, for a count of its colours."""
    with Image.open(data_of(trained[0]) / "training.png") as image:
        assert image.width > 1000 and image.height > 400
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24) or []}
    assert {(0xE6, 0x9F, 0x00), (0x00, 0x72, 0xB2)} <= colours


def test_own_encoder_is_the_one_to_beat_and_the_judged_images_stay_the_same(
    trained: tuple[Path, TrainOutcome], tmp_path: Path
) -> None:
    """The folder's own encoder is measured before: with the very figures it had after its own training."""
    outcome = trained[1]
    folder = Path(shutil.copytree(trained[0], tmp_path / "photos"))
    own = (data_of(folder) / "encoder.onnx").read_bytes()
    again = train(str(folder), dataclasses.replace(SMALL, replace="better", epochs=1))
    assert again.before == outcome.after
    serving = data_of(folder) / "encoder.onnx"
    assert (serving.read_bytes() != own) is again.decision.taken is again.decision.gain.is_sure
    # Whichever serves now, both are there.
    candidates = data_of(folder) / "candidates"
    assert again.decision.taken is (candidates / f"previous-{outcome.card.id}.onnx").exists()
    assert (candidates / f"{outcome.card.id}.onnx").read_bytes() == own
    assert Embedder.load(str(candidates / f"{again.card.id}.onnx")).card == again.card


def test_killed_run_goes_on_to_the_very_weights_of_an_unbroken_one(
    trained: tuple[Path, TrainOutcome], tmp_path: Path
) -> None:
    """kill -9 on a real process between its first and its last epoch; bits are compared."""
    _, unbroken = trained
    folder = photos(tmp_path / "photos")
    checkpoint = data_of(folder) / "training" / "checkpoint.pt"
    with subprocess.Popen(command(as_arguments(folder, SMALL)), env=environment()) as process:
        deadline = time.monotonic() + 200
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = torch.load(checkpoint, weights_only=True)["position"]
    assert 1 <= done["epoch"] < EPOCHS
    assert not (data_of(folder) / "encoder.onnx").exists()
    assert list((data_of(folder) / "cache").glob("pixels-*.u8"))  # resuming is quick
    resumed = train(str(folder), dataclasses.replace(SMALL, resume=True))
    # The id is a hash of all weights, bit by bit.
    assert resumed.card.id == unbroken.card.id


def test_terminated_run_saves_its_step_and_goes_on_to_the_very_weights_of_an_unbroken_one(
    trained: tuple[Path, TrainOutcome], tmp_path: Path
) -> None:
    """A real process, told to stop within an epoch; bits are compared."""
    folder = photos(tmp_path / "photos")
    log = data_of(folder) / "training" / "log.jsonl"
    with subprocess.Popen(
        command(as_arguments(folder, SMALL)), stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        deadline = time.monotonic() + 200
        while process.poll() is None and time.monotonic() < deadline:
            if log.exists() and log.read_text().count("\n") >= 2:
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    what, hint = err.splitlines()[-2:]
    assert "interrupted" in what and "is saved" in what and "--resume" in hint
    at = torch.load(data_of(folder) / "training" / "checkpoint.pt", weights_only=True)["position"]
    assert at["step"] >= 8 and not at["is_over"]  # more than the two epochs that a kill would have left
    assert not (data_of(folder) / "encoder.onnx").exists()
    resumed = train(str(folder), dataclasses.replace(SMALL, resume=True))
    assert resumed.card.id == trained[1].card.id


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": 9}, r"epochs \(8, not 9\)"),
        ({"epochs": None, "minutes": 5.0}, r"minutes \(None, not 5.0\)"),
        ({"lr": 1e-3}, "lr"),
        ({"seed": 1}, "seed"),
        ({"options": {"views": "3"}}, r"views \(2, not 3\)"),
        ({"dim": 8}, r"dim \(16, not 8\)"),
        ({"images_per_step": 6}, "images_per_step"),
    ],
)
def test_resuming_with_other_settings_is_refused_by_name(
    changes: dict[str, Any], named: str, unfinished: Path
) -> None:
    checkpoint = data_of(unfinished) / "training" / "checkpoint.pt"
    before = checkpoint.read_bytes()
    with pytest.raises(TrainingError, match=named) as error:
        train(str(unfinished), dataclasses.replace(SMALL, resume=True, **changes))
    assert "--resume" in error.value.hint
    assert checkpoint.read_bytes() == before


def test_resuming_on_other_images_is_refused(unfinished: Path) -> None:
    picture_folder(unfinished, 1, first=500)
    try:
        with pytest.raises(TrainingError, match="other images"):
            train(str(unfinished), dataclasses.replace(SMALL, resume=True))
    finally:
        os.unlink(unfinished / "500.png")


def test_concluded_run_is_not_resumed_and_its_record_stays(trained: tuple[Path, TrainOutcome]) -> None:
    folder, outcome = trained
    record = Path(outcome.record).read_bytes()
    with pytest.raises(TrainingError, match="no training to resume") as error:
        train(str(folder), dataclasses.replace(SMALL, resume=True))
    assert "leave out --resume" in error.value.hint
    assert Path(outcome.record).read_bytes() == record


def test_interrupt_before_the_second_run_saved_anything_says_so(
    trained: tuple[Path, TrainOutcome], tmp_path: Path
) -> None:
    """Nothing of the first run, whose settings are the same, is taken for the second's."""

    class Stopping(Progress):
        def start(self, stage: str, total: int | None, unit: str = "images") -> None:
            if stage == "training":
                raise KeyboardInterrupt

    folder = Path(shutil.copytree(trained[0], tmp_path / "photos"))
    with pytest.raises(Interrupted) as stop:
        train(str(folder), SMALL, progress=Stopping())
    assert "before anything was saved" in stop.value.what


def test_interrupt_between_training_and_decision_changes_nothing_and_is_made_good(
    trained: tuple[Path, TrainOutcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stops the run before all is written down leaves the old encoder, and the run to be resumed."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    folder = photos(tmp_path / "photos")
    (folder / "broken.jpg").write_text("no picture")
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "draw_curves", stopped)
        with pytest.raises(Interrupted, match="after training"):
            train(str(folder), SMALL)
    assert not (data_of(folder) / "encoder.onnx").exists()
    resumed = train(str(folder), dataclasses.replace(SMALL, resume=True))
    assert resumed.card.id == trained[1].card.id and resumed.before == trained[1].before
    assert (data_of(folder) / "encoder.onnx").exists()


def test_run_that_was_over_but_not_judged_is_set_aside_not_lost(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    interrupted(folder, EPOCHS)
    training_folder = data_of(folder) / "training"
    over, log = ((training_folder / name).read_bytes() for name in ("checkpoint.pt", "log.jsonl"))
    interrupted(folder, 1)
    assert (training_folder / "checkpoint.previous.pt").read_bytes() == over
    assert (training_folder / "log.previous.jsonl").read_bytes() == log


def test_own_encoder_that_can_not_be_read_is_kept_when_it_is_replaced(
    trained: tuple[Path, TrainOutcome], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(trained[0], tmp_path / "photos"))
    (data_of(folder) / "encoder.onnx").write_bytes(b"from the future")
    outcome = train(str(folder), dataclasses.replace(SMALL, epochs=1))
    assert outcome.decision.taken
    assert (data_of(folder) / "candidates/previous-unreadable.onnx").read_bytes() == b"from the future"


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

        stop_at = 6  # of 8 images 2 are held out

    request = dataclasses.replace(SMALL, epochs=2)
    with pytest.raises(Interrupted) as early:
        train(str(folder), request, progress=Stopping())
    assert "before anything was saved" in early.value.what and "--resume" not in early.value.hint
    late = Stopping()
    late.stop_at = 12
    with pytest.raises(Interrupted) as stop:
        train(str(folder), request, progress=late)
    assert "50% of it is saved" in stop.value.what and "--resume" in stop.value.hint


def test_run_from_a_file_starts_with_its_embeddings_and_its_normalisation(
    trained: tuple[Path, TrainOutcome], tmp_path: Path
) -> None:
    from augnet_cli.training.initial import MAX_STRAY, start_encoder

    request = TrainRequest(method="augnet", init=trained[1].file)
    encoder = start_encoder(request, AugNetConfig()).encoder
    squares = np.stack([square(np.asarray(smooth_picture(seed)), 32) for seed in range(5)])
    batch = torch.from_numpy(squares).permute(0, 3, 1, 2).float().div(255)
    with torch.no_grad():
        rows = encoder.eval().unit_rows(batch).numpy()
    # The file computes in integers, and its weights are hardly trained.
    assert (1 - (rows * Embedder.load(trained[1].file).embed(squares)).sum(1)).mean() < MAX_STRAY
    for option, value in (("size", 64), ("dim", 8), ("backbone", "resnet18")):
        with pytest.raises(UsageError, match=f"--{option}") as error:
            start_encoder(dataclasses.replace(request, **{option: value}), AugNetConfig())
        assert error.value.hint == "--init scratch"
    told: list[str] = []
    other = start_encoder(request, AugNetConfig(linear=False), told.append).encoder
    assert other.spec.head == "tanh" and "a new one, tanh" in told[0]


@pytest.mark.parametrize("options", [{"faithful": "true"}, {"scalar_norm": "true"}])
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
    with pytest.raises(TrainingError, match="at least 8 different pictures, and here are 1"):
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
    with pytest.raises(UsageError, match="alexnet") as error:
        method_class("alexnet")
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
        choose_settings(TrainRequest(lr=lr), 100, CPU)


@pytest.mark.parametrize(("together", "fewest"), [(1, 2), (2, 4)])
def test_a_step_of_too_few_images_is_refused_with_a_usual_number(together: int, fewest: int) -> None:
    recipe = Recipe(images_per_step=96, together=together)
    assert choose_settings(TrainRequest(images_per_step=fewest), 100, CPU, recipe).images_per_step == fewest
    with pytest.raises(UsageError, match=f"at least {fewest} images, not {fewest - 1}") as error:
        choose_settings(TrainRequest(images_per_step=fewest - 1), 100, CPU, recipe)
    assert error.value.hint == "--images-per-step 96"


@pytest.mark.parametrize(
    ("images", "device", "steps"),
    [
        (40, "cpu", 200),
        (80, "cpu", 200),
        (800, "cpu", 400),
        (8000, "cpu", 3000),
        (500_000, "cpu", 3000),
        (500_000, "cuda", 20_000),
    ],
)
def test_without_a_length_steps_follow_from_images_and_device(images: int, device: str, steps: int) -> None:
    settings = choose_settings(TrainRequest(), images, torch.device(device))
    assert (settings.steps, settings.epochs, settings.minutes) == (steps, None, None)


def test_epochs_and_minutes_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="--epochs and --minutes"):
        TrainRequest(epochs=2, minutes=3)
    for minutes in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="no time to train"):
            TrainRequest(minutes=minutes)


def test_preset_fills_in_what_is_not_said() -> None:
    plain = with_preset(TrainRequest())
    assert (plain.preset, plain.method, plain.init) == ("finetune", DEFAULT_METHOD, "shipped")
    named = with_preset(TrainRequest(preset="shipped", lr=1e-3, options={"spread": "0.1"}))
    recipe = PRESETS["shipped"]
    assert (named.method, named.init, named.epochs) == (recipe.method, recipe.init, recipe.epochs)
    assert named.lr == 1e-3 and named.options == {**recipe.options, "spread": "0.1"}
    assert with_preset(TrainRequest(preset="shipped", minutes=5)).epochs is None
    for start in ("shipped", "own.onnx"):
        again = with_preset(TrainRequest(method=DEFAULT_METHOD, init=start, options={"spread": "0.1"}))
        assert (again.preset, again.init, again.images_per_step) == ("finetune", start, plain.images_per_step)
        assert again.options == {"spread": "0.1"}
    assert with_preset(TrainRequest(init="scratch")).preset is None
    own = with_preset(TrainRequest(method="augnet"))
    assert (own.preset, own.options, own.init) == (None, {}, "shipped")
    with pytest.raises(UsageError, match="no preset named best"):
        with_preset(TrainRequest(preset="best"))
    with pytest.raises(UsageError, match="is for the method"):
        with_preset(TrainRequest(preset="shipped", method="other"))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_one_that_its_method_and_encoder_accept(name: str) -> None:
    preset = PRESETS[name]
    parse_options(method_class(preset.method).Config, preset.options)
    if preset.init == "scratch":
        assert preset.backbone in BACKBONES


def test_second_training_of_a_folder_is_refused_while_other_commands_work(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 8)
    place = place_for(str(folder), create=True)
    with training(place):
        with pytest.raises(StoreError, match="is training on"):
            train(str(folder), SMALL)
        with writing(place):
            pass
        assert embed(FolderRequest(str(folder))).images == 8


def test_minutes_are_for_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("EXPORT_SECONDS", 3.0), ("LEAST_TRAINING_SECONDS", 2.0)):
        monkeypatch.setattr(preparation, name, seconds)
    folder = picture_folder(tmp_path / "photos", 24)
    started = time.monotonic()
    outcome = train(str(folder), dataclasses.replace(SMALL, epochs=None, minutes=0.25))
    took = time.monotonic() - started
    # A busy machine exports late; but training itself left room for what comes after it.
    assert 2.0 <= outcome.report.seconds <= 12.0 and outcome.report.seconds < took < 60
    assert outcome.report.epochs > 2 and outcome.card.training["minutes"] == 0.25
    assert json.loads(Path(outcome.record).read_text())["settings"]["minutes"] == 0.25


def test_minutes_that_are_too_few_are_refused_with_enough(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 8)
    with pytest.raises(TrainingError, match="minutes are too few") as error:
        train(str(folder), dataclasses.replace(SMALL, epochs=None, minutes=0.1))
    assert "training 0.3 at least" in error.value.what
    enough = float(error.value.hint.removeprefix("--minutes "))
    assert 0.4 < enough < 2
