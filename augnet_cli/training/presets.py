"""Whole sets of choices by name; without torch, so that a slip is answered before it is loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown
from augnet_cli.training.request import DEFAULT_METHOD, TrainRequest

FINE_TUNING = "finetune"  # what a run is that is told nothing of how to learn


@dataclass(frozen=True)
class Preset:
    """Choices for the fields of `TrainRequest` of the same names; None leaves the field's own default."""

    method: str
    options: Mapping[str, str]
    init: str
    lr: float | None = None
    images_per_step: int | None = None
    epochs: int | None = None
    backbone: str | None = None
    size: int | None = None
    dim: int | None = None


PRESETS: dict[str, Preset] = {
    # How the encoder that comes with augnet was trained, on a large folder of many kinds of pictures.
    "shipped": Preset(
        "copies", {}, "scratch", lr=2e-3, images_per_step=256, epochs=34, backbone="symmetric_resnet", dim=256
    ),
    FINE_TUNING: Preset(DEFAULT_METHOD, {}, "shipped", lr=3e-4, images_per_step=128),
}


def with_preset(request: TrainRequest) -> TrainRequest:
    """`request` with its preset filled in where it says nothing itself.

    Without --preset, a run of the default method that does not start from scratch is fine-tuning.

    Raises:
        UsageError: there is no such preset, or it is of another method.
    """
    name = request.preset
    other = request.method not in (None, DEFAULT_METHOD) or request.init == "scratch"
    if name is None and other:
        return dataclasses.replace(
            request, method=request.method or DEFAULT_METHOD, init=request.init or "shipped"
        )
    name = name or FINE_TUNING
    if name not in PRESETS:
        raise UsageError(f"there is no preset named {shown(name)}", f"choose one of {', '.join(PRESETS)}")
    preset = PRESETS[name]
    if request.method not in (None, preset.method):
        raise UsageError(
            f"the preset {name} is for the method {preset.method}, not {shown(str(request.method))}",
            "leave out --preset or --method",
        )
    values: dict[str, Any] = {
        field.name: _own(request, field.name, getattr(preset, field.name))
        for field in dataclasses.fields(preset)
    }
    values["options"] = {**preset.options, **request.options}
    if request.minutes is not None:
        values["epochs"] = None
    return dataclasses.replace(request, preset=name, **values)


def _own(request: TrainRequest, name: str, default: Any) -> Any:
    value = getattr(request, name)
    return default if value is None else value
