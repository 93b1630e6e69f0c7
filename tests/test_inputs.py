"""Data as users have them: patterns and lists of files, standard input, and what Python's libraries hold."""

import io
from pathlib import Path
from typing import Any, final

import datasets
import numpy as np
import pandas
import pyarrow
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.modality import named_paths as module
from gestalt.core.modality.named_paths import named_paths
from gestalt.core.modality.plugins import installed_modality
from gestalt.modalities.audio import Recording
from gestalt.modalities.text import Passage
from tests.tiny_runs import tiny_model, tiny_run

RNG = np.random.default_rng(0)
TEXTS = ["So far, silence.", "The old man knew the sea."]


def pipe(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a text into standard input."""
    module._spooled.cache_clear()
    module._standard_input.cache_clear()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.txt", "b.txt", "deep/er/c.txt", "odd[1].txt", "d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"The file {name} is here.\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*paths: str, modality: Any = None) -> list[str]:
    return [str(path) for path in named_paths(paths, modality)]


@pytest.mark.usefixtures("folder")
def test_patterns_match_files_and_what_exists_is_no_pattern() -> None:
    assert names("?.txt") == ["a.txt", "b.txt"]
    assert names("**/*.txt") == ["a.txt", "b.txt", "deep/er/c.txt", "odd[1].txt"]
    assert names("odd[1].txt", "deep") == ["odd[1].txt", "deep"]
    with pytest.raises(FileNotFoundError, match=r"nothing matches the pattern \*\.wav"):
        names("*.wav")


def test_a_list_names_paths_from_here_or_from_beside_it(folder: Path) -> None:
    (folder / "deep" / "list.txt").write_text("# ours\na.txt\n\n er/c.txt \n*.md\n", encoding="utf-8-sig")
    assert names("@deep/list.txt") == ["a.txt", "deep/er/c.txt", "d.md"]
    (folder / "odd[1]").mkdir()
    (folder / "odd[1]" / "e.md").write_text("")
    (folder / "odd[1]" / "list.txt").write_text("e.m?\n")
    assert names("@odd[1]/list.txt") == ["odd[1]/e.md"]
    (folder / "wide.txt").write_text("a.txt\r\nb.txt\r\n", encoding="utf-16")  # as Windows' shell writes it
    assert names("@wide.txt") == ["a.txt", "b.txt"]
    (folder / "wrong.txt").write_text("a.txt\n\n*.wav\n")
    with pytest.raises(FileNotFoundError, match=r"wrong\.txt, line 3: nothing matches the pattern \*\.wav"):
        names("@wrong.txt")
    (folder / "wrong.txt").write_text("a" * 5000)
    with pytest.raises(ValueError, match=r"wrong\.txt, line 1: File name too long"):
        names("@wrong.txt")
    (folder / "none.txt").write_text("\n# nothing\n")
    with pytest.raises(ValueError, match=r"none\.txt names no paths: one a line"):
        names("@none.txt")
    with pytest.raises(FileNotFoundError, match=r"the list gone\.txt does not exist"):
        names("@gone.txt")
    (folder / "picture.txt").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ValueError, match=r"picture\.txt is no text in UTF-8"):
        names("@picture.txt")


@pytest.mark.usefixtures("folder")
def test_standard_input_holds_paths_or_the_lines_of_a_modality(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe("a.txt\nb.txt\n", monkeypatch)
    assert names("-", modality=installed_modality("image")) == ["a.txt", "b.txt"]
    pipe("So far.\nSilence.\n", monkeypatch)
    (path,) = named_paths(["-"], installed_modality("text"))
    assert (path.name, path.read_text()) == ("stdin.txt", "So far.\nSilence.\n")
    pipe("", monkeypatch)
    with pytest.raises(ValueError, match="standard input holds nothing"):
        names("-", modality=installed_modality("text"))


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x0b", "\x1c"])
def test_a_name_in_a_list_ends_with_its_line_and_nowhere_else(mark: str, folder: Path) -> None:
    (folder / f"a{mark}b.txt").write_text("a word")
    (folder / "list.txt").write_bytes(f"a{mark}b.txt\r\na.txt\rb.txt".encode())
    assert names("@list.txt") == [f"a{mark}b.txt", "a.txt", "b.txt"]


@pytest.mark.parametrize("given", ["{0..999999999999}.tar", "{1..2000}{1..2000}.tar"])
def test_braces_stand_for_a_million_paths_at_most(given: str) -> None:
    with pytest.raises(ValueError, match=r"stands for \d+ paths, and 1000000 are the most"):
        names(given)


@pytest.mark.parametrize("given", ["*.txt", "@list", "-"])
def test_commands_take_patterns_lists_and_standard_input(
    given: str, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tiny_run(tmp_path_factory.mktemp("run"), installed_modality("text"), width=8, buckets=64)
    (folder / "list").write_text("a.txt\nb.txt\nodd[1].txt\n")
    pipe("\n".join(["The file a is here."] * 3), monkeypatch)
    out = tmp_path_factory.mktemp("out") / "vectors"
    assert execute(["embed", str(run), given, "--out", str(out)]) == 0
    assert len(pandas.read_parquet(out / "items.parquet")) == 3


def test_training_takes_patterns(folder: Path) -> None:
    few = gestalt.Training(steps=1, batch=2, workers=0, accelerator="cpu")
    gestalt.train("*.txt", modality="text", encoder="conv", out=folder / "run", training=few)
    assert '"items": 3' in (folder / "run" / "data.json").read_text()


@final
class Labelled(Dataset[Any]):
    """A data set of torch: items with their labels."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


HOLDERS: dict[str, Any] = {
    "list": TEXTS,
    "torch": Labelled([(text, number) for number, text in enumerate(TEXTS)]),
    "mapping": {"text": TEXTS, "id": [7, 8]},
    "hugging face": datasets.Dataset.from_dict({"text": TEXTS, "label": [0, 1]}),
    "hugging face column": datasets.Dataset.from_dict({"text": TEXTS})["text"],
    "pandas": pandas.DataFrame({"number": [3, 4], "text": TEXTS}, index=[10, 20]),
    "pandas series": pandas.Series(TEXTS, index=[10, 20]),
    "pyarrow table": pyarrow.table({"text": TEXTS, "label": [0, 1]}),
    "pyarrow column": pyarrow.chunked_array([TEXTS[:1], TEXTS[1:]]),
    "numpy": np.array(TEXTS),
    "numbered": gestalt.items_of(TEXTS, "text"),
}


def read(items: AbstractItems[Any]) -> list[Any]:
    return [items.read(index, RNG) for index in range(len(items))]


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_whatever_holds_texts_holds_the_same_items(holder: Any) -> None:
    assert read(gestalt.items_of(holder, "text")) == [Passage.of(text) for text in TEXTS]


@pytest.mark.parametrize("kind", ["torch", "hugging face", "pandas", "numpy"])
def test_a_model_takes_data_sets_as_they_are(kind: str) -> None:
    model = tiny_model(installed_modality("text"), width=8, buckets=64)
    wanted = model.embed([Passage.of(text) for text in TEXTS])
    given = model.embed(HOLDERS[kind])
    assert [one.name for one in given] == ["text 1", "text 2"]
    for one, other in zip(given, wanted, strict=True):
        assert torch.equal(one.item, other.item)


def test_a_loader_still_gives_its_items_in_its_order() -> None:
    model = tiny_model(installed_modality("text"), width=8, buckets=64)
    passages = [Passage.of(text) for text in TEXTS]
    loader = DataLoader(Labelled(passages), batch_size=2, collate_fn=list)
    assert torch.equal(model.embed(loader)[1].item, model.embed(passages)[1].item)


def test_what_else_a_row_says_stays_beside_its_item() -> None:
    for kind, wanted in (("torch", {"label": "1"}), ("hugging face", {"label": "1"}), ("pandas", {"number": "4"})):
        found: Any = gestalt.items_of(HOLDERS[kind], "text")
        assert found.fields(1) == wanted


def test_sound_of_torchaudio_and_of_hugging_face_is_mono_at_the_rate_of_the_modality() -> None:
    wave = torch.sin(torch.arange(8_000) / 20)
    stereo = torch.stack([wave, wave])
    held = [(stereo, 8_000, "yes"), {"array": wave.numpy(), "sampling_rate": 8_000}, Recording(torch.ones(5), 16_000)]
    first, second, third = read(gestalt.items_of(held, "audio"))
    assert (first.samples.shape, first.sample_rate) == ((16_000,), 16_000)
    torch.testing.assert_close(first.samples, second.samples)
    assert third is held[2]
    whole = read(gestalt.items_of(np.full((1, 400), 16_384, np.int16), "audio"))[0]
    torch.testing.assert_close(whole.samples, torch.full((400,), 0.5), rtol=1e-3, atol=1e-3)


WAVE = torch.sin(torch.arange(4_000) / 20)[None]


@pytest.mark.parametrize(
    ("entry", "samples", "fields"),
    [
        ((WAVE, 3), 4_000, {"label": "3"}),
        ((WAVE, 0), 4_000, {"label": "0"}),
        ((WAVE, "owl"), 4_000, {"label": "owl"}),
        ((WAVE, torch.tensor([0.0, 1.0])), 4_000, {}),
        ((WAVE, 8_000), 8_000, {}),
        ((WAVE, np.int64(8_000)), 8_000, {}),
        ((WAVE, 8_000, "yes", "speaker", 2), 8_000, {"label": "yes"}),
        ((WAVE, 8_000, [0, 1, 1]), 8_000, {}),
    ],
)
def test_of_sound_a_rate_is_no_label_and_a_label_is_no_rate(entry: Any, samples: int, fields: dict[str, str]) -> None:
    found: Any = gestalt.items_of([entry], "audio")
    assert len(found.read(0, RNG).samples) == samples
    assert found.fields(0) == fields


def test_an_entry_is_not_read_again_for_its_label() -> None:
    reads: list[int] = []

    class Counting(Dataset[Any]):
        def __len__(self) -> int:
            return len(TEXTS)

        def __getitem__(self, index: int) -> tuple[str, int]:
            reads.append(index)
            return TEXTS[index], index

    found: Any = gestalt.items_of(Counting(), "text")
    found.read(1, RNG)
    assert (found.fields(1), found.fields(1), found.fields(0)) == ({"label": "1"}, {"label": "1"}, {"label": "0"})
    assert reads == [1, 0]


def test_pictures_are_those_of_pil_arrays_and_tensors() -> None:
    grey = np.full((20, 24), 255, np.uint8)
    held = [(Image.fromarray(grey), 3), grey, torch.ones(3, 20, 24)]
    found = read(gestalt.items_of(held, "image"))
    assert all(torch.equal(one, torch.ones(3, 20, 24)) for one in found)
    assert found[2] is held[2]


@pytest.mark.parametrize(
    "given", [torch.rand(3, 20, 24).double(), 255 * torch.rand(3, 20, 24), torch.rand(3, 20, 24) - 0.5]
)
def test_tensors_that_are_no_pictures_yet_become_such(given: torch.Tensor) -> None:
    found: torch.Tensor = gestalt.items_of([given], "image").read(0, RNG)
    assert (found.dtype, found.shape) == (torch.float32, given.shape)
    assert bool((found >= 0).all() and (found <= 1).all())


def test_graphs_are_smiles_and_data_of_pytorch_geometric() -> None:
    from gestalt.modalities.graph import geometric  # it imports the library without its warnings

    assert geometric
    from torch_geometric.data import Data

    assert [len(one) for one in read(gestalt.items_of(pandas.DataFrame({"smiles": ["CCO", "C"]}), "graph"))] == [3, 1]
    pair = Data(x=torch.ones(2, 1, dtype=torch.long), edge_index=torch.tensor([[0, 1], [1, 0]]))
    assert len(gestalt.items_of([pair, pair], "graph").read(1, RNG)) == 2


@pytest.mark.parametrize(
    ("held", "modality", "said"),
    [
        ([], "text", "there are no items of text: an empty sequence"),
        ({"a": TEXTS, "b": TEXTS}, "text", "the columns are a, b; say which of them holds the items: column="),
        (iter(TEXTS), "text", "put a stream into a list first"),
        ([3], "graph", "graph 1 is no graph: expected a Graph, a SMILES"),
    ],
)
def test_what_holds_no_items_is_refused_in_words(held: Any, modality: str, said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        gestalt.items_of(held, modality)


@pytest.mark.parametrize(
    ("thing", "modality", "said"),
    [
        (3, "text", "text 1: is no text: expected a string or a list of words, got int"),
        ("far.wav", "audio", "audio 1: is no recording: expected samples"),
        (np.ones((400, 2), np.float32), "audio", "audio 1: has 400 channels of 2 samples: channels come first"),
        ("far.png", "image", "image 1: is no picture"),
        (torch.rand(3, 2, 2), "image", "image 1: has 2 × 2 pixels; at least 16"),
        ((WAVE, 8_000.0), "audio", "audio 1: is no recording: the rate behind samples is an int, in Hz, got 8000.0"),
        ({"array": WAVE, "sampling_rate": 0}, "audio", "audio 1: is no recording: .* with the rate 0"),
    ],
)
def test_a_thing_that_is_no_item_is_named(thing: Any, modality: str, said: str) -> None:
    with pytest.raises(BadItemError, match=said):
        gestalt.items_of([thing], modality).read(0, RNG)


def test_a_file_that_is_called_as_a_remark_begins_is_listed(tmp_path: Path) -> None:
    for name in ("#1.wav", "2.wav"):
        (tmp_path / name).touch()
    (tmp_path / "list.txt").write_text("# 1 of may\n#1.wav\n#3.wav\n2.wav\n")
    assert [path.name for path in named_paths([Path(f"@{tmp_path / 'list.txt'}")])] == ["#1.wav", "2.wav"]
