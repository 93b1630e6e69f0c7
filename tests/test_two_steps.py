"""Law 14, two steps: with nothing hidden `mix(embed(x))` is the encoder; a hidden element influences nothing."""

import pytest
import torch

from gestalt.core.components.registry import MODALITIES
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.places import placed
from gestalt.core.networks.transformer import Attention, Block, Mixer
from gestalt.core.networks.two_steps import GivesAdditions, GivesAttention, GivesLayers, InTwoSteps
from tests.implementations import seeded
from tests.two_step_encoders import CASES, SETTINGS, Case


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    """An encoder of a modality."""
    return CASES[request.param]()


def two_steps(case: Case) -> InTwoSteps:
    encoder = case.encoder()
    assert isinstance(encoder, InTwoSteps)
    return encoder


def half(tokens: FeatureMap, seed: int = 0) -> torch.Tensor:
    """About half of the valid elements; of every item one is hidden and one is not."""
    noise = torch.where(tokens.valid, torch.rand(tokens.valid.shape, generator=seeded(seed)), 2.0)
    rank = noise.argsort(dim=1).argsort(dim=1)
    return (rank < (tokens.valid.sum(dim=1, keepdim=True) // 2).clamp(min=1)) & tokens.valid


def test_every_encoder_in_two_steps_is_in_the_list() -> None:
    for name in MODALITIES.names():
        modality = load_modality(name)
        own = {
            encoder
            for encoder, build in modality.encoders.items()
            if isinstance(build, type) and issubclass(build, InTwoSteps)
        }
        assert own <= SETTINGS[name].keys()
        assert SETTINGS[name], f"{name} has no encoder in two steps"


@torch.no_grad()
def test_with_nothing_hidden_both_steps_are_the_encoder(case: Case) -> None:
    encoder = case.encoder()
    assert isinstance(encoder, InTwoSteps)
    data = case.modality.collate(case.items())
    whole, tokens = encoder(data), encoder.embed(data)
    for mixed in (encoder.mix(tokens), encoder.mix(tokens, torch.ones_like(tokens.valid))):
        torch.testing.assert_close(mixed.values[mixed.valid], whole.values[whole.valid], rtol=1e-5, atol=1e-6)
        assert torch.equal(mixed.valid, whole.valid)
        assert (mixed.places is None) == (whole.places is None)
        assert mixed.places is None or whole.places is None or mixed.places.shape == whole.places.shape


@torch.no_grad()
def test_a_hidden_element_influences_nothing_and_what_is_visible_is_mixed(case: Case) -> None:
    encoder = two_steps(case)
    tokens = encoder.embed(case.modality.collate(case.items()))
    visible = half(tokens)
    other = tokens.with_values(torch.where(visible[..., None], tokens.values, 1e3))
    ours, theirs = encoder.mix(tokens, visible), encoder.mix(other, visible)
    assert torch.equal(ours.values, theirs.values)
    assert torch.equal(ours.valid, tokens.valid), "a decoder knows all places"
    assert not bool(ours.values[~visible].any())
    first = (visible & (visible.cumsum(1) % 2 == 1))[..., None]
    moved = tokens.values + 10 * first * torch.randn(tokens.values.shape[2], generator=seeded())
    others = visible & ~first[..., 0]
    change = encoder.mix(tokens.with_values(moved), visible).values - ours.values
    assert float(change[others].abs().max()) > 1e-4, "what is visible is seen by the others"
    assert not torch.allclose(encoder.mix(tokens).values[visible], ours.values[visible], atol=1e-4), "none was missed"


@torch.no_grad()
def test_what_is_hidden_is_as_if_it_were_not_there_whatever_else_is_in_the_batch(case: Case) -> None:
    encoder, items = two_steps(case), case.items()
    tokens = encoder.embed(case.modality.collate(items))
    visible = half(tokens)
    together = encoder.mix(tokens, visible)
    for row, item in enumerate(items):
        alone = encoder.embed(case.modality.collate([item]))
        own = torch.zeros_like(alone.valid)
        own[alone.valid] = visible[row][tokens.valid[row]]
        apart = encoder.mix(alone, own)
        torch.testing.assert_close(
            apart.values[0][alone.valid[0]], together.values[row][tokens.valid[row]], rtol=1e-3, atol=1e-5
        )


@torch.no_grad()
def test_a_token_depends_on_its_own_element_alone(case: Case) -> None:
    encoder = two_steps(case)
    for specimen in case.modality.specimens():
        before = encoder.embed(case.modality.collate([specimen.item]))
        for element in (0, len(specimen.labels) // 2):
            after = encoder.embed(case.modality.collate([specimen.mark(element)]))
            moved = (after.values != before.values).any(dim=2)
            assert 1 <= int(moved.sum()) <= 1 + 2 * case.modality.tolerance * 4
            torch.testing.assert_close(after.values[~moved], before.values[~moved])


@torch.no_grad()
def test_a_replaced_token_keeps_its_place(case: Case) -> None:
    """Places are no part of tokens: two elements with one and the same token are told apart by where they lie."""
    encoder = two_steps(case)
    tokens = encoder.embed(case.modality.collate(case.items()))
    if tokens.neighbours is not None or not isinstance(getattr(encoder, "mixer", None), Mixer):
        return  # nodes have no places, and convolutions know theirs by what lies around
    same = encoder.mix(tokens.with_values(torch.ones_like(tokens.values)))
    assert float(same.values[0, tokens.valid[0]].std(dim=0).max()) > 1e-3


@torch.no_grad()
def test_layers_end_in_what_the_encoder_makes_of_them_and_are_zero_where_nothing_is_visible(case: Case) -> None:
    encoder = two_steps(case)
    if not isinstance(encoder, GivesLayers):
        assert case.name in ("jumping", "pointnet")
        return
    tokens = encoder.embed(case.modality.collate(case.items()))
    visible = half(tokens)
    layers = encoder.by_layer(tokens, visible)
    assert len(layers) == 2
    for layer in layers:
        assert layer.shape == tokens.values.shape
        assert not bool(layer[~visible].any())
        assert bool(layer[visible].any())
    last, mixer = layers[-1], getattr(encoder, "mixer", None)
    expected = encoder.mix(tokens, visible).values[visible]
    torch.testing.assert_close(mixer.norm(last[visible]) if isinstance(mixer, Mixer) else last[visible], expected)


@torch.no_grad()
def test_what_layers_add_is_what_their_feed_forward_networks_give(case: Case) -> None:
    encoder = case.encoder()
    if not isinstance(encoder, GivesAdditions):
        assert "transformer" not in case.name
        return
    assert isinstance(encoder, GivesLayers)
    tokens = two_steps(case).embed(case.modality.collate(case.items()))
    visible, mixer = half(tokens), getattr(encoder, "mixer", None)
    if not isinstance(mixer, Mixer):
        assert case.name == "small"
        return
    found = zip(encoder.by_layer(tokens, visible), encoder.added_by_layer(tokens, visible), mixer.blocks, strict=True)
    for end, added, block in found:
        assert isinstance(block, Block)
        assert not bool(added[~visible].any())
        before = (end - added)[visible]
        torch.testing.assert_close(block.layers(block.before_layers(before)), added[visible], rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_attention_is_shared_out_among_the_elements_of_an_item(case: Case) -> None:
    encoder = case.encoder()
    if not isinstance(encoder, GivesAttention):
        assert "transformer" not in case.name
        return
    data = case.modality.collate(case.items())
    attention, valid = encoder.attention(data), encoder(data).valid
    torch.testing.assert_close(attention.sum(dim=2), torch.ones(attention.shape[:2]))
    assert not bool(attention.transpose(1, 2)[~valid].any())
    assert float(attention.std()) > 0


@torch.no_grad()
def test_a_mixer_is_a_transformer_written_out() -> None:
    """Law 11, Oracle: one head, one block, element by element."""
    torch.manual_seed(0)
    mixer = Mixer(6, depth=1, heads=1, units=(0.5,))
    tokens = FeatureMap(torch.randn(2, 4, 6), torch.ones(2, 4, dtype=torch.bool), Grid.uniform((4,), (0.25,)))
    visible = torch.tensor([[True, False, True, True], [False, True, False, False]])
    found = mixer(tokens, visible).values
    (block,) = mixer.blocks
    assert isinstance(block, Block)
    place = placed(tokens, 6, (0.5,))[0]
    for item in range(2):
        here = visible[item].nonzero()[:, 0].tolist()
        x = {element: tokens.values[item, element] + place[element] for element in here}
        parts = {element: block.attention.inner(block.before_attention(x[element])).split(6) for element in here}
        for one in here:
            scores = torch.stack([parts[one][0] @ parts[other][1] / 6**0.5 for other in here]).softmax(0)
            seen = sum(score * parts[other][2] for score, other in zip(scores, here, strict=True))
            y = x[one] + block.attention.out(seen)
            y = y + block.layers(block.before_layers(y))
            torch.testing.assert_close(found[item, one], mixer.norm(y), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_shares_of_attention_are_those_of_full_precision_within_mixed_precision() -> None:
    attention = Attention(16, heads=2)
    x = 3 * torch.randn(2, 5, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found, inner = attention.weights(x, None), attention.inner(x)
    query, key, _ = inner.float().view(2, 5, 3, 2, 8).permute(2, 0, 3, 1, 4)
    expected = (query @ key.transpose(-1, -2) / 8**0.5).softmax(dim=-1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


@torch.no_grad()
def test_where_neighbours_are_known_only_they_are_looked_at() -> None:
    torch.manual_seed(0)
    mixer = Mixer(8, depth=1, heads=2)
    near = torch.zeros(1, 4, 4, dtype=torch.bool)
    near[0, 0, 1] = near[0, 1, 0] = near[0, 1, 2] = near[0, 2, 1] = True
    tokens = FeatureMap(torch.randn(1, 4, 8), torch.ones(1, 4, dtype=torch.bool), neighbours=near)
    before = mixer(tokens).values[0]
    changed = tokens.values.clone()
    changed[0, 0] += 1.0
    after = mixer(tokens.with_values(changed)).values[0]
    assert [not torch.equal(a, b) for a, b in zip(after, before, strict=True)] == [True, True, False, False]
