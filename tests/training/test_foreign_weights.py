"""Weights of other programs: found by their names, loaded whole or refused, and never run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from augnet_cli.errors import EncoderError, UsageError
from augnet_cli.training.backbones import build_backbone
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.foreign_weights import taken_from
from augnet_cli.training.initial import start_encoder
from augnet_cli.training.methods.augnet import AugNetConfig
from augnet_cli.training.methods.scan_config import ScanConfig
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.weight_files import is_weight_file, read_weight_file, tensors_of

State = dict[str, Tensor]
NARROW = 8
RESIDUAL = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
HEADS = {"contrastive_head.0.weight": torch.ones(8, 8), "cluster_head.0.bias": torch.ones(3)}


def state_of(backbone: str, width: int = NARROW) -> State:
    torch.manual_seed(0)
    return build_backbone(backbone, width)[0].state_dict()


def renamed(state: State, firsts: dict[str, str], prefix: str = "") -> State:
    """With other first parts of the names, and a prefix before them."""
    made = {}
    for name, tensor in state.items():
        first, _, rest = name.partition(".")
        made[f"{prefix}{firsts.get(first, first)}.{rest}"] = tensor
    return made


def residual(backbone: str = "resnet18", prefix: str = "") -> State:
    return renamed(state_of(backbone), RESIDUAL, prefix)


def branched(state: State) -> State:
    """As UDML-SS names GoogLeNet: the four branches are a, b, c and d."""
    letters = {"1": "a", "3": "b", "5": "c", "p": "d"}
    made = {}
    for name, tensor in state.items():
        first, _, rest = name.partition(".")
        letter = f"{letters[rest[0]]}." if first.startswith("inception") else ""
        made[f"features.{first}.{letter}{rest}"] = tensor
    return made


def numbered(state: State) -> State:
    """As CBSwR names it: the layers are numbered, poolings too."""
    layers = ["conv1", "conv2", "3a", "3b", "pool", "4a", "4b", "4c", "4d", "4e", "pool", "5a", "5b"]
    numbers = {name if name.startswith("conv") else f"inception_{name}": n for n, name in enumerate(layers)}
    return renamed(state, {name: str(number) for name, number in numbers.items()}, "base_model.")


LAYOUTS: dict[str, tuple[str, Callable[[], State]]] = {
    "torchvision": ("resnet18", lambda: {**residual(), "fc.weight": torch.ones(5, 64)}),
    "torchvision 34": ("resnet34", lambda: residual("resnet34")),
    "torchvision 50": ("resnet50", lambda: residual("resnet50")),
    "AugNet": ("resnet34", lambda: residual("resnet34", "pre.")),
    "AugNet on several GPUs": ("resnet34", lambda: residual("resnet34", "pre.module.")),
    "AugNet's small network": (
        "nin4",
        lambda: renamed(state_of("nin4"), {str(n): f"seq{n}" for n in range(4)}),
    ),
    "SCAN": ("resnet18_cifar", lambda: {**residual("resnet18_cifar", "backbone."), **HEADS}),
    "SCAN's own shortcuts": (
        "resnet18_cifar",
        lambda: {
            k.replace("downsample", "shortcut"): v for k, v in residual("resnet18_cifar", "backbone.").items()
        },
    ),
    "MoCo": (
        "resnet50",
        lambda: {**residual("resnet50", "module.encoder_q."), **residual("resnet50", "module.encoder_k.")},
    ),
    "Caffe": ("googlenet", lambda: state_of("googlenet")),
    "CBSwR": ("googlenet", lambda: {**numbered(state_of("googlenet")), "feat_ext.0.bias": torch.ones(8)}),
    "UDML-SS": (
        "googlenet",
        lambda: {**branched(state_of("googlenet")), "classifier_rot.0.bias": torch.ones(8)},
    ),
    "other names": (
        "resnet18",
        lambda: {f"a{n}": t for n, t in enumerate(state_of("resnet18").values()) if t.dim()},
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_others_are_found_and_loaded_whole(layout: str) -> None:
    backbone, made = LAYOUTS[layout]
    tensors, expected = made(), state_of(backbone)
    taken = taken_from(tensors, "w.pth")
    assert (taken.backbone, taken.width) == (backbone, NARROW)
    assert taken.by_order is (layout == "other names")
    weights = {name: tensor for name, tensor in expected.items() if not name.endswith("num_batches_tracked")}
    assert taken.weights.keys() == weights.keys()
    first = next(iter(weights))
    for name, tensor in weights.items():
        bgr = name == first and backbone == "googlenet"  # Caffe's networks see blue first
        assert torch.equal(taken.weights[name], tensor.flip(1) if bgr else tensor), name
    outside = {
        name.partition(".")[0] for name in tensors if "head" in name or name.startswith(("fc", "cl", "fe"))
    }
    assert {name.partition(" ")[0] for name in taken.left_out} >= outside - {"features"}


def test_network_of_torchvision_computes_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18().eval()
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    told: list[str] = []
    request = TrainRequest(method="augnet", init=str(tmp_path / "w.pth"), size=32)
    start = start_encoder(request, AugNetConfig(linear=False), told.append)
    assert start.is_normalised and start.encoder.spec == EncoderSpec("resnet18", 32, 0, "tanh")
    images = torch.rand(2, 3, 32, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    theirs.fc = nn.Identity()  # type: ignore[assignment]
    with torch.no_grad():
        seen = theirs((images - mean[:, None, None]) / std[:, None, None])
        torch.testing.assert_close(start.encoder.eval().pooled(images), seen, rtol=1e-4, atol=1e-5)
    assert "resnet18" in told[0] and "fc (2)" in told[0]


def test_published_scales_of_pixels_come_along() -> None:
    origin = taken_from(numbered(state_of("googlenet")), "w.pth").origin
    assert origin.bgr and origin.mean is not None
    # x * 255 - mean of each channel, red first.
    values = [(0.5 - mean) / std for mean, std in zip(origin.mean, origin.std, strict=True)]
    np.testing.assert_allclose(values, 127.5 - np.array([122.7717, 115.9465, 102.9801]))
    assert taken_from(residual("resnet34", "pre."), "w.pth").origin.mean is None  # AugNet's are not told


def without(state: State, *names: str) -> State:
    return {name: tensor for name, tensor in state.items() if name not in names}


@pytest.mark.parametrize(
    ("tensors", "backbone", "words"),
    [
        (lambda: without(residual(), "layer2.0.conv1.weight", "bn1.bias"), None, "lacks 2 .* first bn1.bias"),
        (lambda: residual("resnet34"), "resnet18", "no resnet18: that has no layer1.2.conv1.weight"),
        (
            lambda: {**residual(), "layer3.1.bn2.bias": torch.ones(3)},
            None,
            r"bn2.bias is \(3,\), not \(32,\)",
        ),
        (
            lambda: residual("resnet18_cifar"),
            "resnet18",
            r"conv1.weight is \(8, 3, 3, 3\), not \(8, 3, 7, 7\)",
        ),
        (lambda: {"words.weight": torch.ones(4, 4)}, None, "no network that augnet knows"),
        (residual, "nin3", "holds no nin3"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_first_that_is_missing(
    tensors: Callable[[], State], backbone: str | None, words: str
) -> None:
    with pytest.raises(EncoderError, match=words) as error:
        taken_from(tensors(), "w.pth", backbone)
    assert "--backbone" in error.value.hint


def test_stem_that_shapes_do_not_tell_is_what_the_user_says() -> None:
    tensors = residual("resnet18_cifar")
    assert "resnet18_stl" in taken_from(tensors, "w.pth").told()
    assert taken_from(tensors, "w.pth", "resnet18_stl").backbone == "resnet18_stl"
    assert taken_from(tensors, "w.pth", width=NARROW).width == NARROW
    with pytest.raises(UsageError, match="8 channels wide, not 16"):
        taken_from(tensors, "w.pth", width=16)


WRAPPED: dict[str, Callable[[State], Any]] = {
    "bare": lambda state: state,
    "with an optimiser": lambda state: {"model": state, "optimizer": {"lr": 0.1}, "epoch": 3},
    "of numpy": lambda state: {name: tensor.numpy() for name, tensor in state.items()},
    "with a figure of numpy": lambda state: {"state_dict": state, "best": np.float64(0.5)},
}


@pytest.mark.parametrize("how", WRAPPED)
@pytest.mark.parametrize("zipped", [True, False])
def test_weights_are_taken_out_of_what_wraps_them(how: str, zipped: bool, tmp_path: Path) -> None:
    state = {"conv1.weight": torch.arange(6.0).view(2, 3), "bn1.num_batches_tracked": torch.tensor(3)}
    file = str(tmp_path / "w.pth")
    torch.save(WRAPPED[how](state), file, _use_new_zipfile_serialization=zipped)
    assert is_weight_file(file)
    found = tensors_of(read_weight_file(file), file)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


class Runs:
    """What a pickle can do: call anything when it is opened."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.trace,)


def test_code_is_refused_and_not_run(tmp_path: Path) -> None:
    file, trace = tmp_path / "w.pth", tmp_path / "ran"
    torch.save({"conv1.weight": torch.ones(2), "x": Runs(str(trace))}, file)
    with pytest.raises(EncoderError, match="would run code") as error:
        read_weight_file(str(file))
    assert "state_dict()" in error.value.hint and not trace.exists()
    torch.save(nn.Linear(2, 2), file)
    with pytest.raises(EncoderError, match="would run code"):
        read_weight_file(str(file))


@pytest.mark.parametrize("data", [b"PK\x03\x04 nothing", b"\x80\x02}q", b"\x80"])
def test_broken_files_are_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "w.pth"
    file.write_bytes(data)
    with pytest.raises(EncoderError, match="can't be read as weights"):
        read_weight_file(str(file))
    torch.save([torch.ones(1)], file)
    with pytest.raises(EncoderError, match="no weights by name"):
        read_weight_file(str(file))


def test_checkpoint_of_augnet_is_a_start(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = Encoder(EncoderSpec("resnet18_cifar", 32, 16, width=NARROW))
    encoder.mean.fill_(0.4)
    spec = encoder.spec.as_dict()
    encoder.add_clusters(3)
    state = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    file = tmp_path / "checkpoint.pt"
    torch.save({"method": {**state, "bank": torch.ones(2)}, "identity": {"encoder": spec}}, file)
    request = TrainRequest(method="augnet", init=str(file))
    start = start_encoder(request, AugNetConfig())
    # AugNet moves the embeddings and not the clusters of them; SCAN's own stages go on with both.
    assert start.is_normalised and start.encoder.spec.clusters == 0 and start.encoder.clusters is None
    scan = TrainRequest(method="scan", init=str(file))
    whole = start_encoder(scan, ScanConfig(stages="cluster,selflabel", clusters=3)).encoder
    assert whole.spec == encoder.spec
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(whole.state_dict()[name], tensor), name
        if not name.startswith("clusters."):
            assert torch.equal(start.encoder.state_dict()[name], tensor), name
    assert start_encoder(scan, ScanConfig(clusters=3, pretext="rotnet")).encoder.clusters is None
    del state["encoder.backbone.0.weight"]
    torch.save({"method": state, "identity": {"encoder": spec}}, file)
    with pytest.raises(EncoderError, match="don't fit"):
        start_encoder(request, AugNetConfig())
