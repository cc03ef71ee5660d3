"""Start weights for an encoder, read back from an exported `.onnx`."""

from __future__ import annotations

import torch

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.errors import EncoderError
from augnet_cli.images.names import shown
from augnet_cli.training.encoder import Encoder, EncoderSpec

PREFIX = "encoder."  # of the weights' names in the file: the encoder stands inside `export.UnitRows`


def encoder_from_file(file: str) -> Encoder:
    """The encoder that an exported file was made from, ready to be trained further.

    Raises:
        EncoderError: the file is no encoder of augnet, or its weights don't fit its card.
    """
    import onnx
    from onnx import numpy_helper

    card = Embedder.load(file).card
    try:
        encoder = Encoder(EncoderSpec(**card.architecture))  # type: ignore[arg-type]
        weights = {
            tensor.name.removeprefix(PREFIX): torch.from_numpy(numpy_helper.to_array(tensor).copy())
            for tensor in onnx.load(file).graph.initializer
            if tensor.name.startswith(PREFIX)
        }
        missing, unexpected = encoder.load_state_dict(weights, strict=False)
    except (TypeError, RuntimeError) as error:
        raise _unfit(file) from error
    # Counters of batches are no weights and are not exported.
    if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
        raise _unfit(file)
    return encoder


def _unfit(file: str) -> EncoderError:
    return EncoderError(
        f"the weights in {shown(file)} don't fit what its card says", "start anew: --init scratch"
    )
