"""Law 8: followers freeze, copy or average by their rule; buffers follow a stated policy; no gradient enters."""

import math

import pytest
import torch
from torch import nn

from gestalt.core.discovery.segmenters import EveryElement
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.follower import (
    AbstractRule,
    CopyEvery,
    Fixed,
    Follower,
    MovingAverage,
    Shared,
    follow_tensors,
)
from gestalt.core.optimization.after_step import AfterStep
from gestalt.core.optimization.progress import Progress
from gestalt.core.optimization.short_runs import never_done
from tests.implementations import ENCODERS, RULES, method_learner, seeded

every_rule = pytest.mark.parametrize("rule", [build() for build in RULES.values()], ids=RULES)


def network() -> Network:
    """With batch normalisation, for its buffers: floating ones and the integer count of batches."""
    encoder = ENCODERS["points"]()
    return Network(encoder, nn.Sequential(nn.Linear(encoder.dim, 4), nn.BatchNorm1d(4)))


def train(online: Network) -> None:
    """Move every parameter and every buffer, as an optimiser's step and a pass would."""
    generator = seeded(7)
    with torch.no_grad():
        for tensor in [*online.parameters(), *online.buffers()]:
            if tensor.is_floating_point():
                tensor.add_(torch.randn(tensor.shape, generator=generator))
            else:
                tensor.add_(3)


@every_rule
def test_a_follower_starts_as_a_copy_of_its_own(rule: AbstractRule) -> None:
    online = network()
    follower = Follower(online, rule)
    for name, tensor in follower.network.state_dict().items():
        assert torch.equal(tensor, online.state_dict()[name])
        assert tensor.data_ptr() != online.state_dict()[name].data_ptr()
    assert all(not parameter.requires_grad for parameter in follower.parameters())


@every_rule
@pytest.mark.parametrize("step", [1, 2, 3, 4, 9, 10])
def test_every_parameter_is_kept_by_the_decay_and_buffers_follow_their_policy(rule: AbstractRule, step: int) -> None:
    online = network()
    follower = Follower(online, rule)
    train(online)
    before = {name: tensor.clone() for name, tensor in follower.network.state_dict().items()}
    progress = Progress(step=step, steps=10, steps_per_epoch=4)
    decay = rule.decay(progress)
    follower.after_step([], progress)
    theirs, ours = online.state_dict(), follower.network.state_dict()
    for name, _ in online.named_parameters():
        torch.testing.assert_close(ours[name], decay * before[name] + (1 - decay) * theirs[name])
    for name, _ in online.named_buffers():
        copied = rule.buffers == "copy" and decay < 1
        assert torch.equal(ours[name], theirs[name] if copied else before[name])


def test_decay_one_freezes_to_the_last_bit() -> None:
    follower = {"w": torch.tensor([0.1, 0.7])}
    follow_tensors(follower, {"w": torch.tensor([3.0, torch.inf])}, decay=1 - 1e-9)
    frozen = Follower(online := network(), MovingAverage(1.0, buffers="copy"))
    before = {name: tensor.clone() for name, tensor in frozen.state_dict().items()}
    train(online)
    frozen.after_step([], Progress(3, 10, 2))
    assert all(torch.equal(tensor, before[name]) for name, tensor in frozen.state_dict().items())


def test_decay_zero_copies_to_the_last_bit() -> None:
    follower = Follower(online := network(), MovingAverage(0.0, schedule="constant", buffers="copy"))
    train(online)
    follower.after_step([], Progress(3, 10, 2))
    theirs = online.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in follower.network.state_dict().items())


@every_rule
def test_no_gradient_enters_a_follower(rule: AbstractRule) -> None:
    online = network()
    follower = Follower(online, rule)
    rows = torch.randn(5, 6, generator=seeded())
    loss = (follower.network.projector(rows) * online.projector(rows)).sum()
    loss.backward()
    assert all(parameter.grad is None for parameter in follower.parameters())
    assert all(parameter.grad is not None for parameter in online.projector.parameters())


@every_rule
def test_a_follower_saves_its_copy_and_not_the_online_network(rule: AbstractRule) -> None:
    online = network()
    follower = Follower(online, rule)
    assert len(follower.state_dict()) == len(online.state_dict())
    train(online)
    follower.after_step([], Progress(4, 10, 4))
    fresh = Follower(network(), rule)
    fresh.load_state_dict(follower.state_dict())
    for ours, theirs in zip(fresh.network.state_dict().values(), follower.network.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_shared_network_is_held_elsewhere_and_adds_nothing_to_what_holds_it() -> None:
    online = network()
    segmenter = EveryElement(source := Shared(online))
    assert source.network is online
    assert segmenter.state_dict() == {}
    assert list(segmenter.parameters()) == []
    assert not isinstance(source, AfterStep)


def test_a_fixed_network_is_saved_and_never_trained() -> None:
    fixed, before = Fixed(network()), network().state_dict()
    assert fixed.state_dict().keys() == {f"network.{name}" for name in before}
    assert all(not parameter.requires_grad for parameter in fixed.parameters())
    assert not isinstance(fixed, AfterStep)


@every_rule
def test_the_policy_of_buffers_may_be_another_than_the_rules(rule: AbstractRule) -> None:
    for policy in ("own", "copy"):
        follower = Follower(online := network(), rule, buffers=policy)
        before = {name: tensor.clone() for name, tensor in follower.network.named_buffers()}
        train(online)
        follower.after_step([], Progress(4, 10, 4))
        for name, tensor in online.named_buffers():
            copied = policy == "copy"
            assert torch.equal(dict(follower.network.named_buffers())[name], tensor if copied else before[name])


def test_networks_that_no_longer_match_are_refused_by_name() -> None:
    online = network()
    follower = Follower(online, MovingAverage(0.5))
    online.projector = nn.Linear(6, 3)
    with pytest.raises(ValueError, match=r"same names and shapes, they differ in .*projector"):
        follower.after_step([], Progress(1, 10, 1))


@pytest.mark.parametrize("step", [0, 1, 37, 99, 100, 150])
def test_the_rising_decay_is_the_formula_of_byol(step: int) -> None:
    fraction = min(step / 100, 1)
    expected = 1 - (1 - 0.99) * (math.cos(math.pi * fraction) + 1) / 2
    assert MovingAverage(0.99).decay(Progress(step, 100, 10)) == pytest.approx(expected, abs=1e-12)
    assert MovingAverage(0.99, schedule="constant").decay(Progress(step, 100, 10)) == 0.99


def test_copies_come_at_the_end_of_every_period_and_at_no_other_step() -> None:
    steps = range(1, 13)
    by_steps = [CopyEvery(3, "steps").decay(Progress(step, 100, 5)) for step in steps]
    assert [step for step, decay in zip(steps, by_steps, strict=True) if decay == 0] == [3, 6, 9, 12]
    by_epochs = [CopyEvery(2).decay(Progress(step, 100, 5)) for step in steps]
    assert [step for step, decay in zip(steps, by_epochs, strict=True) if decay == 0] == [10]
    assert set(by_steps) == set(by_epochs) == {0.0, 1.0}


@pytest.mark.parametrize(("steps", "epoch"), [(1, 1), (2, 1), (3, 1), (20, 2), (20, 9), (20, 10), (20, 11), (300, 703)])
def test_a_run_is_called_too_short_where_no_copy_is_made_before_its_last_step(steps: int, epoch: int) -> None:
    """The objects of such a run are those of a random network."""
    run, rule = Progress(0, steps, epoch), CopyEvery(2)
    copied = any(rule.decay(Progress(step, steps, epoch)) == 0 for step in range(1, steps))
    said = Follower(network(), rule).too_short(run)
    assert (said is None) == copied
    assert said is None or f"this run has {steps} steps, an epoch {epoch}" in said
    learner = method_learner("odin", ENCODERS["points"]())
    assert any("every 10 epochs" in text for text in never_done(learner.modules(), run)) == (10 * epoch >= steps)


def test_what_follows_by_the_step_needs_no_epoch() -> None:
    run = Progress(0, 20, 703)
    for rule in (MovingAverage(0.99), CopyEvery(30, "steps")):
        assert Follower(network(), rule).too_short(run) is None


def test_impossible_rules_are_refused() -> None:
    with pytest.raises(ValueError, match=r"base .* must lie in \[0, 1\], got 1\.5"):
        MovingAverage(1.5)
    with pytest.raises(ValueError, match=r"every .* must lie in \[1, 1e\+09\], got 0"):
        CopyEvery(0)
