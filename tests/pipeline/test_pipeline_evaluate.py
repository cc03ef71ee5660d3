"""`evaluate` on small data sets: protocols, the untrained row, encoders of both kinds, what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from dataset_files import cifar10, class_folders
from encoder_files import CARD, SIZE, rows_of, write_encoder

from augnet_cli.datasets.pixels import square_of
from augnet_cli.datasets.record import TEST
from augnet_cli.datasets.registry import read_dataset
from augnet_cli.errors import DatasetError, EncoderError, MissingExtraError, UsageError
from augnet_cli.evaluation.retrieval import judge_rows
from augnet_cli.pipeline.evaluate import evaluate
from augnet_cli.pipeline.evaluation_request import PROTOCOLS, EvaluateRequest
from augnet_cli.records import Resize
from augnet_cli.results import ASSIGNMENTS, ENCODER, UNTRAINED


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("evaluate")
    cifar10(folder, each=4, tests=10)
    return f"cifar10:{folder}"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_encoder(tmp_path_factory.mktemp("encoder") / "hand.onnx", CARD.to_json())


def asked(data: str, protocol: str, encoder: str, **more: object) -> EvaluateRequest:
    return EvaluateRequest(data, protocol, encoder, workers=2, **more)


def test_retrieval_is_of_the_rows_that_the_encoder_gives_in_their_order(data: str, encoder: str) -> None:
    result = evaluate(asked(data, "retrieval", encoder, untrained=False))
    split = read_dataset(data).splits[TEST]
    squares = np.stack([square_of(split.images, number, Resize(SIZE)) for number in range(len(split))])
    wanted = judge_rows(rows_of(squares), split.labels, (1, 2, 4, 8))
    (row,) = result.rows
    assert row.figures["recall_at_2"] == pytest.approx(wanted.recall[2])
    assert row.figures["map"] == pytest.approx(wanted.mean_ap, abs=1e-6)
    assert (row.space, row.encoder, row.method) == (ENCODER, CARD.id, "augnet")
    assert (result.dataset, result.split, result.images) == ("cifar10", TEST, 10)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_gives_shares_and_the_same_ones_again(protocol: str, data: str, encoder: str) -> None:
    result = evaluate(asked(data, protocol, encoder, untrained=False))
    figures = {name: value for name, value in result.rows[0].figures.items() if name != "clusters"}
    assert figures and all(-0.5 <= value <= 1 for value in figures.values())
    assert result.rows == evaluate(asked(data, protocol, encoder, untrained=False)).rows
    for row in result.rows:
        assert all(sum(line) == pytest.approx(1) for line in row.confusion)
    assert bool(result.rows[0].confusion) is (protocol in ("clustering", "probe"))


def test_the_light_install_judges_and_says_what_it_leaves_out(
    data: str, encoder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    result = evaluate(asked(data, "clustering", encoder))
    assert [row.space for row in result.rows] == [ENCODER] and "needs torch" in result.notes[0]
    with pytest.raises(MissingExtraError, match="checkpoint needs torch"):
        evaluate(asked(data, "clustering", str(tmp_path / "checkpoint.pt")))


def test_an_architecture_that_is_unknown_costs_its_row_alone(data: str, encoder: str) -> None:
    result = evaluate(asked(data, "clustering", encoder))
    assert len(result.rows) == 1 and "backbone" in result.notes[0]


def test_all_images_with_a_class_can_be_judged(data: str, encoder: str) -> None:
    assert evaluate(asked(data, "clustering", encoder, split="all", untrained=False)).images == 30


def test_a_probe_is_matched_by_the_names_of_classes(tmp_path: Path, encoder: str) -> None:
    class_folders(tmp_path / "train", ["a", "green", "red"], 4)
    # Labels of the test are counted anew; only one class is left of the three, with another number.
    class_folders(tmp_path / "test", ["green", "red"], 3, first=50)
    result = evaluate(asked(str(tmp_path), "probe", encoder, untrained=False))
    assert result.classes == ("green", "red") and len(result.rows[0].confusion) == 2
    assert result.settings["learnt_from"] == 12
    class_folders(tmp_path / "test", ["new"], 3)
    with pytest.raises(UsageError, match="1 classes of test are not in train, such as new") as error:
        evaluate(asked(str(tmp_path), "probe", encoder))
    assert "retrieval" in error.value.hint


def test_broken_images_are_skipped_with_a_reason(tmp_path: Path, encoder: str) -> None:
    class_folders(tmp_path / "train", ["a", "b"], 2)
    class_folders(tmp_path / "test", ["a", "b"], 4)
    (tmp_path / "test" / "a" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    result = evaluate(asked(str(tmp_path), "clustering", encoder, untrained=False))
    assert result.images == 7 and [skip.path for skip in result.skipped] == ["test/a/0.png"]


@pytest.mark.parametrize(
    ("words", "error", "why"),
    [
        ({"protocol": "knn"}, UsageError, "no protocol knn"),
        ({"seed": -1}, UsageError, "seed -1"),
        ({"temperature": 0.0}, UsageError, "temperature must be above 0"),
        ({"as_published": True}, UsageError, "--faithful is for"),
        ({"neighbours": 5}, UsageError, "--neighbours is for --protocol probe"),
        ({"temperature": 0.1}, UsageError, "--temperature is for --protocol probe"),
        ({"protocol": "probe", "restarts": 2}, UsageError, "--restarts is for --protocol clustering or"),
        ({"split": "dev"}, UsageError, "no split named dev"),
        ({"encoder": "nowhere.onnx"}, EncoderError, "nowhere.onnx"),
        ({"encoder": "nowhere.pt"}, EncoderError, "nowhere.pt"),
        ({"dataset": "cifar10:nowhere"}, DatasetError, "nowhere"),
        ({"protocol": "probe", "split": "train"}, UsageError, "learns from train"),
    ],
)
def test_what_can_not_be_is_refused(
    words: dict[str, object], error: type[Exception], why: str, data: str, encoder: str
) -> None:
    given = {"dataset": data, "protocol": "clustering", "encoder": encoder, **words}
    with pytest.raises(error, match=why):
        evaluate(EvaluateRequest(**given))


def test_a_single_usable_image_is_judged_or_told_beside_the_untrained_network(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", ["a", "b"], 1, 8)
    class_folders(tmp_path / "test", ["a", "b"], 1, 8)
    next((tmp_path / "test" / "a").iterdir()).write_bytes(b"\xff\xd8\xff no more")
    rows = evaluate(EvaluateRequest(str(tmp_path), "clustering")).rows
    assert [row.space for row in rows] == [ENCODER, UNTRAINED] and all(
        row.figures["acc"] == 1 for row in rows
    )
    for protocol, why in (("copies", "too few usable images"), ("retrieval", "no image has another")):
        with pytest.raises(DatasetError, match=why):
            evaluate(EvaluateRequest(str(tmp_path), protocol))


def test_a_network_of_torch_is_judged_beside_itself_untrained_and_by_its_own_clusters(
    data: str, tmp_path: Path
) -> None:
    """A checkpoint as training writes it, of an encoder that tells three clusters apart."""
    torch = pytest.importorskip("torch")
    from augnet_cli.training.checkpoint import CHECKPOINT_NAME, PARTS
    from augnet_cli.training.encoder import Encoder, EncoderSpec

    torch.manual_seed(0)
    encoder = Encoder(EncoderSpec("resnet18_slim", 32, 8)).eval()
    identity = {"encoder": encoder.spec.as_dict(), "method": "scan"}
    encoder.add_clusters(3)
    weights = {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
    file = tmp_path / CHECKPOINT_NAME
    torch.save({**dict.fromkeys(PARTS), "identity": identity, "method": weights}, file)

    before = torch.random.get_rng_state()
    result = evaluate(asked(data, "clustering", str(file)))

    assert [row.space for row in result.rows] == [ENCODER, ASSIGNMENTS, UNTRAINED]
    assert [row.method for row in result.rows] == ["scan", "scan", "untrained"]
    assert result.settings["assigned_clusters"] == 3 and result.encoder_file == CHECKPOINT_NAME
    assert torch.equal(before, torch.random.get_rng_state())
    split = read_dataset(data).splits[TEST]
    squares = np.stack([square_of(split.images, number, Resize(32)) for number in range(len(split))])
    from augnet_cli.training.in_torch import encoder_of_checkpoint

    opened = encoder_of_checkpoint(str(file))
    shares = opened.assignments(squares)
    with torch.no_grad():
        embeddings = encoder(torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255)
        np.testing.assert_allclose(shares, encoder.clusters(embeddings).softmax(1).numpy(), atol=1e-6)
    file.write_bytes(b"no checkpoint")
    with pytest.raises(EncoderError, match="can't be read"):
        evaluate(asked(data, "clustering", str(file)))
    assert "torch" in sys.modules
