"""Other processors than the CPU, by ONNX Runtime's execution providers: never needed, checked before used.

Which there are depends on the ONNX Runtime that is installed.  The embeddings of one encoder are compared
whatever computed them, so a device serves only if it gives what the CPU gives; drivers change, so that is
looked at each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from augnet_cli.encoder.session import CPU_PROVIDER, open_session
from augnet_cli.errors import EncoderError
from augnet_cli.images.names import shown
from augnet_cli.images.squares import square

AUTO, CPU = "auto", "cpu"
# By the names that people use, in the order in which `auto` tries them.
PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "rocm": "MIGraphXExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    CPU: CPU_PROVIDER,
}
# Distance of an image to itself by another device: half of what eight-bit integers themselves cost.
MAX_SHIFT = 0.0025
# `auto` leaves the CPU for a device that takes at most this share of one core's time.
WORTH_IT = 0.5
PROBES, PATCHES = 32, 6  # made-up pictures to compare by, and random patches a side of each
ROUNDS = 3  # the first makes a device ready; the best of the others counts

Rows = Callable[[np.ndarray], np.ndarray]


def devices() -> list[str]:
    """The devices that the installed ONNX Runtime knows, in the order of `PROVIDERS`."""
    import onnxruntime

    present = set(onnxruntime.get_available_providers())
    return [name for name, provider in PROVIDERS.items() if provider in present]


def check_device(device: str) -> None:
    """Refuse a device that the installed ONNX Runtime does not have.

    Raises:
        EncoderError: there is none of that name, or it is not there.
    """
    if device in (AUTO, CPU):
        return
    present = devices()
    if device not in PROVIDERS:
        raise EncoderError(
            f"there is no device named {shown(device)}", f"--device auto, or {' or '.join(present)}"
        )
    if device not in present:
        raise EncoderError(
            f"the installed ONNX Runtime has no {device}; it has {', '.join(present)}",
            f"install an ONNX Runtime with {PROVIDERS[device]}, or leave out --device",
        )


def session_on(device: str, data: bytes, size: int, by_cpu: Rows) -> Any | None:
    """A session of the encoder `data` on `device`; None where the CPU is to go on.

    Args:
        device: a key of `PROVIDERS`, or `auto`: the first device that agrees and is much faster than the CPU.
        size: side S of its images.
        by_cpu: (n, S, S, 3) uint8 to (n, d) unit rows, as the CPU computes them.

    Raises:
        EncoderError: a device was named that is not there, does not work or computes something else.
    """
    if device == CPU:
        return None
    if device != AUTO:
        check_device(device)
        return _tried(device, data, size, by_cpu)[0]
    for name in devices():
        if name != CPU:
            try:
                session, took, took_cpu = _tried(name, data, size, by_cpu)
            except EncoderError:
                continue
            if took <= WORTH_IT * took_cpu:
                return session
    return None


def _tried(device: str, data: bytes, size: int, by_cpu: Rows) -> tuple[Any, float, float]:
    """An open session, seconds it took for the probes, and seconds the CPU took."""
    try:
        session = open_session(data, PROVIDERS[device])

        def rows(images: np.ndarray) -> np.ndarray:
            found: np.ndarray = session.run(None, {"images": images})[0]
            return found

        images = probes(size)
        took, got = _timed(rows, images)
    except Exception as error:  # drivers and ONNX Runtime raise whatever they like
        raise EncoderError(f"{device} does not work here: {type(error).__name__}", "--device cpu") from error
    took_cpu, expected = _timed(by_cpu, images)
    shift = float((1 - (got * expected).sum(1)).max()) if got.shape == expected.shape else np.inf
    if not shift <= MAX_SHIFT:
        raise EncoderError(
            f"{device} gives other embeddings than the CPU: an image is {shift:.2g} away from itself",
            "--device cpu",
        )
    return session, took, took_cpu


def _timed(rows: Rows, images: np.ndarray) -> tuple[float, np.ndarray]:
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = rows(images)
        took.append(time.perf_counter() - begun)
    return min(took[1:]), found


def probes(size: int) -> np.ndarray:
    """(PROBES, size, size, 3) uint8: smooth random pictures, the same each time."""
    coarse = np.random.default_rng(0).integers(0, 256, (PROBES, PATCHES, PATCHES, 3), dtype=np.uint8)
    return np.stack([square(each, size) for each in coarse])
