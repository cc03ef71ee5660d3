"""ONNX Runtime, opened as this program wants it: quiet, and on the thread that calls it."""

from __future__ import annotations

from typing import Any

# It would compute pooling before a quantised convolution in integers, at 20 times the time (measured).
SLOWING = "QDQPropagationTransformer"
FATAL_ONLY = 4  # ONNX Runtime's log level: errors arrive as exceptions, its warnings are no concern of a user


def open_session(data: bytes) -> Any:
    """A session of a model, safe to call from several threads, each of which computes its own call.

    Raises:
        Exception: a dozen unrelated classes for what ONNX Runtime can't open.
    """
    import onnxruntime

    # Beside the variable that this room sets: on Windows only this switches it off.
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    return onnxruntime.InferenceSession(
        data, options, providers=["CPUExecutionProvider"], disabled_optimizers=[SLOWING]
    )
