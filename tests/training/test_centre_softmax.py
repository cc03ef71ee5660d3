"""The losses of CBSwR: values of the published code, slow loops, whom the gradient reaches, extremes."""

from __future__ import annotations

import math

import pytest
import torch
from golden_rows import golden_centres, golden_units
from torch import Tensor
from torch.nn import functional

from augnet_cli.training.centre_softmax import (
    centre_softmax,
    instance_spreading,
    log_of_the_others,
    mutual_information,
)

LABELS = torch.tensor([0, 0, 1, 1, 2, 2] * 2)
PARTNER = (torch.arange(12) + 6) % 12


def test_values_are_those_of_the_published_code() -> None:
    rows = golden_units()
    open_ratio = centre_softmax(rows, PARTNER, golden_centres(), LABELS, open_ratio=True)
    assert open_ratio.item() == pytest.approx(-2.6967374106775974, abs=1e-6)
    assert mutual_information(rows, outcomes=12).item() == pytest.approx(0.6298003776297083, abs=1e-6)
    assert instance_spreading(rows, PARTNER).item() == pytest.approx(5.692143699814678, abs=1e-6)


def centre_softmax_by_a_slow_loop(rows: Tensor, centres: Tensor) -> float:
    total = 0.0
    for i in range(12):
        to = [math.exp(float(rows[i] @ centre) / 0.1) for centre in centres]
        positive = math.exp(float(rows[i] @ rows[PARTNER[i]]) / 0.1)
        others = [k for k in range(3) if k != LABELS[i]]
        total += math.log(positive / (positive + sum(to[k] for k in others)))
        total += sum(math.log(1 - to[k] / sum(to)) for k in others)
    return -total / 12


def test_closed_ratio_is_a_share_of_a_whole() -> None:
    rows, centres = golden_units(), golden_centres()
    closed = centre_softmax(rows, PARTNER, centres, LABELS)
    assert closed.item() == pytest.approx(centre_softmax_by_a_slow_loop(rows, centres), abs=1e-9)
    assert closed.item() > 0


@pytest.mark.parametrize("open_ratio", [False, True])
def test_gradient_goes_through_the_row_that_picks_alone(open_ratio: bool) -> None:
    rows, centres = golden_units(), golden_centres().requires_grad_()
    moving = rows.clone().requires_grad_()
    centre_softmax(moving, PARTNER, centres, LABELS, open_ratio=open_ratio).backward()
    assert centres.grad is None

    def of_first(row: Tensor) -> Tensor:
        # What is detached stands still: as partner the first row is what it was.
        to_partner, to_centres = row @ rows[6] / 0.1, row @ golden_centres().T / 0.1
        rivals = to_centres[1:] if open_ratio else torch.cat([to_partner[None], to_centres[1:]])
        not_taken = (1 - to_centres.softmax(0)[1:]).log().sum()
        return -(to_partner - rivals.logsumexp(0) + not_taken) / 12

    alone = rows[0].clone().requires_grad_()
    assert torch.autograd.gradcheck(of_first, (alone,))
    of_first(alone).backward()
    assert moving.grad is not None
    torch.testing.assert_close(moving.grad[0], alone.grad)


def test_gradient_of_instance_spreading_goes_through_the_row_that_picks_alone() -> None:
    rows = golden_units()
    moving = rows.clone().requires_grad_()
    instance_spreading(moving, PARTNER).backward()

    def of_first(row: Tensor) -> Tensor:
        shares = (rows[1:] @ row / 0.1).softmax(0)
        others = torch.cat([shares[:5], shares[6:]])
        return -(shares[5].log() + (1 - others).log().sum()) / 12

    alone = rows[0].clone().requires_grad_()
    assert torch.autograd.gradcheck(of_first, (alone,))
    of_first(alone).backward()
    assert moving.grad is not None
    torch.testing.assert_close(moving.grad[0], alone.grad)


def test_gradient_of_mutual_information_is_that_of_finite_differences() -> None:
    logits = golden_units(6).requires_grad_()
    assert torch.autograd.gradcheck(mutual_information, (logits,))


@pytest.mark.parametrize("open_ratio", [False, True])
def test_a_batch_of_one_cluster_teaches_nothing(open_ratio: bool) -> None:
    rows = golden_units().requires_grad_()
    loss = centre_softmax(rows, PARTNER, golden_centres()[:1], LABELS * 0, open_ratio=open_ratio)
    loss.backward()
    assert loss.item() == 0 and rows.grad is not None and not rows.grad.any()


def test_a_pair_alone_teaches_nothing() -> None:
    assert instance_spreading(golden_units(2), torch.tensor([1, 0])).item() == 0


def test_rows_upon_a_centre_of_another_cluster_cost_much_but_no_infinity() -> None:
    centres = torch.eye(4)
    rows = centres.repeat(2, 1).requires_grad_()
    loss = centre_softmax(rows, torch.arange(8).roll(4), centres, torch.tensor([1, 0, 3, 2] * 2), 0.02)
    loss.backward()
    assert 40 < loss.item() < 200 and rows.grad is not None and rows.grad.isfinite().all()


def test_shares_next_to_one_leave_what_they_leave() -> None:
    logits = torch.tensor([[0.0, 50.0, 1.0], [3.0, 3.0, 3.0]], dtype=torch.float64)
    got = log_of_the_others(logits.float())
    assert got[0, 1].item() == pytest.approx(math.log(1 + math.e) - 50, rel=1e-5)
    torch.testing.assert_close(got[1], torch.full((3,), math.log(2 / 3)))


def test_mutual_information_ranges_from_sure_and_even_to_unsure() -> None:
    sure = 1000.0 * torch.eye(4).repeat(3, 1)
    assert mutual_information(sure).item() == pytest.approx(0, abs=1e-6)
    assert mutual_information(torch.zeros(12, 4)).item() == pytest.approx(1, abs=1e-6)
    assert mutual_information(sure[:1].repeat(12, 1)).item() == pytest.approx(1, abs=1e-6)
    # Unit length leaves the published layer next to no room.
    best = mutual_information(functional.normalize(100 * torch.eye(32).repeat(2, 1), dim=1), outcomes=64)
    assert best.item() > 0.8
