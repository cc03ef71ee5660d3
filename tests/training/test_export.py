"""From torch to the file that is used: the same numbers, whole or not at all, nothing of this machine."""

from __future__ import annotations

import copy
import getpass
import os
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from exported_once import Exporter
from PIL import Image
from torch import Tensor, nn
from training_examples import ROOT, small_encoder, smooth_picture

from augnet_cli.encoder.card import CARD_KEY, Card
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import EncoderError, TrainingError
from augnet_cli.images.squares import square
from augnet_cli.records import Resize
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.export import MAX_DRIFT, UnitRows, export_encoder, moved_between
from augnet_cli.training.in_torch import InTorch
from augnet_cli.training.initial import encoder_from_file

pytestmark = pytest.mark.early

SIZE = 64


def card_of(encoder: Encoder, **training: object) -> Card:
    return Card(
        id="",
        method="augnet",
        architecture=encoder.spec.as_dict(),
        dim=encoder.dim,
        resize=Resize(encoder.spec.size),
        thresholds={"0.9": 0.3, "0.99": 0.2, "0.999": 0.1},
        training={"steps": 3, **training},
        scores={"copy_recall_at_precision_0.99": 0.5},
    )


def real_squares(photos: dict[str, Image.Image], count: int, size: int = SIZE) -> np.ndarray:
    """(n, S, S, 3) uint8 parts of real photographs."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        photo = list(photos.values())[number % len(photos)]
        side = int(rng.integers(60, 300))
        left, top = int(rng.integers(0, photo.width - side)), int(rng.integers(0, photo.height - side))
        made.append(square(np.asarray(photo.crop((left, top, left + side, top + side))), size))
    return np.stack(made)


def torch_rows(encoder: Encoder, images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        rows: np.ndarray = UnitRows(encoder).eval()(torch.from_numpy(images)).numpy()
    return rows


@pytest.fixture(scope="module")
def exported(
    exported_once: None, tmp_path_factory: pytest.TempPathFactory, sample_photos: dict[str, Image.Image]
) -> Path:
    """One exported encoder, for the tests that only read it."""
    file = tmp_path_factory.mktemp("exported") / "encoder.onnx"
    encoder = small_encoder(size=SIZE)
    export_encoder(encoder, card_of(encoder), str(file), real_squares(sample_photos, 4))
    return file


# Those that a user most likely takes, as they are; of other families and stems one each, as narrow as tells
# pictures apart: an export takes seconds.
EXPORTED = {
    "symmetric_resnet": 0,
    "resnet18_slim": 0,
    "mobilenet_v3_small": 0,
    "resnet18": 0,
    "resnet34": 0,
    "resnet50": 0,
    "resnet18_cifar": 8,
    "resnet18_stl": 8,
    "nin4": 12,
    "googlenet": 16,
    "googlenet_bn": 0,
}


@pytest.mark.parametrize(("backbone", "width"), EXPORTED.items())
def test_torch_and_onnx_runtime_agree_on_real_pictures(
    backbone: str, width: int, sample_photos: dict[str, Image.Image], tmp_path: Path
) -> None:
    encoder = small_encoder(size=SIZE, dim=32, backbone=backbone, width=width)
    images = real_squares(sample_photos, 17)
    file = tmp_path / "encoder.onnx"
    embedder, drift = export_encoder(encoder, card_of(encoder), str(file), images)
    assert drift <= MAX_DRIFT
    expected = torch_rows(encoder, images)
    assert np.ptp(expected @ expected.T) > 0.01  # the pictures are told apart: agreement says something
    for count in (1, 3, 17):
        rows = embedder.embed(images[:count])
        assert rows.shape == (count, 32) and rows.dtype == np.float32
        np.testing.assert_allclose(rows, expected[:count], atol=MAX_DRIFT)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    again = encoder_from_file(str(file)).eval()
    np.testing.assert_allclose(torch_rows(again, images), expected, atol=1e-6)
    onnx.checker.check_model(str(file))


def test_published_head_is_exported_too(sample_photos: dict[str, Image.Image], tmp_path: Path) -> None:
    torch.manual_seed(0)
    from augnet_cli.training.encoder import EncoderSpec

    encoder = Encoder(EncoderSpec("resnet18_slim", 32, 0, "tanh")).eval()
    images = real_squares(sample_photos, 3, 32)
    embedder, _ = export_encoder(encoder, card_of(encoder), str(tmp_path / "e.onnx"), images)
    assert embedder.dim == 176
    np.testing.assert_allclose(embedder.embed(images), torch_rows(encoder, images), atol=MAX_DRIFT)


class Jittering(nn.Module):
    """Adds what torch draws anew at every call, and an exported graph draws as it likes."""

    def forward(self, rows: Tensor) -> Tensor:
        return rows + 0.5 * torch.randn_like(rows)


def test_the_share_of_images_that_change_their_cluster_is_counted(
    sample_photos: dict[str, Image.Image],
) -> None:
    encoder = small_encoder(size=SIZE, dim=32)
    images = real_squares(sample_photos, 17)
    assert moved_between(encoder, InTorch(encoder, "", ""), images) == 0  # it has none
    encoder.add_clusters(3)
    other = copy.deepcopy(encoder)
    assert moved_between(encoder, InTorch(other, "", ""), images) == 0
    before = InTorch(other, "", "").assignments(images).argmax(1)
    with torch.no_grad():
        other.clusters.bias[2] += 50
    assert moved_between(encoder, InTorch(other, "", ""), images) == np.mean(before != 2) > 0
    other.add_clusters(4)
    assert moved_between(encoder, InTorch(other, "", ""), images) == 1


def test_drift_is_refused_and_the_old_file_stays(
    sample_photos: dict[str, Image.Image], tmp_path: Path
) -> None:
    encoder = small_encoder()
    encoder.head = nn.Sequential(encoder.head, Jittering())
    file = tmp_path / "encoder.onnx"
    file.write_bytes(b"the old one")
    with pytest.raises(TrainingError, match="differs from the trained one") as error:
        export_encoder(encoder, card_of(encoder), str(file), real_squares(sample_photos, 3, 32))
    assert "checkpoint is kept" in error.value.hint
    assert file.read_bytes() == b"the old one"
    assert os.listdir(tmp_path) == ["encoder.onnx"]


@pytest.mark.usefixtures("exported")  # the same network
def test_weights_that_are_no_numbers_are_refused(
    sample_photos: dict[str, Image.Image], tmp_path: Path
) -> None:
    encoder = small_encoder(size=SIZE)
    with torch.no_grad():
        encoder.head[0].weight[0, 0] = float("nan")
    with pytest.raises(TrainingError):
        export_encoder(encoder, card_of(encoder), str(tmp_path / "e.onnx"), real_squares(sample_photos, 3))
    assert os.listdir(tmp_path) == []


def test_nothing_of_this_machine_is_in_the_file(exported: Path) -> None:
    data = exported.read_bytes()
    telling = [str(ROOT), os.path.dirname(torch.__file__), str(exported.parent), os.path.expanduser("~/")]
    for text in (*telling, "site-packages", ".py"):
        assert text.encode() not in data, text
    for name in (socket.gethostname(), getpass.getuser()):
        # Shorter ones turn up in seven megabytes of weights by chance.
        assert len(name) < 5 or name.encode() not in data


def test_card_comes_back_as_it_went(exported: Path) -> None:
    encoder = small_encoder(size=SIZE)
    card = Embedder.load(str(exported)).card
    assert replace(card, id="") == card_of(encoder)
    assert len(card.id) == 16 and int(card.id, 16) >= 0
    assert card.threshold == 0.2


def test_id_is_that_of_graph_and_weights_alone(
    exported: Path,
    sample_photos: dict[str, Image.Image],
    tmp_path: Path,
    exporter: Exporter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And a graph that was filled in with the weights of now is the very one that is exported anew."""
    images = real_squares(sample_photos, 2)
    encoder = small_encoder(size=SIZE)
    other_card, _ = export_encoder(encoder, card_of(encoder, steps=99), str(tmp_path / "a.onnx"), images)
    assert other_card.id == Embedder.load(str(exported)).id
    assert other_card.card.training["steps"] == 99
    with torch.no_grad():
        encoder.head[0].weight[0, 0] += 1e-3
    export_encoder(encoder, card_of(encoder), str(tmp_path / "filled in.onnx"), images)
    monkeypatch.setattr(torch.onnx, "export", exporter.export)
    other_weight, _ = export_encoder(encoder, card_of(encoder), str(tmp_path / "b.onnx"), images)
    assert other_weight.id != other_card.id
    assert (tmp_path / "filled in.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_training_goes_on_from_the_very_weights(exported: Path) -> None:
    before = small_encoder(size=SIZE)
    after = encoder_from_file(str(exported))
    assert after.spec == before.spec
    expected, got = before.state_dict(), after.state_dict()
    for name in expected:
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(expected[name], got[name]), name
    assert all(weight.requires_grad for weight in after.parameters())


@pytest.mark.parametrize("what", ["text", "no card", "missing"])
def test_what_is_no_encoder_is_no_start(what: str, exported: Path, tmp_path: Path) -> None:
    file = tmp_path / "start.onnx"
    if what == "text":
        file.write_text("hello\n" * 100)
    elif what == "no card":
        model = onnx.load(str(exported))
        del model.metadata_props[:]
        onnx.save(model, str(file))
    with pytest.raises(EncoderError) as error:
        encoder_from_file(str(file))
    assert str(file) in error.value.what and error.value.hint


def with_card(exported: Path, file: Path, **changes: object) -> str:
    """A copy of the encoder whose card says something else."""
    model = onnx.load(str(exported))
    card = Embedder.load(str(exported)).card
    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, replace(card, **changes).to_json()  # type: ignore[arg-type]
    onnx.save(model, str(file))
    return str(file)


@pytest.mark.parametrize(
    "architecture",
    [
        {"backbone": "mobilenet_v3_small", "size": SIZE, "dim": 16, "head": "linear_tanh"},
        {"backbone": "resnet18_slim", "size": SIZE, "dim": 32, "head": "linear_tanh"},
        {"backbone": "resnet18_slim", "size": SIZE, "dim": 16, "wings": 2},
        {"backbone": "resnet18_slim", "size": 32, "dim": 16},
        {"backbone": "unheard", "size": SIZE, "dim": 16},
    ],
)
def test_weights_that_don_t_fit_their_card_are_no_start(
    architecture: dict[str, object], exported: Path, tmp_path: Path
) -> None:
    with pytest.raises(EncoderError):
        encoder_from_file(with_card(exported, tmp_path / "e.onnx", architecture=architecture))


def test_missing_weight_is_no_start(exported: Path, tmp_path: Path) -> None:
    """A file whose graph computes with a weight under another name."""
    model = onnx.load(str(exported))
    name = next(t.name for t in model.graph.initializer if t.name.endswith("head.0.weight"))
    for tensor in model.graph.initializer:
        tensor.name = "other" if tensor.name == name else tensor.name
    for node in model.graph.node:
        for position, text in enumerate(node.input):
            node.input[position] = "other" if text == name else text
    onnx.save(model, str(tmp_path / "e.onnx"))
    Embedder.load(str(tmp_path / "e.onnx"))  # it serves, and yet can't be trained further
    with pytest.raises(EncoderError, match="don't fit"):
        encoder_from_file(str(tmp_path / "e.onnx"))


def test_network_that_computes_something_else_is_no_start(exported: Path, tmp_path: Path) -> None:
    """The weights fit by name and shape, and the graph is that of another version of augnet."""
    model = onnx.load(str(exported))
    tanh = next(node for node in model.graph.node if node.op_type == "Tanh")
    tanh.op_type = "Erf"
    onnx.save(model, str(tmp_path / "e.onnx"))
    with pytest.raises(EncoderError, match="don't fit"):
        encoder_from_file(str(tmp_path / "e.onnx"))


def test_shipped_encoder_is_one_that_training_can_start_from() -> None:
    file = shipped_encoder()
    embedder = Embedder.load(file)
    size = embedder.resize.size
    images = np.stack([np.asarray(smooth_picture(seed, size, size)) for seed in range(4)])
    encoder = encoder_from_file(file).eval()
    # It computes in integers.
    assert (1 - (torch_rows(encoder, images) * embedder.embed(images)).sum(1)).max() < 0.01
