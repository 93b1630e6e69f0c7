"""The command that finds objects by clusters over a data set: what it writes, what it refuses, and of which data."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.discovery.background import RemoveBackground
from gestalt.core.discovery.cluster_foreground import ClusterForeground
from gestalt.core.discovery.groupers import ByCodebook
from gestalt.core.modality.inferred import plain_encoder
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.clustered import attention_of, cluster_foreground, community_objects
from gestalt.core.runs.codebooks import fitted_codebook, with_foreground
from gestalt.core.runs.regroup import regroup
from gestalt.core.runs.regrouping import Regrouping
from gestalt.core.runs.saving import save
from gestalt.core.runs.seen import TRAINED, Seen, seen_by, write_seen
from tests.tiny_runs import tiny_model
from tests.typed_data import CASES

FEW = Regrouping(clusters=8, threshold=0.0)
WAYS = {
    "communities": FEW,
    "communities of a foreground": replace(FEW, foreground="plain"),
    "a foreground alone": Regrouping("plain", 8, communities=False),
}


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on pictures, and pictures, in the working directory."""
    monkeypatch.chdir(tmp_path)
    CASES["image"].run(tmp_path)


WITHOUT_NEIGHBOURS = {"text": "nobody says which are neighbours", "image+text": "of the parts image, text"}
"""Words of a text, and parts of an item, lie on no one lattice."""


@pytest.mark.parametrize(
    ("name", "way"),
    [(name, way) for name in CASES for way in WAYS if name not in WITHOUT_NEIGHBOURS or not WAYS[way].communities],
)
def test_the_command_writes_what_the_lines_of_python_make(
    name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    CASES[name].run(tmp_path)
    how = WAYS[way]
    assert regroup(Path("run"), [Path("data")], Path("out"), how) == 0
    said = capsys.readouterr().out
    found, model = gestalt.load("out"), gestalt.load("run")
    items = model.modality.read([Path("data")]).items
    if how.foreground:
        raw = plain_encoder(model.modality, items)
        model = cluster_foreground(model, items, raw, clusters=8)
    model = community_objects(model, items, 8, 0.0) if how.communities else model
    for ours, theirs in zip(found.discover("data"), model.discover("data"), strict=True):
        assert torch.equal(ours.labels, theirs.labels)
    assert found.finder is not None
    assert isinstance(found.finder.grouper, ByCodebook) is how.communities
    assert isinstance(found.finder.background, ClusterForeground) is (not how.communities)
    holder = found.finder.grouper if how.communities else found.finder.background
    assert isinstance(holder, ByCodebook | ClusterForeground)
    book = holder.codebook
    assert f"{book.clusters} clusters, {int((book.objects < 0).sum())} of them background; the run is in out" in said
    assert (f"{int(book.objects.max()) + 1} object" in said) is how.communities


@pytest.mark.usefixtures("pictures")
def test_a_foreground_of_the_runs_own_objects_is_that_of_the_equation() -> None:
    model = gestalt.load("run")
    raw = model.modality.encoders["raw"]()
    remover = RemoveBackground(raw)
    assert model.finder is not None
    finder = gestalt.ObjectFinder(model.finder.grouper, "hidden", remover)
    save(Path("own"), gestalt.Model(model.modality, model.network, {}, finder), "conv")
    assert regroup(Path("own"), [Path("data")], Path("out"), Regrouping("found", 8, 0.5, communities=False)) == 0
    own, found = gestalt.load("own"), gestalt.load("out")
    assert found.finder is not None
    assert isinstance(found.finder.background, ClusterForeground)
    batches = list(own.encoded("data"))
    book = fitted_codebook((batch.features for batch in batches), 8)
    seen = [(batch.features, batch.features.valid & (batch.segmentation.labels() >= 0)) for batch in batches]
    assert any(bool((inside != features.valid).any()) for features, inside in seen)
    expected = with_foreground(book, seen, 0.5)
    assert torch.equal(found.finder.background.codebook.objects, expected.objects)
    assert torch.equal(found.finder.background.codebook.centres, expected.centres)


def test_a_foreground_of_attention_is_where_the_encoder_looks() -> None:
    modality = load_modality("image")
    model = tiny_model(modality, "transformer")
    items = [specimen.item for specimen in modality.specimens()]
    data = modality.collate(items)
    looked = attention_of(model)(data)
    with torch.no_grad():
        attention: torch.Tensor = model.encoder.attention(data)  # type: ignore[operator]
    torch.testing.assert_close(looked.values[..., 0], attention.mean(dim=1))
    clean = cluster_foreground(model, items, attention_of(model), clusters=6, background=0.5)
    assert any(bool((found.labels < 0).any()) for found in clean.discover(items))


REFUSED: dict[str, tuple[list[str], str]] = {
    "nothing": (["--no-communities"], "nothing would change"),
    "everything is an object": (["--foreground", "found"], "removes no background"),
    "no attention": (["--foreground", "attention"], "needs an encoder that gives it, and Conv does not"),
    "a share": (["--background", "1.5"], r"background \(--background\) must lie in \[0, 1\]"),
}


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(case: str) -> None:
    words, _ = REFUSED[case]
    with pytest.raises(ValueError, match=REFUSED[case][1]):
        execute(["regroup", "run", "data", "--out", "out", *words])
    assert not Path("out").exists()


@pytest.mark.usefixtures("pictures")
def test_what_cannot_be_read_is_named_once_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("data", "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png"):
        execute(["regroup", "run", "data", "--out", "out"])
    assert execute(["regroup", "run", "data", "--out", "out", "--skip-bad", "--clusters", "8"]) == 0
    assert Path("out", "skipped.txt").read_text().count("broken.png") == 1
    assert "1 left out" in capsys.readouterr().out


@pytest.mark.usefixtures("pictures")
def test_the_run_keeps_what_it_was_trained_on_and_how() -> None:
    model = gestalt.load("run")
    items = model.modality.read([Path("data")]).items
    write_seen(Path("run"), {TRAINED: Seen.of(items)})
    regroup(Path("run"), [Path("data")], Path("out"), FEW)
    assert seen_by(Path("out")) == seen_by(Path("run"))
    before, after = (json.loads(Path(one, "config.json").read_text()) for one in ("run", "out"))
    assert {**before, "finder": None} == {**after, "finder": None}
    assert before["finder"] != after["finder"]


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("command", ["discover", "types", "embed", "index"])
def test_other_commands_take_the_run(command: str) -> None:
    regroup(Path("run"), [Path("data")], Path("out"), FEW)
    number = ["--number", "2"] if command == "types" else []
    assert execute([command, "out", "data", "--out", command, *number]) == 0


@pytest.mark.parametrize("name", WITHOUT_NEIGHBOURS)
def test_a_set_of_which_nobody_knows_the_neighbours_has_no_communities(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    CASES[name].run(tmp_path)
    with pytest.raises(ValueError, match=WITHOUT_NEIGHBOURS[name]):
        regroup(Path("run"), [Path("data")], Path("out"), FEW)


@pytest.mark.usefixtures("pictures")
def test_two_calls_one_for_the_background_one_for_the_objects_are_one_call() -> None:
    regroup(Path("run"), [Path("data")], Path("clean"), WAYS["a foreground alone"])
    regroup(Path("clean"), [Path("data")], Path("twice"), FEW)
    regroup(Path("run"), [Path("data")], Path("once"), WAYS["communities of a foreground"])
    once, twice = (gestalt.load(one).discover("data") for one in ("once", "twice"))
    assert any(bool((found.labels < 0).any()) for found in once)
    for ours, theirs in zip(once, twice, strict=True):
        assert torch.equal(ours.labels, theirs.labels)
