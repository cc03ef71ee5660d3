"""Several processes train as one does: real ones, connected through the machine's own interface."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import gang_member as member
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from training_examples import CPU, environment, picture_folder, pixels_of, small_encoder

from augnet_cli.errors import UsageError
from augnet_cli.training.copy_views import CopyViews
from augnet_cli.training.gang import ALONE, Gang, gang_from_environment, joined
from augnet_cli.training.loader import ViewLoader, steps_of
from augnet_cli.training.log import read_log
from augnet_cli.training.methods import METHODS
from augnet_cli.training.methods.augnet import AugNet, AugNetConfig
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.shared_step import level, shared_loss, synchronise_norms

TIMEOUT = 280  # seconds: no bound on speed, only on a hang
TORCHRUN = {
    "RANK": "1",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}


def free_ports() -> dict[str, str]:
    """Where processes meet first, and where they meet again.

    Another one: who comes first would find the leader of the first meeting still listening, and wait in vain
    when it goes.
    """
    with socket.socket() as first, socket.socket() as again:
        for probe in (first, again):
            probe.bind(("127.0.0.1", 0))
        return {
            "MASTER_PORT": str(first.getsockname()[1]),
            member.AGAIN: str(again.getsockname()[1]),
        }


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_folder(tmp_path_factory.mktemp("gang") / "photos", member.IMAGES, width=32, height=32)


@pytest.fixture(scope="module")
def pixels(photos: Path) -> PixelCache:
    return pixels_of(photos)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("together") / "out"


@pytest.fixture(scope="module")
def together(photos: Path, pixels: PixelCache, out: Path) -> list[dict[str, Any]]:
    """What each of two processes that ran `gang_member` found, by rank."""
    words = [sys.executable, member.__file__, str(photos), str(out)]
    ends = ran_together(words)
    assert ends is not None, "the processes never met"
    assert [code for code, _ in ends] == [0, 0], "\n".join(error for _, error in ends)
    return [torch.load(f"{out}.{rank}", weights_only=False) for rank in range(member.MEMBERS)]


def ran_together(words: list[str]) -> list[tuple[int, str]] | None:
    """Exit code and stderr of each process, by rank; None if they did not end in time."""
    shared = TORCHRUN | free_ports() | {"OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            words,
            env=environment(**shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}),
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(member.MEMBERS)
    ]
    try:
        errors = [process.communicate(timeout=TIMEOUT)[1] for process in processes]
    except subprocess.TimeoutExpired:
        return None
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, error) for process, error in zip(processes, errors, strict=True)]


@pytest.mark.parametrize("name", METHODS)
def test_parts_of_all_processes_are_the_batch_of_one_with_its_gradients(
    name: str, pixels: PixelCache, together: list[dict[str, Any]]
) -> None:
    one, parts = member.first_step(name, pixels, ALONE), [each["first step"][name] for each in together]
    for what in ("rows", "views"):
        assert torch.equal(torch.cat([part[what] for part in parts]), one[what])
    for part in parts:
        torch.testing.assert_close(part["gradients"], one["gradients"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_train_every_method_as_one_does(
    name: str, pixels: PixelCache, together: list[dict[str, Any]], out: Path, tmp_path: Path
) -> None:
    one = member.run(name, pixels, ALONE, str(tmp_path))
    rows = member.method_of(name).rows_in_epoch(member.IMAGES)
    assert len(set(one["losses"])) == rows // member.IMAGES_PER_STEP * member.EPOCHS >= 4
    for each in together:
        assert each["run"][name]["losses"] == pytest.approx(one["losses"], rel=1e-6)
        torch.testing.assert_close(each["run"][name]["state"], one["state"], rtol=1e-5, atol=1e-6)
    lines, expected = read_log(f"{out}.{name}"), read_log(str(tmp_path))
    assert [line["epoch"] for line in lines] == [line["epoch"] for line in expected] == [1, 2]


@pytest.mark.parametrize("name", METHODS)
def test_processes_hold_the_very_same_weights_and_memory(name: str, together: list[dict[str, Any]]) -> None:
    first, second = (each["run"][name]["state"] for each in together)
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_one_process_stops_all_after_the_same_step_and_they_resume(together: list[dict[str, Any]]) -> None:
    for each in together:
        whole, begun, ended = each["run"]["copies"], each["stopped run"], each["resumed run"]
        assert begun["stopped"] and not whole["stopped"] and not ended["stopped"]
        assert begun["losses"] == whole["losses"][:4] and ended["losses"] == whole["losses"][4:]
        assert all(torch.equal(whole["state"][key], ended["state"][key]) for key in whole["state"])


def test_gathered_rows_come_in_order_and_have_the_gradient_of_all_losses(
    together: list[dict[str, Any]],
) -> None:
    whole = member.rows_of_all().requires_grad_()
    ((1 + 2) * member.entangled(whole)).backward()
    assert whole.grad is not None
    for each, expected in zip(together, whole.grad.chunk(2), strict=True):
        got = each["gathering"]
        assert torch.equal(got["whole"], whole.detach())
        torch.testing.assert_close(got["gradient"], expected)
        assert got["numbers"].tolist() == [0, 7, 1, 7]


def test_norms_of_the_default_network_are_those_of_the_whole_batch(together: list[dict[str, Any]]) -> None:
    """torch's own batch norm, on all of it in one process, is the oracle."""
    whole = member.normalising(ALONE)
    for rank, each in enumerate(together):
        got = each["normalising"]
        torch.testing.assert_close(got["out"], whole["out"].chunk(2)[rank], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(got["mean"], whole["mean"], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(got["var"], whole["var"], atol=1e-6, rtol=1e-5)
        # Two losses are added up where one was; the mean over processes, taken later, makes one of them.
        torch.testing.assert_close(
            got["gradient"], 2 * whole["gradient"].chunk(2)[rank], atol=1e-5, rtol=1e-4
        )
    weights = sum(each["normalising"]["weight"] for each in together) / 2
    torch.testing.assert_close(weights, whole["weight"], atol=1e-4, rtol=1e-4)


def test_leader_tells_and_any_process_may_stop_all(together: list[dict[str, Any]]) -> None:
    first, second = (each["agreements"] for each in together)
    assert first["told"] == second["told"] == first["pid"] != second["pid"]
    assert first["wishes"] == second["wishes"] == [False, True, True]


def test_failure_of_the_leader_ends_the_others_too(together: list[dict[str, Any]]) -> None:
    assert [each["agreements"]["refused"] for each in together] == [
        "the disk is full",
        "the process that leads has stopped",
    ]


def test_others_find_what_the_leader_made(together: list[dict[str, Any]]) -> None:
    assert [each["turns"] for each in together] == [["0"], ["0", "1"]]


def test_buffers_are_levelled_to_the_leaders(together: list[dict[str, Any]]) -> None:
    assert all(each["levelled"].tolist() == [1, 1, 1] for each in together)


def test_processes_part_cleanly_also_after_an_error(together: list[dict[str, Any]]) -> None:
    assert all(each["left"] and each["left after an error"] for each in together)


def test_batch_is_what_parts_can_share() -> None:
    assert [TrainSettings(images_per_step=10, parts=3).batch_of(n) for n in (2, 3, 5, 9, 50)] == [
        0,
        3,
        3,
        9,
        9,
    ]
    assert [TrainSettings(images_per_step=10).batch_of(n) for n in (2, 9, 50)] == [2, 9, 10]


@given(st.integers(1, 8), st.integers(1, 4))
def test_parts_are_shared_out_once_and_in_order(size: int, each: int) -> None:
    shares = [Gang(rank, size).parts(size * each) for rank in range(size)]
    assert [part for share in shares for part in share] == list(range(size * each))
    assert {len(share) for share in shares} == {each}


def test_parts_that_do_not_share_out_are_refused() -> None:
    with pytest.raises(UsageError, match="3 processes") as error:
        Gang(0, 3).parts(4)
    assert "--nproc-per-node 4" in error.value.hint


def batches_of(pixels: PixelCache, parts: int, mine: range) -> list[torch.Tensor]:
    loader = ViewLoader(pixels, CopyViews(32), 2, 32, 5, 2, CPU, parts=parts, mine=mine)
    return [batch.views for batch in loader.batches(steps_of(np.arange(len(pixels)), 6, epoch=3))]


def test_undivided_batch_is_drawn_from_seed_epoch_and_step(pixels: PixelCache) -> None:
    """As before there were parts: whoever repeats a run gets its batches."""
    views = CopyViews(32)
    for step, batch in enumerate(batches_of(pixels, 1, range(1))):
        rngs = [np.random.default_rng([5, 3, row]) for row in range(6 * step, 6 * step + 6)]
        crops = np.stack(
            [views.crop(pixels.image(6 * step + i), rng) for i, rng in enumerate(rngs) for _ in range(2)]
        )
        seed = int(np.random.SeedSequence([5, 3, step]).generate_state(1)[0])
        images = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        expected = views.finish(images, torch.Generator().manual_seed(seed))
        assert torch.equal(batch.flatten(0, 1), expected)


def test_parts_of_a_batch_have_draws_of_their_own(pixels: PixelCache) -> None:
    first, *_ = batches_of(pixels, 3, range(3))
    assert torch.equal(first, torch.cat([batches_of(pixels, 3, range(i, i + 1))[0] for i in range(3)]))
    same = PixelCache(**{**pixels.__dict__, "offsets": np.zeros_like(pixels.offsets)})
    plain = ViewLoader(same, _Draws(), 1, 32, 0, 1, CPU, parts=3, mine=range(3))
    (batch, *_) = plain.batches(steps_of(np.arange(len(pixels)), 6, epoch=0))
    assert len({float(part.flatten()[0]) for part in batch.views.chunk(3)}) == 3


class _Draws:
    """Views that show the first number drawn for them."""

    def crop(self, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.zeros((32, 32, 3), np.uint8)

    def finish(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return batch + torch.rand((), generator=generator)


def test_gang_is_what_torchrun_says_and_nothing_less() -> None:
    assert gang_from_environment(TORCHRUN) == Gang(1, 2) and not Gang(1, 2).leads and Gang(0, 2).leads
    for missing in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        assert gang_from_environment({k: v for k, v in TORCHRUN.items() if k != missing}) is ALONE
    with pytest.raises(UsageError, match="one machine"):
        gang_from_environment(TORCHRUN | {"WORLD_SIZE": "4"})


def test_alone_everything_is_as_without_a_gang() -> None:
    method = AugNet(small_encoder(), AugNetConfig(views=2))
    before = {key: value.clone() for key, value in method.state_dict().items()}
    with joined(ALONE):
        assert not torch.distributed.is_initialized()
        assert ALONE.leads and ALONE.parts(1) == range(1) and ALONE.share_of(5) == 5
        assert ALONE.anyone(True) and not ALONE.anyone(False) and ALONE.from_leader(lambda: 3) == 3
        assert ALONE.own(torch.device("cuda")) == torch.device("cuda")
        assert shared_loss(method, ALONE) == method.loss
        level(method, ALONE)
        synchronise_norms(method, ALONE, torch.device("cuda"))
    assert all(torch.equal(value, before[key]) for key, value in method.state_dict().items())
    assert not any(isinstance(module, torch.nn.SyncBatchNorm) for module in method.modules())


def test_processes_want_a_gpu_each() -> None:
    more = torch.cuda.device_count() + 2
    assert Gang(1, more).own(CPU) == CPU
    for kind in ("cuda", "mps"):
        with pytest.raises(UsageError, match=f"{more} processes"):
            Gang(1, more).own(torch.device(kind))


def test_synchronised_norms_compute_the_same_in_use(tmp_path: Path) -> None:
    """What GPUs train with is exported and judged as the plain norms that it replaced."""
    method = AugNet(small_encoder(), AugNetConfig(views=2)).eval()
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    names = method.state_dict().keys()
    parameters = list(method.parameters())
    with torch.no_grad():
        expected = method.encoder(images)
        synchronise_norms(method, Gang(0, 2), CPU)
        assert not any(isinstance(module, torch.nn.SyncBatchNorm) for module in method.modules())
        synchronise_norms(method, Gang(0, 2), torch.device("cuda"))
        got = method.encoder(images)
    kinds = {type(m) for m in method.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)}
    assert kinds == {torch.nn.SyncBatchNorm} and method.state_dict().keys() == names
    assert all(a is b for a, b in zip(parameters, method.parameters(), strict=True))
    assert torch.equal(got, expected)


def torchrun(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `augnet` as two processes, started as users start them."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    with subprocess.Popen(
        [*launch, "-m", "augnet_cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(OMP_NUM_THREADS="1"),
    ) as process:
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        finally:
            process.terminate()  # not killed: only then does it end its own processes
    return process.returncode, out, err


def test_train_under_torchrun_speaks_and_writes_once(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 16)
    words = ("--init", "scratch", "--size", "32", "--dim", "16", "--dtype", "fp32", "--device", "cpu")
    words = (*words, "--backbone", "symmetric_resnet")  # the shipped encoder's, whose norms join hands
    code, out, told = torchrun("train", str(folder), *words, "--epochs", "2", "--images-per-step", "5")
    assert code == 0, told
    (path,) = out.splitlines()
    assert Path(path).is_file() and Path(path).is_relative_to(folder / ".augnet")
    assert told.count("from scratch") == 1 and told.count("training.png") == 1
    assert [line["epoch"] for line in read_log(str(folder / ".augnet" / "training"))] == [1, 2]
    settings = json.loads((folder / ".augnet" / "training.json").read_text())["settings"]
    assert settings["parts"] == 2


def test_slip_under_torchrun_is_told_once(photos: Path) -> None:
    code, out, err = torchrun("train", str(photos), "--minutes", "0")
    told = [line for line in err.splitlines() if line.startswith(("augnet: ", "  hint: "))]
    assert code != 0 and out == ""
    assert told == ["augnet: 0 minutes are no time to train", "  hint: --minutes 15"]
