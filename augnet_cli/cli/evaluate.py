"""`augnet evaluate`."""

from __future__ import annotations

import shlex
import sys
from enum import Enum
from typing import Annotated

import typer

from augnet_cli.cli import options
from augnet_cli.cli.output import colours, finish, printing, text_or_json
from augnet_cli.cli.terminal import note, progress_for
from augnet_cli.cli.typed import without_place


class Protocol(str, Enum):
    """What an encoder is judged by."""

    clustering = "clustering"
    retrieval = "retrieval"
    probe = "probe"
    copies = "copies"


def evaluate(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="NAME:PATH of a data set as it is given out, NAME one of stl10, cifar10, cifar100, "
            "cifar100-20, cub200, cars196, sop, imagenet, list, folder and tsv; or a folder: of its "
            "labels.tsv, else a folder a class.",
            show_default=False,
        ),
    ],
    *,
    protocol: Annotated[
        Protocol,
        typer.Option(
            "--protocol",
            help="clustering: k-means by classes, ACC, NMI, ARI, and an encoder's own clusters; retrieval: "
            "recall at k, mAP, NMI; probe: weighted neighbours and a linear classifier, learnt on train; "
            "copies: altered copies among other pictures.",
        ),
    ] = Protocol.clustering,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            metavar="FILE",
            help="Encoder to judge (.onnx), a checkpoint.pt of `augnet train`, or `shipped`.  "
            "[default: shipped]",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="Images to judge by: test, train or all.")
    ] = "test",
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help="Seed of k-means, of what is drawn, of the untrained network."),
    ] = 0,
    restarts: Annotated[
        int | None,
        typer.Option(
            "--restarts",
            min=1,
            help="Starts of k-means, the tightest counts.  [default: 20]",
            show_default=False,
        ),
    ] = None,
    neighbours: Annotated[
        int | None,
        typer.Option(
            "--neighbours",
            min=1,
            help="Of a probe: neighbours that vote.  [default: 20]",
            show_default=False,
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            help="Of a probe: a neighbour's vote is exp(cosine / temperature).  [default: 0.07]",
            show_default=False,
        ),
    ] = None,
    faithful: Annotated[
        bool,
        typer.Option(
            "--faithful",
            help="Of retrieval: count recall as UDML-SS's code does, a query among its own hits at "
            "similarity 0.",
        ),
    ] = False,
    untrained: Annotated[
        bool,
        typer.Option("--untrained/--no-untrained", help="Judge the same network without training, too."),
    ] = True,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE.json",
            help="Also add a record for each row to FILE, which gathers those of many runs.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(
            "--plot",
            metavar="FILE.png",
            help="Also draw it: who is taken for whom, recall over k, or copies by kind of change.",
            show_default=False,
        ),
    ] = None,
    format: options.OutputFormat = options.Format.text,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Judge an encoder by the classes of a data set, as papers do, beside the same network untrained.

    Labels judge only. Images are judged as DATASET splits them: metric learning's sets by class, of a folder
    without train and test a fifth of each class. Nothing is written there, and nothing is downloaded: where
    a file is missing, its name and the place to get the data set are told. The untrained network needs the
    extra `train`; without it its row is left out.

    Example: augnet evaluate cifar10:/data/cifar-10-batches-py --protocol clustering
    """
    from augnet_cli.cores import usable_cores
    from augnet_cli.pipeline.evaluate import evaluate as verb
    from augnet_cli.pipeline.evaluation_request import EvaluateRequest
    from augnet_cli.report.evaluation_data import add_records, check_records, write_evaluation
    from augnet_cli.report.evaluation_plot import check_evaluation_plot, draw_evaluation
    from augnet_cli.report.evaluation_text import evaluation_lines
    from augnet_cli.report.text import count, write_lines

    text_or_json(format, "evaluate")
    if out is not None:
        check_records(out)
    if plot is not None:
        check_evaluation_plot(plot)
    request = EvaluateRequest(
        dataset=dataset,
        protocol=protocol.value,
        encoder=encoder,
        split=split,
        seed=seed,
        restarts=restarts,
        neighbours=neighbours,
        temperature=temperature,
        as_published=faithful,
        untrained=untrained,
        workers=workers or usable_cores(),
        command=shlex.join(["augnet", *map(without_place, sys.argv[1:])]),
    )
    result = verb(request, progress_for(quiet))
    for line in result.notes:
        note(line, quiet)
    if out is not None:
        note(f"{count(add_records(result, out), 'record')} in the file of --out", quiet)
    if plot is not None:
        draw_evaluation(result, plot)
    with printing():
        if format is options.Format.json:
            write_evaluation(result, sys.stdout.buffer)
        else:
            write_lines(evaluation_lines(result, colours()), sys.stdout)
    finish(skipped=len(result.skipped), used=result.images)
