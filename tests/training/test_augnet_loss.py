"""AugNet's losses against published values and against double loops written from the formulas."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods.augnet import (
    AugNet,
    AugNetConfig,
    centre_distances,
    centroid_contrast,
    centroid_softmax,
)
from augnet_cli.training.methods.method import Batch
from augnet_cli.training.schedule import constant

GRID = list(itertools.product((2, 3, 7), (2, 3, 5), (1, 4, 33)))


def golden_rows() -> torch.Tensor:
    """X[i, j] = sin(1 + 3 i + 7 j), 12 x 5, as 4 images x 3 views x 5."""
    rows = [[math.sin(1 + 3 * i + 7 * j) for j in range(5)] for i in range(12)]
    return torch.tensor(rows, dtype=torch.float64).view(4, 3, 5)


def random_rows(images: int, views: int, dim: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.tanh(torch.randn(images, views, dim, generator=generator, dtype=torch.float64))


def slow_distances(rows: torch.Tensor) -> list[list[list[float]]]:
    """d[i][m][k]: view m of image i to the centre of image k, number by number."""
    images, views, dim = rows.shape
    value = rows.tolist()
    table = []
    for i, m in itertools.product(range(images), range(views)):
        row = []
        for k in range(images):
            centre = [sum(member[j] for member in value[k]) / views for j in range(dim)]
            row.append(math.dist(value[i][m], centre))
        table.append(row)
    return [table[i * views : (i + 1) * views] for i in range(images)]


def slow_contrast(distances: list[list[list[float]]]) -> float:
    images, views = len(distances), len(distances[0])
    total = 0.0
    for i, m in itertools.product(range(images), range(views)):
        others = [distances[i][m][k] for k in range(images) if k != i]
        total += distances[i][m][i] - min(others)
    return total / (images * views)


def slow_softmax(distances: list[list[list[float]]], temperature: float) -> float:
    images, views = len(distances), len(distances[0])
    total = 0.0
    for i, m in itertools.product(range(images), range(views)):
        weights = [math.exp(-distance / temperature) for distance in distances[i][m]]
        total -= math.log(weights[i] / sum(weights))
    return total / (images * views)


def test_contrast_has_the_value_of_the_published_code() -> None:
    value = centroid_contrast(centre_distances(golden_rows()))
    assert float(value) == pytest.approx(0.13269713239330008, rel=1e-13)


def test_softmax_has_the_value_of_the_published_code() -> None:
    value = centroid_softmax(centre_distances(golden_rows()))
    assert float(value) == pytest.approx(1.2778743671612671, rel=1e-13)


@pytest.mark.parametrize(("images", "views", "dim"), GRID)
def test_losses_agree_with_a_double_loop(images: int, views: int, dim: int) -> None:
    rows = random_rows(images, views, dim)
    fast = centre_distances(rows)
    slow = slow_distances(rows)
    assert fast.shape == (images, views, images)
    # With two views the two ways to the sister cancel differently: a few units of rounding.
    torch.testing.assert_close(fast, torch.tensor(slow, dtype=torch.float64), rtol=1e-12, atol=1e-13)
    assert float(centroid_contrast(fast)) == pytest.approx(slow_contrast(slow), rel=1e-11, abs=1e-13)
    assert float(centroid_softmax(fast, 0.5)) == pytest.approx(slow_softmax(slow, 0.5), rel=1e-11)


@pytest.mark.parametrize("views", [2, 4])
def test_coinciding_embeddings_cost_nothing_and_have_a_finite_gradient(views: int) -> None:
    point = torch.tanh(torch.randn(128, generator=torch.Generator().manual_seed(3)))
    rows = point.expand(6, views, 128).clone().requires_grad_()
    loss = centroid_contrast(centre_distances(rows))
    # In float32 the rounding of the mean of equal numbers is all that is left.
    assert abs(float(loss.detach())) < 1e-5
    loss.backward()
    assert rows.grad is not None and torch.isfinite(rows.grad).all()


def test_softmax_at_coinciding_embeddings_is_the_log_of_the_number_of_images() -> None:
    rows = torch.full((6, 3, 8), 0.25, requires_grad=True)
    loss = centroid_softmax(centre_distances(rows))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(math.log(6), rel=1e-6)
    assert rows.grad is not None and torch.isfinite(rows.grad).all()


def test_order_of_images_and_of_views_changes_nothing() -> None:
    rows = random_rows(6, 4, 9)
    shuffled = rows[torch.randperm(6)][:, torch.randperm(4)]
    for loss in (centroid_contrast, centroid_softmax):
        before = float(loss(centre_distances(rows)))
        after = float(loss(centre_distances(shuffled)))
        assert after == pytest.approx(before, rel=1e-12)


def test_gradient_agrees_with_finite_differences() -> None:
    rows = random_rows(3, 2, 4).requires_grad_()

    def loss(values: torch.Tensor) -> torch.Tensor:
        return centroid_softmax(centre_distances(values), 0.3)

    assert torch.autograd.gradcheck(loss, (rows,))


def test_small_distances_keep_their_digits_in_float32() -> None:
    """The expanded square would round 1e-4 away next to embeddings of length 10."""
    base = torch.full((2, 1, 128), 0.9)
    rows = base + 1e-5 * torch.randn(2, 2, 128, generator=torch.Generator().manual_seed(1))
    exact = centre_distances(rows.double())
    torch.testing.assert_close(centre_distances(rows).double(), exact, rtol=1e-2, atol=1e-7)


def method_of(**options: object) -> AugNet:
    torch.manual_seed(0)
    config = AugNetConfig(**options)  # type: ignore[arg-type]
    return AugNet(
        Encoder(EncoderSpec("resnet18_slim", 32, 0 if config.faithful else 16, AugNet.head(config))), config
    )


def batch_of(views: int) -> Batch:
    pictures = torch.rand(4, views, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    return Batch(torch.arange(4), pictures)


def test_terms_are_those_of_the_embeddings_of_all_views() -> None:
    method = method_of(views=3, unit=True).eval()
    batch = batch_of(3)
    terms = method.loss(batch)
    rows = torch.stack([method.encoder(batch.views[:, view]) for view in range(3)], dim=1)
    unit = functional.normalize(rows, dim=2)
    assert terms.keys() == {"centre"}
    torch.testing.assert_close(
        terms["centre"], centroid_contrast(centre_distances(unit)), rtol=1e-4, atol=1e-6
    )


def test_distances_are_not_computed_in_bf16_under_autocast() -> None:
    """In bf16 a distance of 0.001 between unit vectors would be 0 or 0.004."""
    method = method_of(views=2, unit=True, loss="softmax", temperature=0.07)
    rows = functional.normalize(torch.randn(4, 1, 16) + 0.01 * torch.randn(4, 2, 16), dim=2)
    with torch.autocast("cpu", torch.bfloat16):

        class Fixed(torch.nn.Module):
            def forward(self, _: torch.Tensor) -> torch.Tensor:
                return rows.flatten(0, 1)

        method.encoder = Fixed()  # type: ignore[assignment]
        terms = method.loss(batch_of(2))
    distances = centre_distances(rows)
    torch.testing.assert_close(terms["centre"], centroid_softmax(distances, 0.07), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"loss": "hinge"}, "loss"),
        ({"views_like": "films"}, "views_like"),
        ({"views": 1}, "views"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"flip": 1.5}, "flip"),
        ({"resolution_jitter": -1.0}, "resolution_jitter"),
        ({"faithful": True, "unit": True}, "unit"),
        ({"faithful": True, "views_like": "copies"}, "views_like"),
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(options: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        AugNetConfig(**options)  # type: ignore[arg-type]


def test_faithful_sets_every_switch_back() -> None:
    method = method_of(faithful=True)
    assert method.encoder.spec.head == "tanh"
    assert method.scalar_norm and method.recipe.rate is constant
    views = method.view_transform(32)
    assert (views.flip, views.resolution_jitter) == (0.5, 0.7)  # type: ignore[attr-defined]
    assert method.views == 4 and method.config.loss == "contrast" and not method.config.unit


def test_switches_act_one_at_a_time() -> None:
    assert AugNet.head(AugNetConfig()) == "linear_tanh"
    assert AugNet.head(AugNetConfig(linear=False)) == "tanh"
    assert method_of().recipe.rate is not constant and method_of(constant_rate=True).recipe.rate is constant
    assert not method_of().scalar_norm and method_of(scalar_norm=True).scalar_norm
    views = method_of(flip=0.1, resolution_jitter=0.2).view_transform(32)
    assert (views.flip, views.resolution_jitter) == (0.1, 0.2)  # type: ignore[attr-defined]
