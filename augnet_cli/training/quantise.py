"""An encoder file computed in eight-bit integers: several times as fast, and training can start from it.

Only the convolutions after the first, and the sums of residual branches, are quantised: activations to
unsigned and weights to signed bytes, a scale for each channel of weights (Jacob et al., "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018; static: ranges of
activations are taken from example images).  What differs: weights use seven of their eight bits. Processors
without integer dot products (before 2019, roughly) add pairs of products in 16 bits, which eight-bit weights
can overflow; so that all processors give the same embeddings, none gets them.
The first convolution sees raw pixels and has few weights; it stays float, as does what pools, projects and
normalises.

The weights in float go along: they are what training starts from.
What it costs in quality is measured by `benchmarks/int8.py`, nowhere assumed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from typing import Any

import numpy as np

from augnet_cli.encoder.card import QUANTISED_FROM, Card
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.session import FATAL_ONLY
from augnet_cli.errors import TrainingError
from augnet_cli.training.backbones import DEPTHWISE
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.export import MAX_SHIFT, model_bytes, moved_between, shift_between
from augnet_cli.training.float_weights import float_weights
from augnet_cli.training.silence import silence
from augnet_cli.training.whole import whole_file

RANGES_BATCH = 16  # example images whose activations are in memory at once
MOST_MOVED = 0.05  # share of images that may be of another cluster
LEAST_EXAMPLES = 16  # fewer say too little about the ranges of activations
# The first pass computes kernels that depend on weights alone, the second puts batch norms into them.
FOLDINGS = 2
# Made by a convolution and handed on: a residual branch may consist of these.
PASSING = frozenset(("Conv", "Relu", "MaxPool", "AveragePool"))


def quantise(file: str, out: str, images: np.ndarray) -> Embedder:
    """Write the encoder of `file` in eight-bit integers to `out`, whole or not at all.

    Args:
        file: an encoder file in float; its card goes along, with an id of its own and the id of `file`
            as `quantised_from` among the facts of training.
        out: may be `file`.
        images: (n, S, S, 3) uint8, examples of what the encoder will see, 16 or more; some hundred serve.

    Raises:
        EncoderError: `file` is no encoder.
        TrainingError: too few images, nothing to quantise, or `out` can't be written.
    """
    embedder = Embedder.load(file)
    if len(images) < LEAST_EXAMPLES:
        raise TrainingError(
            f"{len(images)} example images are too few to learn the ranges of activations from",
            f"give {LEAST_EXAMPLES} or more",
        )
    with tempfile.TemporaryDirectory(prefix="augnet-") as folder, silence():
        plain = os.path.join(folder, "plain.onnx")
        _fold(file, plain)
        quantised = os.path.join(folder, "quantised.onnx")
        _quantise_nodes(plain, quantised, nodes_to_quantise(plain), images)
        data = _with_weights_and_card(quantised, file, embedder.card)
    with whole_file(out) as target:
        target.write(data)
        target.flush()
        opened = Embedder.load(target.name)
    opened.file = out
    return opened


def in_integers(embedder: Embedder, encoder: Encoder, images: np.ndarray) -> Embedder:
    """The file of `embedder` replaced by one in eight-bit integers, where that is faster and computes alike.

    Else, and with fewer than LEAST_EXAMPLES of (n, S, S, 3) uint8 `images`, it stays as it is.

    Raises:
        TrainingError: it can't be written.
    """
    if encoder.spec.backbone in DEPTHWISE or len(images) < LEAST_EXAMPLES:
        return embedder
    trial = embedder.file + ".int8"
    quantised = quantise(embedder.file, trial, images)
    alike = shift_between(encoder, quantised, images) <= MAX_SHIFT
    if not alike or moved_between(encoder, quantised, images) > MOST_MOVED:
        os.unlink(trial)
        return embedder
    os.replace(trial, embedder.file)
    quantised.file = embedder.file
    return quantised


def _fold(file: str, plain: str) -> None:
    """Compute once what depends on weights alone, and leave convolutions, ReLUs and sums.

    The quantiser looks for weights that stand in the file, not for those that the graph computes.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Basic: standard operators alone. Higher levels write those of one kind of processor.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = plain
    options.intra_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    shutil.copyfile(file, plain)  # ONNX Runtime opens no file whose name is no proper text
    for _ in range(FOLDINGS):
        onnxruntime.InferenceSession(plain, options, providers=["CPUExecutionProvider"])
    model = onnx.load(plain)
    _pools_into_convolutions(model.graph)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node_{number}"  # those to quantise are named
    onnx.save(model, plain)


def _pools_into_convolutions(graph: Any) -> None:
    """Replace the mean over 2 x 2 and a convolution of 1 x 1 after it by one of 2 x 2: the same sums.

    ONNX Runtime takes as long for such a mean in integers as for a convolution of ten times its work.
    """
    from onnx import helper, numpy_helper

    weights = {tensor.name: tensor for tensor in graph.initializer}
    for pool in [node for node in graph.node if node.op_type == "AveragePool"]:
        users = [node for node in graph.node if pool.output[0] in node.input]
        if len(users) != 1 or users[0].op_type != "Conv" or users[0].input[1] not in weights:
            continue
        convolution, weight = users[0], weights[users[0].input[1]]
        kernel, sides = numpy_helper.to_array(weight), _attributes(pool)
        plain = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0]}
        if any(sides.get(name) != value for name, value in plain.items()) or kernel.shape[2:] != (1, 1):
            continue
        widened = np.ascontiguousarray(np.broadcast_to(kernel / 4, (*kernel.shape[:2], 2, 2)))
        weight.CopyFrom(numpy_helper.from_array(widened, weight.name))
        convolution.input[0] = pool.input[0]
        del convolution.attribute[:]
        convolution.attribute.extend(helper.make_attribute(name, value) for name, value in plain.items())
        graph.node.remove(pool)


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def nodes_to_quantise(file: str) -> list[str]:
    """Names of the convolutions but the first, of the sums of two branches, and of ReLUs after either.

    Pooling stays float: it costs little there, and much in integers.

    Raises:
        TrainingError: there is no second convolution whose weights stand in the file.
    """
    import onnx

    graph = onnx.load(file).graph
    weights = {tensor.name for tensor in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv" and node.input[1] in weights]
    if len(convolutions) < 2:
        raise TrainingError(
            "this encoder has no convolutions that could be quantised", "use its file as it is"
        )
    chosen = {node.name for node in convolutions[1:]}

    def follows_chosen(name: str) -> bool:
        return name in maker and maker[name].name in chosen

    for node in graph.node:  # in the order of computation
        # A sum of one map and a number stands in a normalisation.
        is_branched = node.op_type == "Add" and all(_is_map(name, maker) for name in node.input)
        if (is_branched or node.op_type == "Relu") and any(map(follows_chosen, node.input)):
            chosen.add(node.name)
    return [node.name for node in graph.node if node.name in chosen]


def _is_map(name: str, maker: dict[str, Any]) -> bool:
    """Whether a value comes out of a convolution, at most through sums and what `PASSING` has."""
    node = maker.get(name)
    if node is None or node.op_type not in PASSING | {"Add"}:
        return False
    return node.op_type == "Conv" or all(_is_map(each, maker) for each in node.input)


class _Examples:
    """Example images in the form that ONNX Runtime's calibration takes them."""

    def __init__(self, images: np.ndarray) -> None:
        starts = range(0, len(images), RANGES_BATCH)
        self._batches = iter([images[start : start + RANGES_BATCH] for start in starts])

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"images": np.ascontiguousarray(batch)}


def _quantise_nodes(plain: str, quantised: str, nodes: list[str], images: np.ndarray) -> None:
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    # Whole batches alone: the calibration stacks their activations.
    whole = images[: len(images) // RANGES_BATCH * RANGES_BATCH]
    quantize_static(
        plain,
        quantised,
        _Examples(whole),
        quant_format=QuantFormat.QDQ,
        nodes_to_quantize=nodes,
        per_channel=True,
        reduce_range=True,  # seven bits
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        # 99.999 % of the values lie in the range: one odd image does not make all steps coarse.
        calibrate_method=CalibrationMethod.Percentile,
    )


def _with_weights_and_card(quantised: str, file: str, card: Card) -> bytes:
    import onnx

    model = onnx.load(quantised)
    told = replace(card, training={**card.training, QUANTISED_FROM: card.id})
    return model_bytes(model, told, carried=float_weights(onnx.load(file)))
