"""Networks of sub-words leave with what numbers the sub-words, and run without this package."""

import contextlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import gestalt
from gestalt.core.runs.model import Model
from gestalt.modalities.text import MODALITY, Passage, sub_words, train_tokenizer
from gestalt.modalities.text.sub_words import Pieces, numbers_of

TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
TEXTS = [["The", "old", "man"], ["Birds", "sing"]]
"""What the model card shows."""
LEARNED = train_tokenizer([Passage.from_words(words) for words in TEXTS], size=270)


def model(**settings: Any) -> Model[Any]:
    torch.manual_seed(0)
    encoder = MODALITY.encoders["bert"](config=TINY, tokenizer=LEARNED, **settings)
    return Model(MODALITY, gestalt.Network(encoder).eval(), {})


@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")  # torch of its own file
@pytest.mark.parametrize("to", ["torch", "onnx"])
def test_the_lines_of_the_model_card_give_the_encoders_vectors(
    to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = model()
    card = (one.export(to, tmp_path / "out") / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    monkeypatch.syspath_prepend(str(tmp_path / "out"))
    monkeypatch.delitem(sys.modules, "sub_words", raising=False)
    names: dict[str, Any] = {}
    with contextlib.chdir(tmp_path / "out"):
        exec(code, names)
    found = names["found"] if to == "torch" else {"vectors": names["vectors"], "valid": names["valid"]}
    with torch.no_grad():
        wanted = one.encoder(MODALITY.collate([Passage.from_words(words) for words in TEXTS]))
    assert torch.as_tensor(found["valid"]).tolist() == wanted.valid.tolist()
    torch.testing.assert_close(torch.as_tensor(found["vectors"]), wanted.values, rtol=1e-4, atol=1e-4)


def test_what_numbers_sub_words_is_a_file_that_needs_nothing_of_this_package() -> None:
    text = Path(sub_words.__file__).read_text(encoding="utf-8")
    imports = re.findall(r"^\s*(?:from|import) (\S+)", text, re.MULTILINE)
    assert {name.partition(".")[0] for name in imports} == {"collections", "typing", "numpy", "tokenizers"}


@pytest.mark.parametrize("texts", [[], [[]]])
def test_no_words_are_refused(texts: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="expected texts with words, got none"):
        numbers_of(Pieces(LEARNED), texts, 12)


def test_a_text_of_more_sub_words_than_a_program_takes_is_refused_and_a_longer_word_is_cut() -> None:
    pieces = Pieces(LEARNED)
    with pytest.raises(ValueError, match=r"at most 4 sub-words of a text, got \d+: cut the text in parts"):
        numbers_of(pieces, TEXTS, 4)
    assert numbers_of(pieces, [["x" * 90]], 8)["counts"].tolist() == [8]


def test_an_encoder_of_few_sub_words_asks_for_shorter_examples(tmp_path: Path) -> None:
    one = model(max_tokens=12)
    with pytest.raises(ValueError, match=r"at most 12 sub-words of a text, got \d+"):
        one.export("torch", tmp_path / "out")
    assert not (tmp_path / "out").exists()
