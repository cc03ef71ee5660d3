"""How the number of clusters was chosen, as a picture; matplotlib, the extra `plot`, is imported inside."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

from augnet_cli.errors import MissingExtraError, UsageError
from augnet_cli.extras import how_to_install
from augnet_cli.report.sheet import check_sheet
from augnet_cli.report.target import Target, written_whole
from augnet_cli.results import ClusterCount, ClusterResult

TITLE = "Number of clusters by augnet"  # inside the file
TARGET = Target("--plot", (".png", ".svg"), TITLE)
SIZE_INCHES = (8, 6.4)
DOTS_PER_INCH = 120
# Told apart in grey too; the score is what was chosen by, so it is the darkest.
SCORE, STABILITY, SILHOUETTE, CHOSEN = "#0b3d66", "#2a78b8", "#b45f06", "#38761d"
HEIGHTS = (3, 2, 2)  # the score above, larger
MARGIN = 0.2  # of a panel above and below its curve, for what is written at the chosen one
# From so many times the smallest k on steps are equal on a scale of factors: 2 to 3 says more than 90 to 91.
WIDE = 12
TICKS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000)


def check_count_plot(file: str, *folders: str) -> None:
    """Refuse before the work what can't be drawn after it.

    Raises:
        UsageError: another suffix than .png or .svg.
        FolderError: the file can't be written there, is another one than an earlier plot, or would be one of
            the images of `folders` next time.
        MissingExtraError: matplotlib is not installed.
    """
    check_sheet(file, *folders, target=TARGET)
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("--plot needs matplotlib, which is not installed", how_to_install("plot"))


def draw_count(result: ClusterResult, file: str) -> None:
    """Draw score, stability and silhouette over the number of clusters, with the one that was chosen.

    The file is written whole or not at all.

    Raises:
        UsageError: nothing was chosen, so that there is no curve.
        FolderError: the file can't be written.
    """
    if not result.curve:
        raise UsageError("there is no curve: the number of clusters was not searched for", "leave out --plot")
    from matplotlib.figure import Figure

    curve = sorted(result.curve, key=lambda point: point.k)
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    panels = figure.subplots(3, 1, sharex=True, height_ratios=HEIGHTS)
    _panel(panels[0], curve, "score", SCORE, "score\n(k: where it is highest)")
    _panel(panels[1], curve, "stability", STABILITY, "stability\n(1: the same each time)")
    _panel(panels[2], curve, "silhouette", SILHOUETTE, "silhouette\n(1: well apart)")
    _mark(panels, curve, len(result.clusters))
    panels[0].set_title(_title(result), loc="left")
    panels[2].set_xlabel("number of clusters")
    _scale(panels[2], curve)
    kind = file.lower().rsplit(".", 1)[1]
    with written_whole(file, TARGET) as stream:
        figure.savefig(stream, format=kind, dpi=DOTS_PER_INCH, metadata={"Title": TITLE})


def _title(result: ClusterResult) -> str:
    images = sum(cluster.size for cluster in result.clusters) + len(result.noise)
    tried = [point.k for point in result.curve]
    k = len(result.clusters)
    how = "chosen among" if result.chosen else "looked at among"
    return f"{images:,} images: {k:,} clusters, {how} {min(tried):,} to {max(tried):,}"


def _panel(axes: Any, curve: list[ClusterCount], name: str, colour: str, label: str) -> None:
    """One measure; where it is not defined there is a gap."""
    values = [float(getattr(point, name)) for point in curve]
    axes.plot([point.k for point in curve], values, color=colour, marker="o", markersize=3.5)
    axes.set_ylabel(label, fontsize="small")
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize="small")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.margins(y=MARGIN)


def _mark(panels: Any, curve: list[ClusterCount], k: int) -> None:
    """A line through all panels at the chosen one, and its values, at the top, where the curve is not."""
    at = next((point for point in curve if point.k == k), None)
    early = k <= curve[len(curve) // 2].k  # then there is more room to the right
    for axes, name in zip(panels, ("score", "stability", "silhouette"), strict=True):
        axes.axvline(k, color=CHOSEN, linestyle=":", linewidth=1.5)
        words = [f"k {k:,}"] if name == "score" else []
        if at is not None and math.isfinite(value := float(getattr(at, name))):
            axes.plot([k], [value], marker="o", markersize=8, markerfacecolor="none", color=CHOSEN)
            words.append(f"{value:.3f}")
        axes.annotate(
            ": ".join(words),
            (k, 1),
            (6 if early else -6, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="left" if early else "right",
            va="top",
            color=CHOSEN,
            fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
        )


def _scale(axes: Any, curve: list[ClusterCount]) -> None:
    """Ticks at round numbers; steps by factors where the curve goes far."""
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, StrMethodFormatter

    least, most = curve[0].k, curve[-1].k
    if most >= WIDE * least:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if least <= tick <= most]))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
