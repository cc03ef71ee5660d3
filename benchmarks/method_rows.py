"""What `methods.py` measures: the labelled sets, and a row of the table for each training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Set:
    """One labelled set: the network that suits its images, and how many clusters SCAN is asked for."""

    archive: str  # of ../shared/data; "" for scikit-learn's digits
    network: tuple[str, ...]
    clusters: int
    by_class: bool  # whether whole classes are set apart to judge


SETS = {
    "cifar10": Set("cifar10.tar", ("--backbone", "resnet18_stl", "--width", "16", "--size", "32"), 10, False),
    "birds": Set(
        "birds-by-species.tar", ("--backbone", "resnet18", "--width", "32", "--size", "64"), 50, True
    ),
    "digits": Set("", ("--backbone", "resnet18_stl", "--width", "16", "--size", "32"), 10, False),
}


@dataclass(frozen=True)
class Row:
    """One row of the table: a training, and the row whose encoder it starts from."""

    name: str
    method: str
    options: tuple[str, ...] = ()
    start: str | None = None  # name of a row, or SHIPPED; None: random weights
    times: float = 1.0  # as much time as the others
    once: bool = False  # trained with the first seed alone; k-means judges with each
    length: tuple[str, ...] = ()  # in place of minutes
    words: tuple[str, ...] = ()  # further options of `augnet train`

    @property
    def slug(self) -> str:
        return self.name.replace(",", "").replace(" ", "-")


START = "simclr"
SHIPPED = "shipped"  # augnet's own encoder, which saw no CIFAR-10, but most of the birds, without labels
ROWS = (
    Row("copies", "copies"),
    Row("augnet", "augnet"),
    # Others go on from it, and clusters of an encoder that knows nothing mean nothing.
    Row(START, "simclr", times=10, once=True),
    Row("simclr, as short as the others", "simclr"),
    Row("rotnet", "rotnet"),
    Row("instance", "instance"),
    Row("decouple", "decouple"),
    # Views and rate are those that bring SCAN's loss down, which asks no label, in the few steps there are.
    Row(
        "scan, clusters",
        "scan",
        ("stages=cluster", "clusters={clusters}", "views_like=simclr", "cluster_lr=0.0003"),
        START,
        times=2,
    ),
    # The encoder stays as it is, so that its row is what k-means makes of it.
    Row(
        "scan, heads alone",
        "scan",
        ("stages=cluster", "clusters={clusters}", "views_like=simclr", "head_only=true", "heads=4"),
        SHIPPED,
    ),
    # After so few steps hardly any image has a label of the published 0.99.
    Row(
        "scan, self-labels",
        "scan",
        ("stages=selflabel", "clusters={clusters}", "threshold=0.9"),
        "scan, clusters",
    ),
    # As published for subsets of ImageNet: heads on an encoder that stays, then self-labels teach both.
    Row(
        "scan, self-labels of those heads",
        "scan",
        ("stages=selflabel", "clusters={clusters}", "threshold=0.9"),
        "scan, heads alone",
        times=2,
        once=True,
    ),
    # What the metric methods below begin with: a new head, a single pass, no rate worth the name.
    Row("a new head alone", "cbswr", (), START, once=True, length=("--epochs", "1", "--lr", "1e-9")),
    Row("udml-ss", "udml-ss", (), START),
    Row("udml-ss without rotation", "udml-ss", ("rotation=0",), START),
    # Its views and rate were chosen by R@1 on these birds with seed 0; CIFAR-10 had no part in it.
    Row("cbswr", "cbswr", (), START),
    Row(
        "cbswr, published views, ten times the rate",
        "cbswr",
        ("views_like=window", "flip=0.75"),
        START,
        words=("--lr", "3e-4"),
    ),
)
