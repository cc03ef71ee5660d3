"""SCAN's clustering: an image and a neighbour of it belong to one cluster, and all clusters are used.

Source: W. Van Gansbeke et al., "SCAN: Learning to Classify Images without Labels" (2020), section 2.2,
equation 2, and its published code.  Neighbours are mined once, exactly, by what the stage before learnt.
Letters: B anchors (2 B images of a step), C clusters, n images, K neighbours, d dim.

Differs from the published code, each by a switch (`faithful=true` sets them all back):
- an image is not its own partner (`include_self`).
- the heads are learnt on embeddings first, in seconds (`fit_heads`).
- the best state and head are those of a tenth of the images that is not trained on (`held_out`).  There, the
  test split decides; a method has none here, so `faithful=true` trains on all images and lets them decide.
- the length follows from the number of images; there, for CIFAR, 50 epochs of 10 clusters and 100 of more.
- steps are of 128 anchors; there so for 10 clusters, of 512 for more.
- heads alone (`head_only`) are learnt by Adam; there, for subsets of ImageNet, by SGD at 5, which ends with
  features other than MoCo's in one cluster, in 100 epochs of 512 anchors, of 1024 beyond 50 clusters.
In both:
- of few images K is at most half of a cluster, n / (2 C): more would not be of the same one.
- anchors and partners share the statistics of batch norms, which there take turns.
- clusters are told of the embedding; there, of pooled features, whatever head the pretext had.
- views are strong; there, for subsets of ImageNet, SimCLR's, which `views_like=simclr` takes.  They also suit
  a short pretext, to which pictures that were altered more strongly look like others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from augnet_cli.search.exact import nearest
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.flat_weights import flat, put_back, state_of
from augnet_cli.training.methods.method import Batch, EmbedAll, Method
from augnet_cli.training.methods.scan_config import FEW_CLASSES, FEW_CLASSES_OF_SUBSETS, WEAKER, ScanConfig
from augnet_cli.training.methods.scan_heads import fit_heads
from augnet_cli.training.methods.scan_terms import scan_score, scan_terms
from augnet_cli.training.recipe import PAIR, SGD, Recipe
from augnet_cli.training.schedule import constant
from augnet_cli.training.simclr_views import SimclrViews
from augnet_cli.training.strong_views import StrongViews, longest_cut
from augnet_cli.training.views import Views

JUDGED_NEIGHBOURS = 5  # of each image that chooses the best state
FEW_IN_A_CLUSTER = 10  # images that a number of clusters is proposed for
FEWEST_HELD_OUT = 20  # images: of fewer a state is not chosen by
ON_CIFAR = Recipe(lr=1e-4, images_per_step=256, weight_decay=1e-4, rate=constant, together=PAIR)
# Where the encoder stays as it is, of any features; then that of the subsets of ImageNet.
OF_HEADS = replace(ON_CIFAR, lr=1e-3, weight_decay=0.0)
ON_SUBSETS = Recipe(SGD, lr=5.0, images_per_step=256, momentum=0.9, rate=constant, together=PAIR)


def fitting(wanted: int, images: int, clusters: int) -> int:
    """K: as many neighbours as are wanted, but at most half of a cluster of so many images; 1 or more."""
    return max(1, min(wanted, images // (2 * clusters), images - 1))


def neighbours_of(rows: np.ndarray, wanted: int, clusters: int, include_self: bool) -> np.ndarray:
    """(n, k) int64: the rows nearest to each of (n, p) unit rows, k at most half of a cluster.

    With `include_self` the row itself comes first, beyond k.
    """
    k = fitting(wanted, len(rows), clusters)
    found, _ = nearest(rows, rows, k + 1)
    own = np.arange(len(rows))[:, None]
    # Equal rows may come before the row itself.
    others = np.take_along_axis(found, np.argsort(found == own, axis=1, kind="stable")[:, :k], axis=1)
    return np.concatenate([own, others], axis=1) if include_self else others


class ScanCluster(Method):
    """Training of cluster heads on mined neighbours; the best one becomes the encoder's second output."""

    Config = ScanConfig
    config: ScanConfig
    is_watched = False
    neighbours: Tensor  # (n, k) int64: the partners that an image of `learnt` may have
    judged_neighbours: Tensor  # (j, k) int64, places among `judged`
    learnt: Tensor  # (n',) int64 rows that are trained on
    judged: Tensor  # (j,) int64 rows that choose the best state
    best: Tensor  # (w,) the best state so far, of the encoder and then of its head
    score: Tensor  # () how good it is; smaller is better

    @property
    def warning(self) -> str:
        images, clusters = len(self.learnt), self.config.clusters
        if images >= PAIR * clusters:
            return ""
        fitting = max(2, images // FEW_IN_A_CLUSTER)
        return f"{clusters} clusters of {images} images hardly hold two each: --set clusters={fitting}"

    @classmethod
    def head(cls, config: ScanConfig) -> str:
        return "pooled"

    @classmethod
    def takes_head(cls, config: ScanConfig, head: str) -> bool:
        return True

    @classmethod
    def keeps_clusters(cls, config: ScanConfig) -> bool:
        return True

    @classmethod
    def recipe_of(cls, config: ScanConfig) -> Recipe:
        if not config.faithful:
            return OF_HEADS if config.head_only else ON_CIFAR
        if config.head_only:
            anchors = 512 if config.clusters <= FEW_CLASSES_OF_SUBSETS else 1024
        else:
            anchors = 128 if config.clusters <= FEW_CLASSES else 512
        epochs = 50 if config.clusters <= FEW_CLASSES and not config.head_only else 100
        recipe = ON_SUBSETS if config.head_only else ON_CIFAR
        return replace(recipe, images_per_step=PAIR * anchors, epochs=epochs)

    def __init__(self, encoder: Encoder, config: ScanConfig) -> None:
        super().__init__(encoder, config)
        if encoder.spec.clusters != config.clusters:
            encoder.add_clusters(config.clusters)
        assert encoder.clusters is not None
        # The heads are trained here; the encoder's own is given the best of them in the end.
        encoder.clusters.requires_grad_(False)
        self.heads = nn.ModuleList(nn.Linear(encoder.dim, config.clusters) for _ in range(config.heads))
        self._before: list[Method] = []  # in a list: it is no part of this module
        if config.head_only:
            encoder.requires_grad_(False)

    @property
    def views(self) -> int:
        return 1

    def view_transform(self, size: int) -> Views:
        if self.config.views_like == WEAKER:
            return SimclrViews(size)
        return StrongViews(size, tuple(self.encoder.mean.tolist()), self.config.cutout or longest_cut(size))

    def follow(self, before: Method) -> None:
        self._before = [before]

    def begin(self, images: int) -> None:
        held = self._held_out(images)
        rows = torch.randperm(images)
        learnt, judged = (
            rows[held:].sort().values,
            rows[:held].sort().values if held else torch.arange(images),
        )
        self.register_buffer("best", flat([*self._encoder_state(), *state_of(self.heads[0])]))
        self.register_buffer("score", torch.tensor(torch.inf))
        clusters, with_self = self.config.clusters, int(self.config.include_self)
        for name, value in (("learnt", learnt), ("judged", judged)):
            self.register_buffer(name, value)
        for name, count, wanted in (
            ("neighbours", len(learnt), self.config.neighbours),
            ("judged_neighbours", len(judged), JUDGED_NEIGHBOURS),
        ):
            k = fitting(wanted, count, clusters) + with_self
            self.register_buffer(name, torch.zeros(count, k, dtype=torch.int64))

    def rows_in_epoch(self, images: int) -> int:
        return PAIR * (images - self._held_out(images))

    def _held_out(self, images: int) -> int:
        """How many of n images are not trained on."""
        held = round(images * self.config.held_out)
        return held if held >= FEWEST_HELD_OUT else 0

    def start_epoch(self, epoch: int, embed_all: EmbedAll, rng: np.random.Generator) -> np.ndarray | None:
        if epoch == 0:
            self._mine(embed_all)
            if self.config.fit_heads:
                self._fit_heads(embed_all, rng)
        else:
            self._judge(embed_all)
        learnt, neighbours = self.learnt.cpu().numpy(), self.neighbours.cpu().numpy()
        anchors = rng.permutation(len(learnt))
        drawn = rng.integers(neighbours.shape[1], size=len(anchors))
        return learnt[np.stack([anchors, neighbours[anchors, drawn]], axis=1)].ravel()

    def _mine(self, embed_all: EmbedAll) -> None:
        """Find the neighbours, once, by what the stage before holds to be alike."""
        before = self._before[0].eval() if self._before else self
        assert isinstance(before, Method)
        rows = embed_all(before.alike_rows)
        for buffer, of, wanted in (
            (self.neighbours, self.learnt, self.config.neighbours),
            (self.judged_neighbours, self.judged, JUDGED_NEIGHBOURS),
        ):
            found = neighbours_of(
                rows[of.cpu().numpy()], wanted, self.config.clusters, self.config.include_self
            )
            buffer.copy_(torch.from_numpy(found))

    def _fit_heads(self, embed_all: EmbedAll, rng: np.random.Generator) -> None:
        """Learn the heads on embeddings as they are, before anything else moves."""
        rows = embed_all(lambda images: self.encoder(images).float(), only=self.learnt.cpu().numpy())
        heads = [head for head in self.heads if isinstance(head, nn.Linear)]
        fit_heads(heads, rows, self.neighbours.cpu().numpy(), self.config.entropy_weight, rng)

    def train(self, mode: bool = True) -> ScanCluster:
        super().train(mode)
        if self.config.head_only:
            self.encoder.eval()
        return self

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        embeddings = self.together(self.encoder(batch.views.flatten(0, 1)).float())
        # Of an agreement of nearly 1 the logarithm is what bf16 rounds away.
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings.to(next(self.heads.parameters()).dtype)
            terms = [
                scan_terms(logits[0::PAIR], logits[1::PAIR], self.config.entropy_weight)
                for logits in (head(embeddings) for head in self.heads)
            ]
            consistency, spread = (torch.stack(each).sum() for each in zip(*terms, strict=True))
            return {"consistency": consistency, "entropy": spread}

    def _judge(self, embed_all: EmbedAll) -> None:
        """Remember the state and its best head if they are the best so far."""
        made = embed_all(self._all_logits, only=self.judged.cpu().numpy())
        neighbours = self.judged_neighbours.cpu()
        scores = [
            float(scan_score(logits, neighbours)) for logits in torch.from_numpy(made).double().unbind(1)
        ]
        best = int(np.argmin(scores))
        if scores[best] < float(self.score):
            self.score.fill_(scores[best])
            self.best.copy_(flat([*self._encoder_state(), *state_of(self.heads[best])]))

    def _encoder_state(self) -> list[Tensor]:
        return state_of(self.encoder, without="clusters.")

    def _all_logits(self, images: Tensor) -> Tensor:
        """(B, heads, C)."""
        embeddings = self.encoder(images)
        return torch.stack([head(embeddings) for head in self.heads], dim=1)

    def conclude(self, embed_all: EmbedAll) -> None:
        self._judge(embed_all)
        assert self.encoder.clusters is not None
        put_back(self.best, [*self._encoder_state(), *state_of(self.encoder.clusters)])
        self.encoder.requires_grad_(True)
