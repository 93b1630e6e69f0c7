"""Masked prediction: every loss against its equation, what the network sees, refusals, and that it learns."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.components.description import build, describe
from gestalt.core.components.registry import METHODS
from gestalt.core.components.settings import settings_of
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.item_noise import ItemNoise
from gestalt.core.data.view import Batch
from gestalt.core.losses.masked import element_distance, normalised
from gestalt.core.methods.bert import BERT
from gestalt.core.methods.data2vec import Data2Vec
from gestalt.core.methods.graphmae import GraphMAE
from gestalt.core.methods.ijepa import IJEPA
from gestalt.core.methods.mae import MAE
from gestalt.core.methods.masked.decoder import LINEAR, DecoderSettings, MaskedDecoder
from gestalt.core.methods.masked.hiding import AtRandom, HiddenObjects, Spans, TargetRegions, Together
from gestalt.core.methods.masked.learner import MaskedLearner
from gestalt.core.methods.masked.targets import Latent, OwnClass
from gestalt.core.methods.masked.targets.own_class import RandomCodes
from gestalt.core.methods.masked.token import MaskToken
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.presets import CONTEXT_ENCODERS, preset_named
from gestalt.core.methods.simmim import SimMIM
from gestalt.core.networks.encoder import Identity, Network
from gestalt.core.networks.follower import Follower, MovingAverage
from tests.implementations import DATA, ENCODERS, ITEMS, PROGRESS, make_batch, seeded
from tests.masked_methods import MASKED, MASKING, masked
from tests.toy import Ragged, Small
from tests.two_step_encoders import CASES, Case

every_kind = pytest.mark.parametrize("kind", ENCODERS)


def built(name: str, kind: str, **changes: Any) -> MaskedLearner:
    torch.manual_seed(0)
    return masked(name, ENCODERS[kind](), **changes)


def seen_by(encoder: Small, tokens: Tensor) -> list[Tensor]:
    """The toy's layers, on tokens W x + b of one item that are all there: these, and tanh(W x + b + V mean(W x))."""
    return [tokens, torch.tanh(tokens + encoder.context(tokens.mean(dim=0) - encoder.own.bias))]


def normal(vector: Tensor) -> Tensor:
    return (vector - vector.mean()) / (vector.var(correction=0) + 1e-5).sqrt()


def smooth(error: Tensor, beta: float) -> Tensor:
    return torch.stack([e * e / (2 * beta) if abs(e) <= beta else abs(e) - beta / 2 for e in error]).mean()


def mae(predicted: Tensor, numbers: Tensor, _: Tensor, __: MaskedLearner) -> Tensor:
    return (predicted - (numbers - numbers.mean()) / (numbers.var() + 1e-6).sqrt()).square().mean()


def plain(predicted: Tensor, numbers: Tensor, _: Tensor, __: MaskedLearner) -> Tensor:
    return (predicted - numbers).square().mean()


def simmim(predicted: Tensor, numbers: Tensor, _: Tensor, __: MaskedLearner) -> Tensor:
    return (predicted - numbers).abs().mean()


def bert(predicted: Tensor, numbers: Tensor, _: Tensor, __: MaskedLearner) -> Tensor:
    return -(predicted[int(numbers[0] > 1)].exp() / predicted.exp().sum()).log()


def graphmae(predicted: Tensor, numbers: Tensor, _: Tensor, __: MaskedLearner) -> Tensor:
    cosine: Tensor = predicted @ numbers / (predicted.norm() * numbers.norm())
    return (1 - cosine).square()


def latent(predicted: Tensor, _: Tensor, taught: Tensor, learner: MaskedLearner) -> Tensor:
    assert isinstance(learner.target, Latent)
    return smooth(predicted - taught, learner.target.beta)


EQUATIONS: dict[str, Callable[[Tensor, Tensor, Tensor, MaskedLearner], Tensor]] = {
    "mae": mae,
    "context-encoders": plain,
    "simmim": simmim,
    "bert": bert,
    "graphmae": graphmae,
    "data2vec": latent,
    "i-jepa": latent,
}


def naive(learner: MaskedLearner, batch: Batch[Ragged], equation: Callable[..., Tensor]) -> Tensor:
    """The mean over hidden elements, item by item and element by element, of items without any padding."""
    encoder, view = learner.online.encoder, batch.source.data
    assert isinstance(encoder, Small)
    noise = ItemNoise.of(batch.index, seeded()).other(0)
    errors = []
    for row in range(len(batch)):
        numbers, own = view.values[row][view.valid[row]], noise.seeds[row : row + 1]
        alone = encoder.embed(Ragged(numbers[None], torch.ones(1, len(numbers), dtype=torch.bool)))
        hidden = learner.hiding.hidden(alone, ItemNoise(own).other(0), None)
        taught = teacher_of(learner, alone.values[0].detach(), numbers)
        visible = hidden.visible[0].nonzero()[:, 0]
        if learner.token is None:
            seen = seen_by(encoder, alone.values[0][visible])[1]
            vectors = torch.zeros_like(alone.values[0]).index_copy(0, visible, seen)
        else:
            places = hidden.groups.any(dim=1)
            vectors = seen_by(encoder, learner.token(alone, places, ItemNoise(own).other(1)).values[0])[1]
        for places in hidden.groups[0]:
            predicted = learner.decoder(alone.with_values(vectors[None]), hidden.visible, places[None])
            for rank, element in enumerate(places.nonzero()[:, 0].tolist()):
                errors.append(equation(predicted[rank], numbers[element], taught[element], learner))
    return torch.stack(errors).mean()


def teacher_of(learner: MaskedLearner, online: Tensor, numbers: Tensor) -> Tensor:
    """What the teacher makes of all elements of an item."""
    if not isinstance(learner.target, Latent):
        return online
    teacher = learner.target.teacher.network.encoder
    assert isinstance(teacher, Small)
    tokens = online if learner.target.tokens == "online" else teacher.own(numbers)
    layers = list(seen_by(teacher, tokens))
    if learner.target.of_layers == "feed-forward":
        layers = [layers[0], layers[1] - layers[0]]
    kept = layers[-1:] if learner.target.top is None else layers[-learner.target.top :]
    if learner.target.normalises == "mean":
        return torch.stack([normal(vector) for vector in torch.stack([*kept]).mean(dim=0)])
    return torch.stack([torch.stack([normal(vector) for vector in layer]) for layer in kept]).mean(dim=0)


def test_every_installed_method_has_an_equation() -> None:
    assert set(MASKING) == EQUATIONS.keys()


@every_kind
@pytest.mark.parametrize("name", EQUATIONS)
def test_the_loss_is_the_mean_of_its_equation_over_all_hidden_elements(name: str, kind: str) -> None:
    """Law 11, Oracle."""
    learner, batch = built(name, kind), make_batch(kind, ITEMS[kind](5))
    if isinstance(learner.target, Latent):  # a teacher that is not the online network
        with torch.no_grad():
            for weight in learner.target.teacher.network.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
    outcome = learner(batch, seeded(), PROGRESS)
    torch.testing.assert_close(outcome.loss, naive(learner, batch, EQUATIONS[name]), rtol=1e-4, atol=1e-5)
    assert outcome.loss.item() > 0.01


def test_data2vec_normalises_each_layer_or_their_mean() -> None:
    found = []
    for normalises in ("layers", "mean"):
        learner, batch = (
            built("data2vec", "series", top=2, normalises=normalises),
            make_batch("series", ITEMS["series"](5)),
        )
        found.append(learner(batch, seeded(), PROGRESS).loss)
        torch.testing.assert_close(found[-1], naive(learner, batch, latent), rtol=1e-4, atol=1e-5)
    assert abs(float(found[0].detach() - found[1].detach())) > 1e-3


@every_kind
@pytest.mark.parametrize("name", MASKED)
def test_where_nothing_can_be_hidden_loss_and_gradient_are_zero(name: str, kind: str) -> None:
    """Law 7, Absence: items of a single element have nothing that could say what it is."""
    torch.manual_seed(0)
    learner = MASKED[name](ENCODERS[kind]())
    items = [item[: 4 if kind == "series" else 1] for item in ITEMS[kind](3)]
    batch = make_batch(kind, items)
    if learner.sees == "views":
        return  # a view may insert elements
    outcome = learner(batch, seeded(), PROGRESS)
    outcome.loss.backward()
    assert outcome.loss.item() == 0
    for parameter in learner.parameters():
        assert parameter.grad is None or not bool(parameter.grad.any())


@every_kind
@pytest.mark.parametrize("name", MASKED)
def test_the_order_of_items_does_not_matter(name: str, kind: str) -> None:
    """Law 5."""
    torch.manual_seed(0)
    learner, items = MASKED[name](ENCODERS[kind]()), ITEMS[kind](4)
    batch = make_batch(kind, items)
    turned = make_batch(kind, items[::-1])
    turned = Batch(turned.source, turned.views, turned.names, batch.index.flip(0))
    if learner.sees == "views":
        return  # what a view shows follows from the place of an item in this test's batches
    torch.testing.assert_close(learner(batch, seeded(), PROGRESS).loss, learner(turned, seeded(), PROGRESS).loss)


@every_kind
def test_what_is_hidden_reaches_no_prediction(kind: str) -> None:
    """Neither where the network sees nothing in its place, nor where it sees a token."""
    for name in ("mae", "simmim", "graphmae", "i-jepa"):
        learner, batch = built(name, kind), make_batch(kind, ITEMS[kind](4))
        encoder = learner.online.encoder
        assert isinstance(encoder, Small)
        tokens = encoder.embed(batch.source.data)
        noise = ItemNoise.of(batch.index, seeded()).other(0)
        hidden = learner.hiding.hidden(tokens, noise.other(0), None)
        out = hidden.groups.any(dim=1)
        found = []
        for values in (tokens.values, torch.where(out[..., None], 9.0, tokens.values)):
            given = tokens.with_values(values)
            if learner.token is None:
                seen = encoder.mix(given, hidden.visible)
            else:
                seen = encoder.mix(learner.token(given, out, noise))
            found.append(learner.decoder(seen, hidden.visible, hidden.groups[:, 0]))
        assert torch.equal(found[0], found[1])


@torch.no_grad()
def test_a_decoder_of_blocks_masks_again_sees_what_is_visible_and_knows_places() -> None:
    """GraphMAE's second mask; of what is neither visible nor predicted it sees nothing."""
    torch.manual_seed(0)
    decoder = MaskedDecoder(6, 4, width=8, depth=2, heads=2)
    seen = FeatureMap(torch.randn(2, 6, 6), torch.ones(2, 6, dtype=torch.bool))
    visible, places = torch.zeros(2, 6, dtype=torch.bool), torch.zeros(2, 6, dtype=torch.bool)
    visible[:, :2], places[:, 3:5] = True, True
    found = decoder(seen, visible, places)
    assert found.shape == (4, 4)
    elsewhere = torch.where(visible[..., None], seen.values, 7.0)
    assert torch.equal(decoder(seen.with_values(elsewhere), visible, places), found)
    other = torch.where(visible[..., None], seen.values.flip(2), seen.values)
    assert not torch.allclose(decoder(seen.with_values(other), visible, places), found)
    assert not torch.allclose(found[0], found[1]), "two places of one item"
    linear = MaskedDecoder(6, 4, width=8, depth=0, heads=2)
    torch.testing.assert_close(linear(seen, visible, places), linear.out(seen.values[places]))


def test_of_hidden_elements_some_are_kept_and_some_get_another_element_of_their_item() -> None:
    tokens = FeatureMap(torch.arange(400.0).view(2, 200, 1) + 1, torch.ones(2, 200, dtype=torch.bool))
    token = MaskToken(1, random=0.2, kept=0.3)
    with torch.no_grad():
        token.token.fill_(-7.0)
    hidden = torch.ones(2, 200, dtype=torch.bool)
    hidden[:, ::4] = False
    given = token(tokens, hidden, ItemNoise.of(torch.tensor([0, 1]), seeded())).values[..., 0]
    assert torch.equal(given[~hidden], tokens.values[..., 0][~hidden])
    masked_share = float((given[hidden] == -7).float().mean())
    kept = float((given[hidden] == tokens.values[..., 0][hidden]).float().mean())
    assert masked_share == pytest.approx(0.5, abs=0.1)
    assert kept == pytest.approx(0.3, abs=0.1)
    others = hidden & (given != -7) & (given != tokens.values[..., 0])
    for row, low in enumerate((1, 201)):
        assert bool(((given[row][others[row]] >= low) & (given[row][others[row]] < low + 200)).all())
    with pytest.raises(ValueError, match="random and kept must leave something to the mask"):
        MaskToken(2, random=0.5, kept=0.5)


def test_random_codes_are_the_nearest_by_cosine_and_the_same_in_every_run() -> None:
    """Law 11, Oracle."""
    numbers = torch.randn(2, 5, 3, generator=seeded())
    codes = RandomCodes(3, 7)
    found = codes(numbers)
    for row in range(2):
        for element in range(5):
            one = torch.cat([numbers[row, element], torch.ones(1)]) @ codes.matrix
            scores = [float(one @ code / (one.norm() * code.norm())) for code in codes.get_buffer("code_vectors")]
            assert int(found[row, element]) == max(range(7), key=scores.__getitem__)
    assert torch.equal(found, RandomCodes(3, 7)(numbers))
    assert not torch.equal(RandomCodes(1, 64)(torch.zeros(1, 1, 1)), RandomCodes(1, 64)(torch.full((1, 1, 1), 3.0)))


def test_defaults_are_the_published_ones() -> None:
    assert MAE().hiding == AtRandom(0.75)
    assert MAE().normalised
    assert SimMIM().hiding == Together(0.6, regions=8)
    assert (BERT().hiding, BERT().random, BERT().kept) == (AtRandom(0.15), 0.1, 0.1)
    assert (GraphMAE().exponent, GraphMAE().decoder.depth) == (2.0, 1)
    assert (Data2Vec().top, Data2Vec().beta, Data2Vec().teacher) == (6, 2.0, MovingAverage(0.999, "linear"))
    assert IJEPA().hiding == TargetRegions(4, (0.15, 0.2), (0.85, 1.0), (0.75, 1.5))
    assert (IJEPA().beta, IJEPA().teacher) == (1.0, MovingAverage(0.996, "linear"))
    preset = CONTEXT_ENCODERS.method
    assert isinstance(preset, MAE)
    assert (preset.hiding, preset.normalised) == (Together(0.25, 1, (1.0, 1.0)), False)
    assert DecoderSettings().build(96, 5).width == 48


@pytest.mark.parametrize("name", MASKING)
def test_an_encoder_of_one_step_is_refused_with_those_that_can(name: str) -> None:
    method = METHODS.load(name)
    method = method() if isinstance(method, type) else method.method
    able = DataInfo(two_steps=("transformer", "conv"))
    with pytest.raises(ValueError, match=r"Identity has one step alone; choose one with --encoder: transformer, conv"):
        method.build(Identity(dim=3), able)
    with pytest.raises(ValueError, match="no encoder of this modality can"):
        method.build(Identity(dim=3), DataInfo())


def test_parts_that_do_not_fit_are_refused() -> None:
    online = Network(ENCODERS["points"]())
    target = OwnClass(online.encoder, 8)
    with pytest.raises(ValueError, match="without mask tokens the network gives no vector at hidden places"):
        MaskedLearner(online, AtRandom(), target, LINEAR.build(6, 2))
    with pytest.raises(ValueError, match="masked prediction needs an encoder in two steps, got Identity"):
        MaskedLearner(Network(Identity(dim=3)), AtRandom(), target, LINEAR.build(6, 2), MaskToken(6))
    with pytest.raises(ValueError, match='needs Follower\\(…, buffers="copy"\\)'):
        Latent(Follower(online, MovingAverage()), 6)
    with pytest.raises(ValueError, match="elements of a single number cannot be normalised"):
        normalised(torch.ones(3, 1))
    with pytest.raises(ValueError, match="discovered objects are found as a recipe does"):
        MAE(hiding=HiddenObjects(objects="discovered")).build(ENCODERS["points"](), DataInfo())


def test_a_perfect_and_an_opposite_prediction_have_the_least_and_the_greatest_scaled_cosine_error() -> None:
    rows = torch.tensor([[3.0, 4.0], [-6.0, -8.0], [4.0, -3.0]])
    found = element_distance(rows, torch.tensor([[6.0, 8.0]]).expand(3, -1), "cosine", 3.0)
    torch.testing.assert_close(found, torch.tensor([0.0, 8.0, 1.0]))


STEPS = 20


@pytest.fixture(params=[name for name in CASES if name.split(": ")[1] in ("transformer", "gine")])
def case(request: pytest.FixtureRequest) -> Case:
    """An encoder of every modality."""
    return CASES[request.param]()


@pytest.mark.parametrize("name", MASKING)
def test_a_few_steps_on_a_few_items_learn_what_is_hidden(name: str, case: Case) -> None:
    batch = make_batch("", case.items(), modality=case.modality)
    torch.manual_seed(0)
    learner = masked(name, case.encoder().train(), DATA)
    optimizer = torch.optim.AdamW([w for w in learner.parameters() if w.requires_grad], lr=3e-3, weight_decay=0)
    losses = []
    for step in range(STEPS):
        outcome = learner(batch, seeded(step % 4), PROGRESS)
        optimizer.zero_grad()
        outcome.loss.backward()
        optimizer.step()
        learner.after_step([outcome], PROGRESS)
        losses.append(float(outcome.loss.detach()))
    assert sum(losses[-4:]) < 0.98 * sum(losses[:4]), losses


@pytest.mark.parametrize("name", MASKED)
def test_every_part_that_a_finished_run_keeps_comes_back_as_it_was(name: str) -> None:
    """Law 13."""
    torch.manual_seed(0)
    learner = MASKED[name](ENCODERS["series"]())
    for kept in learner.heads().values():
        if isinstance(kept, torch.nn.Identity):
            continue
        again = build(json.loads(json.dumps(describe(kept))))
        again.load_state_dict(kept.state_dict())
        assert settings_of(again) == settings_of(kept)


@pytest.mark.parametrize("name", [*MASKING, "mae of whole objects", "graphmae of spans"])
def test_a_method_is_written_to_a_file_and_read_again(name: str) -> None:
    changes = {"mae of whole objects": HiddenObjects(), "graphmae of spans": Spans(0.4, 2)}
    method: Any = preset_named(name.split(" of ")[0]).method
    method = dataclasses.replace(method, hiding=changes[name]) if name in changes else method
    assert build(json.loads(json.dumps(describe(method)))) == method


@pytest.mark.parametrize("name", MASKED)
def test_a_learner_that_goes_on_from_its_state_gives_the_same_numbers(name: str) -> None:
    """Law 10."""
    torch.manual_seed(0)
    learner, batch = MASKED[name](ENCODERS["points"]()), make_batch("points", ITEMS["points"](4))

    def step(of: MaskedLearner, seed: int) -> Tensor:
        of.zero_grad()
        outcome = of(batch, seeded(seed), PROGRESS)
        outcome.loss.backward()
        with torch.no_grad():
            for parameter in of.parameters():
                if parameter.grad is not None:
                    parameter.sub_(0.1 * parameter.grad)
        of.after_step([outcome], PROGRESS)
        loss: Tensor = outcome.loss
        return loss.detach()

    step(learner, 1)
    torch.manual_seed(5)
    again = MASKED[name](ENCODERS["points"]())
    again.load_state_dict(learner.state_dict())
    for seed in (2, 3):
        assert torch.equal(step(learner, seed), step(again, seed))
