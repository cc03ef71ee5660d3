"""Imports point down, heavy libraries stay in their rooms, files stay readable in one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "augnet_cli"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the ground up; a room imports itself and what is below its floor, never its neighbours.
FLOORS = (
    {"version", "errors", "extras", "records", "progress", "cores", "whole"},
    {"results"},
    {"images"},
    {"encoder", "datasets"},
    {"store"},
    {"search"},
    {"geometry"},
    {"duplicates", "clusters", "quality", "acting"},
    {"report"},
    {"pipeline"},
    {"cli"},
    {"__init__", "__main__"},
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
# They stand beside the house, at the height of `report`: they use what is below it, and one another.
BESIDE = {"training", "evaluation"}
BESIDE_FLOOR = FLOOR["report"]
# The only doors to what stands beside the house, to be opened when training or judging is asked for.
DOORS = {
    "training": {
        "pipeline/train.py",
        "pipeline/train_dataset.py",
        "cli/train.py",
        "cli/training_told.py",
        "pipeline/evaluate.py",
    },
    "evaluation": {"pipeline/evaluate.py", "pipeline/judging.py"},
}

TORCH = {"torch", "torchvision", "onnx", "onnxscript"}
# Imported where they are used, inside functions: start-up must not pay for them.
LATE = {
    "onnxruntime",
    "annoy",
    "sklearn",
    "scipy",
    "rich",
    "cv2",
    "threadpoolctl",
    "pyarrow",
    "matplotlib",
    *TORCH,
}
# Nothing of the command line or of the shared ground may cost more than the standard library at start.
LIGHT_ROOMS = {*FLOORS[0], *FLOORS[1], "cli", "__init__", "__main__"}
NOT_LIGHT = {"numpy", "PIL", *LATE}

MAX_LINES = 350
DRAWERS = {"util", "utils", "helper", "helpers", "common", "base", "misc", "tools"}


@dataclass(frozen=True)
class Import:
    """One import: of what, whether it runs when the file is imported, or is for type checkers alone."""

    target: str
    late: bool
    typing_only: bool

    @property
    def library(self) -> str:
        return self.target.partition(".")[0]

    @property
    def room(self) -> str | None:
        """The room of this package that is imported."""
        parts = self.target.split(".")
        return None if parts[0] != PACKAGE.name else parts[1] if len(parts) > 1 else "__init__"


def imports_of(file: Path) -> Iterator[Import]:
    yield from _imports(ast.parse(file.read_text(encoding="utf-8")), late=False, typing_only=False)


def _imports(node: ast.AST, late: bool, typing_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for name in node.names:
            yield Import(name.name, late, typing_only)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        module = node.module or ""
        if module == PACKAGE.name:  # `from augnet_cli import x`: x may be a room
            for name in node.names:
                whole = f"{module}.{name.name}"
                is_room = name.name in FLOOR or name.name in BESIDE
                yield Import(whole if is_room else module, late, typing_only)
        else:
            yield Import(module, late, typing_only)
    elif isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
        for child in node.body:
            yield from _imports(child, late, typing_only=True)
        for child in node.orelse:
            yield from _imports(child, late, typing_only)
    else:
        inside = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, inside, typing_only)


def name_of(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def room_of(file: Path) -> str:
    first = name_of(file).partition("/")[0]
    return first.removesuffix(".py")


def wrong_imports(room: str, name: str, found: Import) -> str | None:
    """Why an import may not be, or None."""
    target = found.room
    if target is None:
        return wrong_library(room, found)
    if target in BESIDE and room not in BESIDE:
        allowed = name in DOORS[target] and (found.late or found.typing_only)
        return None if allowed else f"only the doors may open {target}, and only when asked"
    if target == room or (target in BESIDE and room in BESIDE):
        return None
    if target not in FLOOR:
        return "no such room"
    here = BESIDE_FLOOR if room in BESIDE else FLOOR[room]
    return None if FLOOR[target] < here else "it points up, or to a neighbour"


def wrong_library(room: str, found: Import) -> str | None:
    if found.library in TORCH and room not in BESIDE:
        return "only training and evaluation know torch"
    if room in BESIDE or found.late or found.typing_only:
        return None
    if found.library in LATE:
        return "heavy: import it in the function that uses it"
    if found.library in NOT_LIGHT and room in LIGHT_ROOMS:
        return "start-up would pay for it"
    return None


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_down_and_heavy_ones_stay_in_their_rooms(file: Path) -> None:
    room = room_of(file)
    assert room in FLOOR or room in BESIDE, f"{room} has no floor: add it to FLOORS"
    wrong = {
        f"{found.target}: {why}"
        for found in imports_of(file)
        if (why := wrong_imports(room, name_of(file), found))
    }
    assert not wrong, f"{name_of(file)}: {wrong}"


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        ("images/files.py", "from augnet_cli.store.place import Place", True),
        ("images/files.py", "def f():\n    from augnet_cli.store import place", True),
        ("images/files.py", "from augnet_cli.records import Skip", False),
        ("duplicates/keep.py", "from augnet_cli.clusters import partition", True),
        ("acting/apply.py", "from augnet_cli.duplicates import groups", True),
        ("acting/apply.py", "from augnet_cli.store.place import Place", False),
        ("pipeline/dedupe.py", "from augnet_cli.cli.output import show", True),
        ("pipeline/dedupe.py", "import augnet_cli.report.text", False),
        ("pipeline/dedupe.py", "def f():\n    import augnet_cli.training.run", True),
        ("pipeline/train.py", "def f():\n    import augnet_cli.training.run", False),
        ("pipeline/train.py", "import augnet_cli.training.run", True),
        ("pipeline/train.py", "def f():\n    import augnet_cli.evaluation.knn", True),
        ("pipeline/judging.py", "def f():\n    import augnet_cli.evaluation.knn", False),
        ("pipeline/judging.py", "def f():\n    import augnet_cli.training.run", True),
        ("training/on_dataset.py", "import augnet_cli.evaluation.knn", False),
        ("datasets/record.py", "from augnet_cli.store.place import Place", True),
        ("pipeline/train.py", "def f():\n    import torch", True),
        ("training/run.py", "import torch", False),
        ("training/run.py", "from augnet_cli.pipeline.refresh import refreshed", True),
        ("training/run.py", "from augnet_cli.duplicates.calibrate import x", False),
        ("search/annoy_index.py", "import annoy", True),
        ("search/annoy_index.py", "def f():\n    import annoy", False),
        ("cli/output.py", "import numpy", True),
        ("cli/output.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy", False),
        ("report/text.py", "from augnet_cli import dedupe", True),
    ],
)
def test_the_rules_see_what_they_forbid(tmp_path: Path, name: str, source: str, wrong: bool) -> None:
    file = tmp_path / "sample.py"
    file.write_text(source)
    found = [wrong_imports(name.partition("/")[0], name, each) for each in imports_of(file)]
    assert any(found) is wrong


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_files_are_readable_in_one_sitting_and_no_drawers(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert file.stem not in DRAWERS
    assert not any(part in DRAWERS for part in file.relative_to(PACKAGE).parts)
