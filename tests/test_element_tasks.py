"""Tasks on elements: which pairs and moments, naive loops over the equations, what the encoder may see, refusals."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.item_noise import ItemNoise
from gestalt.core.data.places import Parts
from gestalt.core.methods.element_tasks import ContextPrediction, NextElement, SkipGram
from gestalt.core.methods.element_tasks.base import seen_alone
from gestalt.core.methods.element_tasks.context import drawn
from gestalt.core.methods.element_tasks.next import matched
from gestalt.core.methods.element_tasks.relations import along_links, directions, relations
from gestalt.core.networks.encoder import AbstractEncoder, Identity
from tests.implementations import DATA, ENCODERS, ITEMS, PROGRESS, make_batch, seeded, small
from tests.toy import Ragged
from tests.two_step_encoders import CASES

NOISE = ItemNoise.of(torch.arange(3), seeded())


def some_valid(elements: int) -> Tensor:
    """Three items, the second shorter, the third of one element."""
    return torch.arange(elements) < torch.tensor([[elements], [elements - 3], [1]])


@pytest.mark.parametrize("shape", [(7,), (4, 5), (3, 3, 4)])
@pytest.mark.parametrize("gap", [1, 2])
def test_directions_are_those_of_a_naive_loop_over_cells(shape: tuple[int, ...], gap: int) -> None:
    grid = Grid.uniform(shape, (1.0,) * len(shape))
    valid = some_valid(grid.elements)
    found = directions(grid, valid, gap)
    assert found.kinds == 3 ** len(shape) - 1
    cells = [tuple(int(n) for n in torch.unravel_index(torch.tensor(e), shape)) for e in range(grid.elements)]
    for row in range(3):
        pairs = {
            (int(found.one[p]), int(found.other[p])): int(found.kind[0, p])
            for p in found.there[row].nonzero()[:, 0].tolist()
        }
        expected = {}
        for one, a in enumerate(cells):
            for other, b in enumerate(cells):
                way = [y - x for x, y in zip(a, b, strict=True)]
                if one != other and all(abs(w) in (0, gap) for w in way) and bool(valid[row, one] & valid[row, other]):
                    number = 0
                    for w in way:
                        number = number * 3 + 1 + (w > 0) - (w < 0)
                    expected[one, other] = number - (number > (3 ** len(shape) - 1) // 2)
        assert pairs == expected


def test_hops_are_the_lengths_of_shortest_paths_and_what_is_not_joined_is_far() -> None:
    links = torch.zeros(1, 7, 7, dtype=torch.bool)
    for one, other in ((0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (5, 6)):
        links[0, one, other] = links[0, other, one] = True
    found = along_links(links, torch.ones(1, 7, dtype=torch.bool), hops=3)
    kind = found.kind.view(7, 7)
    assert kind[0].tolist()[1:] == [0, 0, 1, 2, 2, 2]
    assert kind[5, 6] == 0
    assert kind[4].tolist()[:4] == [2, 2, 1, 0]
    assert not bool(found.there.view(7, 7).diagonal().any())


def test_relations_come_equally_often_and_no_pair_twice() -> None:
    """A long line of nodes: nearly all pairs lie far apart, and are drawn no more often than neighbours."""
    chain = (torch.arange(40)[:, None] - torch.arange(40)).abs() == 1
    known = along_links(chain.expand(3, 40, 40), some_valid(40), hops=4)
    place, chosen = drawn(known, 60, NOISE)
    kind = known.kind.gather(1, place)
    for row in (0, 1):
        counts = torch.bincount(kind[row], minlength=4)
        assert int(counts.min()) >= 8
        assert len(place[row].unique()) == 60
    assert chosen.all(dim=1).tolist() == [True, True, False]
    assert not bool(chosen[2].any()), "an item of one element has no pair"


def test_an_element_that_is_seen_alone_has_the_same_vector_wherever_it_lies_and_whatever_lies_around_it() -> None:
    for name, case in CASES.items():
        ready = case()
        encoder: Any = ready.encoder()
        with torch.no_grad():
            tokens = encoder.embed(ready.modality.collate(ready.items()))
            places = torch.tensor([[0, 1]]).expand(len(tokens.valid), 2)
            if isinstance(tokens.places, Parts):
                with pytest.raises(ValueError, match="of the parts"):
                    seen_alone(encoder, tokens, places)
                continue
            found = seen_alone(encoder, tokens, places)
            moved = torch.randn_like(tokens.values)
            moved[:, 1] = tokens.values[:, 0]
            again = seen_alone(encoder, tokens.with_values(moved), places)
        torch.testing.assert_close(again[:, 1], found[:, 0], msg=name)
        assert found.shape[2] == encoder.dim


def data_of(kind: str, count: int = 3) -> Any:
    return make_batch(kind, ITEMS[kind](count)).source.data


def encoder_of(kind: str) -> AbstractEncoder:
    torch.manual_seed(0)
    return ENCODERS[kind]()


@pytest.mark.parametrize("alone", [True, False])
def test_context_prediction_is_the_cross_entropy_of_a_naive_loop_over_its_pairs(alone: bool) -> None:
    encoder: Any = encoder_of("series")
    data = data_of("series")
    task = ContextPrediction(6, 8, pairs=5, gap=2, alone=alone).eval()
    found = task(encoder, data, NOISE)
    tokens = encoder.embed(data)
    known = relations(tokens, 2, 4, False)
    place, chosen = drawn(known, 5, NOISE)
    losses = []
    for row in range(3):
        whole = encoder(data).values[row]
        for pair in place[row][chosen[row]].tolist():
            ends = [int(known.one[pair]), int(known.other[pair])]
            own = tokens.values[row, ends]
            vectors = torch.tanh(own + (own - encoder.own.bias) @ encoder.context.weight.T) if alone else whole[ends]
            logits = task.classifier(torch.cat([*vectors])[None])[0, :2]
            losses.append(
                math.log(sum(math.exp(x) for x in logits.tolist())) - float(logits[known.kind[0, pair]].detach())
            )
    assert len(losses) == 15
    assert float(found.value.detach()) == pytest.approx(sum(losses) / 15, rel=1e-5)


def naive_nce(queries: list[Tensor], keys: list[Tensor]) -> float:
    losses = []
    for number, query in enumerate(queries):
        scores = [float((query @ key).detach()) for key in keys]
        losses.append(math.log(sum(math.exp(score) for score in scores)) - scores[number])
    return sum(losses)


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("cuts", [1, 3])
def test_next_elements_are_found_by_the_loss_of_a_naive_loop_from_what_was_seen_before(kind: str, cuts: int) -> None:
    encoder: Any = encoder_of(kind)
    data: Ragged = data_of(kind)
    task = NextElement(6, steps=4, cuts=cuts)
    found = task(encoder, data, NOISE)
    lengths = data.valid.sum(dim=1)
    luck = NOISE.uniform(cuts)
    tokens, total, count = encoder.embed(data).values, 0.0, 0
    for cut in range(cuts):
        moments = [int(luck[row, cut] * (int(lengths[row]) - 1)) for row in range(3)]
        contexts = []
        for row, moment in enumerate(moments):  # a shorter item that ends here gives the same
            before = Ragged(data.values[row : row + 1, : moment + 1], data.valid[row : row + 1, : moment + 1])
            contexts.append(encoder(before).values[0, moment])
        for step in range(4):
            rows = [row for row in range(3) if moments[row] + step + 1 < int(lengths[row])]
            queries = [task.predictors(contexts[row], step) for row in rows]
            total += naive_nce(queries, [tokens[row, moments[row] + step + 1] for row in rows])
            count += len(rows)
    assert float(found.value.detach()) == pytest.approx(total / count, rel=1e-4)


def test_skip_gram_finds_elements_of_the_window_by_the_loss_of_a_naive_loop() -> None:
    encoder: Any = encoder_of("points")
    data: Ragged = data_of("points")
    task = SkipGram(6, window=2, centres=4)
    found = task(encoder, data, NOISE)
    tokens = encoder.embed(data).values
    elements = tokens.shape[1]
    luck = torch.where(data.valid, NOISE.uniform(elements), -1.0)
    steps = NOISE.other(0).uniform(4)
    queries, keys = [], []
    for row in range(3):
        for place, centre in enumerate(luck[row].argsort(descending=True)[:4].tolist()):
            step = int(steps[row, place] * 4) - 2
            near = centre + (step + 1 if step >= 0 else step)
            if 0 <= near < elements and bool(data.valid[row, near]):
                assert 1 <= abs(near - centre) <= 2
                own = tokens[row, centre]
                queries.append(
                    task.predictor(torch.tanh(own + encoder.context.weight @ (own - encoder.own.bias))[None])[0]
                )
                keys.append(tokens[row, near])
    assert len(keys) > 4
    assert float(found.value.detach()) == pytest.approx(naive_nce(queries, keys) / len(keys), rel=1e-4)


def test_rows_of_a_grid_with_further_axes_go_ahead_side_by_side() -> None:
    """Time by two rows, each row with a pattern of its own: what one row predicts is found in that row."""
    grid = Grid.uniform((3, 2), (1.0, 1.0))
    values = torch.arange(12.0).view(1, 6, 2)
    seen = FeatureMap(values, torch.ones(1, 6, dtype=torch.bool), grid)

    class Here(AbstractEncoder):
        dim = 2

        def embed(self, data: Any) -> FeatureMap:  # noqa: ARG002
            return seen

        def mix(self, tokens: FeatureMap, visible: Tensor | None = None) -> FeatureMap:
            assert visible is not None
            assert visible[0].view(3, 2).all(dim=1).tolist() == visible[0].view(3, 2).any(dim=1).tolist()
            return tokens

        def forward(self, data: Any) -> FeatureMap:  # noqa: ARG002
            return seen

    task = NextElement(2, steps=1)
    with torch.no_grad():
        next(task.predictors.parameters()).copy_(torch.eye(2))
    moment = int(ItemNoise.of(torch.arange(1), seeded()).uniform(1)[0, 0] * 2)
    found = task(Here(), None, ItemNoise.of(torch.arange(1), seeded()))
    now, ahead = values[0, 2 * moment : 2 * moment + 2], values[0, 2 * moment + 2 : 2 * moment + 4]
    losses, _ = matched(now, ahead)
    torch.testing.assert_close(found.value.detach(), losses.mean())


def test_what_a_method_needs_and_has_not_is_said_by_name() -> None:
    for name, title in (("next-element", "next-element prediction"), ("skip-gram", "skip-gram")):
        with pytest.raises(ValueError, match=f"{title} needs elements that follow one another"):
            small(name).build(encoder_of("points"), replace(DATA, sequence=False))
        with pytest.raises(
            ValueError, match=f"{title} shows an encoder some elements.*choose one with --encoder: conv"
        ):
            small(name).build(Identity(2), replace(DATA, two_steps=("conv",)))
    with pytest.raises(ValueError, match="neither a grid, nor neighbours, nor an order"):
        ContextPrediction(6, 8)(encoder_of("points"), data_of("points"), NOISE)
    with pytest.raises(ValueError, match="directions on up to 3 axes, got 4"):
        directions(Grid.uniform((2, 2, 2, 2), (1.0,) * 4), torch.ones(1, 16, dtype=torch.bool), 1)
    with pytest.raises(ValueError, match="tokens of 6 numbers and vectors of 5"):
        SkipGram(5)(encoder_of("points"), data_of("points"), NOISE)


@pytest.mark.parametrize("name", ["context-prediction", "next-element", "skip-gram"])
def test_an_item_of_one_element_has_nothing_to_ask_and_gives_a_zero_loss(name: str) -> None:
    learner = small(name).build(encoder_of("points"), DATA)
    outcome = learner(make_batch("points", [item[:1] for item in ITEMS["points"](2)]), seeded(), PROGRESS)
    outcome.loss.backward()
    assert float(outcome.loss.detach()) == 0


def test_the_order_of_words_is_told_where_they_lie_in_order() -> None:
    values = FeatureMap(torch.zeros(1, 5, 2), torch.ones(1, 5, dtype=torch.bool))
    assert relations(values, 1, 4, ordered=True).kinds == 2
    joined = replace(values, neighbours=torch.ones(1, 5, 5, dtype=torch.bool))
    assert relations(joined, 1, 7, ordered=True).kinds == 7
