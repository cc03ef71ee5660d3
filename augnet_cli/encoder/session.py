"""ONNX Runtime, opened as this program wants it: quiet, and on the thread that calls it."""

from __future__ import annotations

from typing import Any

# It would compute pooling before a quantised convolution in integers, at 20 times the time (measured).
SLOWING = "QDQPropagationTransformer"
FATAL_ONLY = 4  # ONNX Runtime's log level: errors arrive as exceptions, its warnings are no concern of a user


CPU_PROVIDER = "CPUExecutionProvider"


def open_session(data: bytes, provider: str = CPU_PROVIDER) -> Any:
    """A session of a model, safe to call from several threads, each of which computes its own call.

    Raises:
        RuntimeError: the provider can't serve; ONNX Runtime would go on with the CPU without a word.
        Exception: a dozen unrelated classes for what ONNX Runtime can't open.
    """
    import onnxruntime

    # Beside the variable that this room sets: on Windows only this switches it off.
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    providers = [provider] if provider == CPU_PROVIDER else [provider, CPU_PROVIDER]
    session = onnxruntime.InferenceSession(data, options, providers=providers, disabled_optimizers=[SLOWING])
    if provider not in session.get_providers():
        raise RuntimeError(f"{provider} can't be used")
    return session
