"""torch's exporter with a memory: a network exported before comes back with the weights it has now.

An export takes torch about five seconds, and nothing in the graph but its weights follows from the weights.
Runs of the same small network are exported again and again by tests of something else.
`test_export.py` checks that a graph that was filled in is, byte by byte, the one exported anew.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn


class Exporter:
    """In the place of `torch.onnx.export`: it exports each network once."""

    def __init__(self) -> None:
        self.export: Callable[..., Any] = torch.onnx.export
        self._graphs: dict[str, bytes] = {}

    def __call__(self, module: nn.Module, arguments: tuple[Tensor, ...], **settings: Any) -> Any:
        state = module.state_dict()
        shapes = [(name, value.shape, value.dtype) for name, value in state.items()]
        key = repr((module, shapes, [(each.shape, each.dtype) for each in arguments], settings))
        if key not in self._graphs:
            program = self.export(module, arguments, **settings)
            self._graphs[key] = program.model_proto.SerializeToString(deterministic=True)
            return program
        model = onnx.load_model_from_string(self._graphs[key])
        for tensor in model.graph.initializer:
            if tensor.name in state:
                tensor.raw_data = numpy_helper.from_array(state[tensor.name].numpy()).raw_data
        return SimpleNamespace(model_proto=model)
