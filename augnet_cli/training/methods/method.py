"""What a training method is: views, a loss, and perhaps a look at all images once an epoch.

A method never steps the optimiser, moves devices, prints, opens files or sees a label.
Adding one touches four places: its file, the table in `methods/__init__.py`, its test, the README row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from torch import Tensor, nn

from augnet_cli.training.encoder import Encoder
from augnet_cli.training.recipe import Recipe
from augnet_cli.training.views import Views

# Float images (B, 3, S, S) in [0, 1] to rows (B, ...).
RowsOf = Callable[[Tensor], Tensor]


class EmbedAll(Protocol):
    """A pass over all images in eval mode, without gradient."""

    def __call__(
        self, rows_of: RowsOf | None = None, viewed: bool = False, only: np.ndarray | None = None
    ) -> np.ndarray:
        """(n, ...) what `rows_of` makes of every image; None: `encoder.unit_rows`.

        `viewed`: of one view of each, drawn anew in each epoch, instead of the whole unaltered image.
        `only`: rows (m,) of the images it is asked for, in that order; not with `viewed`.
        """
        ...


@dataclass(frozen=True)
class Batch:
    """One step's images: `rows` (B,) int64 positions in the data, `views` (B, V, 3, S, S) float in [0, 1].

    Where several processes share a step, these are the images of this one.
    There is no field for labels: no method can see one.
    """

    rows: Tensor
    views: Tensor


@dataclass(frozen=True)
class Stage:
    """One of several trainings that follow one another on the same encoder (`Method.stages`).

    Attributes:
        name: a word; names its folder and its lines of the log.  "" where it is all there is.
        kind, config: its method, a whole one with an optimiser and a length of its own.
        share: of the time that all stages are given, in parts of whatever sum.
        epochs, lr, images_per_step: what the user said of this stage; None is its method's own.
    """

    name: str
    kind: type[Method]
    config: Any
    share: float = 1.0
    epochs: int | None = None
    lr: float | None = None
    images_per_step: int | None = None


class Method(nn.Module):
    """A way to train an encoder without labels; subclasses fill in `Config`, `view_transform` and `loss`."""

    # A frozen dataclass; its fields become --set name=value.  One named `whiten` says whether the encoder is
    # finished by a whitening and a scale (`finishing`).
    Config: ClassVar[type[Any]]

    scalar_norm: bool = False  # one mean and deviation for all colour channels
    progress: float = 0.0  # share of the run in [0, 1] that was over when `start_epoch` was last called
    # Whether copies of held-out images say how good a state is: else none is put back, and no rate falls, for
    # what was seen of them.
    is_watched: bool = True
    # Whether from random weights it has nothing to learn from: what it begins with must know something.
    wants_start: bool = False

    @property
    def warning(self) -> str:
        """One line a person should see before the first step; empty where there is nothing to say."""
        return ""

    @property
    def remark(self) -> str:
        """What a person should know of how training went; nothing where all is as usual."""
        return ""

    @classmethod
    def stages(cls, config: Any) -> tuple[Stage, ...]:
        """The trainings that this method consists of, in order; none where it is one by itself."""
        return ()

    @classmethod
    def takes_head(cls, config: Any, head: str) -> bool:
        """Whether an encoder with that head can be trained further."""
        return head == cls.head(config)

    @classmethod
    def keeps_clusters(cls, config: Any) -> bool:
        """Whether clusters that an encoder tells apart already are trained further, or anew."""
        return False

    @classmethod
    def head(cls, config: Any) -> str:
        """The head of a new encoder (`EncoderSpec.head`) that this method wants."""
        return "linear_tanh"

    @classmethod
    def recipe_of(cls, config: Any) -> Recipe:
        """How to optimise, where the user says nothing."""
        return Recipe()

    def __init__(self, encoder: Encoder, config: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.config = config
        self.recipe = type(self).recipe_of(config)
        if getattr(config, "faithful", False):
            self.is_watched = False  # published runs end with their last state

    def follow(self, before: Method) -> None:
        """Take over from the stage before, whose encoder this one goes on with; before `begin`."""

    def alike_rows(self, images: Tensor) -> Tensor:
        """Unit rows (B, p) of float images (B, 3, S, S): what this method holds to be alike is near.

        Those of its projection, where it trains one.
        """
        return self.encoder.unit_rows(images)

    @property
    def views(self) -> int:
        """V: views of each image in a batch."""
        return 2

    def view_transform(self, size: int) -> Views:
        """How a view of side `size` is made."""
        raise NotImplementedError

    def begin(self, images: int) -> None:
        """Make what depends on the number of images n, such as a memory bank; before anything else is called.

        Buffers made here are part of the state that is saved; parameters made here are trained.
        """

    def rows_in_epoch(self, images: int) -> int:
        """How many rows `start_epoch` gives where there are n images; known before `begin`."""
        return images

    def start_epoch(self, epoch: int, embed_all: EmbedAll, rng: np.random.Generator) -> np.ndarray | None:
        """Look at the whole data set if needed, and perhaps choose the order of rows.

        `embed_all` costs a pass over the data.  Returns rows in the order they should come, as many as
        `rows_in_epoch` says, or None for a shuffle.  A row may come more than once: each time it is another
        view.
        """
        return None

    def conclude(self, embed_all: EmbedAll) -> None:
        """Look at the whole data set once all steps are taken; what is chosen here is what is exported."""

    @property
    def is_order_known(self) -> bool:
        """Whether nothing happens between epochs, so that batches of the next can be made in this one."""
        return type(self).start_epoch is Method.start_epoch

    def together(self, rows: Tensor) -> Tensor:
        """The (n, ...) rows that this process made of its batch, among those of all processes in order.

        What a loss compares or remembers goes through here: embeddings, and the batch's `rows`.  Alone, a
        process has them all; where several share a step, `shared_step.gathered` takes this place.
        """
        return rows

    def own(self, rows: Tensor) -> Tensor:
        """This process's part of what is said of each row of the whole batch, as `together` gives it."""
        return rows

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalar terms; their sum is minimised.

        The same for all processes that share a step: what differs between images passes through `together`.
        May be called under autocast to bf16: what needs all its bits must leave it.
        """
        raise NotImplementedError

    def after_step(self) -> None:
        """What is to happen once the weights have moved, such as a running mean of them; without gradient."""

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        """What the optimiser is given: everything, at one rate, unless a method says otherwise."""
        return [{"params": [p for p in self.parameters() if p.requires_grad], "lr": lr}]
