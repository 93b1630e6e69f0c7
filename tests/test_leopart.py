"""Leopart: dense clustering of elements that two views share."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.grid import Grid
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.segmenters import Attended, EveryElement, WholeItem
from gestalt.core.discovery.segmenters.attended import most_attended
from gestalt.core.methods.dino import DINO
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.leopart import Leopart
from gestalt.core.methods.objectives.distillation import Distillation
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.follower import MovingAverage, Shared
from gestalt.modalities.image import MODALITY as IMAGE
from tests.implementations import DATA, ENCODERS, ITEMS, PROGRESS, make_batch, seeded, small

NAMES = ("points", "series")


def built(kind: str) -> Learner:
    """A small learner whose teacher is not the student."""
    torch.manual_seed(0)
    learner = small("leopart").build(ENCODERS[kind](), DATA)
    assert isinstance(learner, Learner)
    with torch.no_grad():
        for weight in learner.teacher.network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return learner


def shares(scores: Tensor) -> Tensor:
    """Sinkhorn–Knopp as in SwAV: columns of the same sum, then rows, three times."""
    q = (scores.double() / 0.05).exp()
    for _ in range(3):
        q = q / q.sum(dim=0, keepdim=True) / q.shape[1]
        q = q / q.sum(dim=1, keepdim=True) / q.shape[0]
    return (q / q.sum(dim=1, keepdim=True)).float()


def between(rule: Affine, item: int, features: FeatureMap, places: Grid, element: int) -> Tensor | None:
    """The vector of a view at the centre of an element of the source, straight from the definition; None for none."""
    assert features.grid is not None
    centre = float(places.centres()[-1, element, 0])
    place = (centre - float(rule.offset[item, 0])) / float(rule.matrix[item, 0, 0])
    hides = list(zip(rule.hidden_matrix[item, :, 0, 0].tolist(), rule.hidden_offset[item, :, 0].tolist(), strict=True))

    def hidden(there: float) -> bool:
        return any(0 <= scale * there + offset < 1 for scale, offset in hides)

    edges = features.grid.edges[0][-1].tolist()
    cells = [cell for cell in range(len(edges) - 1) if edges[cell] <= place < edges[cell + 1]]
    if not cells or not bool(features.valid[item, cells[0]]) or hidden(place):
        return None
    middles = [(low + high) / 2 for low, high in itertools.pairwise(edges)]
    total, weight = torch.zeros(features.values.shape[2]), 0.0
    for cell, middle in enumerate(middles):  # a hat over every centre; the outermost reach to the end
        width = middles[1] - middles[0]
        outer = (cell == 0 and place < middle) or (cell == len(middles) - 1 and place > middle)
        own = 1.0 if outer else max(0.0, 1 - abs(place - middle) / width)
        if bool(features.valid[item, cell]) and not hidden(middle):
            total, weight = total + own * features.values[item, cell], weight + own
    return total / weight if weight > 0 else None


def brought(network: Network, view: Any, source: Any) -> dict[tuple[int, int], Tensor]:
    """For every element of the source that a view shows, the head's output of what shows it.

    On a grid that is what lies around its centre, in a set the mean of all that show it.
    """
    features = network.encode(view.data)
    items, elements = source.valid.shape
    found: dict[tuple[int, int], Tensor] = {}
    for item, place in itertools.product(range(items), range(elements)):
        if not bool(source.valid[item, place]):
            continue
        if isinstance(view.correspondence, Affine):
            own = between(view.correspondence, item, features, source.grid, place)
        else:
            shown = view.correspondence.source_elements(features, source.places)[item]
            rows = features.values[item][(shown == place) & features.valid[item]]
            own = rows.mean(dim=0) if len(rows) else None
        if own is not None:
            found[item, place] = network.projector(own[None])[0]
    return found


@pytest.mark.parametrize("kind", NAMES)
def test_each_view_predicts_the_balanced_clusters_of_the_elements_that_it_shares_with_another(kind: str) -> None:
    """Law 11, Oracle: element by element."""
    learner, batch = built(kind), make_batch(kind, ITEMS[kind](4))
    objective = learner.objective
    assert isinstance(objective, Distillation)
    assert objective.teacher is not None
    source = learner.online.encode(batch.source.data)
    unit = torch.nn.functional.normalize
    asked = [brought(learner.online, view, source) for view in batch.views]
    taught = [brought(learner.teacher.network, view, source) for view in batch.views]
    losses = []
    for one, other in ((0, 1), (1, 0)):
        rows = unit(torch.stack(list(taught[other].values())), dim=1) @ unit(objective.teacher.weight, dim=1).T
        wanted = dict(zip(taught[other], shares(rows.detach()), strict=True))
        errors = []
        for key in asked[one].keys() & wanted.keys():
            scores = unit(asked[one][key], dim=0) @ unit(objective.prototypes.weight, dim=1).T
            errors.append(-(wanted[key] * (scores / 0.1).log_softmax(dim=0)).sum())
        assert len(errors) > 4
        losses.append(torch.stack(errors).mean())
    outcome = learner(batch, seeded(), PROGRESS)
    torch.testing.assert_close(outcome.loss, (losses[0] + losses[1]) / 2, rtol=1e-4, atol=1e-5)


def test_leopart_of_whole_items_is_dino_with_sinkhorn() -> None:
    """Law 12."""
    ours = built("points")
    ours.segmenter = WholeItem()
    same: dict[str, Any] = {"prototypes": 4, "teacher_temperature": 0.05, "first_temperature": 0.05}
    method = DINO(8, 5, balance="sinkhorn", frozen_epochs=0, teacher=MovingAverage(0.9995), **same)
    theirs = method.build(ENCODERS["points"](), DATA)
    theirs.load_state_dict(ours.state_dict())
    batch = make_batch("points", ITEMS["points"](4))
    assert torch.equal(ours(batch, seeded(), PROGRESS).loss, theirs(batch, seeded(), PROGRESS).loss)


def test_the_foreground_is_the_fewest_elements_that_hold_a_share_of_the_attention() -> None:
    attention = torch.rand(5, 9, generator=seeded())
    attention[:, 7:] = 0  # padding
    attention = attention / attention.sum(dim=1, keepdim=True)
    kept = most_attended(attention, 0.6)
    for row in range(5):
        own = attention[row][kept[row]]
        assert float(own.sum()) >= 0.6
        assert float(own.sum() - own.min()) < 0.6
        assert float(own.min()) >= float(attention[row][~kept[row]].max())
    assert torch.equal(most_attended(attention, 1.0), attention > 0)


def test_elements_without_attention_belong_to_no_object() -> None:
    torch.manual_seed(0)
    network = Network(IMAGE.encoders["transformer"](width=16, depth=1, heads=2))
    batch = make_batch("", [specimen.item for specimen in IMAGE.specimens()][:2], modality=IMAGE)
    every: Segmentation = EveryElement(Shared(network))(batch, seeded())
    found: Segmentation = Attended(EveryElement(Shared(network)), Shared(network), 0.3)(batch, seeded())
    here, there = found.weights.sum(dim=1), every.weights.sum(dim=1)
    assert 0 < float(here.sum()) < 0.4 * float(there.sum())
    assert bool((here <= there).all())
    built = Leopart(8, 5, 4, foreground=0.6).build(network.encoder, DATA)
    assert bool(built(batch, seeded(), PROGRESS).loss.isfinite())
    with pytest.raises(ValueError, match="needs an encoder that gives it"):
        Leopart(8, 5, 4, foreground=0.6).build(IMAGE.encoders["raw"](), DATA)
