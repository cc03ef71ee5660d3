"""An encoder file computed in eight-bit integers: smaller, and faster where the processor is made for it.

Only the convolutional part is quantised, activations to unsigned and weights to signed bytes, a scale for
each channel of weights (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", 2018; static: ranges of activations are taken from example images).
What scales the uint8 images, what pools, projects and normalises stays float.
What it costs in quality is measured by `benchmarks/int8.py`, nowhere assumed.

Such a file is for use alone: training can't start from it.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from typing import Any

import numpy as np

from augnet_cli.encoder.card import Card
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.errors import TrainingError
from augnet_cli.training.export import model_bytes
from augnet_cli.training.silence import silence
from augnet_cli.training.whole import whole_file

# Quantised wherever they stand; all others stay float.
KINDS = frozenset(("Conv", "Relu", "MaxPool", "AveragePool"))
RANGES_BATCH = 16  # example images whose activations are in memory at once
LEAST_EXAMPLES = 16  # fewer say too little about the ranges of activations
FATAL_ONLY = 4  # ONNX Runtime's log level, as in `encoder.session`


def quantise(
    file: str,
    out: str,
    images: np.ndarray,
    *,
    float_stem: bool = True,
    seven_bits: bool = False,
) -> Embedder:
    """Write the encoder of `file` in eight-bit integers to `out`, whole or not at all.

    Args:
        file: an encoder file in float; its card goes along, with an id of its own and the id of `file`
            as `quantised_from` among the facts of training.
        images: (n, S, S, 3) uint8, examples of what the encoder will see, 16 or more; some hundred serve.
        float_stem: leave the first convolution in float: it sees raw pixels, and has few weights.
        seven_bits: weights in seven bits. Processors without integer dot products (before 2019, roughly)
            add pairs of products in 16 bits, which eight-bit weights can overflow: they would give
            other embeddings than the rest.

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
        nodes = convolutional_nodes(plain, float_stem)
        quantised = os.path.join(folder, "quantised.onnx")
        _quantise_nodes(plain, quantised, nodes, images, seven_bits)
        data = _with_card(quantised, embedder.card)
    with whole_file(out) as target:
        target.write(data)
        target.flush()
        opened = Embedder.load(target.name)
    opened.file = out
    return opened


def _fold(file: str, plain: str) -> None:
    """Compute once what depends on weights alone, and put batch norms into convolutions.

    The quantiser looks for weights that stand in the file, not for those that the graph computes.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Basic: standard operators alone. Higher levels write those of one kind of processor.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = plain
    options.intra_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def convolutional_nodes(file: str, float_stem: bool) -> list[str]:
    """Names of the nodes to quantise: convolutions, what stands between them, and sums of two branches.

    Raises:
        TrainingError: there is no convolution whose weights stand in the file.
    """
    import onnx

    graph = onnx.load(file).graph
    weights = {tensor.name for tensor in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv" and node.input[1] in weights]
    if not convolutions:
        raise TrainingError(
            "this encoder has no convolution that could be quantised", "use its file as it is"
        )
    left_out = {convolutions[0].name} if float_stem else set()
    chosen = []
    for node in graph.node:
        if node.op_type in KINDS:
            wanted = node.op_type != "Conv" or node.input[1] in weights
        else:
            # A residual sum; one of a map and a number stands in a normalisation.
            wanted = node.op_type == "Add" and all(_follows_convolution(name, maker) for name in node.input)
        if wanted and node.name not in left_out:
            chosen.append(node.name)
    return chosen


def _follows_convolution(name: str, maker: dict[str, Any]) -> bool:
    """Whether a value comes out of a convolution, at most through sums and what `KINDS` has."""
    node = maker.get(name)
    if node is None or node.op_type not in KINDS | {"Add"}:
        return False
    return node.op_type == "Conv" or all(_follows_convolution(each, maker) for each in node.input)


class _Examples:
    """Example images in the form that ONNX Runtime's calibration takes them."""

    def __init__(self, images: np.ndarray) -> None:
        starts = range(0, len(images), RANGES_BATCH)
        self._batches = iter([images[start : start + RANGES_BATCH] for start in starts])

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"images": np.ascontiguousarray(batch)}


def _quantise_nodes(
    plain: str, quantised: str, nodes: list[str], images: np.ndarray, seven_bits: bool
) -> None:
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
        reduce_range=seven_bits,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        # 99.999 % of the values lie in the range: one odd image does not make all steps coarse.
        calibrate_method=CalibrationMethod.Percentile,
    )


def _with_card(file: str, card: Card) -> bytes:
    import onnx

    return model_bytes(onnx.load(file), replace(card, training={**card.training, "quantised_from": card.id}))
