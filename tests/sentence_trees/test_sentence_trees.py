"""Trees by rule from tags are trees, and the program fills every cell once."""

from pathlib import Path

import pytest
import torch

from gestalt.core.evaluation import Table
from gestalt.core.evaluation.arborescence import is_tree
from gestalt.core.training.options import Training
from gestalt.modalities.text import MODALITY
from gestalt.recipes.sentence_trees import recipe
from gestalt.recipes.sentence_trees.by_rule import tree_of_tags
from gestalt.recipes.sentence_trees.cells import Sentences, next_word, scores, sentences, shown

CASES = {
    "PRP MD RB VB DT NN IN NNP POS NN .": [3, 3, 3, 3, 5, 3, 5, 9, 9, 6, 3],
    "DT NN CC DT NN VBD , CC PRP VBD .": [1, 5, 4, 4, 5, 5, 5, 8, 9, 5, 5],
    "IN DT NN , NNS VBP RB .": [5, 2, 0, 5, 5, 5, 5, 5],
    "UH , UH !": [0, 0, 0, 0],
}


@pytest.mark.parametrize("tags", CASES)
def test_words_hang_where_the_rules_say(tags: str) -> None:
    assert tree_of_tags(tags.split()).parents.tolist() == CASES[tags]


def test_every_shipped_sentence_has_a_tree_with_one_root_and_every_word_a_relation() -> None:
    data = sentences(2000, 200)
    for known in (data.known, data.test_known):
        for one in known:
            parents = one[one[:, 0] >= 0, 0]
            assert is_tree(parents)
            assert bool((one[: len(parents), 1] >= 0).all())
    assert {"det", "nsubj", "obj", "prep", "pobj", "root", "punct", "aux"} <= set(data.names)
    assert not set(data.items) & set(data.test_items)
    assert 0.1 < next_word(data.test_known) < 0.4


def test_shares_are_drawn_anew_for_every_seed_and_four_are_the_fewest() -> None:
    assert len(shown(2000, 0.1, 0)) == 200
    assert len(shown(20, 0.01, 0)) == 4
    assert shown(2000, 0.1, 0).tolist() != shown(2000, 0.1, 1).tolist()


def test_trees_that_follow_from_words_are_learned() -> None:
    """The tested sentences are among those that are learned from: heads of words that were seen are known."""
    data = sentences(40, 20)
    seen = Sentences(data.items, data.items[:20], data.names, data.known, data.known[:20])
    encoder = MODALITY.encoders["raw"]()
    before, after = (scores(encoder, seen, 1.0, 0, tune=0, steps=steps)["uas"] for steps in (1, 60))
    assert after > before + 0.2


def test_the_command_fills_every_cell_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    training = Training(steps=2, batch=4, warmup=1, workers=0, threads=torch.get_num_threads(), accelerator="cpu")
    small = recipe.Options(
        tmp_path, items=12, test_items=6, shares=(1.0,), seeds=2, tune=1, head_steps=2, training=training
    )
    monkeypatch.setattr(recipe, "pretrained", lambda *_: MODALITY.encoders["conv"](width=8))
    assert recipe.SentenceTrees(small).run() == 0
    table = Table.from_json((tmp_path / "table.json").read_text())
    assert [row.method for row in table.rows] == [*(name for name, _ in recipe.ROWS), "the next word, by rule"]
    assert all(len(values) == 2 for row in table.rows[:4] for values in row.values), "two seeds"
    monkeypatch.setattr(recipe, "scores", lambda *_: pytest.fail("a cell that is there is not measured again"))
    assert recipe.SentenceTrees(small).run() == 0
    assert "the next word, by rule" in capsys.readouterr().out
    with pytest.raises(ValueError, match="shares"):
        recipe.Options(tmp_path, shares=())
    with pytest.raises(ValueError, match=r"method.*brt"):
        recipe.SentenceTrees(recipe.Options(tmp_path, method="brt")).run()
