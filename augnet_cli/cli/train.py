"""`augnet train`."""

from __future__ import annotations

import os
import shlex
import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.terminal import progress_for
from augnet_cli.cli.training_told import (
    ASKED,
    one_voice,
    print_file,
    print_line,
    tell,
    tell_of_dataset,
    tell_settings,
)
from augnet_cli.cli.training_words import check_words
from augnet_cli.cli.typed import without_place
from augnet_cli.errors import UsageError

if TYPE_CHECKING:
    from augnet_cli.training.outcome import Outcome


class Format(str, Enum):
    """How a run is told on stdout."""

    text = "text"
    json = "json"


class Replace(str, Enum):
    """When the new encoder takes the place of the old one."""

    better = "better"
    always = "always"


def train(
    folder: Annotated[
        str | None,
        typer.Argument(
            metavar="FOLDER",
            help="Folder of images; everything below it counts. Or --data.",
            show_default=False,
        ),
    ] = None,
    *,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME:PATH",
            help="Learn from a data set instead, named as for `augnet evaluate`: its train split, with the "
            "unlabelled one if there is one, into the file of --out.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE.onnx",
            help="Of --data: the encoder's file; FILE.onnx.training beside it holds checkpoint and log.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="train|unlabelled",
            help="Of --data: learn from this split alone.",
            show_default=False,
        ),
    ] = None,
    eval_every: Annotated[
        int | None,
        typer.Option(
            "--eval-every",
            min=1,
            metavar="EPOCHS",
            help="Tell every so many epochs what the labels of the test split say (kNN, ACC, NMI, ARI, R@1); "
            "the method never sees them, and nothing is chosen by them.",
            show_default=False,
        ),
    ] = None,
    eval_data: Annotated[
        str | None,
        typer.Option(
            "--eval-data",
            metavar="NAME:PATH",
            help="Whose test split --eval-every judges by: a data set, or a folder with labels.tsv or a "
            "folder a class.  [default: that of --data]",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            help="Time for all of it: measuring, training, measuring again. "
            "Default: as many steps as the number of images asks for.",
            show_default=False,
        ),
    ] = None,
    replace: Annotated[
        Replace,
        typer.Option("--replace", help="When the new encoder takes the old one's place."),
    ] = Replace.better,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help="Choices for what is not said: finetune, or shipped, as augnet's own encoder was trained.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            help="How to learn: copies, augnet, simclr, instance, rotnet, decouple, scan, udml-ss, cbswr, or "
            "one of another package.  [default: copies]",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the method, such as temperature=0.1; repeatable.  `--set help` lists those of "
            "--method, with their defaults and meanings.",
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init",
            metavar="shipped|scratch|FILE",
            help="Weights to start from. FILE is an encoder, or a state dict of torch: torchvision's, or of "
            "AugNet, SCAN, MoCo, CBSwR or UDML-SS.  [default: shipped]",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            help="Passes over the images, all of them, even if nothing more is gained; of udml-ss, turns of "
            "each cluster.",
        ),
    ] = None,
    images_per_step: Annotated[
        int | None,
        typer.Option(
            "--images-per-step",
            min=2,
            help="Images in a batch; each gives several views.  "
            "[default: the method's, or 80; of copies from an encoder 128]",
            show_default=False,
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            "--lr",
            help="Learning rate.  [default: the method's; else 0.0003, from scratch 0.0005]",
            show_default=False,
        ),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            help="Network of a new encoder (--init scratch), or of a state dict: symmetric_resnet, "
            "resnet18_slim, mobilenet_v3_small, googlenet, googlenet_bn, nin3 to nin5, resnet18, 34 or 50, "
            "or these with _cifar or _stl after their names, for small pictures.  [default: resnet18_slim]",
            show_default=False,
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            "--width",
            min=4,
            max=1024,
            help="Channels of the first layer of a new encoder, the others in proportion.  "
            "[default: the network's own]",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            min=16,
            max=1024,
            help="Side in pixels of what a new encoder sees.  [default: 96]",
            show_default=False,
        ),
    ] = None,
    dim: Annotated[
        int | None,
        typer.Option(
            "--dim",
            min=0,
            help="Numbers of a new embedding; 0, and the default where the method adds no layer: as many as "
            "the network has.  [default: 128]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all that is random.")] = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    dtype: Annotated[
        str, typer.Option("--dtype", help="What the network counts in: auto, fp32 or bf16.")
    ] = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same command was interrupted.")
    ] = False,
    format: Annotated[
        Format,
        typer.Option("--format", help="On stdout: the encoder's path, or a line an epoch and the record."),
    ] = Format.text,
    exclude: options.Exclude = None,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Learn an encoder from the images of FOLDER, without labels, and use it there if it is better.

    Some images are held out. Altered copies of them are looked for among the others before and after;
    only if more are found, by more than noise, does the new encoder take the place of the one that served:
    it becomes FOLDER/.augnet/encoder.onnx, which the other commands then use. Otherwise nothing changes,
    and the new one stays in FOLDER/.augnet/candidates. Either way its path is printed.

    Ctrl-C finishes the step and saves; --resume goes on. FOLDER/.augnet/training.json and training.png
    tell how it went. Needs the extra `train`: pip install '.[train]' in the checkout.

    With --data nothing is held out or judged: the data set's own test split is for `augnet evaluate`.

    Several GPUs: torchrun --standalone --nproc-per-node 2 -m augnet_cli train ./photos

    Example: augnet train ./photos --minutes 15
    """
    from augnet_cli.images.names import shown
    from augnet_cli.pipeline.train import require_training
    from augnet_cli.pipeline.train import train as train_verb
    from augnet_cli.pipeline.train_dataset import judging_split, train_on

    require_training()
    if settings and ASKED in settings:
        tell_settings(method)
        return
    from augnet_cli.cores import usable_cores
    from augnet_cli.training.gang import gang_from_environment
    from augnet_cli.training.request import TrainRequest

    leads = gang_from_environment().leads
    with one_voice(leads):
        values: dict[str, str] = {}
        for setting in settings or []:
            name, equals, value = setting.partition("=")
            if not equals:
                raise UsageError(
                    f"--set wants NAME=VALUE, not {shown(setting)}", "for instance --set temperature=0.1"
                )
            values[name] = value
        request = TrainRequest(
            method=method,
            options=values,
            init=init,
            backbone=backbone,
            width=width,
            size=size,
            dim=dim,
            epochs=epochs,
            minutes=minutes,
            images_per_step=images_per_step,
            lr=lr,
            seed=seed,
            device=device,
            dtype=dtype,
            workers=workers or usable_cores(),
            resume=resume,
            command=shlex.join(["augnet", *map(without_place, sys.argv[1:])]),
            preset=preset,
            replace=replace.value,
            eval_every=eval_every,
        )
        as_json = format is Format.json
        told = print_line if as_json else lambda line: None
        progress = progress_for(quiet)
        check_words(folder, data, out, split, exclude, replace is not Replace.better, eval_every, eval_data)
        outcome: Outcome
        if data is not None and out is not None:
            replaced = os.path.lexists(out)
            outcome = on_dataset = train_on(data, out, request, eval_data, progress, told, split)
        else:
            assert folder is not None
            judged_by = judging_split(eval_data, eval_every)
            outcome = on_folder = train_verb(folder, request, exclude or (), progress, told, judged_by)
    if not leads:
        return
    if data is not None:
        tell_of_dataset(on_dataset, data, replaced, quiet)
    else:
        tell(on_folder, quiet)
    if as_json:
        print_line({"result": outcome.as_dict(), "file": outcome.file})
    else:
        print_file(outcome.file)
