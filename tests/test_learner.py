"""Laws 6 and 12 of the learner: items do not disturb one another, and special cases are what they claim to be."""

import copy
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, final

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gestalt.core.data.correspondence import Index
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.presence import Presence
from gestalt.core.data.segmentation import Objects, Segmentation
from gestalt.core.data.view import Batch, View
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import Discovery, GivenMasks, SwitchAt, WholeItem
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.objectives import AbstractObjective, Contrastive, Loss, Regression
from gestalt.core.methods.step import AbstractLearner, StepOutput
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.networks.follower import AbstractRule, Fixed, Follower, MovingAverage, NetworkSource, Shared
from gestalt.core.networks.modes import evaluating
from gestalt.core.optimization.after_step import AfterStep
from gestalt.core.optimization.progress import Progress
from tests.implementations import (
    ENCODERS,
    ITEMS,
    LEARNERS,
    PROGRESS,
    SEGMENTERS,
    joined,
    make_batch,
    method_learner,
    seeded,
)
from tests.masked_methods import ALL_LEARNERS
from tests.toy import POINT_TRANSFORMS, SERIES_TRANSFORMS, Do, keep_points, keep_series, pad, toy

every_learner = pytest.mark.parametrize("build", ALL_LEARNERS.values(), ids=ALL_LEARNERS)
every_kind = pytest.mark.parametrize("kind", ENCODERS)
LearnerT = TypeVar("LearnerT", bound=AbstractLearner[Compared])
Build = Callable[[AbstractEncoder], AbstractLearner[Compared]]


def built(build: Callable[[AbstractEncoder], LearnerT], kind: str = "points", seed: int = 0) -> LearnerT:
    torch.manual_seed(seed)
    return build(ENCODERS[kind]())


def gradients(learner: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in learner.named_parameters() if p.grad is not None}


def compared(learner: AbstractLearner[Compared], batch: Any) -> Compared:
    """What a learner compares in a batch."""
    output: StepOutput[Compared] = learner(batch, seeded(), PROGRESS)
    return output.details


def stepped(learner: AbstractLearner[Compared], batch: Any) -> StepOutput[Compared]:
    """One optimiser step with what follows it."""
    outcome: StepOutput[Compared] = learner(batch, seeded(), PROGRESS)
    outcome.loss.backward()
    with torch.no_grad():
        for parameter in learner.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.05 * parameter.grad)
                parameter.grad = None
    learner.after_step([outcome], PROGRESS)
    return outcome


@every_kind
@every_learner
def test_every_method_learns_on_every_modality(build: Build, kind: str) -> None:
    learner = built(build, kind)
    outcome: StepOutput[Compared] = learner(make_batch(kind, ITEMS[kind](4)), seeded(), PROGRESS)
    assert outcome.loss.item() > 0
    outcome.loss.backward()
    for name, parameter in learner.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
    assert any(bool(gradient.any()) for gradient in gradients(learner).values())
    assert not bool(outcome.details.unknown.any())


@every_kind
@every_learner
def test_an_items_objects_do_not_depend_on_which_items_share_its_batch(build: Build, kind: str) -> None:
    learner, items = built(build, kind), ITEMS[kind](4)
    with evaluating(learner):
        together = compared(learner, make_batch(kind, items))
        for row in range(len(items)):
            alone = compared(learner, make_batch(kind, items[row : row + 1], seed=row))
            for ours, theirs in zip(alone.online + alone.teacher, together.online + together.teacher, strict=True):
                count = ours.present.shape[1]
                assert torch.equal(ours.present[0], theirs.present[row, :count])
                assert not bool(theirs.present[row, count:].any())
                torch.testing.assert_close(ours.vectors[0], theirs.vectors[row, :count], rtol=1e-4, atol=1e-5)


@final
class Normalised(AbstractEncoder):
    """An encoder with running statistics, which a pass in training mode would move."""

    def __init__(self, inner: AbstractEncoder) -> None:
        super().__init__()
        self.inner = inner
        self.dim = inner.dim
        self.norm = nn.BatchNorm1d(inner.dim)

    def forward(self, data: Any) -> FeatureMap:
        """Normalised vectors."""
        features: FeatureMap = self.inner(data)
        return features.with_values(self.norm(features.values.transpose(1, 2)).transpose(1, 2))


@every_kind
@pytest.mark.parametrize("name", [name for name in SEGMENTERS if name != "masks by a rule"])
def test_every_segmenter_gives_a_segmentation_without_gradient_and_leaves_the_network_as_it_was(
    kind: str, name: str
) -> None:
    online = Network(Normalised(ENCODERS[kind]()), nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)))
    segmenter = SEGMENTERS[name](online)
    before = {key: tensor.clone() for key, tensor in online.state_dict().items()}
    segments: Segmentation = segmenter(make_batch(kind, ITEMS[kind](3)), seeded())
    assert len(segments.weights) == 3
    assert not segments.weights.requires_grad
    assert bool((segments.weights >= 0).all())
    assert bool((segments.weights.sum(dim=1) <= 1 + 1e-6).all())
    assert all(module.training for module in online.modules())
    assert all(torch.equal(tensor, before[key]) for key, tensor in online.state_dict().items())
    if isinstance(segmenter, AfterStep):
        segmenter.after_step([], PROGRESS)


def transplanted(source: Learner, target: Learner) -> Learner:
    """The target with the source's online network, predictor and teacher."""
    kept = ("online.", "predictor.", "teacher.")
    state = {name: tensor for name, tensor in source.state_dict().items() if name.startswith(kept)}
    missing, unexpected = target.load_state_dict(state, strict=False)
    assert unexpected == []
    assert all(name.startswith("segmenter.") for name in missing)
    return target


def assert_same_to_the_last_digit(one: Learner, two: Learner, batch: Any) -> None:
    first, second = (learner(batch, seeded(), PROGRESS) for learner in (one, two))
    first.loss.backward()
    second.loss.backward()
    assert torch.equal(first.loss, second.loss)
    assert gradients(one).keys() == gradients(two).keys()
    assert all(torch.equal(gradient, gradients(two)[name]) for name, gradient in gradients(one).items())
    assert first.loss.item() > 0.1


@every_kind
def test_odin_with_the_whole_item_and_regression_is_byol_to_the_last_digit(kind: str) -> None:
    bootstrap = built(LEARNERS["byol"], kind)
    whole = built(lambda encoder: method_learner("odin", encoder, objective=Regression()), kind, seed=1)
    whole.segmenter = WholeItem()
    assert_same_to_the_last_digit(bootstrap, transplanted(bootstrap, whole), make_batch(kind, ITEMS[kind](4)))


@pytest.mark.parametrize(
    ("kind", "keep", "moves"),
    [("points", keep_points, "drop"), ("series", keep_series, "crop")],
)
def test_odin_with_one_discovered_object_and_regression_is_byol_where_views_show_the_source_alone(
    kind: str, keep: Any, moves: str
) -> None:
    transforms = POINT_TRANSFORMS if kind == "points" else SERIES_TRANSFORMS
    modality = toy(kind, views=Views(Do(keep), (transforms[moves], Do(keep))))
    bootstrap, one = built(LEARNERS["byol"], kind), ObjectFinder(KMeans(1))
    single = built(lambda encoder: method_learner("odin", encoder, finder=one, objective=Regression()), kind, seed=1)
    batch = make_batch(kind, ITEMS[kind](4), modality=modality)
    assert_same_to_the_last_digit(bootstrap, transplanted(bootstrap, single), batch)


@every_kind
def test_contrast_of_whole_items_is_infonce_over_items(kind: str) -> None:
    torch.manual_seed(0)
    encoder = ENCODERS[kind]()
    online = Network(encoder)
    batch = make_batch(kind, ITEMS[kind](5))
    found = Learner(online, WholeItem(), Contrastive(temperature=0.2))(batch, seeded(), PROGRESS).loss
    means = []
    for view in batch.views:
        features = encoder(view.data)
        rows = [vectors[valid].mean(dim=0) for vectors, valid in zip(features.values, features.valid, strict=True)]
        means.append(nn.functional.normalize(torch.stack(rows), dim=1))
    logits = means[0] @ means[1].T / 0.2
    expected = nn.functional.cross_entropy(logits, torch.arange(5)) + nn.functional.cross_entropy(
        logits.T, torch.arange(5)
    )
    torch.testing.assert_close(found, expected)


def with_lost_item(batch: Batch[Any], row: int) -> Batch[Any]:
    """The same batch of points, but nothing is known of how one item's first view came about."""
    view = batch.views[0]
    correspondence = view.correspondence
    assert isinstance(correspondence, Index)
    known = correspondence.known.clone()
    known[row] = False
    lost = View(view.data, Index(correspondence.index, known))
    return Batch(batch.source, (lost, *batch.views[1:]), batch.names, batch.index)


def test_items_of_unknown_correspondence_fall_back_to_the_whole_and_are_reported() -> None:
    learner = built(LEARNERS["odin"])
    batch = with_lost_item(make_batch("points", ITEMS["points"](3)), row=1)
    with evaluating(learner):
        outcome = compared(learner, batch)
    assert outcome.unknown.tolist() == [False, True, False]
    assert outcome.segmentation.whole.tolist() == [False, True, False]
    for view, objects in zip(batch.views, outcome.teacher, strict=True):
        assert objects.present[1].tolist() == [True, False, False]
        features = learner.teacher.network.encode(view.data)
        whole = features.values[1][features.valid[1]].mean(dim=0)
        with evaluating(learner.teacher.network):
            expected = learner.teacher.network.projector(whole[None])[0]
        torch.testing.assert_close(objects.vectors[1, 0], expected)
        assert int(objects.present[0].sum()) > 1


def test_the_teacher_sees_only_its_first_views() -> None:
    torch.manual_seed(0)
    online = Network(ENCODERS["points"]())
    seen: list[int] = []
    teacher = Follower(online, MovingAverage())
    learner = Learner(online, WholeItem(), _Recorder(seen), teacher, teacher_views=2)
    modality = toy("points", views=Views(Do(keep_points), tuple(Do(keep_points) for _ in range(4))))
    learner(make_batch("points", ITEMS["points"](2), modality=modality), seeded(), PROGRESS)
    assert seen == [4, 2]


@final
class _Recorder(AbstractObjective):
    """Notes how many views each side saw, and in which order things follow."""

    def __init__(self, seen: list[Any]) -> None:
        super().__init__()
        self.seen = seen

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """A loss that means nothing."""
        self.seen += [len(online), len(teacher)]
        return Loss(online[0].vectors.sum())

    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:  # noqa: ARG002
        """Note that it was called, and whether any history came along."""
        history = any(objects.vectors.requires_grad for output in outputs for objects in output.details.teacher)
        self.seen.append(("objective", history))


@final
class _Noting(AbstractRule):
    """Notes when it was asked."""

    buffers: Literal["own", "copy"] = "own"

    def __init__(self, seen: list[Any], name: str) -> None:
        self.seen = seen
        self.name = name

    def decay(self, progress: Progress) -> float:  # noqa: ARG002
        """Freeze."""
        self.seen.append(self.name)
        return 1.0


def _noting_discovery(online: Network, seen: list[Any], name: str) -> Discovery:
    return Discovery(Follower(online, _Noting(seen, name), buffers="copy"), ObjectFinder(KMeans(3)))


def test_after_a_step_teacher_segmenter_and_objective_follow_in_this_order() -> None:
    seen: list[Any] = []
    online = Network(ENCODERS["points"]())
    segmenter = _noting_discovery(online, seen, "segmenter")
    learner = Learner(online, segmenter, _Recorder(seen), Follower(online, _Noting(seen, "teacher")))
    batch = make_batch("points", ITEMS["points"](2))
    outcome = learner(batch, seeded(), PROGRESS)
    assert seen == [2, 2]  # nothing follows while the loss is computed
    learner.after_step([outcome], PROGRESS)
    assert seen[2:] == ["teacher", "segmenter", ("objective", False)]


SOURCES: dict[str, Callable[[Network], NetworkSource]] = {
    "shared": Shared,
    "average": lambda online: Follower(online, MovingAverage()),
    "fixed": lambda online: Fixed(copy.deepcopy(online)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_gradients_reach_the_teacher_only_where_it_is_shared(name: str) -> None:
    torch.manual_seed(0)
    online = Network(ENCODERS["points"]())
    learner = Learner(online, WholeItem(), Contrastive(), SOURCES[name](online))
    outcome: StepOutput[Compared] = learner(make_batch("points", ITEMS["points"](3)), seeded(), PROGRESS)
    assert not any(objects.vectors.requires_grad for objects in outcome.details.teacher)  # kept without history
    outcome.loss.backward()
    assert all(parameter.grad is not None for parameter in online.parameters())
    alone = gradients(learner)
    frozen = Learner(online, WholeItem(), Contrastive(), Fixed(copy.deepcopy(online)))
    frozen.zero_grad()
    frozen(make_batch("points", ITEMS["points"](3)), seeded(), PROGRESS).loss.backward()
    assert any(not torch.equal(slope, gradients(frozen)[key]) for key, slope in alone.items()) == (name == "shared")


def test_without_gradients_nothing_has_a_history() -> None:
    learner = built(LEARNERS["simclr"])
    with torch.no_grad():
        outcome: StepOutput[Compared] = learner(make_batch("points", ITEMS["points"](3)), seeded(), PROGRESS)
    assert not outcome.loss.requires_grad
    assert not any(objects.vectors.requires_grad for objects in outcome.details.teacher + outcome.details.online)


def test_without_a_predictor_projections_are_compared() -> None:
    torch.manual_seed(0)
    online = Network(ENCODERS["points"](), nn.Linear(6, 3))
    outcome = compared(Learner(online, WholeItem(), Contrastive()), make_batch("points", ITEMS["points"](3)))
    for ours, theirs in zip(outcome.online, outcome.teacher, strict=True):
        assert torch.equal(ours.vectors, theirs.vectors)


def test_segmenters_switch_at_their_step_and_both_follow_all_the_time() -> None:
    seen: list[Any] = []
    online = Network(ENCODERS["points"]())
    segmenter = SwitchAt(WholeItem(), _noting_discovery(online, seen, "then"), step=3)
    batch = make_batch("points", ITEMS["points"](2))
    whole = []
    for step in range(1, 6):
        whole.append(bool(segmenter(batch, seeded()).whole.all()))
        segmenter.after_step([], Progress(step, 10, 2))
    assert whole == [True, True, True, False, False]
    assert seen == ["then"] * 5
    fresh = SwitchAt(WholeItem(), SEGMENTERS["discovery"](online), step=3)
    fresh.load_state_dict(segmenter.state_dict())
    assert not bool(fresh(batch, seeded()).whole.any())


def test_masks_that_are_missing_are_asked_for() -> None:
    batch = make_batch("points", ITEMS["points"](2))
    with pytest.raises(ValueError, match="items such as 'item 0' bring none"):
        GivenMasks()(batch, seeded())
    segments = Segmentation.whole_items(2)
    assert GivenMasks()(dataclasses.replace(batch, masks=segments), seeded()) is segments


@every_learner
def test_a_learner_resumes_from_its_state_with_the_same_numbers(build: Build) -> None:
    batches = [make_batch("points", ITEMS["points"](4), seed=10 * step) for step in range(3)]
    learner = built(build)
    stepped(learner, batches[0])
    fresh = built(build, seed=9)
    fresh.load_state_dict(learner.state_dict())
    for batch in batches[1:]:
        assert torch.equal(stepped(learner, batch).loss, stepped(fresh, batch).loss)
    for name, tensor in learner.state_dict().items():
        assert torch.equal(tensor, fresh.state_dict()[name]), name


def test_small_objects_count_only_from_the_least_number_of_elements_on() -> None:
    torch.manual_seed(0)
    online = Network(ENCODERS["points"]())
    item = torch.randn(6, 2, generator=seeded())
    correspondence = joined([Index.identity(6)])
    view = View(pad([item]), correspondence)
    masks = Segmentation.from_labels(torch.tensor([[0, 1, 1, 1, 1, 1]]), 2)
    batch = Batch(view, (view, view), ("item",), torch.tensor([0]), masks=masks)
    for least, expected in ((0.0, [True, True]), (1.0, [False, True])):
        learner = Learner(online, GivenMasks(), Regression(), presence=Presence(elements=least))
        assert compared(learner, batch).online[0].present[0].tolist() == expected


def test_the_same_random_numbers_give_the_same_batch() -> None:
    one, two = (make_batch("points", ITEMS["points"](2), seed=4) for _ in range(2))
    assert all(np.array_equal(a.data.values, b.data.values) for a, b in zip(one.views, two.views, strict=True))
