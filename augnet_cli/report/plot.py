"""Results as pictures: the curve of a calibration. matplotlib, of the extra `plot`, is imported inside."""

from __future__ import annotations

import importlib.util
from typing import Any

from augnet_cli.errors import MissingExtraError, UsageError
from augnet_cli.extras import how_to_install
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.results import CalibrationResult

TITLE = "Calibration by augnet"  # inside the file
TARGET = Target("--plot", (".png", ".svg"), TITLE)
SIZE_INCHES = (11, 4.6)
DOTS_PER_INCH = 120
LOWEST_SHOWN = 0.02  # precision under which a distance is of no use and left out
PRECISION_COLOUR, RECALL_COLOUR, THRESHOLD_COLOUR = "#0b5394", "#b45f06", "#38761d"  # told apart in grey too


def check_plot(file: str) -> None:
    """Refuse before the work what can't be drawn after it.

    Raises:
        UsageError: another suffix than .png or .svg.
        FolderError: the file can't be written there, or is another one than an earlier plot.
        MissingExtraError: matplotlib is not installed.
    """
    check_target(file, TARGET)
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("--plot needs matplotlib, which is not installed", how_to_install("plot"))


def draw_calibration(result: CalibrationResult, file: str) -> None:
    """Draw precision with its interval and recall over distance, and recall by kind of change.

    The file is written whole or not at all.

    Raises:
        UsageError: there is no curve to draw.
        FolderError: the file can't be written.
    """
    if not result.curve:
        raise UsageError("too few different images for a curve to draw", "leave out --plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _curves(left, result)
    _bars(right, result)
    # In place of the name's suffix, by which matplotlib would choose the format.
    kind = file.lower().rsplit(".", 1)[1]
    with written_whole(file, TARGET) as stream:
        figure.savefig(stream, format=kind, dpi=DOTS_PER_INCH, metadata={"Title": TITLE})


def _curves(axes: Any, result: CalibrationResult) -> None:
    # From the first distance at which something is found to where nearly all is wrong.
    points = [point for point in result.curve if point.found >= 1 and point.high >= LOWEST_SHOWN]
    points = points or list(result.curve)
    distances = [point.distance for point in points]
    axes.fill_between(
        distances,
        [point.low for point in points],
        [point.high for point in points],
        color=PRECISION_COLOUR,
        alpha=0.2,
        linewidth=0,
        label="90 % interval",
    )
    axes.plot(distances, [point.precision for point in points], color=PRECISION_COLOUR, label="precision")
    recalls = [point.recall for point in points]
    axes.plot(distances, recalls, color=RECALL_COLOUR, linestyle="--", label="recall of altered copies")
    axes.axvline(
        result.threshold, color=THRESHOLD_COLOUR, linestyle=":", label=f"threshold {result.threshold:g}"
    )
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="cosine distance", ylabel="share (estimated)")
    axes.set_title(f"{result.contents:,} different images, precision {result.precision:g}")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", fontsize="small")


def _bars(axes: Any, result: CalibrationResult) -> None:
    at = min(result.curve, key=lambda point: abs(point.distance - result.threshold))
    kinds = sorted(at.recall_of, key=lambda kind: at.recall_of[kind])
    axes.barh(kinds, [at.recall_of[kind] for kind in kinds], color=RECALL_COLOUR)
    axes.set(xlim=(0, 1), xlabel=f"recall at distance {at.distance:g}")
    axes.set_title(f"copies of {result.altered:,} images by kind of change")
    axes.tick_params(axis="y", labelsize="small")
    axes.grid(axis="x", alpha=0.3)
