"""The card: what an encoder file says of itself, kept inside the `.onnx` as metadata.

It travels with the weights, so that resizing and thresholds can't disagree with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from augnet_cli.errors import EncoderError
from augnet_cli.images.names import shown
from augnet_cli.records import Resize

CARD_KEY = "augnet_card"
CARD_VERSION = 1
QUANTISED_FROM = "quantised_from"  # among the facts of training: the id of the same encoder in float


@dataclass(frozen=True)
class Card:
    """How an encoder was made, how it wants its images, and what its distances mean.

    Attributes:
        id: hash of graph, weights and `resize`; embeddings of different ids are never compared.
        method, architecture: names; `architecture` is the `EncoderSpec` as a mapping.
        dim: width d of the embedding.
        resize: how any image becomes the input.
        thresholds: distance at which precision reaches a level on the training images' own copies,
            by level as text: `{"0.99": 0.21}`.
        training: command, data hash, images, epochs, steps, seed, precision, parity.
        scores: figures measured at the end of training.
        licence: of the weights.
    """

    id: str
    method: str
    architecture: Mapping[str, object]
    dim: int
    resize: Resize
    thresholds: Mapping[str, float]
    training: Mapping[str, object]
    scores: Mapping[str, float] = field(default_factory=dict)
    licence: str = "Apache-2.0"

    @property
    def is_quantised(self) -> bool:
        """Whether it computes in eight-bit integers."""
        return QUANTISED_FROM in self.training

    @property
    def threshold(self) -> float:
        """The distance that `dedupe` uses when none is given: precision 0.99."""
        return float(self.thresholds["0.99"])

    def threshold_for(self, precision: float) -> tuple[str, float]:
        """The mildest level that is at least `precision`, else the strictest there is, and its distance."""
        levels = sorted(self.thresholds, key=float)
        level = next((level for level in levels if float(level) >= precision), levels[-1])
        return level, float(self.thresholds[level])

    def to_json(self) -> str:
        """The card as one line of JSON."""
        return json.dumps({"version": CARD_VERSION, **asdict(self)}, sort_keys=True)


def parse_card(text: str, file: str) -> Card:
    """The card in the metadata of `file`.

    Raises:
        EncoderError: it is not one, or of a newer version.
    """
    try:
        facts = json.loads(text)
        if facts.pop("version") > CARD_VERSION:
            raise EncoderError(f"{shown(file)} was made by a newer augnet", "upgrade augnet")
        card = Card(resize=Resize(**facts.pop("resize")), **facts)
        distances = [card.threshold, card.threshold_for(0.0)[1]]
        if not (all(0 <= distance <= 2 for distance in distances) and isinstance(card.id, str)):
            raise ValueError("a threshold that is no distance, or no id")
        return card
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EncoderError(
            f"{shown(file)} holds a card that can't be read", "use the file as `augnet train` wrote it"
        ) from error
