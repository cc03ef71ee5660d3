"""Several processes on one machine that train one encoder together, as `torchrun` starts them.

Each makes and embeds its part of every batch; all hold the same weights and take the same steps.
One of them leads: it alone writes files and speaks, and what it finds out it tells the others.
`ALONE` is a gang of one, for which nothing here costs or changes anything; torch is loaded for more than one.

A collective call is met by all processes or by none: whether it is made must follow from what all know.
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from augnet_cli.errors import TrainingError, UsageError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

# What `torchrun` sets.  All of it: job systems export some of these names to processes that train alone.
NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
# The others wait while the leader decodes a large folder or judges an encoder.  A process that has died is
# met by a closed connection at once, not by the clock.
PATIENCE = timedelta(days=2)
START_AGAIN = "torchrun --standalone --nproc-per-node {} -m augnet_cli train FOLDER"


@dataclass(frozen=True)
class Gang:
    """This process's place among `size` of them; `rank` in [0, size)."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one process that writes files and speaks."""
        return self.rank == 0

    def parts(self, of: int) -> range:
        """Which of `of` equal parts of each batch this process makes.

        Raises:
            UsageError: they can't be shared out equally.
        """
        if of % self.size:
            raise UsageError(
                f"{self.size} processes can't share a batch of {of} parts equally", START_AGAIN.format(of)
            )
        each = of // self.size
        return range(self.rank * each, (self.rank + 1) * each)

    def share_of(self, cores: int) -> int:
        """How many of `cores` this process may keep busy while all are at work; at least 1."""
        return max(1, cores // self.size)

    def anyone(self, wish: bool) -> bool:
        """Collective: whether any process wishes it, a stop for instance; the same answer for all."""
        if self.size == 1:
            return wish
        import torch
        import torch.distributed as dist

        wishes = torch.tensor(int(wish))
        dist.all_reduce(wishes, dist.ReduceOp.MAX)
        return bool(wishes)

    def from_leader(self, make: Callable[[], T]) -> T:
        """Collective: what `make` gives in the leader, which alone calls it; a copy of it for the others.

        For all that only one may do (write a file, look at the clock or at a folder that changes), and what
        all must then know alike.  Nobody goes on before it is done.

        Raises:
            TrainingError: in the others, when `make` failed; the leader raises what `make` did.
        """
        if self.size == 1:
            return make()
        import torch
        import torch.distributed as dist

        told: list[Any] = [False, None]
        try:
            if self.leads:
                told = [True, make()]
        finally:
            # Also when `make` failed, or was interrupted: the others would wait for ever.
            dist.broadcast_object_list(told, src=0, device=torch.device("cpu"))
        done, made = told
        if not done:
            raise TrainingError("the process that leads has stopped", "see what it says")
        result: T = made
        return result

    def in_leader(self, make: Callable[[], T]) -> T | None:
        """Collective: what `make` gives in the leader, which keeps it to itself; None in the others.

        As `from_leader`, for what is too large to be told.
        """
        kept: list[T] = []
        self.from_leader(lambda: kept.append(make()))
        return kept[0] if kept else None

    def leader_first(self, make: Callable[[], T]) -> T:
        """Collective: call `make` in the leader, then in the others, who find done what it did.

        For what each must open for itself, as a mapped file, and one must have written.  Errors as
        `from_leader`'s.
        """
        kept: list[T] = []
        self.from_leader(lambda: kept.append(make()))
        return kept[0] if kept else make()

    def own(self, device: torch.device) -> torch.device:
        """The device of this process, where all were asked to train on `device`.

        Raises:
            UsageError: there is none for each of them.
        """
        if self.size == 1 or device.type == "cpu":
            return device
        import torch

        present = torch.cuda.device_count() if device.type == "cuda" else 1
        if self.size > present:
            raise UsageError(
                f"{self.size} processes want a device each, and there are {present} of {device.type}",
                START_AGAIN.format(present) if present > 1 else "start it without torchrun",
            )
        torch.cuda.set_device(self.rank)
        return torch.device(device.type, self.rank)


ALONE = Gang()


def gang_from_environment(environ: Mapping[str, str] = os.environ) -> Gang:
    """The gang that `torchrun` made this process a member of; `ALONE` where it did not.

    Raises:
        UsageError: its processes are on several machines.
    """
    if not all(name in environ for name in NEEDED):
        return ALONE
    size, here = int(environ["WORLD_SIZE"]), int(environ["LOCAL_WORLD_SIZE"])
    if size != here:
        raise UsageError(
            f"{size} processes were started, {here} of them on this machine; training uses one machine alone",
            START_AGAIN.format(here),
        )
    return Gang(int(environ["RANK"]), size)


@contextlib.contextmanager
def joined(gang: Gang) -> Iterator[None]:
    """Connect the processes of `gang` for as long as this lasts; collective calls are made within.

    Raises:
        TrainingError: they can't reach each other.
    """
    if gang.size == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    _stay_on_this_machine()
    on_gpus = torch.cuda.is_available() and dist.is_nccl_available()
    try:
        # What is said goes through gloo; what GPUs compute stays on them.
        dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo", timeout=PATIENCE)
    except RuntimeError as error:
        raise TrainingError(
            f"the {gang.size} processes can't reach each other: {error}", START_AGAIN.format(gang.size)
        ) from error
    done = False
    try:
        yield
        gang.anyone(False)  # nobody leaves while another still listens
        done = True
    finally:
        # After an error, NCCL would wait for those who wait for us; that this process ends tells them.
        if done or not on_gpus:
            # What still holds the group goes first: its threads must not outlive it into the exit.
            gc.collect()
            dist.destroy_process_group()


def _stay_on_this_machine() -> None:
    """Let the processes talk through the machine's own interface, unless the user chose another."""
    if sys.platform == "win32":  # its interfaces can't be chosen by name
        return
    for _, name in socket.if_nameindex():
        if name.startswith("lo"):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", name)
