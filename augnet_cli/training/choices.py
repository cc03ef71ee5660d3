"""What a user may choose of a training run, and the check that it can be had.

Names come as text; what comes out is a config, a device, a dtype, the numbers of the run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import torch

from augnet_cli.errors import TrainingError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.training.backbones import DEPTHWISE
from augnet_cli.training.faithful import as_said
from augnet_cli.training.recipe import Recipe
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.settings import TrainSettings

# When nothing says how long: each image is seen this often, within bounds that follow from the device.
DEFAULT_PASSES = 40
LEAST_STEPS = 300  # of a small folder: the rate must rise and fall
MOST_STEPS = {
    "cpu": 3000,
    "mps": 6000,
    "cuda": 20_000,
}  # of a large one: up to an hour
MOST_PASSES = 200  # of a folder so small that LEAST_STEPS would show each image more often
SCRATCH_LR, FINE_TUNING_LR = (
    5e-4,
    3e-4,
)  # Adam's: AugNet's; less where much is known already
DTYPES = ("auto", "fp32", "bf16")
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_options(config: type[Any], options: Mapping[str, str]) -> Any:
    """A method's config from `--set name=value` texts.

    Raises:
        UsageError: no such name, or a value of the wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}
    defaults = config()
    values: dict[str, Any] = {}
    for name, text in options.items():
        if name not in fields:
            raise UsageError(
                f"the method has no setting {shown(name) or repr(name)}", f"it has: {', '.join(fields)}"
            )
        values[name] = _parsed(name, text, getattr(defaults, name))
    return as_said(config, values)


def _parsed(name: str, text: str, default: Any) -> Any:
    """`text` as a value of the type of `default`."""
    kind = type(default)
    try:
        return WORDS[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, "a word")
        example = f"--set {name}={str(default).lower() if kind is bool else default}"
        raise UsageError(
            f"{name} must be {wanted}, not {shown(text) or repr(text)}",
            f"for instance {example}",
        ) from None


def choose_device(name: str) -> torch.device:
    """The device of a name; `auto` takes the fastest there is.

    Raises:
        UsageError: it is not there.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if present["cuda"] else "mps" if present["mps"] else "cpu")
    if not present.get(name, False):
        here = ", ".join(kind for kind, there in present.items() if there)
        raise UsageError(f"there is no device {shown(name)} here", f"use --device auto, or one of: {here}")
    return torch.device(name)


def choose_bf16(dtype: str, device: torch.device, backbone: str) -> bool:
    """Whether to compute in bf16: where `auto`, if the device has it and the network gains by it.

    Raises:
        UsageError: there is no such dtype.
    """
    if dtype not in DTYPES:
        known = ", ".join(DTYPES)
        raise UsageError(f"there is no dtype {shown(dtype)}", f"choose one of {known}")
    if dtype != "auto":
        return dtype == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type != "cpu" or backbone in DEPTHWISE:
        return False
    capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or _cpu_flag("avx512_bf16"))


def _cpu_flag(flag: str) -> bool:
    """Whether Linux lists a flag of the processor; False elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as source:
            return any(line.startswith("flags") and flag in line.split() for line in source)
    except OSError:
        return False


def choose_settings(
    request: TrainRequest, images: int, device: torch.device, recipe: Recipe | None = None
) -> TrainSettings:
    """The numbers of a run on `images` different images; `recipe` is the method's, for what is not said.

    Raises:
        TrainingError: there are fewer than 2.
        UsageError: a learning rate that is none, or a step of too few images.
    """
    if images < 2:
        raise TrainingError("training needs at least 2 different images", "give a folder with more pictures")
    default, recipe = TrainSettings(), recipe or Recipe()
    usual = recipe.lr or (SCRATCH_LR if request.init == "scratch" else FINE_TUNING_LR)
    lr = usual if request.lr is None else request.lr
    if not (lr > 0 and math.isfinite(lr)):
        raise UsageError(f"the learning rate must be above 0, not {lr:g}", f"--lr {usual:g}")
    images_per_step = request.images_per_step or recipe.images_per_step or default.images_per_step
    fewest = 2 * recipe.together
    if images_per_step < fewest:
        usual_step = recipe.images_per_step or default.images_per_step
        raise UsageError(
            f"a step needs at least {fewest} images, not {images_per_step}", f"--images-per-step {usual_step}"
        )
    epochs = request.epochs
    if epochs is None and request.minutes is None:
        epochs = recipe.epochs
    steps = None
    if epochs is None and request.minutes is None:
        steps = default_steps(images, min(images_per_step, images), device.type)
    return TrainSettings(
        epochs=epochs,
        steps=steps,
        minutes=request.minutes,
        images_per_step=images_per_step,
        lr=lr,
        seed=request.seed,
        workers=request.workers,
        together=recipe.together,
    )


def default_steps(images: int, images_per_step: int, device: str) -> int:
    """Steps of a run that is not told how long to be.

    With batches of 128: 200 for 50 images, 300 for 800, 3,000 for 10,000 and for 500,000 on a CPU.
    """
    an_epoch = images // images_per_step
    wanted = max(LEAST_STEPS, DEFAULT_PASSES * an_epoch)
    return max(1, min(wanted, MOST_PASSES * an_epoch, MOST_STEPS[device]))
