"""UDML-SS as a method: what it clusters and when, what it turns, its two forms, a run that goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from broken_runs import states_are_equal, trained, unbroken_and_resumed
from training_examples import CPU, picture_folder, pixels_of

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods.method import Batch
from augnet_cli.training.methods.udml_ss import UdmlSs, UdmlSsConfig, mirrored
from augnet_cli.training.multi_similarity import multi_similarity
from augnet_cli.training.pixels import PixelCache
from augnet_cli.training.schedule import constant

IMAGES = 12


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return pixels_of(picture_folder(tmp_path_factory.mktemp("udml") / "photos", IMAGES, width=32, height=32))


def udml_ss(images: int = IMAGES, **options: Any) -> UdmlSs:
    torch.manual_seed(0)
    method = UdmlSs(Encoder(EncoderSpec(size=32, dim=16, head="linear")), UdmlSsConfig(**options))
    method.begin(images)
    return method


class Passes:
    """Stands for the pass over all images: notes how it was asked for, and gives rows of four heaps."""

    def __init__(self) -> None:
        self.viewed: list[bool] = []
        self.widths: list[int] = []

    def __call__(self, rows_of: Any, viewed: bool = False) -> np.ndarray:
        with torch.no_grad():
            width = rows_of(torch.rand(2, 3, 32, 32)).shape[1]
        self.viewed.append(viewed)
        self.widths.append(width)
        rng = np.random.default_rng(len(self.widths))
        heaps = 3 * np.eye(4, width)[np.arange(IMAGES) % 4] + rng.normal(0, 0.05, (IMAGES, width))
        return heaps.astype(np.float32)


@pytest.mark.parametrize("faithful", [False, True])
def test_clusters_are_renewed_every_few_epochs_and_go_on_from_their_centres(faithful: bool) -> None:
    method, passes = udml_ss(clusters=4, instances=3, refresh=2, faithful=faithful).eval(), Passes()
    labels = []
    for epoch in range(7):
        order = method.start_epoch(epoch, passes, np.random.default_rng(epoch))
        labels.append(method.labels.tolist())
        turns = method.labels.numpy()[order].reshape(4, 3)
        assert (turns == turns[:, :1]).all() and len(set(turns[:, 0])) == 4
        assert len(order) == method.rows_in_epoch(IMAGES)
    # Pooled features first, embeddings ever after; whole pictures, or views as published.
    assert passes.widths == [method.encoder.width, 16, 16, 16] and passes.viewed == [faithful] * 4
    assert labels[0] == labels[1] and labels[2] == labels[3] == labels[4] == labels[6]
    assert method.has_centres and method.centres.any()


def test_there_are_no_more_clusters_than_the_folder_can_carry() -> None:
    config = UdmlSsConfig()
    assert [config.clusters_of(images) for images in (2, 12, 50, 499, 500, 6000)] == [2, 2, 10, 99, 100, 100]


def batch_of(method: UdmlSs, rows: int = 10) -> Batch:
    views = torch.rand(rows, method.views, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return Batch(torch.arange(rows), views)


def test_pair_term_is_the_loss_of_unit_rows_and_pseudo_classes() -> None:
    method = udml_ss().eval()
    method.labels.copy_(torch.arange(IMAGES) // 3)
    batch = batch_of(method)
    with torch.no_grad():
        unit = method.encoder.unit_rows(batch.views[:, 0])
        expected = multi_similarity(unit @ unit.T, torch.arange(10) // 3)
        terms = method.loss(batch)
    torch.testing.assert_close(terms["pair"], expected)
    assert terms.keys() == {"pair", "rotation"}


def test_turns_are_told_of_a_few_images_each_in_all_four() -> None:
    method, seen = udml_ss(rotated=4).eval(), []
    handle = method.turns_head.register_forward_hook(lambda _m, inputs, output: seen.append(output))
    with torch.no_grad():
        terms = method.loss(batch_of(method))
        images = batch_of(method).views[:4, 0]
        by_hand = [method.turns_head(method.encoder.pooled(torch.rot90(images, n, (2, 3)))) for n in range(4)]
    handle.remove()
    torch.testing.assert_close(seen[0], torch.cat(by_hand), rtol=1e-4, atol=1e-5)
    logits = torch.stack(by_hand)
    named = torch.stack([-logits[n].log_softmax(1)[:, n] for n in range(4)]).mean()
    torch.testing.assert_close(terms["rotation"], 0.1 * named, rtol=1e-4, atol=1e-5)


def test_turned_images_are_drawn_anew_in_each_step_and_counted_as_often_as_drawn() -> None:
    method = udml_ss(rotated=16).train()
    drawn, counts = zip(*(method._drawn(10, CPU) for _ in range(3)), strict=True)
    assert all(count.sum() == 16 for count in counts)
    assert all(
        torch.equal(each, count.nonzero().squeeze(1)) for each, count in zip(drawn, counts, strict=True)
    )
    assert not torch.equal(counts[0], counts[1])


def test_turned_first_mirrored_last_leaves_two_labels_for_one_picture() -> None:
    images = torch.rand(1, 3, 4, 4)
    turned = torch.rot90(images, 1, (2, 3))
    # The reason for turning last: seen in a mirror, a quarter turn is three quarters of the mirror image.
    torch.testing.assert_close(turned.flip(3), torch.rot90(images.flip(3), 3, (2, 3)))
    coins = torch.tensor([0.2, 0.7])
    assert torch.equal(mirrored(images.repeat(2, 1, 1, 1), coins), torch.cat([images.flip(3), images]))


def test_published_form_crops_each_turn_for_itself_and_bounds_its_logits() -> None:
    method = udml_ss(faithful=True).train()
    assert method.views == 4 and method.view_transform(32).flip == 0
    assert udml_ss().views == 1 and udml_ss().view_transform(32).flip == 0.5
    recipe = UdmlSs.recipe_of(method.config)
    assert (recipe.optimiser, recipe.lr, recipe.weight_decay) == ("adam", 1e-5, 5e-4)
    assert (recipe.images_per_step, recipe.epochs) == (80, 600) and recipe.rate is constant
    groups = method.parameter_groups(3e-5)
    assert [group["lr"] for group in groups] == [3e-5, 1e-5]
    assert [group["lr"] for group in udml_ss().parameter_groups(3e-5)] == [3e-5, 3e-5]
    with torch.no_grad():
        logits = method.turns_head(torch.randn(50, method.encoder.width))
    assert (logits >= 0).all() and (logits == 0).any()
    assert method.config.self_by_value
    views = batch_of(method, 2).views
    for _ in range(5):
        copies = method._turned_and_mirrored(views)
        for turn in range(4):
            plain = torch.rot90(views[:, turn], turn, (2, 3))
            for got, one in zip(copies[turn], plain, strict=True):
                assert torch.equal(got, one) or torch.equal(got, one.flip(2))


def test_without_weight_no_turns_are_told() -> None:
    method = udml_ss(rotation=0.0)
    assert method.loss(batch_of(method)).keys() == {"pair"} and len(method.parameter_groups(1.0)) == 1


def test_frozen_norms_stay_as_they_came() -> None:
    for frozen in (True, False):
        method = udml_ss(freeze_norms=frozen).train()
        before = [norm.running_mean.clone() for norm in norms_of(method)]
        method.loss(batch_of(method))
        after = [norm.running_mean for norm in norms_of(method)]
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)) is frozen


def norms_of(method: UdmlSs) -> list[Any]:
    return [each for each in method.encoder.modules() if isinstance(each, torch.nn.BatchNorm2d)]


def test_a_run_that_goes_on_ends_as_an_unbroken_one_with_its_clusters_and_turns(
    pixels: PixelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> UdmlSs:
        return udml_ss(clusters=4, instances=3, refresh=1, rotated=4)

    # Twelve rows are two steps: it breaks off in the second one of the second epoch.
    unbroken, resumed = unbroken_and_resumed(make, pixels, tmp_path, 4, monkeypatch)
    assert unbroken.has_centres and states_are_equal(unbroken, resumed)


def test_published_form_takes_steps_too(pixels: PixelCache, tmp_path: Path) -> None:
    method = udml_ss(faithful=True, clusters=4, instances=3, refresh=1)
    before = {key: value.clone() for key, value in method.named_parameters()}
    trained(method, pixels, tmp_path / "run", epochs=2)
    # Of the last layer, whose ReLU may be shut for all, weight decay alone moves the weights.
    assert all(not torch.equal(value, before[key]) for key, value in method.named_parameters())
    assert method.has_centres


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"clusters": 1}, "clusters"),
        ({"instances": 1}, "instances"),
        ({"refresh": 0}, "refresh"),
        ({"alpha": 0.0}, "alpha"),
        ({"rotation": -1.0}, "rotation"),
        ({"cluster_view": "centre"}, "cluster_view"),
    ],
)
def test_impossible_settings_are_refused_with_one_that_works(options: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError) as told:
        UdmlSsConfig(**options)
    assert word in told.value.what
