"""`augnet train` as a user meets it: the real program, its two-line errors, Ctrl-C, its output."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from augnet_program import in_child
from training_examples import ROOT, augnet, command, environment, picture_folder, smooth_picture

from augnet_cli.cli.main import run
from augnet_cli.encoder.card import CARD_KEY
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder

SMALL = ("--method", "augnet", "--init", "scratch", "--size", "32", "--dim", "16")
SMALL += ("--dtype", "fp32", "--device", "cpu")

pytestmark = [pytest.mark.early, pytest.mark.usefixtures("exported_once")]
Ran = Callable[..., tuple[int, str, str]]


def refused(code: int, out: str, err: str, expected: int) -> tuple[str, str]:
    """The two lines of an error."""
    assert (code, out) == (expected, ""), err
    what, hint = err.splitlines()
    assert what.startswith("augnet: ") and hint.startswith("  hint: ")
    assert "Traceback" not in err and "Error" not in err
    return what.removeprefix("augnet: "), hint.removeprefix("  hint: ")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_folder(tmp_path_factory.mktemp("command") / "photos", 8)


CASES = {
    "unknown method": (["--method", "alexnet"], 2, "alexnet", "augnet"),
    "unknown setting": (["--set", "vews=2", *SMALL], 2, "vews", "views, views_like"),
    "bad value": (["--set", "views=many", *SMALL], 2, "whole number", "--set views=4"),
    "no value": (["--set", "views", *SMALL], 2, "NAME=VALUE", "temperature=0.1"),
    "impossible value": (["--set", "loss=hinge", *SMALL], 2, "hinge", "contrast, softmax"),
    "unknown backbone": (["--backbone", "vgg", *SMALL], 1, "vgg", "resnet18_slim"),
    "backbone of an old encoder": (["--backbone", "resnet18"], 2, "--backbone", "--init scratch"),
    "size of an old encoder": (["--size", "64"], 2, "--size", "--init scratch"),
    "no start file": (["--init", "nowhere.onnx"], 1, "nowhere.onnx", "path"),
    "unknown device": (["--device", "tpu"], 2, "tpu", "cpu"),
    "unknown dtype": (["--dtype", "fp8", "--init", "scratch"], 2, "fp8", "bf16"),
    "minutes and epochs": ([*SMALL, "--minutes", "5", "--epochs", "3"], 2, "--epochs and --minutes", "one"),
    "no minutes": ([*SMALL, "--minutes", "0"], 2, "no time", "--minutes 15"),
    "unknown preset": (["--preset", "best"], 2, "best", "finetune"),
    "preset of another method": (["--preset", "shipped", "--method", "scan"], 2, "scan", "--preset"),
    "no rate": ([*SMALL, "--lr", "0"], 2, "learning rate", "--lr 0.0005"),
    "nothing to resume": ([*SMALL, "--resume"], 1, "no training to resume", "--resume"),
    "escape codes": (["--set", "\x1b[31mred=1", *SMALL], 2, r"\x1b[31mred", "views"),
}


@pytest.fixture
def train_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ran:
    """Runs the whole program in this process: starting torch anew for each would take minutes.

    Gives exit code, stdout and stderr.
    """

    def ran(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["augnet", "train", *map(str, words)])
        code: object = 0
        try:
            run()
        except SystemExit as end:
            code = end.code
        out, err = capfd.readouterr()
        return int(str(code or 0)), out, err

    return ran


@pytest.mark.parametrize("case", CASES)
def test_slips_are_told_in_two_lines(case: str, photos: Path, train_here: Ran) -> None:
    arguments, code, what_word, hint_word = CASES[case]
    what, hint = refused(*train_here(photos, *arguments, "--quiet"), code)
    assert what_word in what and hint_word in hint


def test_unknown_setting_is_refused_by_the_real_process(photos: Path) -> None:
    done = augnet("train", photos, "--set", "vews=2", *SMALL)
    what, hint = refused(done.returncode, done.stdout, done.stderr, 2)
    assert "vews" in what and "views" in hint


@pytest.mark.parametrize(
    ("name", "word"), [("missing", "no folder"), ("file", "not a folder"), ("empty", "no image")]
)
def test_folders_without_pictures_are_refused_before_torch_is_loaded(
    name: str, word: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    started = time.monotonic()
    done = augnet("train", tmp_path / name, *SMALL)
    what, _ = refused(done.returncode, done.stdout, done.stderr, 1)
    assert word in what and name in what
    assert os.listdir(tmp_path / "empty") == []
    assert time.monotonic() - started < 60  # no bound on speed, only on a hang


@pytest.fixture
def without_torch(tmp_path: Path) -> str:
    """A folder with all that is installed here but torch, torchvision and onnx."""
    bare = tmp_path / "site"
    bare.mkdir()
    for source in (*site.getsitepackages(), site.getusersitepackages()):
        for entry in os.scandir(source) if os.path.isdir(source) else ():
            left_out = entry.name.startswith(("torch", "functorch", "onnx")) and "runtime" not in entry.name
            if not left_out and not entry.name.endswith(".pth") and not (bare / entry.name).exists():
                (bare / entry.name).symlink_to(entry.path)
    return str(bare)


def test_without_torch_it_says_what_to_install(without_torch: str, photos: Path) -> None:
    start = "import sys; sys.argv[0] = 'augnet'; from augnet_cli.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-S", "-c", start, "train", str(photos)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(PYTHONPATH=os.pathsep.join((str(ROOT), without_torch))),
    )
    what, hint = refused(done.returncode, done.stdout, done.stderr, 1)
    assert "torch" in what and hint == f"pip install {shlex.quote(f'{ROOT}[train]')}"


def test_run_prints_the_path_of_an_encoder_that_works(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9 [red] photos")
    folder = picture_folder(tmp_path / odd, 40)
    done = subprocess.run(
        command(
            (
                *("train", folder, *SMALL, "--epochs", "2", "--replace", "always"),
                *("--set", "views=2", "--images-per-step", "16"),
            )
        ),
        capture_output=True,
        timeout=120,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    file = folder / ".augnet" / "encoder.onnx"
    assert done.stdout == os.fsencode(file) + b"\n"
    note = done.stderr.decode()
    assert "random weights know nothing" not in note  # as of methods that learn from what their start knows
    assert "augnet on 30 images (10 more held out) from scratch" in note and r"\xe9" in note
    assert "before   after" in note and "quarter turn" in note and "copies found at precision 0.99" in note
    embedder = Embedder.load(str(file))
    rows = embedder.embed(np.zeros((2, 32, 32, 3), np.uint8))
    assert rows.shape == (2, 16) and embedder.id in note
    lines = [json.loads(line) for line in (folder / ".augnet/training/log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2] and all("centre" in line for line in lines)
    # The card tells the command, and not where its maker keeps photos.
    said = embedder.card.training["command"]
    assert isinstance(said, str) and said.startswith("augnet train") and "--epochs 2" in said
    assert os.fsencode(tmp_path) not in file.read_bytes()
    assert any(entry.key == CARD_KEY for entry in onnx.load(os.fspath(file)).metadata_props)


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 24)
    checkpoint = folder / ".augnet" / "training" / "checkpoint.pt"
    words = command(
        ("train", folder, *SMALL, "--epochs", "200", "--images-per-step", "8", "--set", "views=2")
    )
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=in_child(ordinary=False),  # noqa: PLW1509 - it takes no lock
    ) as process:
        deadline = time.monotonic() + 200
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == "" and "Traceback" not in err
    what, hint = err.splitlines()[-2:]
    assert "interrupted" in what and "is saved" in what
    assert hint.startswith("  hint: ") and "--resume" in hint
    assert not (folder / ".augnet" / "encoder.onnx").exists()


def test_train_with_the_shipped_weights_is_the_default(tmp_path: Path) -> None:
    from augnet_cli.encoder.locate import shipped_encoder
    from augnet_cli.pipeline.train import train
    from augnet_cli.training.encoder import EncoderSpec
    from augnet_cli.training.request import TrainRequest

    shipped = Embedder.load(shipped_encoder()).card
    folder = picture_folder(tmp_path / "photos", 8, width=120, height=100)
    outcome = train(str(folder), TrainRequest(epochs=1, dtype="fp32", device="cpu"))
    assert outcome.card.training["preset"] == "finetune" and outcome.before.encoder == shipped.id
    assert outcome.card.training["init"] == "shipped" and outcome.card.id != shipped.id
    # Cards of earlier versions know fewer of the choices, whose defaults they then are.
    own, earlier = (EncoderSpec(**card.architecture) for card in (outcome.card, shipped))
    assert (own, outcome.card.resize) == (earlier, shipped.resize)
    # A few pictures can't show that a wider distance is safe.
    assert all(outcome.card.thresholds[level] <= shipped.thresholds[level] for level in shipped.thresholds)
    shutil.rmtree(folder)


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything that lasts beside the photos."""
    data = folder / ".augnet"
    kept = [path for path in data.rglob("*") if path.is_file() and "cache" not in path.parts]
    return {str(path.relative_to(data)): path.read_bytes() for path in kept}


@pytest.fixture
def own_encoder() -> Callable[[Path], dict[str, bytes]]:
    """Gives a folder an encoder of its own and a record of how it was made; returns what lies there."""

    def give(folder: Path) -> dict[str, bytes]:
        data = folder / ".augnet"
        data.mkdir()
        shutil.copy(shipped_encoder(), data / "encoder.onnx")
        (data / "training.json").write_text("{}")
        (data / ".gitignore").write_text("*\n")
        return files_of(folder)

    return give


@pytest.mark.parametrize(
    ("name", "word"),
    [("one image", "here are 1"), ("one picture", "show the same picture"), ("broken images", "decoded")],
)
def test_folder_that_teaches_nothing_is_refused_and_nothing_overwritten(
    name: str, word: str, tmp_path: Path, own_encoder: Callable[[Path], dict[str, bytes]], train_here: Ran
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    picture = smooth_picture(1, 120, 100)
    for number in range(1 if name == "one image" else 9):
        if name == "broken images":
            (folder / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0 and then nothing %d" % number)
        else:  # other bytes, and the same picture once decoded
            picture.save(folder / f"{number}.png", compress_level=number)
    before = own_encoder(folder)
    what, _ = refused(*train_here(folder, *SMALL, "--epochs", "1", "--quiet"), 1)
    assert word in what
    assert files_of(folder) == before


def test_loss_that_is_no_number_is_told_and_nothing_overwritten(
    tmp_path: Path, own_encoder: Callable[[Path], dict[str, bytes]], train_here: Ran
) -> None:
    folder = picture_folder(tmp_path / "photos", 12)
    before = own_encoder(folder)
    words = ("--epochs", "20", "--lr", "1e30", "--set", "constant_rate=true", "--set", "views=2", "--quiet")
    what, hint = refused(*train_here(folder, *SMALL, *words), 1)
    assert "any more" in what and "--lr" in hint
    after = files_of(folder)
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith(".onnx") and name not in before]


def test_tools_get_a_line_an_epoch_and_the_record(tmp_path: Path, train_here: Ran) -> None:
    folder = picture_folder(tmp_path / "photos", 16)
    words = ("--epochs", "3", "--set", "views=2", "--format", "json", "--quiet")
    code, out, err = train_here(folder, *SMALL, *words)
    assert (code, err) == (0, "")
    *epochs, last = map(json.loads, out.splitlines())
    assert [line["epoch"] for line in epochs] == [1, 2, 3] and all("centre" in line for line in epochs)
    assert last["result"] == json.loads((folder / ".augnet" / "training.json").read_text())
    assert last["result"]["decision"]["taken"] is False and "/candidates/" in last["file"]


def test_second_ctrl_c_stops_at_once() -> None:
    """A real process: the first is a wish, the second is obeyed."""
    code = (
        "import signal, time\n"
        "from augnet_cli.training.stopping import stop_on_signals\n"
        # Where the tests run in the background, interrupts are ignored, and that is inherited.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with stop_on_signals() as stop:\n"
        "    print('ready', flush=True)\n"
        "    while not stop.wanted: time.sleep(0.01)\n"
        "    print('wanted', flush=True)\n"
        "    time.sleep(60)\n"
    )
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            for word in ("ready", "wanted"):
                assert process.stdout.readline().strip() == word
                process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) in (-signal.SIGINT, 130)
        finally:
            process.kill()
