"""`augnet` in processes of their own that need not load its libraries anew: each is forked from one that has.

Starting Python and loading NumPy, ONNX Runtime and scikit-learn takes longer than most of what a test asks.
What is run is the program, from `augnet_cli.__main__` on: arguments, environment, current folder, streams,
exit code and traceback are those of a process started anew.  Modules of augnet that a command loads late are
loaded late.  Tests of starting, of ending, of signals and of memory start the program anew.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence

LARGEST_REQUEST = 1 << 17  # bytes: arguments and environment
SHORT = 32  # bytes of an answer, which is a number


class WarmProgram:
    """Starts the process that has loaded the libraries, and asks it for one run at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(other.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )

    def run(
        self, words: Sequence[str], cwd: str, environment: Mapping[str, str], limit_s: float
    ) -> tuple[int, bytes, bytes]:
        """Exit code and the bytes of both streams; what runs longer than `limit_s` is killed."""
        request = {"words": words, "cwd": cwd, "environment": dict(environment)}
        pipes = [os.pipe(), os.pipe()]
        socket.send_fds(self._socket, [json.dumps(request).encode()], [writer for _, writer in pipes])
        for _, writer in pipes:
            os.close(writer)
        child = self._number()
        too_long = threading.Timer(limit_s, os.kill, (child, signal.SIGKILL))
        too_long.start()
        streams = [b"", b""]
        readers = [
            threading.Thread(target=_read, args=(reader, streams, place))
            for place, (reader, _) in enumerate(pipes)
        ]
        for thread in readers:
            thread.start()
        for thread in readers:
            thread.join()
        status = self._number()
        too_long.cancel()
        return os.waitstatus_to_exitcode(status), streams[0], streams[1]

    def _number(self) -> int:
        answer = self._socket.recv(SHORT)
        assert answer, "the process that had loaded the libraries has ended"
        return int(answer)


def _read(reader: int, streams: list[bytes], place: int) -> None:
    with open(reader, "rb") as file:
        streams[place] = file.read()


def _load_libraries() -> None:
    """What the program loads late, but for two.

    send2trash remembers the home it was loaded in; ONNX Runtime has a thread, which a fork would lose.
    """
    import annoy  # noqa: F401
    import cv2  # noqa: F401
    import numpy  # noqa: F401
    import PIL.Image  # noqa: F401
    import rich.console
    import rich.progress  # noqa: F401
    import scipy.optimize  # noqa: F401
    import sklearn.cluster
    import sklearn.metrics  # noqa: F401
    import threadpoolctl  # noqa: F401

    import augnet_cli.cli.main  # noqa: F401


def _serve(requests: socket.socket) -> bool:
    """Fork for each request; False in the process that was told to go, True in a child that is to run."""
    while True:
        data, streams, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 2)
        if not data:
            return False
        child = os.fork()
        if child == 0:
            requests.close()
            _become(json.loads(data), streams)
            return True
        for stream in streams:
            os.close(stream)
        requests.send(str(child).encode())
        requests.send(str(os.waitpid(child, 0)[1]).encode())


def _become(request: dict[str, object], streams: Sequence[int]) -> None:
    """What the child must be before the program runs in it."""
    from augnet_program import in_child

    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # it is remembered, and the environment may tell another
    sys.argv[1:] = request["words"]
    in_child(ordinary=False)()


def main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    _load_libraries()
    # What is not looked at need not be copied for each child.
    gc.disable()
    gc.freeze()
    if _serve(requests):
        gc.enable()
        _run()


def _run() -> None:
    from augnet_cli.__main__ import run

    try:
        run()
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        # As Python ends, but that all modules, most of them only lent, are not taken apart one by one.
        threading._shutdown()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(end.code or 0)


if __name__ == "__main__":
    main()
