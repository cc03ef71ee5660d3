"""CBSwR as a method: who is whose partner, which cluster a row is of, what is drawn, its two forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from broken_runs import states_are_equal, unbroken_and_resumed
from torch.nn import functional
from training_examples import picture_folder, pixels_of

from augnet_cli.errors import UsageError
from augnet_cli.training.centre_softmax import centre_softmax, instance_spreading, mutual_information
from augnet_cli.training.crop_views import CropViews
from augnet_cli.training.decoder import Decoder
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods.cbswr import Cbswr, CbswrConfig, means_of, nearest_others
from augnet_cli.training.methods.method import Batch
from augnet_cli.training.settings import TrainSettings
from augnet_cli.training.simclr_views import SimclrViews
from augnet_cli.training.window_views import WindowViews


def cbswr(**options: Any) -> Cbswr:
    torch.manual_seed(0)
    method = Cbswr(Encoder(EncoderSpec(size=32, dim=16, head="linear")), CbswrConfig(**options))
    method.begin(20)
    return method


def batch_of(rows: int = 8) -> Batch:
    views = torch.rand(rows, 1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return Batch(torch.arange(rows), views)


def some_rows(rows_of: Any, viewed: bool = False) -> np.ndarray:
    rows = np.random.default_rng(4).normal(size=(20, 6)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_partner_is_the_image_or_its_nearest_other_one_by_a_coin() -> None:
    method, rows = cbswr(), some_rows(None)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=2) + 9 * np.eye(20)
    nearest = apart.argmin(1)
    seen = [method.start_epoch(epoch, some_rows, np.random.default_rng(epoch)) for epoch in range(20)]
    own = 0
    for order in seen:
        anchors, partners = order[0::2], order[1::2]
        assert sorted(anchors) == list(range(20)) and len(order) == method.rows_in_epoch(20)
        assert ((partners == anchors) | (partners == nearest[anchors])).all()
        own += np.count_nonzero(partners == anchors)
    assert 150 < own < 250 and not np.array_equal(seen[0], seen[1])


def test_nearest_ones_are_those_of_pooled_features_at_unit_length() -> None:
    method, images = cbswr(), torch.rand(12, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    seen: list[np.ndarray] = []

    def embed_all(rows_of: Any, viewed: bool = False) -> np.ndarray:
        with torch.no_grad():
            seen.append(rows_of(images).numpy())
        return seen[-1]

    method.eval().start_epoch(0, embed_all, np.random.default_rng(0))

    with torch.no_grad():
        pooled = method.encoder.pooled(images).double().numpy()
    np.testing.assert_allclose(seen[0], pooled / np.linalg.norm(pooled, axis=1, keepdims=True), atol=1e-6)


def test_partner_may_always_be_the_image_itself_and_then_nothing_is_embedded() -> None:
    def nobody(rows_of: Any, viewed: bool = False) -> np.ndarray:
        raise AssertionError("a pass over the data that nobody needs")

    order = cbswr(partners="self").start_epoch(0, nobody, np.random.default_rng(0))
    assert np.array_equal(order[0::2], order[1::2]) and sorted(order[0::2]) == list(range(20))


def test_nearest_others_are_found_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some_rows(None)
    whole = nearest_others(rows)
    monkeypatch.setattr("augnet_cli.training.methods.cbswr.ROWS_AT_ONCE", 7)
    assert np.array_equal(nearest_others(rows), whole) and (whole != np.arange(20)).all()


def test_views_are_those_of_the_setting_mirrored_as_often_as_it_says() -> None:
    assert cbswr().view_transform(32) == SimclrViews(32, flip=0.5)
    assert cbswr(faithful=True).view_transform(32) == WindowViews(32, flip=0.75)
    assert cbswr(faithful=True, loss="instance_spreading").view_transform(32) == WindowViews(32, flip=0.5)
    assert cbswr(views_like="crop", flip=0.75).view_transform(32) == CropViews(32, min_area=0.16, flip=0.75)


def test_steps_never_part_a_pair() -> None:
    assert TrainSettings(images_per_step=9, together=cbswr().recipe.together).batch_of(100) == 8
    assert TrainSettings(images_per_step=11, parts=2, together=cbswr().recipe.together).batch_of(100) == 8


def test_terms_are_the_losses_of_clusters_that_the_layer_assigns() -> None:
    method, batch = cbswr(clusters=4).eval(), batch_of()
    with torch.no_grad():
        maps = method.encoder.features(batch.views[:, 0])
        unit = method.encoder.unit_rows(batch.views[:, 0])
        logits = method.cluster_head(unit)
        chosen = logits[0::2].argmax(1).repeat_interleave(2)
        present = sorted(set(chosen.tolist()))
        means = torch.stack([maps[chosen == cluster].mean(0) for cluster in present])
        centres = functional.normalize(method.encoder.embedding(means.mean((2, 3))), dim=1)
        numbers = torch.tensor([present.index(cluster) for cluster in chosen.tolist()])
        drawn = method.decoder(means)[numbers]
        terms = method.loss(batch)
    partner = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6])
    torch.testing.assert_close(terms["metric"], 0.9 * centre_softmax(unit, partner, centres, numbers))
    torch.testing.assert_close(terms["information"], 0.3 * mutual_information(logits))
    error = (drawn - batch.views[:, 0]).square().mean()
    torch.testing.assert_close(terms["reconstruction"], 0.001 * error)


def test_layer_assigns_at_rest_and_learns_at_work() -> None:
    at_rest, at_work = (cbswr(clusters=8, assign_in_training=at_work).train() for at_work in (False, True))
    unit = functional.normalize(torch.randn(64, 16, generator=torch.Generator().manual_seed(2)), dim=1)
    for method, is_random in ((at_rest, False), (at_work, True)):
        seen = {tuple(method._assigned(unit)[1].tolist()) for _ in range(3)}
        assert (len(seen) > 1) is is_random
        logits = [method._assigned(unit)[0] for _ in range(2)]
        assert not torch.equal(*logits) and method.cluster_head.training


def test_published_form_has_logits_of_unit_length_and_the_published_optimiser() -> None:
    method = cbswr(faithful=True).eval()
    unit = functional.normalize(torch.randn(6, 16), dim=1)
    torch.testing.assert_close(method._assigned(unit)[0].norm(dim=1), torch.ones(6))
    recipe = Cbswr.recipe_of(method.config)
    assert (recipe.optimiser, recipe.lr, recipe.momentum, recipe.weight_decay) == ("sgd", 1e-3, 0, 0)
    assert (recipe.images_per_step, recipe.epochs) == (128, 30)
    ancestor = Cbswr.recipe_of(CbswrConfig(faithful=True, loss="instance_spreading"))
    assert (ancestor.lr, ancestor.epochs, ancestor.momentum, ancestor.weight_decay) == (1e-3, 60, 0.9, 5e-4)
    shares = [ancestor.rate(epoch / 60) for epoch in (0, 19, 20, 39, 40, 59)]
    assert shares == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    config = method.config
    assert config.open_ratio and config.entropy_of_batch and config.centred_target
    assert all(torch.isfinite(term) for term in method.train().loss(batch_of()).values())


def test_a_batch_of_one_cluster_has_finite_terms_and_gradients() -> None:
    for faithful in (False, True):
        method = cbswr(clusters=2, faithful=faithful).train()
        method.cluster_head[2].bias.data.copy_(torch.tensor([1e4, 0.0]))
        terms = method.loss(batch_of())
        assert terms["metric"] == 0
        torch.stack(list(terms.values())).sum().backward()
        assert all(each.grad is not None and each.grad.isfinite().all() for each in method.parameters())


def test_gradient_reaches_the_encoder_through_the_drawing() -> None:
    method = cbswr(metric=0.0, information=0.0).train()
    torch.stack(list(method.loss(batch_of()).values())).sum().backward()
    assert all(each.grad.any() for each in method.encoder.backbone[0].parameters())
    assert not method.encoder.head.weight.grad.any()


def test_ancestor_has_no_clusters_and_draws_nothing() -> None:
    method = cbswr(loss="instance_spreading").eval()
    assert method.cluster_head is None and method.decoder is None
    with torch.no_grad():
        terms = method.loss(batch_of(4))
        unit = method.encoder.unit_rows(batch_of(4).views[:, 0])
    expected = instance_spreading(unit, torch.tensor([1, 0, 3, 2]))
    torch.testing.assert_close(terms, {"spread": expected})


def test_a_run_of_the_published_form_that_goes_on_ends_as_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = pixels_of(picture_folder(tmp_path / "photos", 6, width=32, height=32))

    def make() -> Cbswr:
        return cbswr(faithful=True, clusters=4)

    # Six pairs are two steps: it breaks off in the second one of the second epoch.
    unbroken, resumed = unbroken_and_resumed(make, pixels, tmp_path, 4, monkeypatch)
    assert states_are_equal(unbroken, resumed) and not states_are_equal(unbroken, make())


def test_means_are_those_of_each_clusters_maps() -> None:
    maps, numbers = torch.rand(5, 3, 2, 2), torch.tensor([1, 0, 1, 1, 0])
    means = means_of(maps, numbers)
    torch.testing.assert_close(means[0], maps[[1, 4]].mean(0))
    torch.testing.assert_close(means[1], maps[[0, 2, 3]].mean(0))


@pytest.mark.parametrize(("side", "size"), [(7, 224), (2, 64), (1, 32), (3, 90), (13, 96), (32, 32)])
def test_decoder_draws_from_any_map_a_picture_of_the_encoders_size(side: int, size: int) -> None:
    drawn = Decoder(6, side, size)(torch.rand(1, 6, side, side))
    assert drawn.shape == (1, 3, size, size) and drawn.min() > 0 and drawn.max() < 1


def test_decoder_of_the_papers_network_has_the_papers_blocks() -> None:
    blocks = Decoder(1024, 7, 224).blocks
    convolutions = [layer for layer in blocks if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [128, 64, 32, 16, 16, 3]
    assert [layer.size for layer in blocks if isinstance(layer, torch.nn.Upsample)] == [
        (side, side) for side in (14, 28, 56, 112, 224)
    ]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"loss": "triplet"}, "loss"),
        ({"partners": "all"}, "partners"),
        ({"views_like": "copies"}, "views_like"),
        ({"clusters": 1}, "clusters"),
        ({"temperature": 0.0}, "temperature"),
        ({"mu": -1.0}, "mu"),
        ({"dropout": 1.0}, "dropout"),
        ({"flip": 1.5}, "flip"),
    ],
)
def test_impossible_settings_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError) as told:
        CbswrConfig(**options)
    assert word in told.value.what
