"""Eight-bit encoder files: nearly the same embeddings, the same card, an id of their own; or a refusal."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from training_examples import small_encoder, smooth_picture

from augnet_cli.encoder.card import CARD_KEY, Card
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import EncoderError, TrainingError
from augnet_cli.images.squares import square
from augnet_cli.records import Resize
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.export import export_encoder
from augnet_cli.training.float_weights import CARRIED_KEY, carry_float_weights, float_weights
from augnet_cli.training.initial import encoder_from_file
from augnet_cli.training.quantise import MOST_MOVED, in_integers, quantise

SIZE = 64


def parts_of(photo: Image.Image, count: int, seed: int, size: int = SIZE) -> np.ndarray:
    """(n, S, S, 3) uint8 squares cut out of a photograph."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        side = int(rng.integers(60, 300))
        left, top = int(rng.integers(0, photo.width - side)), int(rng.integers(0, photo.height - side))
        made.append(square(np.asarray(photo.crop((left, top, left + side, top + side))), size))
    return np.stack(made)


@pytest.fixture(scope="module")
def examples(sample_photos: dict[str, Image.Image]) -> np.ndarray:
    return np.concatenate([parts_of(photo, 20, seed) for seed, photo in enumerate(sample_photos.values())])


@pytest.fixture(scope="module")
def exported(exported_once: None, tmp_path_factory: pytest.TempPathFactory, examples: np.ndarray) -> Path:
    file = tmp_path_factory.mktemp("float") / "encoder.onnx"
    encoder = small_encoder(size=SIZE, dim=32)
    export_encoder(encoder, card_of(encoder), str(file), examples[:4])
    return file


def card_of(encoder: Encoder) -> Card:
    return Card(
        id="",
        method="augnet",
        architecture=encoder.spec.as_dict(),
        dim=encoder.dim,
        resize=Resize(SIZE),
        thresholds={"0.9": 0.3, "0.99": 0.2, "0.999": 0.1},
        training={"steps": 3},
        scores={"copy_recall_at_precision_0.99": 0.5},
    )


@pytest.fixture(scope="module")
def float_shipped(exported_once: None, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The shipped encoder as it was before it was quantised."""
    shipped = Embedder.load(shipped_encoder())
    size = shipped.resize.size
    images = np.stack([np.asarray(smooth_picture(seed, size, size)) for seed in range(4)])
    file = tmp_path_factory.mktemp("shipped") / "float.onnx"
    embedder, _ = export_encoder(encoder_from_file(shipped.file), shipped.card, str(file), images)
    return embedder


@pytest.fixture(scope="module")
def quantised(exported: Path, examples: np.ndarray) -> Path:
    file = exported.with_name("quantised.onnx")
    quantise(str(exported), str(file), examples)
    return file


def stored(file: Path) -> dict[str, np.ndarray]:
    return {each.name: numpy_helper.to_array(each) for each in onnx.load(str(file)).graph.initializer}


def kernels(file: Path) -> list[np.ndarray]:
    """The weights of each convolution as the file stores them, dequantised or not, in graph order."""
    graph, arrays = onnx.load(str(file)).graph, stored(file)
    source = {node.output[0]: node for node in graph.node}
    found = []
    for node in graph.node:
        if node.op_type == "Conv":
            maker = source.get(node.input[1])
            found.append(arrays[maker.input[0] if maker is not None else node.input[1]])
    return found


def test_new_pictures_get_nearly_the_same_embeddings(
    sample_photos: dict[str, Image.Image], float_shipped: Embedder, tmp_path: Path
) -> None:
    """The shipped encoder: one that is not trained makes much of small differences."""
    before = float_shipped
    size = before.resize.size
    photos = sample_photos.values()
    examples = np.concatenate([parts_of(photo, 20, seed, size) for seed, photo in enumerate(photos)])
    images = parts_of(sample_photos["flower"], 33, 7, size)

    after = quantise(before.file, str(tmp_path / "q.onnx"), examples).embed(images)

    expected = before.embed(images)
    apart = 1 - (expected @ expected.T)[np.triu_indices(len(images), 1)]
    own = 1 - (expected * after).sum(1)
    assert after.shape == expected.shape and after.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    assert own.mean() < 0.01
    assert own.max() < np.median(apart) / 5  # far nearer to itself than to other pictures


def test_any_number_of_images_is_taken(quantised: Path, examples: np.ndarray) -> None:
    embedder = Embedder.load(str(quantised))
    whole = embedder.embed(examples[:9])

    for count in (1, 4):
        np.testing.assert_allclose(embedder.embed(examples[:count]), whole[:count], atol=1e-4)


def test_convolutions_but_the_first_hold_signed_bytes_with_a_scale_for_each_channel(quantised: Path) -> None:
    first, *others = kernels(quantised)

    assert first.dtype == np.float32
    assert len(others) == 19 and {kernel.dtype for kernel in others} == {np.dtype(np.int8)}
    arrays, graph = stored(quantised), onnx.load(str(quantised)).graph
    scales = {n.input[0]: arrays[n.input[1]].shape for n in graph.node if n.op_type == "DequantizeLinear"}
    widths = {name: array.shape[:1] for name, array in arrays.items() if array.ndim == 4 and name in scales}
    assert len(widths) == 19
    assert all(scales[name] == width for name, width in widths.items())


def test_what_reads_pixels_and_what_makes_unit_rows_stays_float(quantised: Path) -> None:
    graph = onnx.load(str(quantised)).graph
    around = {
        name
        for node in graph.node
        if node.op_type in ("QuantizeLinear", "DequantizeLinear")
        for name in (*node.input, *node.output)
    }
    kinds = ("Cast", "Gemm", "Tanh", "ReduceL2", "Sqrt", "ReduceMean")
    # The pooling reads what leaves the last quantised layer; its own result is never quantised.
    assert {node.op_type for node in graph.node} >= set(kinds)
    for node in graph.node:
        if node.op_type in kinds:
            assert not around & set(node.output), node.op_type


def test_seven_bits_use_half_the_range(quantised: Path) -> None:
    _, *others = kernels(quantised)

    assert max(int(np.abs(each.astype(int)).max()) for each in others) == 64


def test_pooling_before_a_shortcut_s_convolution_becomes_one_with_it(
    float_shipped: Embedder, tmp_path: Path
) -> None:
    size = float_shipped.resize.size
    images = np.stack([np.asarray(smooth_picture(seed, size, size)) for seed in range(16)])
    assert "AveragePool" in {node.op_type for node in onnx.load(float_shipped.file).graph.node}

    after = quantise(float_shipped.file, str(tmp_path / "q.onnx"), images)

    assert "AveragePool" not in {node.op_type for node in onnx.load(after.file).graph.node}
    assert (1 - (float_shipped.embed(images) * after.embed(images)).sum(1)).mean() < 0.01


def test_training_starts_from_the_very_weights_that_were_quantised(exported: Path, quantised: Path) -> None:
    expected, got = (
        encoder_from_file(str(exported)).state_dict(),
        encoder_from_file(str(quantised)).state_dict(),
    )

    assert expected.keys() == got.keys()
    assert all(torch.equal(weight, got[name]) for name, weight in expected.items())


def with_carried(quantised: Path, file: Path, change: Callable[[str], str]) -> str:
    """A copy whose float weights, as text, are others."""
    model = onnx.load(str(quantised))
    for entry in model.metadata_props:
        if entry.key == CARRIED_KEY:
            entry.value = change(entry.value)
    onnx.save(model, str(file))
    return str(file)


def test_integers_that_compute_something_else_are_no_start(
    exported: Path, quantised: Path, tmp_path: Path
) -> None:
    """The weights that go along are those of another network than the graph's."""
    rng = np.random.default_rng(0)
    weights = float_weights(onnx.load(str(exported)))
    others = {name: rng.permutation(array.ravel()).reshape(array.shape) for name, array in weights.items()}
    model = onnx.ModelProto()
    carry_float_weights(model, others)

    mixed = with_carried(quantised, tmp_path / "mixed.onnx", lambda _: model.metadata_props[0].value)
    with pytest.raises(EncoderError, match="don't fit"):
        encoder_from_file(mixed)


@pytest.mark.parametrize("change", [lambda text: text[: len(text) // 2], lambda text: "", lambda text: "?"])
def test_broken_weights_are_no_start(change: Callable[[str], str], quantised: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="don't fit"):
        encoder_from_file(with_carried(quantised, tmp_path / "broken.onnx", change))


def copied(exported: Path, folder: Path) -> Embedder:
    shutil.copy(exported, folder / "encoder.onnx")
    return Embedder.load(str(folder / "encoder.onnx"))


def test_integers_take_the_place_of_the_float_file(
    exported: Path, examples: np.ndarray, tmp_path: Path
) -> None:
    embedder = copied(exported, tmp_path)

    after = in_integers(embedder, encoder_from_file(embedder.file), examples)

    assert after.card.is_quantised and after.file == embedder.file
    assert Embedder.load(embedder.file).id == after.id and os.listdir(tmp_path) == ["encoder.onnx"]


@pytest.mark.parametrize("why", ["depthwise", "few examples", "strays", "moves clusters"])
def test_float_file_stays_where_integers_serve_nothing(
    why: str, exported: Path, examples: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = copied(exported, tmp_path)
    before = (tmp_path / "encoder.onnx").read_bytes()
    # Against another encoder the integers seem to compute something else.
    encoder = small_encoder(seed=1, size=SIZE, dim=32)
    if why == "depthwise":
        encoder = small_encoder(size=SIZE, dim=32, backbone="mobilenet_v3_small")
    if why == "moves clusters":
        encoder = encoder_from_file(embedder.file)
        monkeypatch.setattr("augnet_cli.training.quantise.moved_between", lambda *_: MOST_MOVED + 0.01)

    after = in_integers(embedder, encoder, examples[:15] if why == "few examples" else examples)

    assert after is embedder and not after.card.is_quantised
    assert (tmp_path / "encoder.onnx").read_bytes() == before and os.listdir(tmp_path) == ["encoder.onnx"]


def test_card_goes_along_under_an_id_of_its_own(exported: Path, quantised: Path) -> None:
    before, after = Embedder.load(str(exported)).card, Embedder.load(str(quantised)).card

    assert after.training == {**before.training, "quantised_from": before.id}
    assert replace(after, id=before.id, training=before.training) == before
    assert after.id != before.id and len(after.id) == 16


def test_the_same_examples_give_the_same_file(
    exported: Path, quantised: Path, examples: np.ndarray, tmp_path: Path
) -> None:
    again = quantise(str(exported), str(tmp_path / "again.onnx"), examples)

    assert again.file == str(tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == quantised.read_bytes()


def test_nothing_of_this_machine_is_in_the_file(quantised: Path) -> None:
    data = quantised.read_bytes()

    for text in (str(quantised.parent), tempfile.gettempdir(), os.path.expanduser("~/"), "site-packages"):
        assert text.encode() not in data, text


def hand_made(file: Path, nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], card: Card) -> str:
    """An encoder file with a graph of our own between scaled pixels and the unit rows."""
    frame = [
        helper.make_node("Transpose", ["images"], ["turned"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["turned"], ["floats"], to=TensorProto.FLOAT),
        *nodes,
        helper.make_node("ReduceMean", ["maps", "sides"], ["pooled"], keepdims=0),
        helper.make_node("LpNormalization", ["pooled"], ["embeddings"], axis=1, p=2),
    ]
    weights = {**weights, "sides": np.array([2, 3])}
    graph = helper.make_graph(
        frame,
        "encoder",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIZE, SIZE, 3])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", card.dim])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card.to_json()
    onnx.save(model, str(file))
    return str(file)


def test_kernels_that_the_graph_computes_are_quantised_too(
    exported: Path, examples: np.ndarray, tmp_path: Path
) -> None:
    """A convolution whose kernels are others, turned and put together: as symmetric networks have them."""
    kernel = np.random.default_rng(0).standard_normal((8, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["kernel"], ["turned_kernel"], perm=[0, 1, 3, 2]),
        helper.make_node("Concat", ["kernel", "turned_kernel"], ["both"], axis=0),
        helper.make_node("Conv", ["floats", "first"], ["seen"]),
        helper.make_node("Conv", ["seen", "both"], ["convolved"]),
        helper.make_node("Relu", ["convolved"], ["maps"]),
    ]
    card = replace(Embedder.load(str(exported)).card, id="0" * 16, dim=16)
    first = np.random.default_rng(1).standard_normal((3, 3, 1, 1)).astype(np.float32)
    file = hand_made(tmp_path / "turned.onnx", nodes, {"first": first, "kernel": kernel}, card)

    after = quantise(file, str(tmp_path / "q.onnx"), examples)

    shapes = [(each.shape, each.dtype) for each in kernels(tmp_path / "q.onnx")]
    assert shapes == [((3, 3, 1, 1), np.float32), ((16, 3, 3, 3), np.int8)]
    before = Embedder.load(file).embed(examples)
    assert (1 - (before * after.embed(examples)).sum(1)).max() < 0.001


def test_encoder_without_convolutions_is_refused_and_the_old_file_stays(
    exported: Path, examples: np.ndarray, tmp_path: Path
) -> None:
    card = replace(Embedder.load(str(exported)).card, id="0" * 16, dim=3)
    file = hand_made(tmp_path / "none.onnx", [helper.make_node("Relu", ["floats"], ["maps"])], {}, card)
    out = tmp_path / "out" / "q.onnx"
    out.parent.mkdir()
    out.write_bytes(b"the old one")

    with pytest.raises(TrainingError, match="no convolutions") as error:
        quantise(file, str(out), examples)

    assert error.value.hint
    assert out.read_bytes() == b"the old one" and os.listdir(out.parent) == ["q.onnx"]


def test_too_few_examples_are_refused(exported: Path, examples: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="15 example images are too few") as error:
        quantise(str(exported), str(tmp_path / "q.onnx"), examples[:15])

    assert "16" in error.value.hint and os.listdir(tmp_path) == []


def test_what_is_no_encoder_is_refused(examples: np.ndarray, tmp_path: Path) -> None:
    smooth_picture(0).save(tmp_path / "picture.png")

    with pytest.raises(EncoderError):
        quantise(str(tmp_path / "picture.png"), str(tmp_path / "q.onnx"), examples)
