"""SCAN's clustering: the loss and its bounds, neighbours, which images are paired, which state is kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from training_examples import small_encoder

from augnet_cli.errors import UsageError
from augnet_cli.training.methods.method import Batch, RowsOf
from augnet_cli.training.methods.rotnet import Rotnet
from augnet_cli.training.methods.scan import Scan
from augnet_cli.training.methods.scan_cluster import ScanCluster, fitting, neighbours_of
from augnet_cli.training.methods.scan_config import ScanConfig
from augnet_cli.training.methods.scan_terms import scan_score, scan_terms
from augnet_cli.training.simclr_views import SimclrViews
from augnet_cli.training.strong_views import StrongViews


def waves(rows: int = 12, columns: int = 5) -> Tensor:
    """X[i, j] = sin(1 + 3 i + 7 j), on which the published code was run."""
    i, j = torch.arange(rows, dtype=torch.float64), torch.arange(columns, dtype=torch.float64)
    return torch.sin(1 + 3 * i[:, None] + 7 * j[None])


def test_loss_is_that_of_the_published_code() -> None:
    rows = 3 * waves()
    consistency, spread = scan_terms(rows[:6], rows[6:], 5.0)
    assert float(consistency) == pytest.approx(1.6318309913957894, abs=1e-6)
    assert float(spread) == pytest.approx(-5 * 1.4859111963772111, abs=1e-6)
    assert float(consistency + spread) == pytest.approx(-5.797724990490266, abs=1e-6)


def test_loss_has_the_bounds_that_its_terms_have() -> None:
    sure = 200 * torch.eye(4, dtype=torch.float64)
    consistency, spread = scan_terms(sure, sure, 5.0)
    assert float(consistency) == pytest.approx(0, abs=1e-6)
    assert float(spread) == pytest.approx(-5 * math.log(4), abs=1e-6)
    # One cluster for all agrees as well, and is spread over nothing.
    consistency, spread = scan_terms(sure[[0, 0]], sure[[0, 0]], 5.0)
    assert float(consistency + spread) == pytest.approx(0, abs=1e-5)
    # What does not agree at all is no infinity.
    consistency, _ = scan_terms(1e4 * sure[:1], 1e4 * sure[1:2], 5.0)
    assert float(consistency) == 100
    generator = torch.Generator().manual_seed(0)
    for scale in (0.1, 1, 10):
        one, other = (scale * torch.randn(8, 4, generator=generator) for _ in range(2))
        consistency, spread = scan_terms(one, other, 5.0)
        assert float(consistency) >= 0 and -5 * math.log(4) - 1e-5 <= float(spread) <= 1e-5


def test_gradient_of_the_loss_is_that_of_finite_differences() -> None:
    rows = waves(8, 3)
    one, other = rows[:4].clone().requires_grad_(), rows[4:].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: torch.stack(scan_terms(a, b, 5.0)).sum(), (one, other))


def test_pairs_that_do_not_agree_at_all_have_a_gradient() -> None:
    # In float32 the product of these shares is 0.
    one = torch.tensor([[150.0, 0.0], [0.0, 1.0]], requires_grad=True)
    other = torch.tensor([[0.0, 150.0], [1.0, 0.0]], requires_grad=True)
    torch.stack(scan_terms(one, other, 5.0)).sum().backward()
    assert torch.isfinite(one.grad).all() and torch.isfinite(other.grad).all()  # type: ignore[arg-type]


def test_score_is_that_of_a_slow_loop() -> None:
    logits, neighbours = 3 * waves(6, 4), torch.tensor([[1, 2], [0, 5], [3, 4], [1, 0], [5, 3], [2, 4]])
    shares = [[math.exp(v) / sum(map(math.exp, row)) for v in row] for row in logits.tolist()]
    logs = [
        -math.log(sum(a * b for a, b in zip(shares[row], shares[other], strict=True)))
        for row, others in enumerate(neighbours.tolist())
        for other in others
    ]
    means = [sum(row[c] for row in shares) / 6 for c in range(4)]
    expected = sum(logs) / 12 + sum(p * math.log(p) for p in means)
    assert float(scan_score(logits, neighbours)) == pytest.approx(expected)


def test_neighbours_are_those_of_a_slow_loop_and_never_the_image_itself() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[7] = rows[3]  # equal images: whichever comes first, it is not the image itself
    found = neighbours_of(rows, 5, clusters=2, include_self=False)
    apart = 1 - rows @ rows.T
    np.fill_diagonal(apart, np.inf)
    expected = np.sort(apart, axis=1)[:, :5]
    np.testing.assert_allclose(np.take_along_axis(apart, found, axis=1), expected, atol=1e-6)
    assert all(len(set(row)) == 5 for row in found.tolist())
    assert found[7][0] == 3 and found[3][0] == 7
    with_self = neighbours_of(rows, 5, clusters=2, include_self=True)
    assert (with_self[:, 0] == np.arange(40)).all() and (with_self[:, 1:] == found).all()


@pytest.mark.parametrize(("images", "k"), [(2, 1), (8, 1), (50, 2), (400, 20), (1000, 20)])
def test_of_few_images_neighbours_are_at_most_half_of_a_cluster(images: int, k: int) -> None:
    assert fitting(20, images, clusters=10) == k


def rows_by_image(count: int) -> np.ndarray:
    """Unit rows in two far apart places, even images in the one and odd ones in the other."""
    rows = np.random.default_rng(1).normal(size=(count, 4)) * 0.1
    rows[::2, 0] += 1
    rows[1::2, 1] += 1
    unit: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def cluster_method(**options: Any) -> ScanCluster:
    return ScanCluster(small_encoder(), ScanConfig(**{"clusters": 2, "neighbours": 4, **options}))


def test_neighbours_are_those_of_what_the_stage_before_holds_to_be_alike() -> None:
    """Of a projection that sees nothing but the colour red, whatever the encoder sees."""

    class Reds(Rotnet):
        def alike_rows(self, images: Tensor) -> Tensor:
            angle = images[:, 0].mean(dim=(1, 2)) * 3
            return torch.stack([angle.cos(), angle.sin()], dim=1)

    images = torch.rand(60, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 0.1
    red = torch.linspace(0, 0.9, 60)[torch.randperm(60, generator=torch.Generator().manual_seed(3))]
    images[:, 0] += red[:, None, None]

    def embed_all(rows_of: RowsOf, viewed: bool = False, only: np.ndarray | None = None) -> np.ndarray:
        with torch.no_grad():
            return rows_of(images if only is None else images[only]).numpy()

    method = cluster_method(held_out=0.0, fit_heads=False)
    method.follow(Reds(small_encoder(), Rotnet.Config()))
    method.begin(60)
    method.start_epoch(0, embed_all, np.random.default_rng(0))

    apart = np.abs(np.subtract.outer(*[images[:, 0].mean(dim=(1, 2)).numpy()] * 2)) + 9 * np.eye(60)
    expected = np.sort(np.argsort(apart, axis=1)[:, :4], axis=1)
    assert (np.sort(method.neighbours.numpy(), axis=1) == expected).all()


def test_anchors_and_neighbours_take_turns_and_held_out_images_stay_out() -> None:
    method = cluster_method(held_out=0.25, fit_heads=False)
    torch.manual_seed(0)
    method.begin(100)
    rows = rows_by_image(100)
    order = method.start_epoch(0, lambda *_, **__: rows, np.random.default_rng(0))
    assert order is not None and len(order) == method.rows_in_epoch(100) == 150
    anchors, partners = order[0::2], order[1::2]
    learnt, judged = method.learnt.tolist(), method.judged.tolist()
    assert sorted(anchors) == learnt and set(partners) <= set(learnt)
    assert len(judged) == 25 and not set(judged) & set(order.tolist())
    assert (anchors % 2 == partners % 2).all() and (anchors != partners).all()
    faithful = cluster_method(faithful=True)
    faithful.begin(100)
    assert len(faithful.learnt) == len(faithful.judged) == 100
    order = faithful.start_epoch(0, lambda *_, **__: rows, np.random.default_rng(0))
    assert order is not None and (order[0::2] == order[1::2]).any()


def test_heads_are_learnt_on_embeddings_of_the_images_that_are_trained_on_before_the_first_step() -> None:
    method = cluster_method(held_out=0.25)
    torch.manual_seed(0)
    method.begin(100)
    encoder = {name: value.clone() for name, value in method.encoder.state_dict().items()}
    rows = np.tile(rows_by_image(100), (1, 16))[:, : method.encoder.dim]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_all(
        rows_of: RowsOf | None = None, viewed: bool = False, only: np.ndarray | None = None
    ) -> np.ndarray:
        return rows if only is None else rows[only]

    method.start_epoch(0, embed_all, np.random.default_rng(0))
    shares = method.heads[0](torch.from_numpy(rows)).detach().softmax(1)
    assert (shares.max(1).values > 0.9).all()
    assert len(set(shares.argmax(1)[0::2].tolist())) == len(set(shares.argmax(1)[1::2].tolist())) == 1
    assert all(torch.equal(value, encoder[name]) for name, value in method.encoder.state_dict().items())


def test_best_state_and_head_are_kept_and_put_in_place() -> None:
    """Of three states the second agrees best with its neighbours, by its second head."""
    method = cluster_method(heads=2, fit_heads=False)
    method.begin(8)
    rows = rows_by_image(8)
    method.start_epoch(0, lambda *_, **__: rows, np.random.default_rng(0))
    good = 20 * np.eye(2, dtype=np.float32)[np.arange(8) % 2]
    weak, now = np.zeros((8, 2, 2), np.float32), {"logits": np.zeros((8, 2, 2), np.float32)}

    def embed_all(
        rows_of: RowsOf | None = None, viewed: bool = False, only: np.ndarray | None = None
    ) -> np.ndarray:
        return now["logits"]

    states = []
    for number in (1, 2, 3):
        with torch.no_grad():
            for weight in method.parameters():
                weight.add_(1.0)
        states.append({name: value.clone() for name, value in method.state_dict().items() if "." in name})
        now["logits"] = weak if number != 2 else np.stack([weak[:, 0], good], axis=1)
        if number < 3:
            method.start_epoch(number, embed_all, np.random.default_rng(number))
    method.conclude(embed_all)
    encoder = method.encoder
    assert encoder.clusters is not None
    assert torch.equal(encoder.clusters.weight, states[1]["heads.1.weight"])
    for name, value in encoder.state_dict().items():
        if not name.startswith("clusters."):
            assert torch.equal(value, states[1][f"encoder.{name}"]), name
    assert all(weight.requires_grad for weight in encoder.parameters())


def test_views_are_strong_or_simclrs() -> None:
    assert isinstance(cluster_method().view_transform(32), StrongViews)
    assert cluster_method(views_like="simclr").view_transform(32) == SimclrViews(32)


def test_head_alone_leaves_the_encoder_as_it_is() -> None:
    method = cluster_method(head_only=True).train()
    method.begin(8)
    before = {name: value.clone() for name, value in method.encoder.state_dict().items()}
    views = torch.rand(8, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    sum(method.loss(Batch(torch.arange(8), views)).values()).backward()  # type: ignore[union-attr]
    assert all(torch.equal(value, before[name]) for name, value in method.encoder.state_dict().items())
    trained = method.parameter_groups(1.0)[0]["params"]
    assert [id(weight) for weight in trained] == [id(weight) for weight in method.heads.parameters()]
    assert all(weight.grad is not None for weight in trained)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"clusters": 1}, "clusters"),
        ({"neighbours": 0}, "neighbours"),
        ({"threshold": 1.0}, "threshold"),
        ({"stages": "cluster,pretext"}, "stages"),
        ({"stages": ""}, "stages"),
        ({"stages": "pretext,selflabel"}, "a pretext makes none"),
        ({"pretext_images": 1}, "pretext_images"),
        ({"cluster_images": 3}, "cluster_images"),
        ({"selflabel_images": 1}, "selflabel_images"),
        ({"views_like": "weak"}, "views_like"),
        ({"cluster_epochs": -1}, "cluster_epochs"),
        ({"held_out": math.nan}, "held_out"),
    ],
)
def test_settings_that_can_t_be_are_refused_by_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        ScanConfig(**options)


@pytest.mark.parametrize(
    ("options", "optimiser", "lr", "images", "epochs"),
    [
        ({"clusters": 10}, "adam", 1e-4, 256, 50),
        ({"clusters": 20}, "adam", 1e-4, 1024, 100),
        ({"clusters": 50, "head_only": True}, "sgd", 5.0, 1024, 100),
        ({"clusters": 200, "head_only": True}, "sgd", 5.0, 2048, 100),
    ],
)
def test_faithful_recipe_of_clusters_is_that_of_the_set(
    options: dict[str, Any], optimiser: str, lr: float, images: int, epochs: int
) -> None:
    recipe = ScanCluster.recipe_of(ScanConfig(faithful=True, **options))
    assert (recipe.optimiser, recipe.lr) == (optimiser, lr)
    assert (recipe.images_per_step, recipe.epochs) == (images, epochs)  # partners included
    mended = ScanCluster.recipe_of(ScanConfig(**options))
    assert (mended.optimiser, mended.images_per_step, mended.epochs) == ("adam", 256, None)
    assert mended.lr == (1e-3 if options.get("head_only") else 1e-4)


def test_more_clusters_than_pairs_of_images_are_warned_of_with_a_number_that_fits() -> None:
    for images, warning in ((7, "4 clusters of 7 images hardly hold two each: --set clusters=2"), (8, "")):
        method = cluster_method(clusters=4)
        method.begin(images)
        assert method.warning == warning


def test_stages_are_those_wanted_and_the_pretext_has_its_own_settings() -> None:
    config = ScanConfig(pretext_set="temperature=0.3", pretext_epochs=7, selflabel_lr=0.5, faithful=True)
    pretext, cluster, selflabel = Scan.stages(config)
    assert [stage.name for stage in (pretext, cluster, selflabel)] == ["pretext", "cluster", "selflabel"]
    assert pretext.config.temperature == 0.3 and pretext.config.faithful and pretext.epochs == 7
    assert (cluster.epochs, cluster.lr, selflabel.lr) == (None, None, 0.5)
    assert cluster.kind.recipe_of(config).epochs == 50
    (alone,) = Scan.stages(ScanConfig(stages="cluster"))
    assert alone.name == "cluster" and Scan.takes_head(ScanConfig(stages="cluster"), "linear_tanh")
    with pytest.raises(UsageError, match="pretext"):
        Scan.stages(ScanConfig(pretext="scan"))
    with pytest.raises(UsageError, match="no training method named"):
        Scan.stages(ScanConfig(pretext="none of that name"))
