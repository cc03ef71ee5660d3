"""`augnet train`."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.terminal import note, progress_for


def train(
    folder: options.Folder,
    *,
    method: Annotated[str, typer.Option("--method", help="How to learn.")] = "augnet",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting of the method, such as views=4; repeatable."
        ),
    ] = None,
    init: Annotated[
        str, typer.Option("--init", metavar="shipped|scratch|FILE", help="Weights to start from.")
    ] = "shipped",
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            help="Passes over the images. Default: about 500 steps, at most 100 passes.",
            show_default=False,
        ),
    ] = None,
    images_per_step: Annotated[
        int | None,
        typer.Option(
            "--images-per-step",
            min=2,
            help="Images in a batch; each gives several views.  [default: 80]",
            show_default=False,
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option("--lr", help="Adam's learning rate.  [default: 0.0005]", show_default=False),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            help="Network of a new encoder (--init scratch).  [default: resnet18_slim]",
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
            "--dim", min=0, help="Width of a new encoder's embedding.  [default: 128]", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all that is random.")] = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32 or bf16.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    exclude: options.Exclude = None,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Learn an encoder from the images of FOLDER, without labels; the other commands then use it there.

    Needs the extra `train`: pip install 'augnet[train]'.
    It is saved as FOLDER/.augnet/encoder.onnx, with a checkpoint after each epoch for --resume.

    Example: augnet train ./photos --epochs 20
    """
    from augnet_cli.errors import UsageError
    from augnet_cli.images.names import shown
    from augnet_cli.pipeline.train import require_training
    from augnet_cli.pipeline.train import train as train_verb

    require_training()
    from augnet_cli.cores import usable_cores
    from augnet_cli.training.request import TrainRequest

    values: dict[str, str] = {}
    for setting in settings or []:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"--set wants NAME=VALUE, not {shown(setting)}", "for instance --set views=4")
        values[name] = value
    request = TrainRequest(
        method=method,
        options=values,
        init=init,
        backbone=backbone,
        size=size,
        dim=dim,
        epochs=epochs,
        images_per_step=images_per_step,
        lr=lr,
        seed=seed,
        device=device,
        precision=precision,
        workers=workers or usable_cores(),
        resume=resume,
        command=shlex.join(["augnet", *map(_without_place, sys.argv[1:])]),
    )
    outcome = train_verb(folder, request, exclude or (), progress_for(quiet))
    recall = outcome.card.scores["copy_recall_at_precision_0.99"]
    note(
        f"encoder {outcome.card.id} saved; of copies of {shown(folder)}'s own images it finds {recall:.0%} "
        f"at precision 0.99, distance {outcome.card.threshold:g}",
        quiet,
    )
    if outcome.skipped:
        note(f"{len(outcome.skipped)} images were not used; `augnet embed` lists them", quiet)
    # As bytes: a name that is no UTF-8 can be printed no other way.
    typer.echo(os.fsencode(outcome.file))


def _without_place(argument: str) -> str:
    """An argument as the card tells it: of a path from the root on, the last part alone.

    The card travels with the encoder; where its maker keeps photos is no one's concern.
    """
    option, equals, value = argument.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={_without_place(value)}"
    return os.path.basename(argument.rstrip(os.sep)) if os.path.isabs(argument) else argument
