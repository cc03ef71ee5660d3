"""A headless Chromium that tests drive: DevTools protocol over two pipes, so that no port is opened.

It starts with a profile of its own, resolves no name of any host, and ends with the test that started it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
# Chromium expects the ends of its pipes at 3 and 4; this puts them there and becomes Chromium.
PLACE_ENDS = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
PATIENCE = 30.0  # seconds for any one answer: machines that run tests are slow now and then
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # tests run as root in containers, where the sandbox can't start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-domain-reliability",
    "--mute-audio",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def chromium_program() -> str:
    """Where Chromium is; a test that needs it fails without it, because nobody reads of skipped ones."""
    for name in PROGRAMS:
        found = shutil.which(name)
        if found:
            return found
    pytest.fail("there is no Chromium to open the page with: apt-get install chromium")


class Tab:
    """One page in a Chromium, and what it said."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._last, self._buffer, self._session = 0, b"", ""
        self._held = False
        self.events: list[dict] = []

    def start(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters):
        """Ask, and wait for the answer; events that come meanwhile are kept."""
        self._last += 1
        message: dict = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._read(until)
            if answer.get("id") == self._last:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def _read(self, until: float) -> dict:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0.0, until - time.monotonic()))
            assert ready, "Chromium does not answer"
            piece = os.read(self._from, 1 << 20)
            assert piece, "Chromium has ended"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, file: Path) -> None:
        """Load a file and wait until its list is drawn."""
        self.call("Page.navigate", url=Path(file).resolve().as_uri())
        self.wait("document.readyState === 'complete' && !document.querySelector('[aria-busy=true]')")

    def run(self, script: str):
        """The value of an expression in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        until = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < until, f"never: {condition}"
            time.sleep(0.02)

    def window(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def prefer(self, feature: str, value: str) -> None:
        """Such as `prefer("prefers-color-scheme", "dark")`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": feature, "value": value}])

    def click(self, selector: str) -> None:
        """A real click in the middle of the first element that matches, scrolled into sight."""
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()"
        at = self.run(box)
        place = {"x": at["x"] + at["width"] / 2, "y": at["y"] + at["height"] / 2}
        self.mouse("mouseMoved", **place)
        self.mouse("mousePressed", **place)
        self.mouse("mouseReleased", **place)

    def mouse(self, kind: str, x: float, y: float) -> None:
        """`mouseMoved`, `mousePressed` or `mouseReleased`, with the left button."""
        self._held = kind == "mousePressed" or (self._held and kind == "mouseMoved")
        button = "left" if self._held or kind == "mouseReleased" else "none"
        shared = {"type": kind, "x": x, "y": y, "button": button, "buttons": int(self._held)}
        self.call("Input.dispatchMouseEvent", clickCount=1, **shared)

    def press(self, key: str, text: str = "") -> None:
        code = {"ArrowLeft": 37, "ArrowRight": 39, "Escape": 27, "Enter": 13, "Tab": 9, " ": 32}
        number = code.get(key, ord(key.upper()[0]))
        shared = {"key": key, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **shared)
        self.call("Input.dispatchKeyEvent", type="keyUp", **shared)

    def screenshot(self) -> bytes:
        """PNG of the window."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def complaints(self) -> list[str]:
        """Errors and warnings of the page: thrown, logged, or of the browser's own (a blocked request)."""
        self.run("0")  # what is under way arrives first
        found = []
        for event in self.events:
            method, said = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(str(said["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
                found.append(str(said["args"]))
            elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
                found.append(said["entry"]["text"])
        return found

    def requests(self) -> list[str]:
        """Every address that the page asked for, but for pictures inside it."""
        self.run("0")
        sent = (each["params"] for each in self.events if each.get("method") == "Network.requestWillBeSent")
        addresses = [each["request"]["url"] for each in sent]
        return [address for address in addresses if not address.startswith(("data:", "about:"))]

    def dialogs(self) -> int:
        """How often the page opened an alert."""
        return sum(event.get("method") == "Page.javascriptDialogOpening" for event in self.events)


@contextmanager
def chromium_tab() -> Iterator[Tab]:
    """A fresh Chromium with one empty page; ended, with all its processes, at the end."""
    profile = tempfile.mkdtemp(prefix="augnet-chromium-")
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    # Away from 3 and 4, so that neither is overwritten before it is copied there.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_read, from_write)]
    for end in (to_read, from_write):
        os.close(end)
    words = [sys.executable, "-c", PLACE_ENDS, *map(str, ends)]
    process = subprocess.Popen(
        [*words, chromium_program(), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=ends,
        start_new_session=True,
    )
    for end in ends:
        os.close(end)
    try:
        tab = Tab(to_write, from_read)
        tab.start()
        yield tab
    finally:
        _end(process)
        os.close(to_write)
        os.close(from_read)
        shutil.rmtree(profile, ignore_errors=True)


def _end(process: subprocess.Popen) -> None:
    """End the browser and its children: a session of its own, whose id is that of its first process."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
