"""A table of what `augnet evaluate --out` gathered, one protocol on one data set, spread over seeds.

    python benchmarks/evaluated.py results.json --protocol clustering [--dataset cifar10] [--put NAME]

Rows of one method and encoder file are one row: the mean over seeds, and the smallest and largest.
Of copies the shares by kind of change are left out.  With --put the table goes into `docs/benchmarks.md`.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tables import markdown, put, spread

from augnet_cli.report.evaluation_data import read_records
from augnet_cli.report.evaluation_text import FOUND, WHOLE, head_of

Record = dict[str, Any]


def table(records: Sequence[Record]) -> str:
    """A markdown table of records of one protocol, in the order in which they stand."""
    rows: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        names = ("dataset", "split", "method", "space", "encoder_file")
        rows[tuple(str(record[name]) for name in names)].append(record)
    figures = list(dict.fromkeys(name for record in records for name in record["figures"]))
    figures = [name for name in figures if not name.startswith(FOUND) and name not in WHOLE]
    lines = []
    for (dataset, split, method, space, file), own in rows.items():
        title = method if space != "assignments" else f"{method}, its own clusters"
        cells = [
            spread([record["figures"][name] for record in own]) if name in own[0]["figures"] else ""
            for name in figures
        ]
        lines.append([f"{dataset}, {split}", title, f"`{file}`", str(len(own)), *cells])
    return markdown(("", "method", "encoder", "seeds", *map(head_of, figures)), lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", help="a file that `augnet evaluate --out` wrote")
    parser.add_argument("--protocol", required=True)
    parser.add_argument("--dataset", help="default: all")
    parser.add_argument("--put", metavar="NAME", help="of the markers in docs/benchmarks.md")
    arguments = parser.parse_args()
    records = [
        record
        for record in read_records(arguments.results)
        if record["protocol"] == arguments.protocol and arguments.dataset in (None, record["dataset"])
    ]
    if not records:
        raise SystemExit(f"{arguments.results} holds no such record")
    if arguments.put:
        put(arguments.put, table(records))
    else:
        print(table(records))


if __name__ == "__main__":
    main()
