"""torch's exporter with a memory: a network exported before comes back with the weights it has now.

An export takes torch more than five seconds, and of the graph only the weights in it follow from the weights.
Runs of the same few networks are exported again and again by tests of something else.
`test_export.py` checks that a graph that was filled in is, byte by byte, the one exported anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn


class Exporter:
    """In the place of `torch.onnx.export`: it exports each network once, and remembers them in `folder`.

    Several processes may share the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.export: Callable[..., Any] = torch.onnx.export
        self._folder = folder

    def __call__(self, module: nn.Module, arguments: tuple[Tensor, ...], **settings: Any) -> Any:
        state = module.state_dict()
        shapes = [(name, value.shape, value.dtype) for name, value in state.items()]
        told = repr((module, shapes, [(each.shape, each.dtype) for each in arguments], settings))
        file = self._folder / f"{hashlib.sha256(told.encode()).hexdigest()}.onnx"
        if not file.exists():
            program = self.export(module, arguments, **settings)
            unfinished = file.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(program.model_proto.SerializeToString(deterministic=True))
            unfinished.replace(file)
            return program
        model = onnx.load(str(file))
        for tensor in model.graph.initializer:
            if tensor.name in state:
                tensor.raw_data = numpy_helper.from_array(state[tensor.name].numpy()).raw_data
        return SimpleNamespace(model_proto=model)
