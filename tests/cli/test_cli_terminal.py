"""What a person sees: help, versions, progress, colour, quiet, completion, exit codes."""

from __future__ import annotations

import errno
import io
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import typer
from augnet_program import PROGRAM, TIMEOUT_S, Done, augnet, environment, in_child, in_shell
from conftest import drawn_picture

from augnet_cli.cli import terminal
from augnet_cli.cli.main import app_of
from augnet_cli.cli.terminal import PlainProgress
from augnet_cli.version import __version__

COMMANDS = ("train", "embed", "dedupe", "calibrate", "cluster", "query", "info")
ESCAPE = b"\x1b"
COLOUR = re.compile(rb"\x1b\[[0-9;]*\b(3[0-7]|9[0-7]|38;)[0-9;]*m")
HIDE_CURSOR, SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    shutil.copy(tmp_path / "0.png", tmp_path / "copy.png")
    return tmp_path


def test_version_and_help_without_a_command() -> None:
    assert augnet("--version").ok().out.decode() == f"augnet {__version__}\n"
    helped = augnet("--help").ok()
    assert augnet("-h").ok().out == helped.out
    for command in COMMANDS:
        assert re.search(rf"^  {command}\s+\S.*[^.]\.$", helped.out.decode(), re.MULTILINE), command
    alone = augnet()
    assert helped.out.strip() in (alone.out + alone.err) and b"Traceback" not in alone.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_each_option_does_and_shows_an_example(command: str) -> None:
    text = augnet(command, "--help").ok().out.decode()
    assert re.search(rf"^  Example: augnet {command} \S+", text, re.MULTILINE)
    parameters = typer.main.get_command(app_of()).commands[command].params  # type: ignore[attr-defined]
    words = " ".join(text.split())
    for parameter in parameters:
        assert parameter.help, f"{parameter.name} has no help"
        assert " ".join(parameter.help.split())[:60] in words, parameter.name
        for flag in (*parameter.opts, *parameter.secondary_opts):
            assert not flag.startswith("-") or flag in text, flag


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["dedupe"],
        ["dedupe", ".", "--nonsense"],
        ["dedupe", ".", "--threshold", "3"],
        ["dedupe", ".", "--threshold", "near"],
        ["dedupe", ".", "--threshold", "nan"],
        ["dedupe", ".", "--precision", "1"],
        ["dedupe", ".", "--precision", "0.9", "--threshold", "0.1"],
        ["dedupe", ".", "--precision", "0.9"],
        ["dedupe", ".", "--no-verify", "--stacks"],
        ["dedupe", ".", "--no-verify", "--search", "quick"],
        ["dedupe", ".", "--search", "partitioned"],
        ["dedupe", ".", "--no-verify", "--include-unverified"],
        ["calibrate", ".", "--precision", "nan"],
        ["calibrate", ".", "--format", "paths"],
        ["calibrate", ".", "--plot", "curve.pdf"],
        ["dedupe", ".", "--format", "xml"],
        ["cluster", ".", "--k", "0"],
        ["query", "0.png", "--k", "0"],
        ["embed", ".", "--workers", "0"],
    ],
)
def test_wrong_words_exit_with_2(photos: Path, words: list[str]) -> None:
    augnet(*words, cwd=photos).refused(2)
    assert not (photos / ".augnet").exists()


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        (["dedupe", ".", "--threshold", "5"], "--threshold: ", "augnet dedupe --help"),
        (["dedupe", ".", "--format", "xml"], "'paths'", "augnet dedupe --help"),
        (["query"], "missing argument 'IMAGE...'", "augnet query --help"),
        (["dedupe", ".", "--keep"], "'--keep' requires an argument", "augnet dedupe --help"),
        (["embed", ".", "more"], "more", "augnet embed --help"),
        (["dedup", "."], "'dedup'", "--help"),
        (["--nonsense"], "--nonsense", "augnet --help"),
        (["embed", ".", "--worker", "2"], "--worker", "did you mean --workers?"),
        (["a\x1b[31mb"], "\\x1b[31m", "augnet --help"),
    ],
)
def test_what_the_parser_refuses_is_said_in_two_lines(
    photos: Path, words: list[str], what: str, hint: str
) -> None:
    said, then = augnet(*words, cwd=photos).refused(2).split("\n")
    assert what in said and hint in then
    assert "\x1b" not in said


def test_no_command_at_all_is_answered_with_the_help() -> None:
    done = augnet()
    assert done.code == 2 and b"Usage: augnet" in done.out + done.err and b"hint:" not in done.err


def test_what_the_library_finds_wrong_in_the_words_exits_with_2(photos: Path) -> None:
    assert "--k 3" in augnet("cluster", photos, "--k", "4").refused(2)
    assert ".npz" in augnet("embed", photos, "--out", "0.png").refused(2)


def test_found_duplicates_exit_with_11_only_where_asked(photos: Path) -> None:
    assert augnet("dedupe", photos, "--threshold", "0").code == 0
    done = augnet("dedupe", photos, "--threshold", "0", "--fail-on-found")
    assert done.code == 11 and b"copy.png" in done.out
    (photos / "copy.png").unlink()
    assert augnet("dedupe", photos, "--threshold", "0", "--fail-on-found").code == 0


def test_quiet_says_nothing_but_errors(photos: Path) -> None:
    (photos / "a\nb.png").write_bytes((photos / "0.png").read_bytes())
    for words in (
        ["embed", "."],
        ["dedupe", ".", "--threshold", "0", "--format", "paths"],
        ["cluster", ".", "--k", "2"],
        ["query", "0.png"],
    ):
        assert augnet(*words, "--quiet", cwd=photos).ok().err == b""
    augnet("embed", "missing", "--quiet", cwd=photos).refused()


def test_debug_shows_where_an_error_comes_from(photos: Path) -> None:
    done = augnet("embed", "missing", "--debug", cwd=photos)
    assert done.code == 1 and b"Traceback" in done.err and b"FolderError" in done.err


def on_terminal(
    *words: str, cwd: Path, stdout: bool = False, interrupt_after: float | None = None, **env: str
) -> Done:
    """Run with stderr on a pseudo-terminal, or else stdout; the other stream is a pipe."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *words],
        cwd=cwd,
        env={**environment(TERM="xterm-256color", COLUMNS="120"), **env},
        stdin=subprocess.DEVNULL,
        stdout=slave if stdout else subprocess.PIPE,
        stderr=subprocess.PIPE if stdout else slave,
        preexec_fn=in_child(ordinary=False),  # noqa: PLW1509 - it takes no lock
    )
    os.close(slave)
    seen: list[bytes] = []

    def read() -> None:
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # the other end is closed
                return
            if not piece:
                return
            seen.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    if interrupt_after is not None:
        while not any(b"embedding" in piece for piece in seen) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(interrupt_after)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT_S)
    reader.join()
    os.close(master)
    drawn = b"".join(seen)
    return Done(process.returncode, drawn if stdout else out, err if stdout else drawn)


def test_progress_bar_is_on_a_terminal_only_and_cleans_up(photos: Path) -> None:
    shown = on_terminal("embed", ".", cwd=photos).ok()
    assert b"embedding" in shown.err and ESCAPE in shown.err and ESCAPE not in shown.out
    assert shown.err.rindex(SHOW_CURSOR) > shown.err.rindex(HIDE_CURSOR)
    shutil.rmtree(photos / ".augnet")
    piped = augnet("embed", photos).ok()
    assert piped.err == b"" and ESCAPE not in piped.out
    shutil.rmtree(photos / ".augnet")
    assert on_terminal("embed", ".", "--quiet", cwd=photos).ok().err == b""


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.ENOSPC, "no room")])
def test_progress_that_nobody_can_read_stops_nothing(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    monkeypatch.setattr(terminal, "PLAIN_LINE_SECONDS", 0.0)
    progress = terminal.PlainProgress(Gone())
    progress.start("undo", 3)
    progress.advance()
    progress.note("a note")
    progress.finish()
    monkeypatch.setattr(sys, "stderr", Gone())
    terminal.note("another")


@pytest.mark.parametrize(("words", "code"), [(("embed", "."), 0), (("embed", "missing"), 1)])
@pytest.mark.parametrize("where", ["2>/dev/full", "2>&1 >/dev/null | true"])
def test_exit_codes_do_not_hang_on_who_reads_stderr(
    photos: Path, words: tuple[str, str], code: int, where: str
) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")  # which is noted
    # Buffered, as Python is by itself: what is held back is written at the end.
    line = f'AUGNET {" ".join(words)} {where}; echo "${{PIPESTATUS[0]}}"'
    done = in_shell(line, photos, PYTHONUNBUFFERED="")
    assert done.stdout.splitlines()[-1] == str(code).encode(), done


def test_interrupt_gives_the_cursor_back(tmp_path: Path) -> None:
    for number in range(300):
        drawn_picture(number, 320, 240).save(tmp_path / f"{number}.png", compress_level=1)
    done = on_terminal("embed", ".", "--workers", "1", cwd=tmp_path, interrupt_after=0.1)
    assert done.code == 130 and b"interrupted" in done.err
    assert done.err.rindex(SHOW_CURSOR) > done.err.rindex(HIDE_CURSOR)


def test_colour_is_on_a_terminal_only_and_never_with_no_color(photos: Path) -> None:
    words = ("dedupe", ".", "--threshold", "0")
    coloured = on_terminal(*words, cwd=photos, stdout=True).ok()
    assert COLOUR.search(coloured.out) and coloured.err == b""
    plain = augnet(*words, cwd=photos).ok().out
    assert ESCAPE not in plain
    for wish in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        done = on_terminal(*words, cwd=photos, stdout=True, **wish).ok()
        assert done.out.replace(b"\r\n", b"\n") == plain
    shutil.rmtree(photos / ".augnet")
    bar = on_terminal(*words, cwd=photos).ok().err
    assert COLOUR.search(bar)
    shutil.rmtree(photos / ".augnet")
    bar = on_terminal(*words, cwd=photos, NO_COLOR="1").ok().err
    assert b"embedding" in bar and not COLOUR.search(bar)


def test_names_are_no_markup_on_a_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "[red]:cat:[x]\x1b[31m"
    folder.mkdir()
    for seed in range(2):
        drawn_picture(seed).save(folder / f"{seed}.png")
    augnet("embed", folder).ok()
    done = on_terminal("query", os.path.join(folder, "0.png"), cwd=tmp_path, NO_COLOR="1").ok()
    assert b"[red]:cat:[x]\\x1b[31m (the folder of the image)" in done.err.replace(b"\r\n", b"")
    assert b"\x1b[31m" not in done.err


MUTTERING = """
import os, sys
from augnet_cli.cli.terminal import progress_for
from augnet_cli.images.mutter import catching_stderr
progress = progress_for(quiet=False)
with catching_stderr() as caught:
    os.write(2, b"a decoder mutters")
    progress.note("a person reads")
sys.stdout.write(caught.text)
"""


@pytest.mark.parametrize("terminal_", [False, True])
def test_progress_is_not_taken_for_the_mutter_of_a_decoder(terminal_: bool) -> None:
    program = [sys.executable, "-c", MUTTERING]
    if terminal_:
        master, slave = pty.openpty()
        done = subprocess.run(program, env=environment(), stdout=subprocess.PIPE, stderr=slave, check=True)
        os.close(slave)
        said = os.read(master, 4096)
        os.close(master)
    else:
        done = subprocess.run(program, env=environment(), capture_output=True, check=True)
        said = done.stderr
    assert done.stdout == b"a decoder mutters"
    assert b"augnet: a person reads" in said and b"mutters" not in said


def test_plain_progress_says_how_far_it_is_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(terminal, "PLAIN_LINE_SECONDS", 0.05)
    progress = PlainProgress(stream)
    progress.start("embedding", 1000)
    for number in range(100):
        progress.advance(skipped=int(number < 3))
    assert stream.getvalue().count("\n") <= 1
    time.sleep(0.06)
    progress.advance()
    last = stream.getvalue().splitlines()[-1]
    assert re.fullmatch(
        r"augnet: embedding: 101 of 1,000, [\d,]+ images/s, \d+:\d\d left, 3 skipped", last
    ), last


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment where bash finds a program named `augnet`, and a home of its own."""
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "augnet"
    script.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n')
    script.chmod(0o755)
    return environment(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}", HOME=str(tmp_path))


COMPLETE = """
COMP_WORDS=(augnet {words}) COMP_CWORD={at} COMP_LINE="augnet {words}"
$(complete -p augnet | sed 's/.*-F \\([^ ]*\\).*/\\1/') augnet
echo "${{COMPREPLY[@]}}"
"""


def in_bash(shell: dict[str, str], script: str) -> str:
    done = subprocess.run(
        ["bash", "-c", script], env=shell, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done
    return done.stdout


def test_shown_completion_completes_commands_and_options(shell: dict[str, str]) -> None:
    load = 'eval "$(augnet --show-completion; true)"\n'
    assert in_bash(shell, load + COMPLETE.format(words="de", at=1)).split() == ["dedupe", "decide"]
    assert in_bash(shell, load + COMPLETE.format(words="dedupe --thr", at=2)).split() == ["--threshold"]
    assert set(in_bash(shell, load + COMPLETE.format(words="''", at=1)).split()) >= set(COMMANDS)


def test_installed_completion_works_in_the_next_shell(shell: dict[str, str]) -> None:
    in_bash(shell, "augnet --install-completion; true")
    script = '. "$HOME/.bashrc"\n' + COMPLETE.format(words="clu", at=1)
    assert in_bash(shell, script).split() == ["cluster"]
