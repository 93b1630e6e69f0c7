"""Odin's variants and DetCon: each argument changes what it says and nothing else; law 12, resume, half precision."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gestalt.core.data.presence import Presence
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import Discovery, GivenMasks, SwitchAt, WholeItem
from gestalt.core.methods.adversary import Adversary
from gestalt.core.methods.detcon import DetConB, DetConS
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.objectives import Contrastive
from gestalt.core.methods.odin import Odin
from gestalt.core.methods.settings import Heads, Inputs
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Identity, Network
from gestalt.core.networks.follower import CopyEvery, Follower, MovingAverage
from gestalt.core.optimization.progress import Progress
from tests.implementations import (
    DATA,
    ENCODERS,
    FINDER,
    ITEMS,
    LEARNERS,
    PROGRESS,
    RULES,
    SEGMENTERS,
    make_batch,
    method_learner,
    seeded,
)
from tests.test_learner import assert_same_to_the_last_digit, compared, stepped, transplanted
from tests.toy import Do, keep_points, toy

KINDS = ["points", "series"]
WHOLE = DataInfo(first_segments=WholeItem())


def small(kind: str = "points", seed: int = 0, **changes: Any) -> Learner:
    """A small Odin."""
    torch.manual_seed(seed)
    return method_learner("odin", ENCODERS[kind](), **changes)


def discovery(learner: Learner) -> Discovery:
    assert isinstance(learner.segmenter, Discovery)
    return learner.segmenter


def test_the_three_networks_have_the_same_architecture_and_the_same_start() -> None:
    learner = small()
    for network in (learner.teacher.network, discovery(learner).source.network):
        assert network is not learner.online
        for name, tensor in learner.online.state_dict().items():
            assert torch.equal(tensor, network.state_dict()[name])


def test_without_a_predictor_the_objects_vectors_themselves_are_compared() -> None:
    outcome = compared(small(predictor=False, teacher=None), make_batch("points", ITEMS["points"](3)))
    for ours, theirs in zip(outcome.online, outcome.teacher, strict=True):
        torch.testing.assert_close(ours.vectors, theirs.vectors)


def test_without_a_projector_hidden_vectors_are_grouped_and_compared() -> None:
    learner = small(heads=Heads(8, None))
    batch = make_batch("points", ITEMS["points"](3))
    assert compared(learner, batch).teacher[0].vectors.shape[2] == learner.online.encoder.dim
    hidden = small(heads=Heads(8, None), finder=ObjectFinder(KMeans(3), space="hidden"))
    assert torch.equal(learner.segmenter(batch, seeded()).weights, hidden.segmenter(batch, seeded()).weights)


@pytest.mark.parametrize(
    ("rule", "name"), [(MovingAverage(0.5), "average"), (CopyEvery(1, "steps"), "copy"), (None, "shared")]
)
def test_discovery_by_the_teacher_uses_the_teachers_own_network_which_follows_once_a_step(rule: Any, name: str) -> None:
    learner = small(teacher=rule, discovery="teacher")
    assert discovery(learner).source.network is learner.teacher.network
    alone = small(teacher=rule)
    batch = make_batch("points", ITEMS["points"](4))
    for model in (learner, alone):
        stepped(model, batch)
    for key, tensor in alone.teacher.network.state_dict().items():
        assert torch.equal(tensor, learner.teacher.network.state_dict()[key]), (name, key)
    assert not any(key.startswith("segmenter.") for key in learner.state_dict())


def test_the_discovery_network_has_running_statistics_that_follow_the_online_networks() -> None:
    """It runs in evaluation mode: its follower copies buffers, whatever its rule says of them."""
    learner = small(discovery=MovingAverage(0.5))
    stepped(learner, make_batch("points", ITEMS["points"](4)))
    followed = dict(discovery(learner).source.network.named_buffers())
    moved = dict(learner.online.named_buffers())
    assert moved.keys() == followed.keys()
    assert all(torch.equal(buffer, followed[name]) for name, buffer in moved.items())
    fresh = dict(small().online.named_buffers())
    assert any(not torch.equal(buffer, fresh[name]) for name, buffer in moved.items())
    with pytest.raises(ValueError, match='buffers="copy"'):
        Discovery(Follower(learner.online, MovingAverage(0.5)), FINDER)


def test_the_parts_of_odin_reach_their_places() -> None:
    objective, presence, adversary = Contrastive(0.7), Presence(elements=1.0), Adversary()
    learner = small(objective=objective, presence=presence, inputs=Inputs("source", adversary))
    assert discovery(learner).finder == FINDER
    assert isinstance(learner.objective, Contrastive)
    assert learner.objective is not objective  # a method may build many learners
    assert learner.objective.temperature == 0.7
    assert (learner.presence, learner.adversary, learner.teacher_sees) == (presence, adversary, "source")


def test_first_segments_are_those_of_a_random_network_unless_there_is_a_warm_start() -> None:
    batch = make_batch("points", ITEMS["points"](3))
    random = small()
    online = random.online.project_elements(random.online.eval().encode(batch.source.data))
    expected = KMeans(3)(online, seeded(2))
    assert torch.equal(random.segmenter(batch, seeded(2)).weights, expected.weights)
    warm = method_learner("odin-warm-start", ENCODERS["points"](), DataInfo(finder=FINDER, first_segments=WholeItem()))
    assert isinstance(warm.segmenter, SwitchAt)
    whole = []
    for step in range(4):
        whole.append(bool(warm.segmenter(batch, seeded()).whole.all()))
        warm.segmenter.after_step([], Progress(step + 1, 10, 2))
    assert whole == [True, True, False, False]


def test_a_warm_start_without_first_segments_discovers_from_the_start_and_needs_a_finder() -> None:
    cold = method_learner("odin-warm-start", ENCODERS["points"](), DataInfo(finder=FINDER))
    assert isinstance(cold.segmenter, Discovery)
    with pytest.raises(ValueError, match="DataInfo\\(finder=…\\)"):
        method_learner("odin-warm-start", ENCODERS["points"](), DataInfo())
    with pytest.raises(ValueError, match="the weights of contrast and regression cannot all be 0"):
        method_learner("odin-warm-start", ENCODERS["points"](), contrast=0.0, regression=0.0)


# DetCon


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["detcon", "detcon-s"])
def test_detcon_with_the_whole_item_is_item_level_contrast_to_the_last_digit(name: str, kind: str) -> None:
    torch.manual_seed(0)
    whole = method_learner(name, ENCODERS[kind](), WHOLE)
    torch.manual_seed(0)
    online = Network(ENCODERS[kind](), whole.online.projector)
    teacher = Follower(online, whole.teacher.rule) if isinstance(whole.teacher, Follower) else None
    plain = Learner(online, WholeItem(), Contrastive(same_view=True), teacher, whole.predictor)
    transplanted(whole, plain)
    plain.online.projector, plain.predictor = _copied(whole.online.projector), _copied(whole.predictor)
    assert_same_to_the_last_digit(whole, plain, make_batch(kind, ITEMS[kind](4)))


def _copied(module: nn.Module) -> nn.Module:
    return copy.deepcopy(module)


@pytest.mark.parametrize("kind", KINDS)
def test_detcon_with_the_whole_item_is_the_contrastive_loss_of_the_equation(kind: str) -> None:
    """−log of the softmax over all items of the other view and all other items of the same view, both directions."""
    torch.manual_seed(0)
    learner = method_learner("detcon-s", ENCODERS[kind](), WHOLE)
    batch = make_batch(kind, ITEMS[kind](5))
    found = learner(batch, seeded(), PROGRESS).loss
    vectors = []
    for view in batch.views:
        features = learner.online.encoder(view.data)
        means = [rows[valid].mean(dim=0) for rows, valid in zip(features.values, features.valid, strict=True)]
        vectors.append(nn.functional.normalize(learner.online.projector(torch.stack(means)), dim=1))
    expected = torch.zeros(())
    for one, two in ((0, 1), (1, 0)):
        other, own = vectors[one] @ vectors[two].T / 0.1, vectors[one] @ vectors[one].T / 0.1
        logits = torch.cat([other, own.masked_fill(torch.eye(5, dtype=torch.bool), -torch.inf)], dim=1)
        expected = expected + nn.functional.cross_entropy(logits, torch.arange(5))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_detcon_draws_sixteen_of_the_masks_for_every_view() -> None:
    def fine(data: Any) -> Any:
        numbers = torch.arange(data.values.shape[1])
        return Segmentation.from_labels(numbers.expand(data.valid.shape).masked_fill(~data.valid, -1), len(numbers))

    torch.manual_seed(0)
    learner = method_learner("detcon", ENCODERS["points"](), DataInfo(first_segments=GivenMasks(fine)))
    items = [torch.randn(60, 2, generator=seeded(number)) for number in range(3)]
    same = toy("points", views=Views(Do(keep_points), (Do(keep_points), Do(keep_points))))
    outcome = compared(learner, make_batch("points", items, modality=same))
    counts = torch.stack([view.present.sum(dim=1) for view in outcome.online])
    assert int(counts.max()) <= 16
    assert 8 < int(counts.min()) < 16  # of sixteen draws from sixty with replacement some are the same
    assert not torch.equal(outcome.online[0].present, outcome.online[1].present)  # each of two equal views its own


def widths(module: nn.Module) -> list[tuple[int, ...]]:
    """The shapes of a head's matrices."""
    return [tuple(parameter.shape) for parameter in module.parameters() if parameter.ndim == 2]


def test_the_heads_and_teachers_of_odin_and_detcon_are_those_of_their_papers() -> None:
    for learner in (method.build(Identity(dim=3), DATA) for method in (Odin(), DetConB())):
        assert widths(learner.online.projector) == [(4096, 3), (256, 4096)]
        assert widths(learner.predictor) == [(4096, 256), (256, 4096)]
        assert learner.teacher.network is not learner.online
        assert isinstance(learner.teacher, Follower)
        assert learner.teacher.rule == MovingAverage(0.996)
    shared = DetConS().build(Identity(dim=3), DATA)
    assert widths(shared.online.projector) == [(2048, 3), (128, 2048)]
    assert widths(shared.predictor) == []
    assert shared.teacher.network is shared.online


# Resume, compilation, precision


@pytest.mark.parametrize("rule", [*RULES, "shared", "teacher"])
def test_odin_resumes_with_every_rule_of_its_followers(rule: str) -> None:
    def build(seed: int) -> Learner:
        made = None if rule == "shared" else RULES.get(rule, MovingAverage)()
        return small(seed=seed, teacher=made, discovery="teacher" if made is None or rule == "teacher" else made)

    batches = [make_batch("points", ITEMS["points"](4), seed=10 * step) for step in range(3)]
    learner = build(0)
    stepped(learner, batches[0])
    fresh = build(9)
    fresh.load_state_dict(learner.state_dict())
    for batch in batches[1:]:
        assert torch.equal(stepped(learner, batch).loss, stepped(fresh, batch).loss)
    assert all(torch.equal(tensor, fresh.state_dict()[name]) for name, tensor in learner.state_dict().items())


COMPILED = """
import sys
import torch
from gestalt.core.components.registry import METHODS
from tests.implementations import ENCODERS, ITEMS, make_batch, seeded
from tests.masked_methods import ALL_LEARNERS
from tests.test_learner import stepped

batch = make_batch("points", ITEMS["points"](4))
firsts = {}
for name in METHODS.names():
    learner = ALL_LEARNERS[name](ENCODERS["points"]())
    firsts.setdefault((type(learner), frozenset(map(type, learner.heads().values()))), name)
names = [name for name in METHODS.names() if (name in firsts.values()) is (sys.argv[1] == "first")]
print(*names)
graphs = 0
for name in names:
    torch.compiler.reset()
    learners = []
    for compiled in (False, True):
        torch.manual_seed(0)
        learner = ALL_LEARNERS[name](ENCODERS["points"]())
        if compiled:
            for part in (learner.online.encoder, *learner.heads().values()):
                part.compile(backend="aot_eager")
        learners.append((learner, [stepped(learner, batch).loss for _ in range(2)]))
    (plain, losses), (compiled, others) = learners
    torch.testing.assert_close(torch.stack(losses), torch.stack(others))
    for key, tensor in plain.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[key], tensor, msg=key)
    before, graphs = graphs, torch._dynamo.utils.counters["stats"]["unique_graphs"]
    print(name, graphs > before)
"""


@pytest.mark.parametrize("which", ["first", pytest.param("others", marks=pytest.mark.long)])
def test_every_method_learns_with_compiled_networks_as_it_did_before(which: str) -> None:
    """Traced forwards and backwards; only the last step, from graph to machine code, is left out for time.

    First a method of every set of networks: others with the same networks differ in what is not compiled. In a process
    of its own: the checks of types that the tests add cannot be traced.
    """
    command = [sys.executable, "-c", COMPILED, which]
    result = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    asked, *lines = result.stdout.splitlines() or [""]
    assert len(asked.split()) >= 10, result.stderr
    assert lines == [f"{name} True" for name in asked.split()], result.stderr


# In steps of 0.01 the toy's losses change so much that rounding grows with them; without steps it is below 1 % (clip).
SMALLER_STEPS = {
    **dict.fromkeys(("clip", "clip-objects"), 0.0005),
    **dict.fromkeys(("odin-rounds", "odin-semantic", "semppl-invariant", "one network, two terms"), 0.002),
}


@pytest.mark.parametrize("name", [name for name in LEARNERS if "adversary" not in name])
def test_half_precision_trains_within_tolerance_and_its_losses_are_in_full(name: str) -> None:
    batch = make_batch("series", ITEMS["series"](16))
    losses: dict[bool, list[Tensor]] = {False: [], True: []}
    for half, found in losses.items():
        torch.manual_seed(0)
        learner = LEARNERS[name](ENCODERS["series"]())
        if not isinstance(learner.segmenter, WholeItem):  # the same segments on both sides
            learner.segmenter = SEGMENTERS["masks by a rule"](Network(ENCODERS["series"]()))
        torch.manual_seed(0)
        for _ in range(3):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                outcome = learner(batch, seeded(), PROGRESS)
            assert outcome.loss.dtype == torch.float32
            outcome.loss.backward()
            with torch.no_grad():
                for parameter in learner.parameters():
                    if parameter.grad is not None:
                        parameter.sub_(SMALLER_STEPS.get(name, 0.01) * parameter.grad)
                        parameter.grad = None
            learner.after_step([outcome], Progress(1, 10, 2))
            found.append(outcome.loss.detach())
    torch.testing.assert_close(torch.stack(losses[True]), torch.stack(losses[False]), rtol=0.05, atol=0.05)
