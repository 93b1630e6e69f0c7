"""Objects of other items in the items of a step: their masks, what is drawn, and who is left as he is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Affine, Index
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import BadItemError
from gestalt.core.data.masks import AbstractMasks, ItemMasks, ListedMasks
from gestalt.core.data.transplants import Transplants, composed
from gestalt.core.experiment.transplants import transplants_of
from gestalt.core.methods.detcon import DetConB
from gestalt.core.methods.method import AbstractMethod, DataInfo, HasTransplants
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.modality.optional import TransplantsObjects
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.data import Order, batches
from gestalt.core.training.labels import Labels
from gestalt.core.training.loop import launch, train_learner
from gestalt.core.training.options import Training
from gestalt.core.training.training_data import TrainingData
from gestalt.core.training.transplanting import ObjectTransplants
from tests.listed import Listed
from tests.test_masks import PAINTED
from tests.toy import TOYS, pad, point_items, toy

KINDS = sorted(TOYS)
SIZES = Transplants(smallest=0.1, largest=0.6)


def given(kind: str, options: Transplants = SIZES, spared: Sequence[int] = ()) -> ObjectTransplants[Tensor]:
    modality = toy(kind)
    assert isinstance(modality, TransplantsObjects)
    return ObjectTransplants(modality.transplant, options, frozenset(spared))


def made(
    kind: str,
    items: Sequence[Tensor | None],
    masks: AbstractMasks[Tensor] | None,
    transplants: ObjectTransplants[Tensor] | None,
    workers: int = 0,
    skip_bad: bool = False,
    steps: int = 1,
    start: int = 0,
) -> list[Any]:
    """Batches of all items, each once a step, whose views are the items as they are."""
    modality = toy(kind)
    views = replace(modality.views, views=(modality.views.source,) * 2)
    order = Order(len(items), len(items), steps, 3, start)
    return list(
        batches(Listed(items), views, modality.collate, order, workers, skip_bad, masks=masks, transplants=transplants)
    )


def painted(kind: str, count: int = 6) -> tuple[list[Tensor], list[ItemMasks]]:
    return PAINTED[kind](count)


@pytest.mark.parametrize("kind", KINDS)
def test_the_masks_of_a_composed_item_say_what_it_shows(kind: str) -> None:
    """Law 3 for host and donor: what an element shows says which object of which item it is of."""
    items, masks = painted(kind)
    marked = [item + 1000.0 * number for number, item in enumerate(items)]
    (batch,) = made(kind, marked, ListedMasks(masks), given(kind, replace(SIZES, most=1)))
    features = toy(kind).encoders["raw"]()(batch.views[0].data)
    labels = batch.masks.seen_from(batch.views[0].correspondence, features).labels()
    strangers = 0
    for row, index in enumerate(batch.index.tolist()):
        valid = features.valid[row]
        values, found = features.values[row][valid], labels[row][valid]
        origin = (values / 1000.0).round().long()
        painted_as = values - 1000.0 * origin
        # An element of a series on an edge shows two objects.
        clear = (painted_as == painted_as[:, :1]).all(dim=1) if kind == "series" else torch.ones(len(values)).bool()
        of_host, new = clear & (origin == index).all(dim=1), len(masks[index].objects())
        own = painted_as[:, 0] - 1 if kind == "series" else painted_as[:, 0] / 10 - 1
        assert torch.equal(found[of_host], own[of_host].round().long())
        of_donor = clear & (origin != index).all(dim=1)
        assert (found[of_donor] == new).all()
        strangers += int(of_donor.sum())
    assert strangers > 15


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_set_in_follows_from_the_seed_for_any_number_of_workers(kind: str) -> None:
    items, masks = painted(kind)
    alone, helped = (made(kind, items, ListedMasks(masks), given(kind), workers, steps=2) for workers in (0, 2))
    for one, two in zip(alone, helped, strict=True):
        assert torch.equal(one.source.data.values, two.source.data.values)
        assert torch.equal(one.masks.weights, two.masks.weights)
    assert alone[0].source.data.values.shape != alone[1].source.data.values.shape or not torch.equal(
        alone[0].source.data.values[alone[0].index.argsort()], alone[1].source.data.values[alone[1].index.argsort()]
    )


def test_a_run_that_goes_on_gets_the_same_transplants() -> None:
    items, masks = painted("series")
    whole = made("series", items, ListedMasks(masks), given("series"), steps=3)
    rest = made("series", items, ListedMasks(masks), given("series"), steps=3, start=2)
    assert torch.equal(whole[2].source.data.values, rest[0].source.data.values)


@pytest.mark.parametrize("kind", KINDS)
def test_views_of_a_composed_item_are_drawn_as_those_of_the_item(kind: str) -> None:
    items, masks = painted(kind)
    never = given(kind, replace(SIZES, chance=0.0))
    plain, without = (made(kind, items, ListedMasks(masks), one)[0] for one in (None, never))
    assert torch.equal(plain.views[0].data.values, without.views[0].data.values)
    assert torch.equal(plain.masks.weights, without.masks.weights)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_as_many_items_get_objects_as_the_chance_says_and_as_many_objects_as_the_most(chance: float) -> None:
    items, masks = point_items(300), [ItemMasks(torch.arange(len(item)) % 4, None) for item in point_items(300)]
    options = Transplants(chance, most=3, smallest=0.01, largest=1.0)
    (batch,) = made("points", items, ListedMasks(masks), given("points", options))
    more = batch.masks.weights.amax(dim=2).sum(dim=1) - torch.tensor(
        [len(masks[index].objects()) for index in batch.index]
    )
    assert float((more > 0).float().mean()) == pytest.approx(chance, abs=0.1)
    assert set(more[more > 0].tolist()) == ({1, 2, 3} if chance else set())


def test_items_without_masks_get_none_and_give_none() -> None:
    items, masks = painted("points", 4)
    for there in ([masks[0], None, None, None], [None] * 4):
        (batch,) = made("points", items, ListedMasks(there), given("points"))
        for row, index in enumerate(batch.index.tolist()):
            assert torch.equal(batch.source.data.values[row][batch.source.data.valid[row]], items[index])


def test_items_of_which_something_is_known_stay_as_they_are() -> None:
    items, masks = painted("points", 4)
    (batch,) = made("points", items, ListedMasks(masks), given("points", spared=[1, 2]))
    lengths = dict(zip(batch.index.tolist(), batch.source.data.valid.sum(dim=1).tolist(), strict=True))
    assert [lengths[index] == len(items[index]) for index in range(4)] == [False, True, True, False]


def test_a_bad_donor_is_passed_over_and_listed_or_stops_the_run() -> None:
    items, masks = painted("points", 3)
    torn: list[Tensor | None] = [items[0], items[1], None]
    (batch,) = made("points", torn, ListedMasks(masks), given("points", replace(SIZES, most=8)), skip_bad=True)
    assert {entry.name for entry in batch.skipped} == {"item 2"}
    assert len(batch.skipped) > 1  # its own turn, and as a donor
    with pytest.raises(BadItemError, match="item 2: is torn"):
        made("points", torn, ListedMasks(masks), given("points"))


def test_transplants_without_masks_are_refused() -> None:
    with pytest.raises(ValueError, match="by their masks, and there are none"):
        made("points", painted("points")[0], None, given("points"))


def test_masks_on_cells_of_unlike_edges_are_cut_along_both() -> None:
    host = ItemMasks(torch.tensor([0, 1]), Grid((torch.tensor([[0.0, 1.25, 4.0]]),)), ("a", "b"))
    owner = ItemMasks(torch.tensor([0, 1, -1, 0]), Grid.uniform((4,), (1.0,)))
    made = composed(host, Affine.identity(1), owner, "new")
    assert made.grid is not None
    assert made.grid.edges[0].tolist() == [[0.0, 1.0, 1.25, 2.0, 3.0, 4.0]]
    assert made.labels.tolist() == [0, 2, 2, -1, 1]
    assert made.names == ("a", "b", "new")


def test_masks_with_fewer_axes_than_the_owner_hold_along_the_others() -> None:
    host = ItemMasks(torch.tensor([0, 1]), Grid.uniform((2,), (1.0,)))
    owner = ItemMasks(torch.tensor([1, 0, 0, 1]), Grid.uniform((2, 2), (1.0, 3.0)))
    assert composed(host, Affine.identity(2), owner).labels.tolist() == [2, 0, 1, 2]
    turned = composed(owner, Affine.identity(2), host)
    assert turned.labels.tolist() == [1, 0, 2, 2]


def test_a_host_that_is_moved_takes_its_masks_along() -> None:
    host = ItemMasks(torch.tensor([0, 1]), Grid.uniform((2,), (1.0,)))
    owner = ItemMasks(torch.tensor([0, 0, 1]), Grid.uniform((3,), (1.0,)))
    assert composed(host, Affine.of([-1.0], [2.0]), owner).labels.tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match="nothing is known"):
        composed(host, Affine.none(1), owner)


def test_a_transplant_whose_parts_contradict_one_another_is_refused() -> None:
    owner = ItemMasks(torch.tensor([0, 1]), None)
    Transplant("ab", Index.of([0, -1]), Index.of([-1, 3]), owner)
    with pytest.raises(ValueError, match=r"owner says \[0, 1\]"):
        Transplant("ab", Index.of([0, 1]), Index.of([-1, -1]), owner)
    with pytest.raises(ValueError, match="shows the host, the donor or neither"):
        Transplant("ab", Index.of([0, 1]), Index.of([-1, 3]), owner)
    with pytest.raises(TypeError, match="of one sort"):
        Transplant("ab", Index.of([0, 1]), Affine.identity(1), owner)
    with pytest.raises(ValueError, match="correspondence to the donor is known"):
        Transplant("ab", Index.of([0, -1]), Index.none(2), owner)
    with pytest.raises(ValueError, match="got 2"):
        Transplant("ab", Affine.identity(1), Affine.identity(1), replace(owner, labels=torch.tensor([0, 2])))


@final
@dataclass(frozen=True)
class WithTransplants(AbstractMethod):
    """DetCon on composed items."""

    transplants: Transplants | None = SIZES
    card = DetConB.card

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> AbstractLearner[Any]:
        """The learner of DetCon."""
        return DetConB(Heads(8, 4)).build(encoder, data)


def test_a_method_says_whether_it_wants_transplants(capsys: pytest.CaptureFixture[str]) -> None:
    modality = toy("points")
    method = WithTransplants()
    assert isinstance(method, HasTransplants)
    labels = Labels.of(["a", None, "b"])
    found = transplants_of(method, modality, True, labels)
    assert found is not None
    assert (found.options, found.spared) == (SIZES, frozenset({0, 2}))
    assert transplants_of(DetConB(), modality, True) is None
    assert transplants_of(WithTransplants(None), modality, True) is None
    assert capsys.readouterr().err == ""
    assert transplants_of(method, toy("points", set_in=None), True) is None
    assert "the modality 'points' has no method transplant" in capsys.readouterr().err
    assert transplants_of(method, modality, False) is None
    assert "the items have no masks" in capsys.readouterr().err


def test_a_learner_trains_on_composed_items(tmp_path: Any) -> None:
    options = Training(steps=3, batch=4, workers=0, accelerator="cpu", warmup=0)
    modality, (items, masks) = toy("points"), painted("points")
    torch.manual_seed(0)
    learner = WithTransplants().build(modality.encoders["small"](), DataInfo(batch=4))
    done = train_learner(
        launch(options),
        learner,
        TrainingData(Listed(items), modality.views, pad, masks=ListedMasks(masks), transplants=given("points")),
        options,
        tmp_path,
    )
    assert done.finished


def test_options_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="chance"):
        Transplants(chance=1.5)
    with pytest.raises(ValueError, match="smallest and largest must run from lower to higher"):
        Transplants(smallest=0.5, largest=0.2)


def test_only_objects_of_the_right_extent_are_suitable() -> None:
    """Cells of unlike width count by their width."""
    edges = torch.tensor([[0.0, 1.0, 8.0, 10.0]])
    masks = ItemMasks(torch.tensor([0, 1, 2]), Grid((edges,)))
    assert Transplants(smallest=0.15, largest=0.5).suitable(masks) == [2]
    assert Transplants(smallest=0.05, largest=1.0).suitable(masks) == [0, 1, 2]
    assert Transplants().suitable(ItemMasks(torch.full((4,), -1), None)) == []
    assert np.isclose(Transplants().largest, 0.3)


def test_an_item_whose_masks_hold_nothing_has_no_suitable_object() -> None:
    assert Transplants().suitable(ItemMasks(torch.empty(0, dtype=torch.long), None)) == []
