"""What `evaluate` found, as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from augnet_cli.images.names import shown
from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.text import count, skipped_lines
from augnet_cli.results import ASSIGNMENTS, ENCODER, UNTRAINED, EvaluationResult, EvaluationRow

# How figures are headed; `found_` and the rest stand below the table, a line each.
HEADS = {
    "acc": "ACC",
    "nmi_arithmetic": "NMI arithm.",
    "nmi_geometric": "NMI geom.",
    "ari": "ARI",
    "top5": "top 5",
    "clusters": "clusters",
    "map": "mAP",
    "knn": "kNN",
    "linear": "linear",
    "micro_ap": "µAP",
    "recall_at_precision_0.9": "R@P0.9",
    "recall_at_precision_0.99": "R@P0.99",
    "recall_at_precision_0.999": "R@P0.999",
}
RECALL = "recall_at_"
FOUND = "found_"  # begins the figures by kind of change
SPACES = {ENCODER: "{file}", UNTRAINED: "the same, untrained", ASSIGNMENTS: "its own clusters"}
WHOLE = ("clusters",)  # figures that are numbers, not shares


def evaluation_lines(result: EvaluationResult, style: Style = PLAIN) -> Iterator[str]:
    """What was judged, the table, then what was left out."""
    classes = "" if result.protocol == "copies" else f" of {len(result.classes):,} classes"
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.settings.items())
    yield (
        f"{result.dataset}, {result.split}: {count(result.images, 'image')}{classes}; "
        f"{result.protocol}, seed {result.seed}"
    )
    if told:
        yield f"{style.dim}{told}{style.reset}"
    yield ""
    yield from _table(result, style)
    kinds = sorted({name for row in result.rows for name in row.figures if name.startswith(FOUND)})
    if kinds:
        yield ""
        yield from _by_kind(result.rows, kinds, style)
    if result.skipped:
        yield ""
        yield from skipped_lines(result.skipped, style)


def head_of(figure: str) -> str:
    """How a figure is headed in a table."""
    if figure in HEADS:
        return HEADS[figure]
    return f"R@{figure.removeprefix(RECALL)}" if figure.startswith(RECALL) else figure


def _table(result: EvaluationResult, style: Style) -> Iterator[str]:
    names = list(dict.fromkeys(name for row in result.rows for name in row.figures))
    names = [name for name in names if not name.startswith(FOUND)]
    titles = [SPACES[row.space].format(file=shown(result.encoder_file)) for row in result.rows]
    lines = [["", *map(head_of, names)]]
    for title, row in zip(titles, result.rows, strict=True):
        lines.append([title, *(_cell(name, row) for name in names)])
    head, *body = _aligned(lines)
    yield f"{style.bold}{head}{style.reset}"
    yield from body


def _by_kind(rows: Sequence[EvaluationRow], kinds: Sequence[str], style: Style) -> Iterator[str]:
    """Copies found at precision 0.99 by kind of change, weakest first."""
    ordered = sorted(kinds, key=lambda kind: (rows[0].figures[kind], kind))
    lines = [["copies found at precision 0.99", *(row.space for row in rows)]]
    for kind in ordered:
        title = kind.removeprefix(FOUND).replace("_", " ")
        lines.append([f"  {title}", *(_cell(kind, row) for row in rows)])
    head, *body = _aligned(lines)
    yield f"{style.bold}{head}{style.reset}"
    yield from body


def _cell(name: str, row: EvaluationRow) -> str:
    if name not in row.figures:
        return ""
    value = row.figures[name]
    return f"{value:.0f}" if name in WHOLE else f"{value:.3f}"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
