"""The numbers of one training run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class TrainSettings:
    """Numbers of one run, beside the method's own config and the encoder's spec.

    How long it is, is one of `epochs` (passes over the images, all of which are taken), `steps` (batches) and
    `minutes` (of the whole command); those two are the most, fewer if nothing more is gained.
    """

    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    images_per_step: int = 80  # N of AugNet's STL-10 script: 40 a GPU on two
    lr: float = 5e-4  # Adam's, of the same script
    seed: int = 0
    workers: int = 2
    together: int = 1  # images of a step that can't be parted: 2 where they come in pairs
    parts: int = 1  # of each batch, one for each process, with draws of their own (`loader.ViewLoader`)

    def batch_of(self, images: int) -> int:
        """Images in a step where there are `images`: what equal parts make of as many as were asked for.

        Each part is of whole groups of `together` images.
        """
        most = min(self.images_per_step, images)
        return most - most % (self.parts * self.together)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
