"""A picture of a run: loss, what was seen of the held-out images, and what was found before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from augnet_cli.training.judge import FolderScores
from augnet_cli.training.outcome import TrainOutcome
from augnet_cli.training.whole import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE_NAME = "training.png"
INCHES, DPI = (13.0, 5.2), 110
# Of a line of the log; the others are of the loss.
NO_TERMS = ("stage", "epoch", "step", "seconds", "images_per_second", "waiting_share", "held_out", "eval")
# Two that people of all kinds of colour vision tell apart, also in grey (Okabe and Ito, 2008).
OLD, NEW = "#E69F00", "#0072B2"


def draw_curves(outcome: TrainOutcome, file: str) -> None:
    """Write a PNG of the run; whole or not at all.

    Raises:
        TrainingError: it can't be written.
    """
    # No window and no state of matplotlib's own: a library must not choose those for its caller.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    ratios = (1.0, 1.0, 1.2, *([1.0] if _has_scores(outcome.curve) else []))
    loss, seen, kinds, *scored = figure.subplots(1, len(ratios), width_ratios=ratios)
    _draw_loss(loss, outcome.curve)
    _draw_looks(seen, outcome)
    _draw_kinds(kinds, outcome.before, outcome.after)
    for axes in scored:
        _draw_scores(axes, outcome.curve)
    taken = "the new encoder serves now" if outcome.decision.taken else "the old encoder was kept"
    figure.suptitle(f"{outcome.report.steps:,} steps on {outcome.trained:,} images: {taken}")
    with whole_file(file) as out:
        figure.savefig(out, format="png")


def _draw_loss(axes: Axes, curve: Sequence[Mapping[str, Any]]) -> None:
    names = dict.fromkeys(name for line in curve for name in line if name not in NO_TERMS)
    steps = _steps(curve)
    for name in names:
        seen = [(step, line[name]) for step, line in zip(steps, curve, strict=True) if name in line]
        axes.plot(*zip(*seen, strict=True), marker="." if len(curve) < 40 else "", label=name)
    axes.set(title="Training loss, mean of each epoch", xlabel="step", ylabel="loss")
    axes.set_xlim(left=0)
    if len(names) > 1:
        axes.legend(title="term")
    axes.grid(alpha=0.3)


def draw_course(curve: Sequence[Mapping[str, Any]], title: str, file: str) -> None:
    """Write a PNG of a run on a data set: its loss, and what labels said meanwhile; whole or not at all.

    Raises:
        TrainingError: it can't be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = 2 if _has_scores(curve) else 1
    figure = Figure(figsize=(INCHES[0] / 2 * panels, INCHES[1]), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    loss, *scored = figure.subplots(1, panels, squeeze=False)[0]
    _draw_loss(loss, curve)
    for axes in scored:
        _draw_scores(axes, curve)
    figure.suptitle(title)
    with whole_file(file) as out:
        figure.savefig(out, format="png")


def _has_scores(curve: Sequence[Mapping[str, Any]]) -> bool:
    return any("eval" in line for line in curve)


def _draw_scores(axes: Axes, curve: Sequence[Mapping[str, Any]]) -> None:
    seen = [(step, line["eval"]) for step, line in zip(_steps(curve), curve, strict=True) if "eval" in line]
    for name in dict.fromkeys(name for _, figures in seen for name in figures):
        points = [(step, figures[name]) for step, figures in seen if name in figures]
        axes.plot(*zip(*points, strict=True), marker=".", label=name.replace("_", " "))
    axes.set(title="What labels say, unknown to the method", xlabel="step", ylabel="share")
    axes.set_xlim(left=0)
    # The Rand index may be below 0.
    axes.set_ylim(min(0.0, *(min(figures.values()) for _, figures in seen), 0.0), 1)
    axes.legend()
    axes.grid(alpha=0.3)


def _steps(curve: Sequence[Mapping[str, Any]]) -> list[int]:
    """Steps of the whole run: those of a stage come after those of the stages before."""
    steps, before, last = [], 0, 0
    for number, line in enumerate(curve):
        if number and line.get("stage") != curve[number - 1].get("stage"):
            before += last
        last = line["step"]
        steps.append(before + last)
    return steps


def _draw_looks(axes: Axes, outcome: TrainOutcome) -> None:
    looks, report = outcome.report.looks, outcome.report
    axes.set(title="Held-out images, while training", xlabel="step", ylabel="µAP of their copies")
    axes.grid(alpha=0.3)
    if not looks:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "too few images to watch", ha="center", transform=axes.transAxes)
        return
    axes.plot([look["step"] for look in looks], [look["score"] for look in looks], marker=".", color=NEW)
    axes.set_xlim(left=0)
    if report.cooled_from is not None:
        since = next(look["step"] for look in looks if look["progress"] >= round(report.cooled_from, 4))
        axes.axvline(since, color="grey", linestyle="--", label="no gain: the rate falls")
    if report.best_step is not None:
        axes.axvline(report.best_step, color=OLD, linestyle=":", label="state kept")
    if report.cooled_from is not None or report.best_step is not None:
        axes.legend()


def _draw_kinds(axes: Axes, before: FolderScores, after: FolderScores) -> None:
    kinds = sorted(after.by_change, key=lambda kind: (after.by_change[kind], before.by_change[kind], kind))
    old, new = ([scores.by_change[kind] for kind in kinds] for scores in (before, after))
    places = range(len(kinds))
    axes.hlines(places, old, new, color="lightgrey", linewidth=3, zorder=1)
    axes.scatter(old, places, color=OLD, label="before", zorder=2)
    axes.scatter(new, places, color=NEW, label="after", zorder=3, marker="D", s=24)
    axes.set_yticks(places, [kind.replace("_", " ") for kind in kinds])
    axes.set(
        title="Copies found on held-out images", xlabel="share found at precision 0.99", xlim=(-0.03, 1.03)
    )
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3, axis="x")
