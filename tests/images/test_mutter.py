"""Catching what C libraries and Pillow write past us."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from augnet_cli.images.mutter import MAX_MUTTER_BYTES, catching_stderr, hushed_warnings

ROOT = str(Path(__file__).resolve().parents[2])


def run(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, **options
    )  # type: ignore[call-overload,no-any-return]


def test_what_is_written_on_descriptor_2_is_caught_and_the_rest_passes() -> None:
    done = run(
        "import os, sys\n"
        "from augnet_cli.images.mutter import catching_stderr\n"
        "os.write(2, b'before\\n')\n"
        "with catching_stderr() as caught:\n"
        "    os.write(2, b'from C\\n'); print('from Python', file=sys.stderr, end='')\n"
        "os.write(2, b'after\\n')\n"
        "print(repr(caught.text))"
    )
    assert done.stderr == "before\nafter\n"
    assert done.stdout == "'from C\\nfrom Python'\n"


def test_stderr_is_restored_when_the_decoder_raises(capfd: pytest.CaptureFixture[str]) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(KeyError), catching_stderr() as caught:
        os.write(2, b"lost\n")
        raise KeyError("x")
    assert caught.text == "lost\n"
    os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_flood_is_cut_to_its_beginning(capfd: pytest.CaptureFixture[str]) -> None:
    with catching_stderr() as caught:
        for _ in range(100):
            os.write(2, b"x" * 1999 + b"\n")
    assert len(caught.text) == MAX_MUTTER_BYTES
    assert capfd.readouterr().err == ""


def test_process_without_stderr_or_temporary_folder_still_decodes() -> None:
    code = (
        "import os, tempfile\n"
        "from augnet_cli.images.mutter import catching_stderr\n"
        "{setup}\n"
        "with catching_stderr() as caught:\n"
        "    done = 'done'\n"
        "print(done, repr(caught.text))"
    )
    assert run(code.format(setup="os.close(2)")).stdout == "done ''\n"
    assert run(code.format(setup="tempfile.tempdir = '/nonexistent'")).stdout == "done ''\n"


def test_catchers_in_threads_do_not_mix(capfd: pytest.CaptureFixture[str]) -> None:
    texts: dict[int, str] = {}

    def mutter(number: int) -> None:
        for _ in range(20):
            with catching_stderr() as caught:
                os.write(2, f"{number}\n".encode())
            texts[number] = texts.get(number, "") + caught.text

    threads = [threading.Thread(target=mutter, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {number: f"{number}\n" * 20 for number in range(4)}
    assert capfd.readouterr().err == ""


def test_warnings_are_hushed_in_the_decoding_thread_alone() -> None:
    inside, warned = threading.Event(), threading.Event()
    seen: list[str] = []

    def decoding() -> None:
        with hushed_warnings():
            inside.set()
            warned.wait(10)
            warnings.warn("from the decoder", UserWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread = threading.Thread(target=decoding)
        thread.start()
        inside.wait(10)
        warnings.warn("from the user", UserWarning, stacklevel=1)
        warned.set()
        thread.join()
        with hushed_warnings():
            warnings.warn("hushed", UserWarning, stacklevel=1)
        warnings.warn("afterwards", UserWarning, stacklevel=1)
        seen = [str(warning.message) for warning in caught]
    assert seen == ["from the user", "afterwards"]
