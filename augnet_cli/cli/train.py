"""`augnet train`."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import printing
from augnet_cli.cli.terminal import note, progress_for
from augnet_cli.errors import AugnetError

if TYPE_CHECKING:
    from augnet_cli.training.outcome import TrainOutcome


class Format(str, Enum):
    """How a run is told on stdout."""

    text = "text"
    json = "json"


class Replace(str, Enum):
    """When the new encoder takes the place of the old one."""

    better = "better"
    always = "always"


def train(
    folder: options.Folder,
    *,
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
        str | None, typer.Option("--method", help="How to learn.  [default: copies]", show_default=False)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the method, such as temperature=0.1; repeatable.",
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
            "--epochs", min=1, help="Passes over the images, all of them, even if nothing more is gained."
        ),
    ] = None,
    images_per_step: Annotated[
        int | None,
        typer.Option(
            "--images-per-step",
            min=2,
            help="Images in a batch; each gives several views.  "
            "[default: 128; from scratch or with another method 80]",
            show_default=False,
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            "--lr",
            help="Adam's learning rate.  [default: 0.0003; 0.0005 from scratch]",
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
            "--dim", min=0, help="Width of a new encoder's embedding.  [default: 128]", show_default=False
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

    Several GPUs: torchrun --standalone --nproc-per-node 2 -m augnet_cli train ./photos

    Example: augnet train ./photos --minutes 15
    """
    from augnet_cli.errors import UsageError
    from augnet_cli.images.names import shown
    from augnet_cli.pipeline.train import require_training
    from augnet_cli.pipeline.train import train as train_verb

    require_training()
    from augnet_cli.cores import usable_cores
    from augnet_cli.training.gang import gang_from_environment
    from augnet_cli.training.request import TrainRequest

    leads = gang_from_environment().leads
    with _one_voice(leads):
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
            command=shlex.join(["augnet", *map(_without_place, sys.argv[1:])]),
            preset=preset,
            replace=replace.value,
        )
        as_json = format is Format.json
        told = _print_line if as_json else lambda line: None
        outcome = train_verb(folder, request, exclude or (), progress_for(quiet), told)
    if not leads:
        return
    _tell(outcome, quiet)
    if as_json:
        _print_line({"result": outcome.as_dict(), "file": outcome.file})
        return
    with printing():
        # As bytes: a name that is no UTF-8 can be printed no other way.
        typer.echo(os.fsencode(outcome.file))


@contextlib.contextmanager
def _one_voice(leads: bool) -> Iterator[None]:
    """Of several processes that stop for the same reason, let the one that leads say it.

    The others end as if all were well: `torchrun` ends all as soon as one fails, and it must have spoken.
    """
    try:
        yield
    except (AugnetError, KeyboardInterrupt):
        if leads:
            raise
        raise typer.Exit from None


def _tell(outcome: TrainOutcome, quiet: bool) -> None:
    """What a person should know, on stderr: the table, what became of the new encoder, what was left out."""
    from augnet_cli.images.names import shown
    from augnet_cli.training.outcome import score_lines

    if not quiet:
        sys.stderr.write("\n".join(["", *score_lines(outcome.before, outcome.after), ""]) + "\n")
    where = f"encoder {outcome.card.id}" if outcome.decision.taken else f"encoder {outcome.before.encoder}"
    what = "serves from now on" if outcome.decision.taken else "was kept"
    note(f"{where} {what}: the new one is {outcome.decision.why}", quiet)
    note(f"{shown(outcome.record)} and training.png beside it tell how it went", quiet)
    if outcome.skipped:
        note(f"{len(outcome.skipped)} images were not used; `augnet embed` lists them", quiet)


def _print_line(line: dict[str, Any]) -> None:
    with printing():
        typer.echo(json.dumps(line))


def _without_place(argument: str) -> str:
    """An argument as the card tells it: of a path from the root on, the last part alone.

    The card travels with the encoder; where its maker keeps photos is no one's concern.
    """
    option, equals, value = argument.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={_without_place(value)}"
    return os.path.basename(argument.rstrip(os.sep)) if os.path.isabs(argument) else argument
