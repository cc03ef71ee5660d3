"""SCAN's self-labelling: the loss, what it does when nothing is sure, the running mean of the weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from test_scan_cluster_loss import waves
from torch import Tensor
from torch.nn import functional
from training_examples import small_encoder

from augnet_cli.errors import TrainingError, UsageError
from augnet_cli.training.methods.method import Batch
from augnet_cli.training.methods.scan_config import ScanConfig
from augnet_cli.training.methods.scan_selflabel import ScanSelfLabel, confident_cross_entropy


@pytest.mark.parametrize(("balance", "expected"), [(True, 2.203275), (False, 2.289505)])
def test_loss_is_that_of_the_published_code(balance: bool, expected: float) -> None:
    rows = waves().float()
    loss, count = confident_cross_entropy(6 * rows[:6], 3 * rows[6:], 0.6, balance)
    assert float(loss) == pytest.approx(expected, abs=1e-6) and int(count) == 5


def test_balanced_loss_is_the_mean_of_the_labels_means() -> None:
    rows = waves(24, 4)
    weak, strong = 9 * rows[:12], rows[12:]
    loss, _ = confident_cross_entropy(weak, strong, 0.7, True)
    sureness, labels = weak.softmax(1).max(1)
    kept = sureness > 0.7
    means = [
        functional.cross_entropy(strong[kept & (labels == c)], labels[kept & (labels == c)])
        for c in labels[kept].unique()
    ]
    assert len(means) > 1 and float(loss) == pytest.approx(float(torch.stack(means).mean()))


def test_gradient_goes_through_the_strong_view_alone_and_is_that_of_finite_differences() -> None:
    weak, strong = (9 * waves(4, 3)).requires_grad_(), waves(8, 3)[4:].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda b: confident_cross_entropy(weak, b, 0.5, True)[0], (strong,))
    loss, _ = confident_cross_entropy(weak, strong, 0.5, True)
    loss.backward()
    assert weak.grad is None and strong.grad is not None


def selflabel_method(**options: Any) -> ScanSelfLabel:
    encoder = small_encoder()
    encoder.add_clusters(3)
    method = ScanSelfLabel(encoder, ScanConfig(clusters=3, **options))
    method.begin(8)
    return method.train()


def batch() -> Batch:
    return Batch(torch.arange(8), torch.rand(8, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1)))


def test_batch_in_which_nothing_is_sure_has_no_loss_or_ends_a_faithful_run() -> None:
    method = selflabel_method()
    (loss,) = method.loss(batch()).values()
    assert float(loss.detach()) == 0
    loss.backward()
    gradients = [weight.grad for weight in method.encoder.parameters() if weight.grad is not None]
    assert gradients and all(not gradient.any() for gradient in gradients)
    with pytest.raises(TrainingError, match="no image of a batch"):
        selflabel_method(faithful=True).loss(batch())
    assert "no image ever had a label of more than 0.99" in method.remark
    method.config = replace(method.config, threshold=0.0)
    method.loss(batch())
    assert int(method.sure) == len(batch().rows) and not method.remark


def test_encoder_without_clusters_is_refused_with_what_makes_some() -> None:
    with pytest.raises(UsageError) as refused:
        ScanSelfLabel(small_encoder(), ScanConfig(stages="selflabel"))
    assert "cluster" in refused.value.hint


def moved(method: ScanSelfLabel) -> list[Tensor]:
    """All weights after a step that adds 1 to each."""
    with torch.no_grad():
        for weight in method.encoder.parameters():
            weight.add_(1.0)
        method.after_step()
    return [weight.detach().clone() for weight in method.encoder.parameters()]


def no_images(*_: Any, **__: Any) -> Any:
    raise AssertionError("nothing is to be looked at")


def test_running_mean_waits_for_the_end() -> None:
    method = selflabel_method(ema=0.75)
    method.to(memory_format=torch.channels_last)
    start = [weight.detach().clone() for weight in method.encoder.parameters()]
    after = moved(method)
    for before, now in zip(start, after, strict=True):
        torch.testing.assert_close(now, before + 1)
    method.conclude(no_images)
    for before, now in zip(start, method.encoder.parameters(), strict=True):
        torch.testing.assert_close(now.detach(), before + 0.25)


def test_faithful_recipe_of_self_labels_is_that_of_the_set() -> None:
    cifar = ScanSelfLabel.recipe_of(ScanConfig(faithful=True))
    assert (cifar.optimiser, cifar.lr, cifar.images_per_step, cifar.epochs) == ("adam", 1e-4, 1000, 200)
    subsets = ScanSelfLabel.recipe_of(ScanConfig(faithful=True, ema=0.999, balance=False))
    assert (subsets.optimiser, subsets.lr, subsets.images_per_step, subsets.epochs) == ("sgd", 0.03, 512, 25)
    assert (subsets.momentum, subsets.weight_decay) == (0.9, 0)


def test_faithful_running_mean_takes_the_weights_place_and_sets_norms_back() -> None:
    method = selflabel_method(ema=0.75, faithful=True, threshold=0.0)
    start = [weight.detach().clone() for weight in method.encoder.parameters()]
    norms = [buffer.clone() for buffer in method.encoder.buffers()]
    method.loss(batch())
    changed = [not torch.equal(a, b) for a, b in zip(norms, method.encoder.buffers(), strict=True)]
    assert any(changed)
    for before, now in zip(start, moved(method), strict=True):
        torch.testing.assert_close(now, before + 0.25)
    assert all(torch.equal(a, b) for a, b in zip(norms, method.encoder.buffers(), strict=True))
