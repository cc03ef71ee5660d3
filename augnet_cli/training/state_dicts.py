"""How other programs name the weights of networks that are backbones here, and what they trained them on.

Known are torchvision's networks; AugNet's `pre.*` and `seqN.*`; SCAN's `backbone.*` beside its heads, and the
`module.encoder_q.*` of the MoCo networks it starts from; CBSwR's `base_model.*`; UDML-SS's `features.*`; and
Caffe's GoogLeNet by its own names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

# What encloses a network, one within another: `module` is DataParallel's, `encoder_q` MoCo's, `backbone`
# SCAN's, `pre` AugNet's, `features` UDML-SS's and torchvision's, `base_model` CBSwR's.
PREFIXES = ("module", "encoder_q", "backbone", "pre", "features", "base_model", "encoder", "model", "net")


@dataclass(frozen=True)
class Names:
    """How others name the weights of some backbones.

    Attributes:
        networks: a pattern of keys of `BACKBONES`.
        modules: the first part of a name there, and here.
        patterns: regular expressions and what to put in their place, before the first part is looked up.
    """

    networks: str
    modules: Mapping[str, str]
    patterns: tuple[tuple[str, str], ...] = ()


# CBSwR numbers the layers of GoogLeNet; 4 and 10 are poolings.
NUMBERED = {
    "0": "conv1",
    "1": "conv2",
    **{str(number): f"inception_{name}" for number, name in zip((2, 3), ("3a", "3b"), strict=True)},
    **{str(number + 5): f"inception_4{name}" for number, name in enumerate("abcde")},
    **{str(number + 11): f"inception_5{name}" for number, name in enumerate("ab")},
}
NAMES = (
    Names(
        "resnet*",
        {"conv1": "0", "bn1": "1", **{f"layer{stage}": str(stage + 3) for stage in range(1, 5)}},
        ((r"\.shortcut\.", ".downsample."),),  # of networks for small pictures
    ),
    Names("nin*", {f"seq{stage}": str(stage) for stage in range(5)}),
    # UDML-SS has the four branches of a block as a, b, c and d.
    Names("googlenet", NUMBERED, ((r"^(inception_\w+|\d+)\.[abcd]\.", r"\1."),)),
    Names("*", {}),
)


@dataclass(frozen=True)
class Origin:
    """What networks of one make were trained on; the first row that fits says it.

    Attributes:
        networks: a pattern of keys of `BACKBONES`.
        enclosed: a prefix that the names had, or "" for any.
        size: side of the pictures in pixels.
        mean, std: of channels in [0, 1], red first; None: the pictures' own, of all channels together.
        bgr: the first convolution has blue first.
    """

    networks: str
    enclosed: str
    size: int
    mean: tuple[float, float, float] | None = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    bgr: bool = False


BYTE = 255.0
STEP = (1 / BYTE, 1 / BYTE, 1 / BYTE)  # Caffe's networks see bytes less their mean
ORIGINS = (
    Origin("nin*", "", 32, None),  # AugNet
    Origin("resnet*", "pre", 224, None),  # AugNet
    Origin("*_cifar", "", 32, (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),  # SCAN on CIFAR-10
    Origin("*_stl", "", 96),  # SCAN on STL-10
    Origin(
        "googlenet", "base_model", 224, (122.7717 / BYTE, 115.9465 / BYTE, 102.9801 / BYTE), STEP, bgr=True
    ),  # CBSwR
    Origin("googlenet", "", 224, (128 / BYTE, 117 / BYTE, 104 / BYTE), STEP, bgr=True),  # UDML-SS, Caffe
    Origin("googlenet_bn", "", 224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),  # torchvision turns its input so
    Origin("*", "", 224),  # torchvision, MoCo
)


def own_name(backbone: str, name: str) -> str:
    names = next(row for row in NAMES if fnmatch(backbone, row.networks))
    for pattern, replacement in names.patterns:
        name = re.sub(pattern, replacement, name)
    first, dot, rest = name.partition(".")
    return names.modules.get(first, first) + dot + rest


def told_name(backbone: str, name: str) -> str:
    """One of the names that others have for what is `name` here."""
    names = next(row for row in NAMES if fnmatch(backbone, row.networks))
    others = {own: other for other, own in names.modules.items() if not other.isdigit()}
    first, dot, rest = name.partition(".")
    return others.get(first, first) + dot + rest


def origin_of(backbone: str, prefixes: Sequence[str]) -> Origin:
    """What a network was trained on, whose names had these `PREFIXES`."""
    return next(row for row in ORIGINS if fnmatch(backbone, row.networks) and row.enclosed in ("", *prefixes))
