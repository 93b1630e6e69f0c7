"""Dependency trees in CoNLL-U: read, learned, written, scored; what is no tree is named."""

import json
from pathlib import Path

import conllu
import numpy as np
import pytest
import torch

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.fitting.descent import Descent
from gestalt.core.fitting.fitters import BiaffineFitter
from gestalt.core.modality.plugins import load_modality
from gestalt.modalities.text import MODALITY, Text
from gestalt.modalities.text.dependencies import tree_of
from gestalt.modalities.text.given_trees import read_trees

SENTENCES = (
    ("the dog barks", (2, 3, 0), ("det", "nsubj", "root")),
    ("a cat sees the dog", (2, 3, 0, 5, 3), ("det", "nsubj", "root", "det", "obj")),
    ("dogs sleep", (2, 0), ("nsubj", "root")),
    ("she sees a cat now", (2, 0, 4, 2, 2), ("nsubj", "root", "det", "obj", "advmod")),
)


def lines(words: str, heads: tuple[int | str, ...], relations: tuple[str, ...]) -> str:
    rows = zip(words.split(), heads, relations, strict=True)
    return "".join(f"{n}\t{w}\t_\t_\t_\t_\t{h}\t{r}\t_\t_\n" for n, (w, h, r) in enumerate(rows, 1)) + "\n"


def numbered(*rows: str) -> str:
    """A sentence by number, word, HEAD and DEPREL of every line."""
    cells = (row.split() for row in rows)
    return "".join("\t".join((a, b, *"____", c, d, "_", "_")) + "\n" for a, b, c, d in cells) + "\n"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of sentences with their trees, and a run."""
    there = tmp_path_factory.mktemp("trees")
    (there / "bank").mkdir()
    for name in "ab":
        text = "".join(f"# sent_id = {name}{n}\n" + lines(*one) for n, one in enumerate(SENTENCES * 3))
        (there / "bank" / f"{name}.conllu").write_text(text)
    modality = load_modality("text")
    torch.manual_seed(0)
    network = gestalt.Network(modality.encoders["conv"](width=16)).eval()
    gestalt.save(there / "run", gestalt.Model(modality, network, {}), "conv")
    return there


def test_trees_are_learned_written_as_they_came_and_scored(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    bank, kind = str(data / "bank"), ["--label-kind", "tree"]
    head = ["--head", "biaffine", "--head.training.steps", "120", "--head.training.lr", "0.01", "--head.hidden", "16"]
    assert execute(["fit", str(data / "run"), bank, "--labels", bank, *kind, *head, "--folds", "2"]) == 0
    said = capsys.readouterr().err
    assert "labelled: 90 elements of 24 items; 5 relations: det 24, nsubj 24, root 24, obj 12, advmod 6" in said
    assert execute(["predict", "model", bank]) == 0
    (written,) = [path.name for path in Path("predicted").iterdir() if path.suffix == ".conllu"]
    sentences = conllu.parse((Path("predicted") / written).read_text())
    found = [tuple(token["head"] for token in one) for one in sentences]
    assert found == [heads for _, heads, _ in SENTENCES] * 6
    assert [token["deprel"] for token in sentences[1]] == list(SENTENCES[1][2])
    assert all(0 < float(token["misc"]["HeadScore"]) <= 1 for one in sentences for token in one)
    again = [
        "--labels",
        f"predicted/{written}",
    ]  # what was written is read: the names are the data's, the words as well
    assert execute(["evaluate", "model", bank, *again, "--resamples", "20", "--group", "file"]) == 0
    assert "left out" not in capsys.readouterr().out
    scores = json.loads(Path("evaluated/scores.json").read_text())["results"][0]
    assert scores["scores"]["las"]["value"] == 1.0
    assert (scores["rows"], scores["groups"]) == (90, 2)


def test_words_in_one_and_empty_nodes_and_crossing_arcs() -> None:
    text = numbered(
        "1-2 Vámonos _ _", "1 Vamos 0 root", "2 nos 1 obj", "3-4 al _ _", "3 a 5 case", "4 el 5 det", "5 mar 2 obl",
        "5.1 _ _ _", "6 hoy 1 advmod",
    )  # fmt: skip
    tree = tree_of(text)
    assert tree is not None
    assert (tree.parents.tolist(), tree.relations) == ([0, 2, 0, 0], ("root", "case", "obl", "advmod"))
    crossing = tree_of(numbered("1 A 2 det", "2 hearing 3 nsubj", "3 is 0 root", "4 on 2 nmod", "5 today 3 advmod"))
    assert crossing is not None
    assert crossing.parents.tolist() == [1, 2, 2, 1, 2]
    assert tree_of(numbered("1 so _ _", "2 far _ _")) is None
    part = tree_of(numbered("1 so 2 advmod", "2 far _ _"))
    assert part is not None
    assert (part.parents.tolist(), part.relations) == ([1, -1], ("advmod", ""))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("1 a 2 x", "2 b 1 x"), "is no tree: the parents of word 1 go round in a circle"),
        (("1 a 0 x", "2 b 0 x"), r"is no tree: 2 words have HEAD 0 \(1, 2\), and one is the root"),
        (("1 a 2 x", "2 b 7 x"), "has HEAD 7 of word 2, and there is no such word"),
        (("1 a two x", "2 b 0 x"), "has HEAD 'two' of word 1, which is no number of a word"),
    ],
)
def test_what_is_no_tree_is_named_and_left_out_if_asked(
    rows: tuple[str, ...], words: str, data: Path, tmp_path: Path
) -> None:
    good = "".join(lines(*one) for one in SENTENCES)
    (tmp_path / "c.conllu").write_text(good + numbered(*rows) + good)
    model, labels = gestalt.load(data / "run"), tmp_path / "c.conllu"
    options = gestalt.Fitting(label_kind="tree", folds=2)
    head = BiaffineFitter(4, 2, training=Descent(steps=1))
    with pytest.raises(BadItemError, match=rf"c\.conllu:20: {words}"):
        model.fit(labels, labels, head=head, options=options)
    fitted = model.fit(labels, labels, head=head, options=options, skip_bad=True)
    assert fitted.fitted is not None
    assert len(fitted.trees(labels)) == 9


def test_a_part_of_a_sentence_has_no_tree_and_other_words_none_of_these(data: Path, tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), data / "bank" / "a.conllu"
    items = Text(window=4).read([path]).items
    trees = read_trees(path, items)
    cut = next(number for number in range(len(items)) if "cat" in items.read(number, rng).words)
    assert trees.has(cut)
    short = gestalt.Model(Text(window=4), gestalt.load(data / "run").network, {})
    options = gestalt.Fitting(label_kind="tree")
    head = BiaffineFitter()
    with pytest.raises(BadItemError, match=r"a\.conllu:6 .*is a window of something longer, and a tree is of a whole"):
        short.fit(path, path, head=head, options=options)
    (tmp_path / "a.txt").write_text("the dog barks\na cat saw the dog\n")
    plain = MODALITY.read([tmp_path / "a.txt"]).items
    with pytest.raises(ValueError, match=r"a\.conllu:6 has 'sees' as word 3 of its sentence, and .*a\.txt:2 .*'saw'"):
        read_trees(path, plain)
    with pytest.raises(ValueError, match="holds no columns of CoNLL-U"):
        read_trees(tmp_path / "a.txt", plain)
