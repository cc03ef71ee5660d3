"""Whether training keeps its device busy: making views, computing steps, and both together.

    python benchmarks/loader.py [--images 1024] [--rounds 5]

The shipped encoder learns from photographs of ../shared as `augnet train` has it: method, batch, precision,
threads.  Views alone and steps alone have the machine to themselves; where both share its cores, as on a CPU,
together they can't do more than 1 / (1 / views + 1 / steps).
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
from dataclasses import dataclass, field

import numpy as np
import torch
from labelled import DATA, members
from pace import interleaved, rate_cells
from tables import markdown, put

from augnet_cli.cores import usable_cores
from augnet_cli.images.files import walk
from augnet_cli.training.choices import choose_bf16, choose_device, choose_settings
from augnet_cli.training.initial import start_encoder
from augnet_cli.training.loader import steps_of
from augnet_cli.training.memory import keep_freed_memory
from augnet_cli.training.methods import method_class
from augnet_cli.training.methods.method import Method
from augnet_cli.training.pixels import PixelCache, build_pixel_cache
from augnet_cli.training.preparation import LEAST_SIDE
from augnet_cli.training.presets import with_preset
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.trainer import loader_for, train

ARCHIVE = "train-photos-2.tar"
SMALL_RATE = 1e-6  # the weights stay about what they are, however many rounds there are


@dataclass
class Epoch:
    """One epoch of a method on images, whole and by parts; each part returns how many images it did."""

    method: Method
    pixels: PixelCache
    settings: TrainSettings
    device: torch.device
    bf16: bool
    folder: str
    waits: list[float] = field(default_factory=list)  # shares of the whole ones so far

    def __post_init__(self) -> None:
        order = np.arange(len(self.pixels))
        self.plan = list(steps_of(order, self.settings.batch_of(len(order)), epoch=0))
        self.images = sum(len(step.rows) for step in self.plan)
        self.loader = loader_for(self.method, self.pixels, self.settings, self.device)
        self.batch = next(self.loader.batches(self.plan))

    def views(self) -> int:
        for batch in self.loader.batches(self.plan):
            batch.views[0, 0, 0, 0, 0].item()  # a GPU has made it only then
        return self.images

    def steps(self) -> int:
        """All on one batch: as the trainer's, without what it writes and says."""
        optimiser = torch.optim.Adam(self.method.parameter_groups(self.settings.lr))
        self.method.train()
        for _ in self.plan:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
                loss = torch.stack(list(self.method.loss(self.batch).values())).sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            loss.item()
        return self.images

    def whole(self) -> int:
        report = train(
            self.method,
            self.pixels,
            self.settings,
            device=self.device,
            bf16=self.bf16,
            folder=self.folder,
            resume=False,
            identity={},
        )
        self.waits.append(report.throughput.waiting_share)
        return self.images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1024, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        epoch = epoch_of(photographs(folder, arguments.images), arguments.device, folder)
        work = {"views alone": epoch.views, "steps alone": epoch.steps, "training": epoch.whole}
        rates = interleaved(work, arguments.rounds)
    waited = {"training": f"{statistics.median(epoch.waits[1:]):.0%}"}  # the first round warms up
    rows = [(name, *rate_cells(each), waited.get(name, "")) for name, each in rates.items()]
    where = f"{epoch.device.type}, {usable_cores()} cores, {'bf16' if epoch.bf16 else 'fp32'}"
    table = markdown((f"images/s, {where}", "median", "slowest", "fastest", "of it waiting for data"), rows)
    if arguments.print_only:
        print(table)
    else:
        put("loader", table)


def photographs(folder: str, count: int) -> PixelCache:
    """The first `count` of the archive, decoded as `augnet train` does."""
    photos = os.path.join(folder, "photos")
    os.makedirs(photos)
    for number, (name, data) in enumerate(itertools.islice(members(DATA / ARCHIVE), count)):
        with open(os.path.join(photos, f"{number:05}{os.path.splitext(name)[1]}"), "wb") as out:
            out.write(data)
    cache = os.path.join(folder, "pixels.u8")
    return build_pixel_cache(photos, walk(photos).files, cache, side=LEAST_SIDE, workers=usable_cores())


def epoch_of(pixels: PixelCache, device_name: str, folder: str) -> Epoch:
    """What `augnet train` would do with these images when told nothing else."""
    request = with_preset(TrainRequest(lr=SMALL_RATE, epochs=1, device=device_name))
    device, kind = choose_device(request.device), method_class(str(request.method))
    config = kind.Config()
    method = (
        kind(start_encoder(request, config).encoder, config).to(device).to(memory_format=torch.channels_last)
    )
    bf16 = choose_bf16(request.dtype, device, method.encoder.spec.backbone)
    return Epoch(method, pixels, choose_settings(request, len(pixels), device), device, bf16, folder)


if __name__ == "__main__":
    main()
