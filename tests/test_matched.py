"""CLIP by object: items told apart by how well their objects find one another, and objects of parts that are alike."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.parts import joined
from gestalt.core.data.segmentation import Elements, Objects
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import AcrossParts, KMeans, PartByPart
from gestalt.core.discovery.segmenters import Discovery, EveryElement, GivenMasks
from gestalt.core.experiment.part_views import with_parts
from gestalt.core.losses.best_matches import best_matches
from gestalt.core.methods.clip_objects import CLIPObjects
from gestalt.core.methods.info import no_info
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.objectives import MatchedObjects
from gestalt.core.methods.settings import Heads
from gestalt.core.modality.joint import joint
from gestalt.core.networks.scale import LearnedScale
from gestalt.core.optimization.progress import Progress
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.text import MODALITY as TEXT
from tests.implementations import make_batch, random_objects, seeded

ASKING = [None, 0, 1]
BOTH = joint(image=IMAGE, text=TEXT)


def scores(asking: Objects, asked: Objects) -> dict[tuple[int, int], Tensor]:
    """s_ij of all items that have objects, object by object."""
    found = {}
    for i in range(len(asking.present)):
        for j in range(len(asked.present)):
            ours, theirs = asking.vectors[i][asking.present[i]], asked.vectors[j][asked.present[j]]
            if len(ours) and len(theirs):
                best = [max(float(u @ v / (u.norm() * v.norm())) for v in theirs) for u in ours]
                found[i, j] = torch.tensor(sum(best) / len(best))
    return found


def naive(views: list[Objects], asking: int | None, temperature: float) -> float:
    """The sum of both directions; item i of one view among all items of the other."""
    total = 0.0
    for one, other in ((0, 1), (1, 0)):
        turned = asking == other
        table = scores(views[other], views[one]) if turned else scores(views[one], views[other])
        losses = []
        for i in range(len(views[0].present)):
            pairs = {j: table.get((j, i) if turned else (i, j)) for j in range(len(views[0].present))}
            rows = {j: float(s) / temperature for j, s in pairs.items() if s is not None}
            if i in rows:
                losses.append(math.log(sum(math.exp(s) for s in rows.values())) - rows[i])
        total += sum(losses) / len(losses) if losses else 0.0
    return total


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_that_of_a_naive_loop_over_its_equation(asking: int | None, seed: int) -> None:
    """Law 11: views with other numbers of objects, some of them absent; no object is in both."""
    one = random_objects(4, 3, 5, seed=seed, absent=0.4)
    two = random_objects(4, 6, 5, seed=seed + 50, absent=0.4)
    value = MatchedObjects(0.3, asking, learned=False)((one, two), (one, two), no_info(one)).value
    assert float(value) == pytest.approx(naive([one, two], asking, 0.3), rel=1e-4, abs=1e-5)


def with_elements(seed: int, hidden: float) -> Objects:
    """Three items of three objects, made of seven elements with weights; an object may be absent."""
    generator = seeded(seed)
    weights = torch.rand(3, 3, 7, generator=generator) * (torch.rand(3, 3, 7, generator=generator) < 0.5)
    weights = weights * (torch.rand(3, 3, 1, generator=generator) >= hidden)
    vectors = torch.randn(3, 7, 4, generator=generator)
    pooled = weights @ vectors / weights.sum(dim=2, keepdim=True).clamp(min=1e-9)
    return Objects(pooled, weights.sum(dim=2) > 0, Elements(vectors, weights))


def naive_segments(views: list[Objects], asking: int | None, temperature: float) -> float:
    """Objects of all items in a row: that of one view, as a mean, by the most alike element of one of the other."""

    def best(asks: Objects, asked: Objects, one: tuple[int, int], other: tuple[int, int]) -> float:
        assert asked.elements is not None
        inside = asked.elements.vectors[other[0]][asked.elements.weights[other] > 0]
        return max(float(torch.cosine_similarity(asks.vectors[one], element, dim=0)) for element in inside)

    shared = [(i, k) for i in range(3) for k in range(3) if all(bool(view.present[i, k]) for view in views)]
    total = 0.0
    for told, among in ((0, 1), (1, 0)):
        losses = []
        for one in shared:
            rows = {
                other: (
                    best(views[among], views[told], other, one)
                    if asking == among
                    else best(views[told], views[among], one, other)
                )
                / temperature
                for other in [(i, k) for i in range(3) for k in range(3) if bool(views[among].present[i, k])]
            }
            losses.append(math.log(sum(map(math.exp, rows.values()))) - rows[one])
        total += sum(losses) / len(losses)
    return total


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("seed", range(3))
def test_the_loss_of_segments_is_that_of_a_naive_loop_over_objects_and_elements(asking: int | None, seed: int) -> None:
    """Law 11: objects that are in one view only are candidates there, and are not told apart."""
    views = [with_elements(seed, 0.3), with_elements(seed + 50, 0.1)]
    objective = MatchedObjects(0.3, asking, learned=False, segments=True)
    assert objective.elements
    value = objective(tuple(views), tuple(views), no_info(views[0])).value
    assert float(value) == pytest.approx(naive_segments(views, asking, 0.3), rel=1e-4)
    bare = tuple(Objects(view.vectors, view.present) for view in views)
    with pytest.raises(ValueError, match="their elements, and these are not at hand"):
        objective(bare, bare, no_info(views[0]))


@pytest.mark.parametrize("asking", ASKING)
def test_candidates_without_an_object_give_a_trained_temperature_a_finite_gradient(asking: int | None) -> None:
    """Law 7: the last item has nothing in one of the views, so it is neither compared nor a candidate."""
    views = [random_objects(4, 3, 5, seed=seed, absent=0.2) for seed in (7, 57)]
    here = torch.tensor([True, True, True, False])[:, None]
    views[1] = Objects(views[1].vectors, views[1].present & here)
    objective = MatchedObjects(0.3, asking)
    value = objective(tuple(views), tuple(views), no_info(views[0])).value
    value.backward()
    assert objective.scale is not None
    assert objective.scale.log_scale.grad is not None
    less = [naive(views, asking, 0.3 * math.exp(-step)) for step in (-1e-3, 1e-3)]
    assert value.item() == pytest.approx(naive(views, asking, 0.3), rel=1e-4)
    assert float(objective.scale.log_scale.grad) == pytest.approx((less[1] - less[0]) / 2e-3, rel=1e-2)


@pytest.mark.parametrize("asking", ASKING)
def test_segments_that_are_absent_give_a_trained_temperature_the_gradient_of_the_naive_loop(asking: int | None) -> None:
    """Law 7: the last item has nothing in one of the views."""
    views = [with_elements(7, 0.1), with_elements(57, 0.1)]
    here, second = torch.tensor([True, True, False])[:, None], views[1]
    assert second.elements is not None
    elements = Elements(second.elements.vectors, second.elements.weights * here[..., None])
    views[1] = Objects(second.vectors * here[..., None], second.present & here, elements)
    objective = MatchedObjects(0.3, asking, segments=True)
    objective(tuple(views), tuple(views), no_info(views[0])).value.backward()
    assert objective.scale is not None
    assert objective.scale.log_scale.grad is not None
    less = [naive_segments(views, asking, 0.3 * math.exp(-step)) for step in (-1e-3, 1e-3)]
    assert float(objective.scale.log_scale.grad) == pytest.approx((less[1] - less[0]) / 2e-3, rel=1e-2)


def test_segments_are_compared_without_a_projector_and_without_a_finder() -> None:
    finder = ObjectFinder(PartByPart(KMeans(2)))
    encoder, data = BOTH.encoders["joint"](), DataInfo()
    with pytest.raises(ValueError, match="leave it at none, or compare items"):
        CLIPObjects(Heads(projection=16), compares="segments").build(encoder, data)
    with pytest.raises(ValueError, match="leave the finder out, or compare items"):
        CLIPObjects(compares="segments", finder=finder).build(encoder, data)
    assert isinstance(CLIPObjects(compares="segments").build(encoder, data).segmenter, GivenMasks)
    assert CLIPObjects(compares="segments").title == "CLIP, by object, segments"
    assert CLIPObjects(finder=finder).title == "CLIP, by object"


@pytest.mark.parametrize("asking", ASKING)
def test_the_order_of_items_and_the_numbers_of_objects_do_not_matter(asking: int | None) -> None:
    """Law 5."""
    one, two = random_objects(5, 3, 4, seed=1, absent=0.3), random_objects(5, 4, 4, seed=2, absent=0.3)
    objective, order = MatchedObjects(0.2, asking), torch.tensor([3, 0, 4, 1, 2])
    moved = [Objects(view.vectors[order].flip(1), view.present[order].flip(1)) for view in (one, two)]
    before, after = (objective(tuple(v), tuple(v), no_info(v[0])).value for v in ([one, two], moved))
    torch.testing.assert_close(before, after)


@pytest.mark.parametrize("asking", ASKING)
def test_what_is_absent_changes_nothing_and_nothing_shared_is_a_zero_loss_with_a_zero_gradient(
    asking: int | None,
) -> None:
    """Law 7."""
    one, two = random_objects(3, 2, 4, seed=1), random_objects(3, 2, 4, seed=2, absent=0.4)
    other = Objects(torch.where(two.present[..., None], two.vectors, 9.0), two.present)
    objective = MatchedObjects(0.2, asking)
    before, after = (objective((one, view), (one, view), no_info(one)).value for view in (two, other))
    assert torch.equal(before, after)
    vectors = torch.randn(2, 2, 4, generator=seeded(), requires_grad=True)
    left, right = torch.tensor([[True, True], [False, False]]), torch.tensor([[False, False], [True, False]])
    apart = Objects(vectors, left), Objects(vectors, right)
    value = objective(apart, apart, no_info(apart[0])).value
    value.backward()
    assert value.item() == 0.0
    assert vectors.grad is not None
    assert not bool(vectors.grad.any())


def test_gradients_are_slopes_and_the_temperature_is_trained_and_held() -> None:
    one = random_objects(3, 2, 4, seed=3, absent=0.0).vectors.double()
    two = random_objects(3, 4, 4, seed=4, absent=0.0).vectors.double()
    here = [torch.ones(view.shape[:2], dtype=torch.bool) for view in (one, two)]

    def loss(first: Tensor, second: Tensor) -> Tensor:
        views = (Objects(first, here[0]), Objects(second, here[1]))
        value: Tensor = MatchedObjects(0.5, 0, learned=False)(views, views, no_info(views[0])).value
        return value

    assert torch.autograd.gradcheck(loss, (one.requires_grad_(), two.requires_grad_()))
    objective = MatchedObjects()
    scale = objective.heads()["scale"]
    assert isinstance(scale, LearnedScale)
    with torch.no_grad():
        scale.log_scale.fill_(math.log(1000.0))
    objective.after_step([], Progress(1, 4, 2))
    assert scale().item() == pytest.approx(0.01)
    assert MatchedObjects(learned=False).heads() == {}


def test_an_item_without_objects_fits_nothing() -> None:
    vectors = torch.eye(3)
    found = best_matches(vectors, vectors, torch.tensor([0, 0, 2]), torch.tensor([1, 1, 1]), (3, 2))
    assert found.isinf().tolist() == [[True, False], [True, True], [True, False]]
    empty = best_matches(vectors, vectors[:0], torch.tensor([0, 0, 2]), torch.zeros(0, dtype=torch.long), (3, 2))
    assert bool(empty.isinf().all())


def test_clip_by_object_compares_elements_or_discovered_objects_of_views_of_one_part_each() -> None:
    finder = ObjectFinder(PartByPart(KMeans(2)))
    items: list[Any] = [specimen.item for specimen in BOTH.specimens()][:2]
    for method, kind in ((CLIPObjects(asking=1), EveryElement), (CLIPObjects(finder=finder), Discovery)):
        torch.manual_seed(0)
        learner = method.build(BOTH.encoders["joint"](dim=16), DataInfo())
        assert isinstance(learner, Learner)
        assert isinstance(learner.segmenter, kind)
        batch = make_batch("", items, modality=BOTH, views=with_parts(method, BOTH.views, BOTH))
        output = learner(batch, seeded(), Progress(0, 4, 2))
        assert output.loss.isfinite()
        picture, text = output.details.online
        both = (picture.present & text.present).any()
        assert not bool(both), "no object is in both parts"
        assert learner.health(output)["shared_objects"] == 1.0, "but all items have some in each"
        objects = output.details.segmentation.objects
        assert objects == (4 if method.finder else batch.source.data and picture.present.shape[1])


def test_objects_of_a_part_join_the_one_that_is_most_like_them() -> None:
    here = torch.ones(1, 3, dtype=torch.bool)
    picture = FeatureMap(torch.tensor([[[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]]), here)
    words = FeatureMap(torch.tensor([[[5.0, 1.0], [0.1, 0.5], [0.0, 3.0]]]), here)
    found = AcrossParts(KMeans(2))(joined({"image": picture, "text": words}), seeded()).labels()[0].tolist()
    assert found[0] == found[1] == found[3]
    assert found[2] == found[4] == found[5] != found[0]
    into = AcrossParts(KMeans(2), into="text")(joined({"image": picture, "text": words}), seeded()).labels()[0]
    assert into[0] == into[1] == into[3] != into[2]
    both = joined({"image": picture, "text": words})
    for grouper in (AcrossParts(KMeans(2)), PartByPart(KMeans(2))):
        assert grouper(both, seeded()).places is both.places, "they lie on the features' own elements"
    with pytest.raises(ValueError, match="no part 'txt'"):
        AcrossParts(KMeans(2), into="txt")(joined({"image": picture, "text": words}), seeded())


def test_an_item_without_the_part_that_others_join_keeps_objects_of_its_own() -> None:
    valid = torch.tensor([[True, True], [False, False]])
    picture = FeatureMap(torch.eye(2).expand(2, 2, 2), valid)
    words = FeatureMap(torch.eye(2).flip(0).expand(2, 2, 2).contiguous(), torch.ones(2, 2, dtype=torch.bool))
    found = AcrossParts(KMeans(2))(joined({"image": picture, "text": words}), seeded()).labels()
    assert found[0, 2:].tolist() == found[0, :2].flip(0).tolist()
    assert found[1, :2].tolist() == [-1, -1]
    assert len(set(found[1, 2:].tolist())) == 2
    assert int(found[1, 2:].min()) >= 0
    nothing = FeatureMap(torch.zeros(2, 0, 2), torch.zeros(2, 0, dtype=torch.bool))
    alone = AcrossParts(KMeans(2))(joined({"image": nothing, "text": words}), seeded()).labels()
    assert int(alone.min()) >= 0
