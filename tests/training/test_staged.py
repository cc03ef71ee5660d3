"""Several trainings of one run: in order, each with its numbers, resumed where they were."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from training_examples import CPU, picture_folder, pixels_of, small_encoder

from augnet_cli.errors import TrainingError, UsageError
from augnet_cli.training.initial import start_encoder
from augnet_cli.training.log import read_log
from augnet_cli.training.methods.cbswr import CbswrConfig
from augnet_cli.training.methods.copies import CopiesConfig
from augnet_cli.training.methods.method import Method
from augnet_cli.training.methods.scan import Scan
from augnet_cli.training.methods.scan_config import ScanConfig
from augnet_cli.training.methods.udml_ss import UdmlSsConfig
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.staged import Planned, StagedReport, Stages, check_length, planned, stages_of
from augnet_cli.training.trainer import TrainReport, train

CONFIG = ScanConfig(
    clusters=2,
    pretext_epochs=1,
    cluster_epochs=2,
    selflabel_epochs=1,
    pretext_images=4,
    cluster_images=8,
    selflabel_images=4,
    threshold=0.1,
)
REQUEST = TrainRequest(workers=1)


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return pixels_of(picture_folder(tmp_path_factory.mktemp("staged") / "photos", 8, width=32, height=32))


def stages_in(folder: Path, resume: bool = False) -> Stages:
    """The three stages on an encoder that is the same each time."""
    torch.manual_seed(0)
    encoder, stages = small_encoder(), stages_of(Scan, CONFIG)
    first = stages[0].kind(encoder, stages[0].config)
    return Stages(planned(stages, REQUEST, 8, CPU), first, str(folder), {"data": "abc"}, 8, resume)


class Trainer:
    """Trains each stage, and is interrupted after an epoch of one."""

    def __init__(self, pixels: PixelCache, stop_after: tuple[str, int] | None = None) -> None:
        self.pixels = pixels
        self.stop_after = stop_after
        self.told: list[dict[str, Any]] = []
        self.begun: list[tuple[str, bool]] = []
        self.seconds: list[float | None] = []

    def one(
        self,
        method: Method,
        plan: Planned,
        folder: str,
        resume: bool,
        identity: dict[str, Any],
        seconds: float | None,
    ) -> TrainReport:
        self.begun.append((plan.stage.name, resume))
        self.seconds.append(seconds)
        Path(folder).mkdir(parents=True, exist_ok=True)
        return train(
            method,
            self.pixels,
            plan.settings,
            device=CPU,
            bf16=False,
            folder=folder,
            resume=resume,
            identity=identity,
            each_epoch=self._each_epoch,
            stage=plan.stage.name,
        )

    def _each_epoch(self, line: dict[str, Any]) -> None:
        self.told.append(line)
        if (line["stage"], line["epoch"]) == self.stop_after:
            raise KeyboardInterrupt


def weights(report: StagedReport) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in report.method.encoder.state_dict().items()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `unbroken` kept its state; tests that change it work on a copy."""
    return tmp_path_factory.mktemp("unbroken")


@pytest.fixture(scope="module")
def unbroken(pixels: PixelCache, finished: Path) -> tuple[Trainer, StagedReport]:
    trainer = Trainer(pixels)
    return trainer, stages_in(finished).run(trainer.one, None)


def test_stages_follow_one_another_on_one_encoder(unbroken: tuple[Trainer, StagedReport]) -> None:
    trainer, report = unbroken
    assert [(line["stage"], line["epoch"], line["step"]) for line in trainer.told] == [
        ("pretext", 1, 2),
        ("cluster", 1, 2),
        ("cluster", 2, 4),
        ("selflabel", 1, 2),
    ]
    terms = [set(line) & {"pick", "consistency", "entropy", "selflabel"} for line in trainer.told]
    assert terms == [{"pick"}, {"consistency", "entropy"}, {"consistency", "entropy"}, {"selflabel"}]
    assert report.method.encoder.spec.clusters == 2
    assert (report.whole.epochs, report.whole.steps) == (4, 8)
    assert report.views == 2 * 4 * 2 + 4 * 8 * 1 + 2 * 4 * 2
    told = report.told(CONFIG)["stages"]
    assert [(one["stage"], one["steps"], one["images_per_step"]) for one in told] == [
        ("pretext", 2, 4),
        ("cluster", 4, 8),
        ("selflabel", 2, 4),
    ]
    assert told[0]["options"]["temperature"] == 0.1 and "options" not in told[1]


@pytest.mark.parametrize(
    ("stop_after", "begun"),
    [
        # Nothing of the second stage is there yet; it was begun, and its first epoch is lost.
        (("cluster", 1), [("pretext", True), ("cluster", False), ("selflabel", False)]),
        (("cluster", 2), [("pretext", True), ("cluster", True), ("selflabel", False)]),
        (("selflabel", 1), [("pretext", True), ("cluster", True), ("selflabel", False)]),
    ],
)
def test_killed_run_repeats_no_stage_that_was_over_and_ends_with_the_same_weights(
    stop_after: tuple[str, int],
    begun: list[tuple[str, bool]],
    unbroken: tuple[Trainer, StagedReport],
    pixels: PixelCache,
    tmp_path: Path,
) -> None:
    """The kill comes before the epoch is saved: of the second stage nothing is there, or one epoch."""
    with pytest.raises(KeyboardInterrupt):
        stages_in(tmp_path).run(Trainer(pixels, stop_after).one, None)
    stage, at = stages_in(tmp_path, resume=True).saved()
    assert stage == {("cluster", 1): "pretext"}.get(stop_after, "cluster") and not at.is_over
    resumed = Trainer(pixels)
    again = stages_in(tmp_path, resume=True)
    again.check_resumable()
    report = again.run(resumed.one, None)
    assert resumed.begun == begun
    assert all(line["stage"] != "pretext" for line in resumed.told)
    expected, got = weights(unbroken[1]), weights(report)
    assert expected.keys() == got.keys() and all(torch.equal(expected[name], got[name]) for name in expected)
    assert [line["stage"] for line in again.curve()] == [line["stage"] for line in unbroken[0].told]
    again.conclude()
    assert not list(tmp_path.rglob("checkpoint.pt")) and read_log(str(tmp_path / "cluster"))


def test_new_run_does_not_go_on_from_what_another_left_of_a_later_stage(
    pixels: PixelCache, finished: Path, unbroken: tuple[Trainer, StagedReport], tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    anew = stages_in(tmp_path)
    anew.begin_anew()
    with pytest.raises(KeyboardInterrupt):
        anew.run(Trainer(pixels, ("pretext", 1)).one, None)
    with pytest.raises(TrainingError, match="there is no training to resume"):
        stages_in(tmp_path, resume=True).check_resumable()
    assert not (tmp_path / "cluster" / "checkpoint.pt").exists()
    assert (tmp_path / "cluster" / "checkpoint.previous.pt").exists()


def test_checkpoint_of_other_numbers_is_refused(
    finished: Path, unbroken: tuple[Trainer, StagedReport]
) -> None:
    again = stages_in(finished, resume=True)
    longer = dataclasses.replace(again.plans[1].settings, epochs=3)
    plans = (again.plans[0], dataclasses.replace(again.plans[1], settings=longer), again.plans[2])
    with pytest.raises(TrainingError, match="epochs"):
        dataclasses.replace(again, plans=plans).check_resumable()


def fake_train(taken: float, given: list[float | None]) -> Callable[..., TrainReport]:
    from augnet_cli.training.throughput import Throughput

    def one(
        method: Method, plan: Planned, folder: str, resume: bool, identity: object, seconds: float | None
    ) -> TrainReport:
        given.append(seconds)
        return TrainReport(1, 1, {}, Throughput(), (seconds or 0) * taken)

    return one


def test_time_is_shared_out_and_what_a_stage_leaves_goes_to_the_next(tmp_path: Path) -> None:
    given: list[float | None] = []
    stages_in(tmp_path).run(fake_train(1.0, given), 100)
    assert given == pytest.approx([60, 20, 20])
    given.clear()
    stages_in(tmp_path).run(fake_train(0.5, given), 100)
    assert given == pytest.approx([60, 35, 52.5])


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"epochs": 3}, "--set pretext_epochs=3 --set cluster_epochs=3 --set selflabel_epochs=3"),
        ({"lr": 0.5}, "--set cluster_lr=0.5"),
        ({"images_per_step": 8}, "--set selflabel_images=8"),
    ],
)
def test_what_can_t_be_said_of_all_stages_names_the_settings_that_can(
    said: dict[str, Any], named: str
) -> None:
    request = TrainRequest(**said)
    with pytest.raises(UsageError) as refused:
        check_length(request, stages_of(Scan, CONFIG))
    assert named in refused.value.hint
    check_length(request, stages_of(Scan, dataclasses.replace(CONFIG, stages="cluster")))


def test_minutes_and_epochs_of_a_stage_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="--minutes"):
        check_length(TrainRequest(minutes=3.0), stages_of(Scan, CONFIG))
    check_length(TrainRequest(minutes=3.0), stages_of(Scan, ScanConfig(clusters=2)))


def test_whitening_of_an_encoder_that_is_to_change_is_left_out() -> None:
    told: list[str] = []
    request = TrainRequest(method="scan", init="shipped")
    encoder = start_encoder(request, ScanConfig(clusters=2, stages="cluster"), told.append).encoder
    assert encoder.whitening is None and not encoder.spec.whitened and "whitening" in told[0]
    kept = start_encoder(TrainRequest(method="copies", init="shipped"), CopiesConfig()).encoder
    assert kept.whitening is not None and kept.spec.whitened


@pytest.mark.parametrize(("method", "config"), [("udml-ss", UdmlSsConfig()), ("cbswr", CbswrConfig())])
def test_a_method_that_wants_a_start_is_not_sent_to_random_weights(method: str, config: Any) -> None:
    with pytest.raises(UsageError, match="want an encoder with the head") as error:
        start_encoder(TrainRequest(method=method, init="shipped"), config)
    assert "--init FILE" in error.value.hint


def test_minutes_take_the_place_of_epochs_and_pairs_are_not_parted() -> None:
    plans = planned(stages_of(Scan, CONFIG), TrainRequest(minutes=3.0, workers=1), 7, CPU)
    assert [plan.settings.minutes for plan in plans] == [3.0] * 3
    assert [plan.settings.epochs for plan in plans] == [None] * 3
    assert plans[1].settings.batch_of(7) == 6 and math.isclose(plans[1].settings.lr, 1e-4)
