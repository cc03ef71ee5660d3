"""What `evaluate` found, as a picture; matplotlib, the extra `plot`, is imported inside."""

from __future__ import annotations

import importlib.util
from typing import Any

from augnet_cli.errors import MissingExtraError
from augnet_cli.extras import how_to_install
from augnet_cli.images.names import shown
from augnet_cli.report.evaluation_text import FOUND, RECALL, head_of
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.results import EvaluationResult, EvaluationRow

TITLE = "Evaluation by augnet"  # inside the file
TARGET = Target("--plot", (".png", ".svg"), TITLE)
DOTS_PER_INCH = 120
COLOURS = ("#0b5394", "#b45f06", "#38761d")  # told apart in grey too
LEAST_INCHES, INCHES_A_CLASS, MOST_INCHES = 4.5, 0.32, 12.0  # of a confusion's side
NAMED = 40  # classes whose names can be read beside a confusion
WRITTEN = 12  # classes up to which shares are written into the cells
DARK = 0.5  # share from which a cell's letters are white
BARS_INCHES = (8.0, 6.0)


def check_evaluation_plot(file: str) -> None:
    """Refuse before the work what can't be drawn after it.

    Raises:
        UsageError: another suffix than .png or .svg.
        FolderError: the file can't be written there, or is another one than an earlier plot.
        MissingExtraError: matplotlib is not installed.
    """
    check_target(file, TARGET)
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("--plot needs matplotlib, which is not installed", how_to_install("plot"))


def draw_evaluation(result: EvaluationResult, file: str) -> None:
    """Draw a confusion for each row that has one, else recall over k, else copies found by kind of change.

    The file is written whole or not at all.

    Raises:
        FolderError: the file can't be written.
    """
    from matplotlib.figure import Figure

    confused = [row for row in result.rows if row.confusion]
    if confused:
        side = min(MOST_INCHES, max(LEAST_INCHES, INCHES_A_CLASS * len(result.classes)))
        figure = Figure(figsize=(side * len(confused), side), layout="constrained")
        panels = figure.subplots(1, len(confused), squeeze=False)[0]
        for axes, row in zip(panels, confused, strict=True):
            _confusion(axes, row, result)
    else:
        figure = Figure(figsize=BARS_INCHES, layout="constrained")
        (_bars if result.protocol == "copies" else _recall)(figure.subplots(), result)
    figure.suptitle(f"{result.dataset}, {result.split}: {result.images:,} images, {result.protocol}")
    kind = file.lower().rsplit(".", 1)[1]
    with written_whole(file, TARGET) as stream:
        figure.savefig(stream, format=kind, dpi=DOTS_PER_INCH, metadata={"Title": TITLE})


def _confusion(axes: Any, row: EvaluationRow, result: EvaluationResult) -> None:
    """Rows are true classes, and each sums to 1, less what was named as none."""
    drawn = axes.imshow(row.confusion, vmin=0, vmax=1, cmap="Blues")
    names = [_plain(name) for name in result.classes]
    # A probe may name classes that were only learnt.
    columns = len(row.confusion[0])
    if len(names) <= NAMED:
        axes.set_yticks(range(len(names)), names, fontsize="small")
        names += ["learnt only"] * (columns - len(names))
        axes.set_xticks(range(columns), names, rotation=90, fontsize="small")
    if columns <= WRITTEN:
        for true, shares in enumerate(row.confusion):
            for named, share in enumerate(shares):
                colour = "white" if share >= DARK else "black"
                axes.text(named, true, f"{share:.2f}", ha="center", va="center", color=colour, fontsize=6)
    axes.set(xlabel="named as", ylabel="class")
    figure = "linear" if "linear" in row.figures else "acc"
    axes.set_title(f"{row.space}: {head_of(figure)} {row.figures[figure]:.3f}", fontsize="medium")
    axes.figure.colorbar(drawn, ax=axes, shrink=0.7, label="share of the class")


def _recall(axes: Any, result: EvaluationResult) -> None:
    for row, colour in zip(result.rows, COLOURS, strict=False):
        told = {
            int(name.removeprefix(RECALL)): value
            for name, value in row.figures.items()
            if name.startswith(RECALL)
        }
        axes.plot(list(told), list(told.values()), marker="o", color=colour, label=row.space)
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="k", ylabel="recall at k")
    axes.set_xticks(list(told), [str(k) for k in told])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()


def _bars(axes: Any, result: EvaluationResult) -> None:
    first = result.rows[0].figures
    kinds = sorted((name for name in first if name.startswith(FOUND)), key=lambda kind: first[kind])
    height = 0.8 / len(result.rows)
    for number, (row, colour) in enumerate(zip(result.rows, COLOURS, strict=False)):
        places = [place + number * height for place in range(len(kinds))]
        shares = [row.figures.get(kind, 0.0) for kind in kinds]
        axes.barh(places, shares, height=height, color=colour, label=row.space)
    middle = height * (len(result.rows) - 1) / 2
    titles = [kind.removeprefix(FOUND).replace("_", " ") for kind in kinds]
    axes.set_yticks([place + middle for place in range(len(kinds))], titles, fontsize="small")
    axes.set(xlim=(0, 1), xlabel="share of copies found at precision 0.99")
    axes.grid(axis="x", alpha=0.3)
    axes.legend()


def _plain(name: str) -> str:
    """A class's name as letters: matplotlib would take what stands between dollars for a formula."""
    return shown(name).replace("$", r"\$")
