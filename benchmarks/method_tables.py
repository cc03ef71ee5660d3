"""The table and the curves of `methods.py`, from its results file alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from method_rows import ROWS, SETS, Row
from tables import ROOT, markdown, spread

RESULTS = ROOT / "benchmarks" / "results" / "methods.jsonl"
UNTRAINED, ENCODER = "untrained", "encoder"  # spaces of `augnet evaluate`
ASSIGNED = "assignments"  # another: the clusters that an encoder tells apart itself
# By protocol and name there, and in the table.
FIGURES = {
    "clustering acc": "ACC",
    "clustering nmi_arithmetic": "NMI",
    "clustering ari": "ARI",
    "retrieval recall_at_1": "R@1",
    "retrieval recall_at_2": "R@2",
    "retrieval recall_at_4": "R@4",
    "retrieval recall_at_8": "R@8",
}
CURVES = {"acc": "ACC of k-means on the judged images", "recall_at_1": "R@1 on the judged images"}


@dataclass(frozen=True)
class Measured:
    """One cell of the results: a row of one set with one seed, a line of the file."""

    set_name: str
    row: str
    seed: int
    trained: bool  # with this seed; else only judged with it
    minutes: float | None  # of one core; None where passes are counted
    figures: Mapping[str, Mapping[str, float]]  # by space, then by name of FIGURES
    course: Sequence[Mapping[str, float]] = ()  # seconds and CURVES, as training went on

    @property
    def place(self) -> tuple[int, int, int]:
        names = [row.name for row in ROWS]
        return list(SETS).index(self.set_name), names.index(self.row), self.seed


def kept(file: Path = RESULTS) -> list[Measured]:
    """All that was measured, of rows and sets that there still are."""
    if not file.exists():
        return []
    names = {row.name for row in ROWS}
    cells = [Measured(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    return [cell for cell in cells if cell.row in names and cell.set_name in SETS]


def keep(cells: Iterable[Measured], file: Path = RESULTS) -> None:
    """Put cells in place of what the file had of them, and leave its others."""
    by_place = {cell.place: cell for cell in (*kept(file), *cells)}
    lines = [json.dumps(asdict(by_place[place]), ensure_ascii=False) for place in sorted(by_place)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def table(cells: Sequence[Measured]) -> str:
    """A row for the untrained network, each training, and the clusters that an encoder tells apart itself."""
    head = ("method", "starts from", "minutes", *FIGURES.values(), "trainings")
    untrained = [cell for cell in cells if cell.figures.get(UNTRAINED)]  # of one row, `methods.py` sees to it
    lines = [_line(UNTRAINED, "", "", untrained, UNTRAINED, len(untrained))] if untrained else []
    for row in ROWS:
        of_row = [cell for cell in cells if cell.row == row.name]
        for space, name in ((ENCODER, row.name), (ASSIGNED, f"{row.name}: its own")):
            found = [cell for cell in of_row if cell.figures.get(space)]
            if found:
                trained = sum(cell.trained for cell in found)
                lines.append(
                    _line(name, row.start or "random weights", _minutes(row, found), found, space, trained)
                )
    return markdown(head, lines)


def _minutes(row: Row, cells: Sequence[Measured]) -> str:
    if row.length:
        return " ".join(row.length[:2]).removeprefix("--")
    return ", ".join(sorted({f"{cell.minutes:g}" for cell in cells}))


def _line(
    name: str, start: str, minutes: str, cells: Sequence[Measured], space: str, trained: int
) -> tuple[str, ...]:
    found = [cell.figures[space] for cell in cells]
    figures = [spread([each[which] for each in found]) if which in found[0] else "" for which in FIGURES]
    return (name, start, minutes, *figures, str(trained))


def draw(cells: Sequence[Measured], file: Path) -> None:
    """k-means accuracy and R@1 on the judged images over the seconds of training, first seed."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "augnet", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for axis in axes:
        axis.set_prop_cycle(color=pyplot.get_cmap("tab20").colors)  # as many as there are rows, and more
    for cell in (cell for cell in cells if cell.trained and cell.course):
        for axis, name in zip(axes, CURVES, strict=True):
            points = [(each["seconds"], each[name]) for each in cell.course if name in each]
            if points:
                axis.plot(*zip(*points, strict=True), "o-", markersize=3, label=cell.row)
    for axis, title in zip(axes, CURVES.values(), strict=True):
        axis.set(xlabel="seconds of training", title=title, xscale="log")
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, metadata={"Date": None})
