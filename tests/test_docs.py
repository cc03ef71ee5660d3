"""The documents against the program: what they show is what it does."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.early

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
NOTEBOOK = ROOT / "docs" / "demo.ipynb"
COMMANDS = ROOT / "docs" / "commands.md"
# Distances in the shown output may differ by this much on another processor.
DISTANCE_TOLERANCE = 0.005
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def commands() -> ModuleType:
    """`docs/make_commands.py`, which asks the program for each help once."""
    spec = importlib.util.spec_from_file_location("make_commands", ROOT / "docs" / "make_commands.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.help_of = cache(module.help_of)
    return module


@pytest.fixture(scope="module")
def help_texts(commands: ModuleType) -> dict[str, str]:
    return {command: commands.help_of(command) for command in commands.COMMANDS}


def augnet_lines() -> list[str]:
    """Every line of a code block of the README that runs augnet."""
    lines = [
        line for block in FENCE.findall(README.read_text(encoding="utf-8")) for line in block.splitlines()
    ]
    starts = (line.removeprefix("$ ") for line in lines)
    return [line.split("#")[0].strip() for line in starts if re.match(r"augnet( |$)", line)]


def test_the_page_of_commands_is_the_programs_own_help(commands):
    assert commands.PAGE.read_text(encoding="utf-8") == commands.page(), "run: python docs/make_commands.py"


def test_every_command_is_on_the_page_of_commands_and_in_the_readme(help_texts):
    listed = re.findall(r"^  ([a-z]+)  ", help_texts[""].split("Commands:")[1], re.MULTILINE)

    assert sorted(listed) == sorted(command for command in help_texts if command)
    used = {line.split()[1] for line in augnet_lines() if len(line.split()) > 1}
    assert set(listed) <= used


def test_every_command_and_option_in_the_readme_exists(help_texts):
    lines = augnet_lines()
    assert len(lines) >= 10
    for line in lines:
        words = shlex.split(line.split("|")[0].split(">")[0])[1:]
        if words[0].startswith("-"):
            text = help_texts[""]
        else:
            assert words[0] in help_texts, line
            text = help_texts[words[0]]
        for word in words:
            if re.match(r"--?[a-z0-9]", word):
                option = word.split("=")[0]
                assert re.search(rf"(^|[\s,]){re.escape(option)}([\s,]|$)", text, re.MULTILINE), (
                    f"{option}: {line}"
                )


def test_the_readme_explains_every_word_of_a_verdict():
    from augnet_cli.duplicates.groups import IDENTICAL, NEAR
    from augnet_cli.duplicates.told import IDENTICAL_PIXELS, UNVERIFIED
    from augnet_cli.geometry.verdict import WORDS
    from augnet_cli.results import PARTIAL

    text = README.read_text(encoding="utf-8")
    table = text.split("<!-- verdicts -->")[1].split("<!-- /verdicts -->")[0]
    assert re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE) == [
        *IDENTICAL,
        *IDENTICAL_PIXELS,
        *WORDS,
        *NEAR,
    ]
    assert all(f"**`{word}`**" in text for word in (PARTIAL, *UNVERIFIED))


def test_every_option_of_every_command_says_what_it_does(help_texts):
    for command, text in help_texts.items():
        options = text.split("Options:")[1].split("Commands:")[0]
        for line in options.splitlines():
            if re.match(r"\s+-", line):
                following = options[options.index(line) + len(line) :].lstrip("\n").split("\n")[0]
                described = re.search(r"\s{2,}\S.*", line.strip()) or re.match(r"\s{20,}\S", following)
                assert described, f"augnet {command}: {line}"


def test_the_demo_prints_what_the_readme_shows(tmp_path):
    shown = README.read_text(encoding="utf-8").split("<!-- demo -->")[1].split("<!-- /demo -->")[0]
    expected = FENCE.search(shown).group(1).strip()
    environment = os.environ | {
        "PATH": f"{program_folder(tmp_path)}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    work = tmp_path / "work"
    work.mkdir()

    done = subprocess.run(
        ["sh", str(ROOT / "examples" / "demo.sh")], cwd=work, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert_same_but_for_rounding(done.stdout.strip(), expected)


def program_folder(tmp_path: Path) -> Path:
    """A folder with `augnet` and `python` of this environment, to put on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    program = folder / "augnet"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m augnet_cli "$@"\n')
    for file in (python, program):
        file.chmod(0o755)
    return folder


def assert_same_but_for_rounding(actual: str, expected: str) -> None:
    number = re.compile(r"\b\d\.\d{2,}\b")
    assert number.sub("N", actual) == number.sub("N", expected)
    for a, b in zip(number.findall(actual), number.findall(expected), strict=True):
        assert float(a) == pytest.approx(float(b), abs=DISTANCE_TOLERANCE)


def test_every_example_runs(tmp_path):
    bin_folder = program_folder(tmp_path)
    environment = os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    examples = ROOT / "examples"

    def run(*words: str, expected: int = 0) -> str:
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == expected, f"{words}: {done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout

    run("python", str(examples / "make_photos.py"), "photos")
    photo = "photos/originals/china.jpg"
    runs = {
        "demo.sh": lambda: run("sh", str(examples / "demo.sh"), "photos"),
        "list-duplicates.sh": lambda: run("sh", str(examples / "list-duplicates.sh"), "photos"),
        "gate.sh": lambda: run("sh", str(examples / "gate.sh"), "photos", expected=11),
        "look-alikes.sh": lambda: run("sh", str(examples / "look-alikes.sh"), photo, "photos", "links"),
        "library.py": lambda: run("python", str(examples / "library.py"), "photos", photo),
        "make_photos.py": lambda: "",
    }
    assert sorted(runs) == sorted(file.name for file in examples.iterdir() if file.suffix in (".sh", ".py"))
    printed = {name: runs[name]() for name in runs}

    assert "china (1).jpg" in printed["gate.sh"]
    assert re.search(r"\d.*total", printed["list-duplicates.sh"])
    links = sorted((tmp_path / "links").iterdir())
    assert len(links) == 5
    assert all(link.resolve().is_file() for link in links)
    assert "china (1).jpg" in printed["library.py"]
    refused = subprocess.run(
        [sys.executable, str(examples / "library.py"), "nowhere", photo],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert refused.returncode == 1 and "hint:" in refused.stderr and "Traceback" not in refused.stderr
    # The photos are as they were: no example changes one.
    assert (tmp_path / photo).read_bytes() == (tmp_path / "photos/from-a-friend/china (1).jpg").read_bytes()


def test_no_file_holds_a_marker_of_a_merge():
    marker = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in (".ci", "augnet_cli", "benchmarks", "docs", "examples", "tests"):
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = {path: data for path in files if b"\0" not in (data := path.read_bytes())}

    assert ROOT / "docs" / "architecture.md" in texts
    assert not [str(path.relative_to(ROOT)) for path, data in texts.items() if marker.search(data)]


def test_the_notebook_runs_and_shows_what_it_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("AUGNET_DEMO_EPOCHS", "1")
    monkeypatch.setenv("AUGNET_DEMO_FOLDER", str(tmp_path / "digits"))
    monkeypatch.setenv("AUGNET_HOME", str(tmp_path / "home"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=250, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert "pretext, untrained" in printed and "selflabels, assignments" in printed and "R@1" in printed
    assert len(pictures) == 4  # neighbours, confusion, prototypes, look-alikes


def test_the_help_names_every_method_and_so_does_the_readme() -> None:
    from augnet_cli.training.methods import METHODS

    (told,) = re.findall(
        r"--method <str> +How to learn: (.+?), or one of", " ".join(COMMANDS.read_text().split())
    )
    assert told.split(", ") == list(METHODS)
    assert all(f"| `{name}` " in README.read_text() for name in METHODS)


def test_the_notebook_is_kept_without_what_it_showed() -> None:
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
