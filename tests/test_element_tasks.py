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
from gestalt.core.methods.element_tasks.near import neighbours_of
from gestalt.core.methods.element_tasks.next import matched
from gestalt.core.methods.element_tasks.relations import along_links, directions, relations
from gestalt.core.networks.encoder import AbstractEncoder, Identity
from gestalt.core.training.watch import CollapseWatch
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


def naive_nce(query: Tensor, right: Tensor, wrong: list[Tensor]) -> float:
    scores = [float((query @ key).detach()) for key in (right, *wrong)]
    return math.log(sum(math.exp(score) for score in scores)) - scores[0]


def few_words(count: int) -> Ragged:
    """Items of few different elements, as texts of few words are: many come again in other items."""
    data: Ragged = data_of("points", count)
    words = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 2.0]])
    return Ragged(words[torch.randint(0, 3, data.valid.shape, generator=seeded())], data.valid)


@pytest.mark.parametrize("kind", [*ENCODERS, "words"])
@pytest.mark.parametrize("cuts", [1, 3])
def test_next_elements_are_found_by_the_loss_of_a_naive_loop_from_what_was_seen_before(kind: str, cuts: int) -> None:
    encoder: Any = encoder_of("points" if kind == "words" else kind)
    data: Ragged = few_words(3) if kind == "words" else data_of(kind)
    task = NextElement(6, steps=4, cuts=cuts)
    found = task(encoder, data, NOISE)
    lengths = data.valid.sum(dim=1)
    luck = NOISE.uniform(cuts)
    tokens, total, count, alike = encoder.embed(data).values, 0.0, 0, 0
    for cut in range(cuts):
        moments = [int(luck[row, cut] * (int(lengths[row]) - 1)) for row in range(3)]
        contexts = []
        for row, moment in enumerate(moments):  # a shorter item that ends here gives the same
            before = Ragged(data.values[row : row + 1, : moment + 1], data.valid[row : row + 1, : moment + 1])
            contexts.append(encoder(before).values[0, moment])
        for step in range(4):
            rows = [row for row in range(3) if moments[row] + step + 1 < int(lengths[row])]
            keys = {row: tokens[row, moments[row] + step + 1] for row in rows}
            for row in rows:  # the same word in another text is no wrong answer
                wrong = [key for key in keys.values() if not torch.equal(key, keys[row])]
                alike += len(keys) - 1 - len(wrong)
                if wrong:
                    total += naive_nce(task.predictors(contexts[row], step), keys[row], wrong)
                    count += 1
    assert (alike > 0) == (kind == "words")
    assert count > 3
    assert float(found.value.detach()) == pytest.approx(total / count, rel=1e-4)
    assert int(found.parts["asked"]) == count


def test_skip_gram_finds_elements_of_the_window_by_the_loss_of_a_naive_loop() -> None:
    encoder: Any = encoder_of("points")
    data: Ragged = data_of("points")
    task = SkipGram(6, window=2, centres=4)
    found = task(encoder, data, NOISE)
    tokens = encoder.embed(data).values
    elements = tokens.shape[1]
    luck = torch.where(data.valid, NOISE.uniform(elements), -1.0)
    which = NOISE.other(0).uniform(4)
    queries, pairs = [], []
    for row in range(3):
        for place, centre in enumerate(luck[row].argsort(descending=True)[:4].tolist()):
            window = [n for n in range(centre - 2, centre + 3) if n != centre and 0 <= n < elements]
            window = [n for n in window if bool(data.valid[row, centre] & data.valid[row, n])]
            if window:
                own = tokens[row, centre]
                queries.append(torch.tanh(own + encoder.context.weight @ (own - encoder.own.bias)))
                pairs.append((row, centre, window[int(which[row, place] * len(window))]))
    losses, right = [], 0
    for query, (row, centre, near) in zip(queries, pairs, strict=True):
        outside = [(r, n) for r, _, n in pairs if r != row or abs(n - centre) > 2]
        wrong = [tokens[r, n] for r, n in outside if not torch.equal(tokens[r, n], tokens[row, near])]
        if wrong:
            predicted = task.predictor(query[None])[0].detach()
            losses.append(naive_nce(predicted, tokens[row, near], wrong))
            right += int(
                all(float(predicted @ tokens[row, near].detach()) > float(predicted @ key.detach()) for key in wrong)
            )
    assert len(losses) > 4
    assert float(found.value.detach()) == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    assert float(found.parts["accuracy"]) == pytest.approx(right / len(losses))
    assert int(found.parts["asked"]) == len(losses)


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
    ((losses, _, _),) = matched([now], [ahead])
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


def test_every_element_of_a_window_is_drawn_equally_often_and_no_centre_is_lost_at_the_ends() -> None:
    valid = torch.arange(5) < torch.tensor([[5], [3]])
    luck = ((torch.arange(1200) + 0.5) / 1200).expand(2, 1200)
    for centre, row, window in ((0, 0, [1, 2]), (2, 0, [0, 1, 3, 4]), (2, 1, [0, 1]), (4, 0, [2, 3])):
        near, there = neighbours_of(torch.full((2, 1200), centre), valid, 1, 2, luck)
        assert there[row].all()
        assert near[row].unique(return_counts=True)[0].tolist() == window
        assert set(near[row].unique(return_counts=True)[1].tolist()) == {1200 // len(window)}
    near, there = neighbours_of(torch.full((1, 8), 4), torch.ones(1, 9, dtype=torch.bool), 3, 2, luck[:1, ::150])
    assert there.all()
    assert set(near.flatten().tolist()) == {1, 7}, "along time, in its own row of three"
    assert not bool(neighbours_of(torch.zeros(1, 1, dtype=torch.long), valid[1:, :1], 1, 2, luck[:1, :1])[1].any())


def test_what_is_partly_seen_is_not_predicted() -> None:
    """Tokens that share something up to two ahead: two steps are those from the third on of four."""
    encoder, data = encoder_of("series"), data_of("series")

    class Overlapping(AbstractEncoder):
        dim, shared = 6, 2

        def embed(self, data: Any) -> FeatureMap:
            tokens: FeatureMap = encoder.embed(data)  # type: ignore[operator]
            return tokens

        def mix(self, tokens: FeatureMap, visible: Tensor | None = None) -> FeatureMap:
            mixed: FeatureMap = encoder.mix(tokens, visible)  # type: ignore[operator]
            return mixed

        def forward(self, data: Any) -> FeatureMap:
            return self.mix(self.embed(data))

    task, longer = NextElement(6, steps=2), NextElement(6, steps=4)
    for one, other in zip(task.predictors.maps, list(longer.predictors.maps)[2:], strict=True):
        one.load_state_dict(other.state_dict())
    both, first = longer(encoder, data, NOISE), NextElement(6, steps=2)
    for one, other in zip(first.predictors.maps, longer.predictors.maps, strict=False):
        one.load_state_dict(other.state_dict())
    near, far = first(encoder, data, NOISE), task(Overlapping(), data, NOISE)
    asked = [float(loss.parts["asked"]) for loss in (near, far, both)]
    assert min(asked) > 0
    assert asked[0] + asked[1] == asked[2]
    torch.testing.assert_close(near.value * asked[0] + far.value * asked[1], both.value * asked[2])


def test_what_equals_the_right_element_or_lies_in_the_window_is_not_wrong_and_asks_nothing_alone() -> None:
    encoder: Any = encoder_of("points")
    task = SkipGram(6, window=4, centres=8)
    alike = Ragged(torch.ones(3, 7, 2), torch.ones(3, 7, dtype=torch.bool))
    short = Ragged(torch.randn(3, 5, 2, generator=seeded()), torch.arange(5) < torch.tensor([[5], [0], [0]]))
    for data in (alike, short):
        found = task(encoder, data, NOISE)
        assert float(found.value.detach()) == 0
        assert {name: float(value) for name, value in found.parts.items()} == {"near": 0, "accuracy": 0, "asked": 0}


def test_a_single_item_has_no_wrong_token_ahead_and_counts_as_nothing_found_of_which_the_watch_speaks() -> None:
    learner = small("next-element").build(encoder_of("series"), DATA)
    for items, asks in ((1, False), (3, True)):
        outcome = learner(make_batch("series", ITEMS["series"](items)), seeded(), PROGRESS)
        assert (float(outcome.metrics["asked"]) > 1) == asks
        assert asks or float(outcome.metrics["accuracy"]) == 0
        said = CollapseWatch().judge(3, learner.health(outcome))
        assert any("step 3: a step asked nothing, so it taught nothing" in text for text in said) != asks


def test_a_step_encodes_no_more_than_its_task_and_whole_items_when_the_watch_asks() -> None:
    encoder: Any = encoder_of("series")
    learner, batch = small("skip-gram").build(encoder, DATA), make_batch("series", ITEMS["series"](3))
    passes: list[int] = []
    learner.online.register_forward_pre_hook(lambda *_: passes.append(0))
    encoder.register_forward_pre_hook(lambda *_: passes.append(0))
    outcome = learner(batch, seeded(), PROGRESS)
    learner.after_step([outcome], PROGRESS)
    assert not passes
    assert learner.health(outcome)["spread"] == learner.health(outcome)["spread"]
    assert len(passes) == 1
    means = [
        features[valid].mean(dim=0)
        for features, valid in zip(encoder(batch.source.data).values, batch.source.data.valid, strict=True)
    ]
    torch.testing.assert_close(outcome.details.online[0].vectors[:, 0], torch.stack(means))


@pytest.mark.parametrize("name", ["context-prediction", "next-element", "skip-gram"])
def test_an_item_of_one_element_has_nothing_to_ask_and_gives_a_zero_loss(name: str) -> None:
    learner = small(name).build(encoder_of("points"), DATA)
    outcome = learner(make_batch("points", [item[:1] for item in ITEMS["points"](2)]), seeded(), PROGRESS)
    outcome.loss.backward()
    assert float(outcome.loss.detach()) == 0
    assert float(outcome.metrics["accuracy"]) == 0


def test_the_order_of_words_is_told_where_they_lie_in_order() -> None:
    values = FeatureMap(torch.zeros(1, 5, 2), torch.ones(1, 5, dtype=torch.bool))
    assert relations(values, 1, 4, ordered=True).kinds == 2
    joined = replace(values, neighbours=torch.ones(1, 5, 5, dtype=torch.bool))
    assert relations(joined, 1, 7, ordered=True).kinds == 7
