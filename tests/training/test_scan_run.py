"""SCAN from a folder to its clusters: one command trains, the file tells them, another command shows them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from training_examples import picture_folder, smooth_picture

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import EncoderError, UsageError
from augnet_cli.images.squares import square
from augnet_cli.pipeline.assign import assign
from augnet_cli.pipeline.cluster import ClusterRequest, cluster
from augnet_cli.pipeline.parting import SCAN, Wish, part
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.pipeline.train import train
from augnet_cli.progress import Progress
from augnet_cli.report.cluster_text import cluster_lines
from augnet_cli.results import ClusterResult
from augnet_cli.training.export import UnitRows, drift_between, export_encoder
from augnet_cli.training.initial import encoder_from_file
from augnet_cli.training.outcome import TrainOutcome
from augnet_cli.training.request import TrainRequest

IMAGES = 24
REQUEST = TrainRequest(
    method="scan",
    replace="always",
    init="scratch",
    size=32,
    dtype="fp32",
    device="cpu",
    workers=1,
    options={
        "clusters": "3",
        **{f"{stage}_epochs": "1" for stage in ("pretext", "cluster", "selflabel")},
        **{f"{stage}_images": "8" for stage in ("pretext", "cluster", "selflabel")},
        "threshold": "0.1",
    },
)
ASKED = ClusterRequest(Wish(SCAN))


class Heard(Progress):
    """What a run says that it does, and on how many."""

    def __init__(self) -> None:
        self.begun: dict[str, int | None] = {}

    def start(self, stage: str, total: int | None) -> None:
        self.begun[stage] = total


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainOutcome]:
    folder = picture_folder(tmp_path_factory.mktemp("scan") / "photos", IMAGES, width=36, height=32)
    return folder, train(str(folder), REQUEST)


@pytest.fixture
def folder(trained: tuple[Path, TrainOutcome], tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return shutil.copytree(trained[0], tmp_path / "photos")


def squares(folder: Path) -> np.ndarray:
    pictures = [smooth_picture(number, 36, 32) for number in range(IMAGES)]
    return np.stack([square(np.asarray(picture), 32) for picture in pictures])


def test_card_and_record_tell_the_stages(trained: tuple[Path, TrainOutcome]) -> None:
    folder, outcome = trained
    card = Embedder.load(outcome.file).card
    assert card.method == "scan" and card.architecture["clusters"] == 3
    stages: Any = card.training["stages"]
    assert [one["stage"] for one in stages] == ["pretext", "cluster", "selflabel"]
    assert all(one["epochs"] == 1 for one in stages) and card.training["epochs"] == 3
    assert card.training["steps"] == sum(one["steps"] for one in stages)
    assert stages[0]["options"]["projection"] == 128
    assert [line["stage"] for line in outcome.curve] == ["pretext", "cluster", "selflabel"]
    training = folder / ".augnet" / "training"
    assert sorted(path.name for path in training.iterdir()) == ["cluster", "pretext", "selflabel"]
    assert not list(training.rglob("checkpoint.pt"))


def test_file_gives_rows_and_logits_in_one_pass_as_torch_does(trained: tuple[Path, TrainOutcome]) -> None:
    """In eight-bit integers as it is used, and in float as it was trained."""
    folder, outcome = trained
    embedder = Embedder.load(outcome.file)
    assert embedder.card.is_quantised and embedder.clusters == 3
    session = onnxruntime.InferenceSession(outcome.file, providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["embeddings", "clusters"]
    images = squares(folder)
    rows, logits = session.run(None, {"images": images})
    encoder = encoder_from_file(outcome.file)
    assert encoder.spec.clusters == 3
    with torch.no_grad():
        own_rows, own_logits = UnitRows(encoder)(torch.from_numpy(images))
    assert 1 - (rows * own_rows.numpy()).sum(1).mean() < 0.03
    assert np.abs(logits - own_logits.numpy()).max() < 0.1 * np.abs(own_logits.numpy()).max()
    shares = embedder.assignments(images)
    np.testing.assert_allclose(shares, torch.from_numpy(logits).softmax(1).numpy(), atol=1e-6)
    np.testing.assert_array_equal(embedder.embed(images), rows)
    assert embedder.assignments(images[:0]).shape == (0, 3)
    assert Embedder.load(shipped_encoder()).clusters == 0


def test_float_file_gives_what_torch_gives(trained: tuple[Path, TrainOutcome], tmp_path: Path) -> None:
    encoder, card = encoder_from_file(trained[1].file), Embedder.load(trained[1].file).card
    told = {name: value for name, value in card.training.items() if name != "quantised_from"}
    images = squares(trained[0])
    file = str(tmp_path / "float.onnx")
    embedder, drift = export_encoder(encoder, replace(card, training=told), file, images)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        own = UnitRows(encoder)(torch.from_numpy(images))
    for got, expected in zip(session.run(None, {"images": images}), own, strict=True):
        np.testing.assert_allclose(got, expected.numpy(), atol=1e-4)
    assert drift < 1e-4 and embedder.clusters == 3
    # A file without the second output is another encoder.
    model = onnx.load(file)
    del model.graph.output[1]
    onnx.save(model, str(tmp_path / "one.onnx"))
    assert drift_between(encoder, Embedder.load(str(tmp_path / "one.onnx")), images) > 1


def scan_of(folder: Path, progress: Progress | None = None, **request: Any) -> ClusterResult:
    return cluster(FolderRequest(str(folder), **request), ASKED, progress or Progress())


def as_sets(result: ClusterResult) -> list[set[str]]:
    return [set(one.members) for one in result.clusters]


def test_clusters_are_those_that_the_encoder_tells(trained: tuple[Path, TrainOutcome], folder: Path) -> None:
    shares = Embedder.load(trained[1].file).assignments(squares(folder))
    expected: dict[int, set[str]] = {}
    for number, label in enumerate(shares.argmax(1).tolist()):
        expected.setdefault(label, set()).add(f"{number:03}.png")
    result = scan_of(folder)
    found = as_sets(result)
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected.values()))
    assert [len(one) for one in found] == sorted(map(len, found), reverse=True)
    assert result.confidence == pytest.approx(float(shares.max(1).mean()), abs=1e-5)
    assert not result.noise and not result.chosen and result.method == "scan"
    told = "\n".join(cluster_lines(result))
    assert result.k == shares.shape[1]
    assert (
        f"mean confidence {result.confidence:.2f} ({1 / shares.shape[1]:.2f} were chance)" in told
        and "--k" not in told
    )


def test_second_run_decodes_nothing_and_a_new_image_alone_is_looked_at(folder: Path) -> None:
    first, second, third = Heard(), Heard(), Heard()
    clusters = as_sets(scan_of(folder, first))
    assert first.begun["sorting into clusters"] == IMAGES
    anew = ClusterRequest(Wish(SCAN), anew=True)
    again = cluster(FolderRequest(str(folder)), anew, second)
    assert as_sets(again) == clusters and "sorting into clusters" not in second.begun
    smooth_picture(99, 36, 32).save(folder / "new.png")
    (kept,) = (folder / ".augnet" / "cache").glob("assignments-*.npz")
    grown = scan_of(folder, third)
    assert third.begun["sorting into clusters"] == 1 and sum(map(len, as_sets(grown))) == IMAGES + 1
    kept.write_bytes(b"no archive")  # what can't be read is made again
    assert as_sets(scan_of(folder)) == as_sets(grown)


def test_new_images_go_where_the_encoder_puts_them(folder: Path, tmp_path: Path) -> None:
    clusters = {path: one.id for one in scan_of(folder).clusters for path in one.members}
    new = tmp_path / "new"
    new.mkdir()
    for number in (3, 8, 11):
        smooth_picture(number, 36, 32).save(new / f"{number:03}.png", compress_level=1)
    result = assign(FolderRequest(str(folder)), str(new), ASKED)
    got = {path: one.id for one in result.clusters for path in one.members}
    assert got == {path: clusters[path] for path in got} and len(got) == 3


def test_what_can_t_be_shown_is_refused_with_what_to_do(folder: Path) -> None:
    with pytest.raises(EncoderError, match="no clusters of its own") as refused:
        scan_of(folder, encoder="shipped")
    assert "augnet train" in refused.value.hint and "--method scan --set clusters=N" in refused.value.hint
    with pytest.raises(UsageError, match="the number of scan's clusters"):
        cluster(FolderRequest(str(folder)), ClusterRequest(Wish(SCAN, k=3)))


def test_clusters_without_an_image_vanish() -> None:
    rows = np.eye(6, dtype=np.float32)
    parted = part(rows, np.ones(6), Wish(SCAN), None, assigned=np.array([7, 2, 2, 7, 7, 4]))
    assert parted.k == 3 and parted.labels.tolist() == [0, 1, 1, 0, 0, 2]
