"""A backbone found among tensors that another program trained (`state_dicts` has the names).

It is loaded whole or not at all: of a network whose names had not matched SCAN's users only learned by an
accuracy of 62 % in the place of 81 % (their issue 71).  Tensors of other names are taken by their order and
shapes, if every one fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from augnet_cli.errors import EncoderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.training.backbones import BACKBONES, build_backbone
from augnet_cli.training.state_dicts import PREFIXES, Origin, origin_of, own_name, told_name

# Counters of batches are no weights.
COUNTER = "num_batches_tracked"
AUXILIARY = "aux"  # begins the names of the classifiers beside GoogLeNet, which serve training alone


@dataclass(frozen=True)
class Taken:
    """A backbone found in a state dict.

    Attributes:
        backbone, width: as `EncoderSpec` has them.
        weights: all of the backbone's, by its own names.
        left_out: what else there was, by the first part of its name.
        by_order: names were unknown, and the tensors fitted by order and shape.
    """

    backbone: str
    width: int
    weights: dict[str, Tensor]
    origin: Origin
    left_out: tuple[str, ...]
    by_order: bool

    def told(self) -> str:
        """What a person should know of it."""
        parts = [f"{self.backbone}, {len(self.weights)} tensors"]
        if self.by_order:
            parts.append("taken by their order and shapes, as their names are unknown")
        if self.left_out:
            parts.append(f"left out: {', '.join(map(shown, self.left_out))}")
        if self.backbone.endswith("_cifar"):
            large = self.backbone.replace("_cifar", "_stl")
            parts.append(f"if it was trained on pictures of 96 pixels, say --backbone {large}")
        return "; ".join(parts)


@dataclass(frozen=True)
class _Trial:
    """How far tensors are those of a network: `missing` lists what is not there or has another shape."""

    backbone: str
    width: int
    weights: dict[str, Tensor]
    missing: list[str]
    surplus: list[str]


def taken_from(
    tensors: Mapping[str, Tensor], file: str, backbone: str | None = None, width: int | None = None
) -> Taken:
    """The backbone among `tensors`, as large as it is there.

    `backbone` and `width`: what the user says it is; None: whatever fits.

    Raises:
        EncoderError: no network fits, with the first tensor that is missing.
        UsageError: it is not as wide.
    """
    if backbone is not None and backbone not in BACKBONES:
        build_backbone(backbone)  # tells which there are
    bare, prefixes, outside = _without_prefixes(tensors)
    names = [backbone] if backbone else list(BACKBONES)
    trials = [trial for name in names for trial in (_by_name(name, bare),) if trial is not None]
    fitting = [trial for trial in trials if not trial.missing and not trial.surplus]
    by_order = not fitting
    if by_order:
        fitting = [trial for name in names for trial in (_by_order(name, bare),) if trial is not None]
    if not fitting:
        raise _unfitting(trials, bare, file, backbone)
    found = fitting[0]
    if width not in (None, found.width, found.width or BACKBONES[found.backbone].width):
        own = found.width or BACKBONES[found.backbone].width
        raise UsageError(
            f"the network in {shown(file)} is {own} channels wide, not {width}", "leave out --width"
        )
    origin = origin_of(found.backbone, prefixes)
    used = {id(tensor) for tensor in found.weights.values()}
    outside += [name for name, tensor in bare.items() if id(tensor) not in used and not _is_counter(name)]
    return Taken(
        found.backbone, found.width, _red_first(found.weights, origin), origin, _firsts(outside), by_order
    )


def _without_prefixes(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str], list[str]]:
    """The tensors inside all of `PREFIXES` that there are, these prefixes, and the names left outside."""
    bare, prefixes, outside = dict(tensors), list[str](), list[str]()
    while True:
        prefix = next((p for p in PREFIXES if any(name.startswith(f"{p}.") for name in bare)), None)
        if prefix is None:
            return bare, prefixes, outside
        prefixes.append(prefix)
        outside += [name for name in bare if not name.startswith(f"{prefix}.")]
        bare = {n.removeprefix(f"{prefix}."): t for n, t in bare.items() if n.startswith(f"{prefix}.")}


@cache
def _shapes(backbone: str, width: int) -> dict[str, torch.Size]:
    with torch.device("meta"):  # shapes alone
        network, _ = build_backbone(backbone, width)
    return {name: each.shape for name, each in network.state_dict().items() if not _is_counter(name)}


def _is_counter(name: str) -> bool:
    return name.endswith(COUNTER)


def _width_of(backbone: str, first: Tensor) -> int | None:
    """The `EncoderSpec.width` of a network with this first convolution; None: it is none of them."""
    own = BACKBONES[backbone].width
    if first.dim() != 4:
        return None
    return 0 if not own or len(first) == own else len(first)


def _by_name(backbone: str, bare: Mapping[str, Tensor]) -> _Trial | None:
    own = {own_name(backbone, name): tensor for name, tensor in bare.items() if not _is_counter(name)}
    first = own.get(next(iter(_shapes(backbone, 0))))
    width = None if first is None else _width_of(backbone, first)
    if width is None:
        return None
    try:
        shapes = _shapes(backbone, width)
    except EncoderError:  # no network is as narrow
        return None
    missing = [name for name, shape in shapes.items() if name not in own or own[name].shape != shape]
    weights = {name: own[name] for name in shapes if name in own}
    surplus = [name for name, tensor in own.items() if name not in shapes and _is_of_network(name, tensor)]
    return _Trial(backbone, width, weights, missing, surplus)


def _is_of_network(name: str, tensor: Tensor) -> bool:
    """Whether it must be a convolution of the network itself: heads have none."""
    return tensor.dim() == 4 and not name.startswith(AUXILIARY)


def _by_order(backbone: str, bare: Mapping[str, Tensor]) -> _Trial | None:
    """All tensors of the network, which are the first ones, in its order; after them only heads."""
    tensors = [tensor for name, tensor in bare.items() if not _is_counter(name)]
    width = _width_of(backbone, tensors[0]) if tensors else None
    if width is None:
        return None
    try:
        shapes = _shapes(backbone, width)
    except EncoderError:
        return None
    rest = tensors[len(shapes) :]
    if [tensor.shape for tensor in tensors[: len(shapes)]] != list(shapes.values()):
        return None
    if any(tensor.dim() == 4 for tensor in rest):
        return None
    return _Trial(backbone, width, dict(zip(shapes, tensors, strict=False)), [], [])


def _unfitting(
    trials: list[_Trial], bare: Mapping[str, Tensor], file: str, backbone: str | None
) -> EncoderError:
    hint = f"say which it is: --backbone, one of {', '.join(BACKBONES)}"
    if not trials:
        names = ", ".join(shown(name) for name in list(bare)[:3])
        what = backbone or "network that augnet knows"
        return EncoderError(f"{shown(file)} holds no {what}: its tensors begin with {names}", hint)
    nearest = min(trials, key=lambda trial: len(trial.missing) + len(trial.surplus))
    if nearest.missing:
        first = nearest.missing[0]
        shape = nearest.weights[first].shape if first in nearest.weights else None
        told = shown(told_name(nearest.backbone, first))
        if shape is None:
            what = f"lacks {len(nearest.missing)} tensors of {nearest.backbone}, the first {told}"
        else:
            wanted = _shapes(nearest.backbone, nearest.width)[first]
            what = f"is no {nearest.backbone}: {told} is {tuple(shape)}, not {tuple(wanted)}"
    else:
        extra = shown(told_name(nearest.backbone, nearest.surplus[0]))
        what = f"is no {nearest.backbone}: that has no {extra}"
    return EncoderError(f"{shown(file)} {what}", "leave out --backbone" if backbone else hint)


def _red_first(weights: dict[str, Tensor], origin: Origin) -> dict[str, Tensor]:
    """The weights for pictures whose first channel is red."""
    made = {name: tensor.float() for name, tensor in weights.items()}
    if origin.bgr:
        first = next(iter(made))
        made[first] = made[first].flip(1)
    return made


def _firsts(names: Iterable[str]) -> tuple[str, ...]:
    """The first parts of dotted names, each once, with how many tensors it stands for."""
    counts: dict[str, int] = {}
    for name in names:
        first = name.partition(".")[0]
        counts[first] = counts.get(first, 0) + 1
    return tuple(f"{first} ({count})" for first, count in counts.items())
