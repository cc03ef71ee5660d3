"""What the tests of training share: small pixel caches, encoders, folders of pictures, the program itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import augnet_cli
from augnet_cli.images.files import walk
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.pixels import PixelCache, build_pixel_cache

ROOT = Path(augnet_cli.__file__).resolve().parents[1]
CPU = torch.device("cpu")


def smooth_picture(seed: int, width: int = 48, height: int = 40) -> Image.Image:
    """A smooth random picture, unlike that of any other seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def picture_folder(folder: Path, count: int, first: int = 0, width: int = 48, height: int = 40) -> Path:
    """`count` pictures as PNG in `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        smooth_picture(number, width, height).save(folder / f"{number:03}.png")
    return folder


def pixels_of(folder: Path, side: int = 64) -> PixelCache:
    """The pixel cache of a folder, kept beside it."""
    files = walk(str(folder)).files
    return build_pixel_cache(str(folder), files, f"{folder}-{side}.u8", side=side, workers=2)


def small_encoder(
    seed: int = 0, size: int = 32, dim: int = 16, backbone: str = "resnet18_slim", width: int = 0
) -> Encoder:
    """A new encoder whose batch norms have seen pictures, so that its embeddings differ from each other."""
    torch.manual_seed(seed)
    encoder = Encoder(EncoderSpec(backbone, size, dim, width=width))
    encoder.train()
    for module in encoder.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0  # one batch is to settle it
    pictures = [np.asarray(smooth_picture(number, size, size)) for number in range(8)]
    with torch.no_grad():
        encoder(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255)
    return encoder.eval()


def environment(**more: str) -> dict[str, str]:
    """That of a child: the package under test; threads that wait asleep, as cores may be busy."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive", "COLUMNS": "200", **more}


def augnet(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the real program."""
    return subprocess.run(
        command(arguments), capture_output=True, text=True, check=False, timeout=120, env=environment(**more)
    )


def command(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "augnet_cli", *map(str, arguments)]
