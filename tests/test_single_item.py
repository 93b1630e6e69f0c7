"""What can be learned from one item: its parts, the stages that are asked, and the command."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from gestalt.core.evaluation import Table, item_vectors
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.presets import preset_named
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.options import Training
from gestalt.modalities.audio import Recording
from gestalt.modalities.graph import Graph
from gestalt.recipes.audio_events.synthetic.sounds import Sound
from gestalt.recipes.image_objects.synthetic.photographs import PHOTOGRAPHS, photographs
from gestalt.recipes.molecules.corpus.splits import flat
from gestalt.recipes.single_item import recipe
from gestalt.recipes.single_item.cells import by_stage, learner, network_of, trained
from gestalt.recipes.single_item.data_sets import audio, graph, image
from gestalt.recipes.single_item.data_sets.by_name import Name, load
from gestalt.recipes.single_item.study import Labelled, Study

TRAINING = Training(steps=1, batch=4, warmup=1, workers=0, threads=1, accelerator="cpu")
BYOL_SMALL = preset_named("byol-small").method
NAMES: tuple[Name, ...] = get_args(Name)
ROWS = {
    "image": ["crops of one photograph, coffee", "crops of 7 photographs", "many pictures"],
    "audio": ["stretches of one recording, ambi_lunar_land", "stretches of 5 recordings", "many sounds"],
    "graph": ["parts of one drug, line 77", "parts of 7 drugs", "many molecules"],
}


def untrained(study: Study, method: AbstractMethod, items: Any, training: Training) -> AbstractEncoder:
    """The network that training would begin with."""
    assert len(items) == 8
    return network_of(learner(study, method, len(items), training))


def contents(item: Any) -> bytes:
    """What an item holds, to tell whether two are the same."""
    match item:
        case Recording():
            return item.samples.numpy().tobytes()
        case Graph():
            return item.nodes.numpy().tobytes() + item.edges.numpy().tobytes()
        case _:
            return bytes(item.numpy().tobytes())


def test_all_crops_of_one_photograph_show_it_and_crops_of_some_show_others_too() -> None:
    black, white = torch.zeros(3, 200, 300), torch.ones(3, 200, 300)
    alone = torch.stack(image.crops([black], 20, seed=0))
    both = torch.stack(image.crops([black, white], 20, seed=0))
    assert alone.shape == (20, 1, 28, 28)
    assert float(alone.max()) == 0
    assert {bool(one.max() > 0.5) for one in both} == {True, False}


def test_all_stretches_of_one_recording_are_heard_in_it_and_those_of_some_in_others_too() -> None:
    silence = Sound(torch.zeros(80_000).numpy(), "silence", "silence")
    noise = Sound(torch.randn(80_000, generator=torch.Generator().manual_seed(0)).numpy(), "noise", "noise")
    alone, both = audio.stretches([silence], 10, seed=0), audio.stretches([silence, noise], 20, seed=0)
    assert {len(one.samples) for one in (*alone, *both)} == {24_000}
    assert max(float(one.samples.abs().max()) for one in alone) == 0
    assert {bool(one.samples.abs().max() > 0) for one in both} == {True, False}
    longest = max(int(one.samples.nonzero().max()) for one in both if one.samples.any())
    assert longest > 8_000, "stretches are of many lengths"


def test_parts_of_one_drug_are_connected_and_made_of_its_atoms() -> None:
    drug = next(one for one in graph.labelled("train").items if len(one) == 20)
    for part in graph.parts([drug], 10, seed=0):
        assert 0.15 * 20 - 1 <= len(part) <= 0.5 * 20
        reached = {0}
        for _ in range(len(part)):
            reached |= {two for one, two in part.edges.T.tolist() if one in reached}
        assert len(reached) == len(part), "a part is in one piece"


@pytest.mark.parametrize("name", NAMES)
def test_sources_give_as_many_items_and_another_seed_gives_others(name: Name) -> None:
    study = load(name)
    rows = study.sources(study.single)
    assert [row.name for row in rows] == ROWS[name]
    for row in rows:
        items = [contents(one) for one in row.items(5, 0)]
        assert len(items) == 5
        assert items == [contents(one) for one in row.items(5, 0)]
        assert items != [contents(one) for one in row.items(5, 1)]
    assert len({contents(one) for one in rows[-1].items(40, 0)}) == 40


def test_sources_of_pictures_are_crops_of_what_they_say() -> None:
    one, some, _ = image.sources("coffee")
    assert len(PHOTOGRAPHS["train"]) > 1
    shown = image.crops([photographs("train")[PHOTOGRAPHS["train"].index("coffee")]], 5, seed=0)
    assert all(map(torch.equal, shown, one.items(5, 0)))
    assert all(map(torch.equal, image.crops(photographs("train"), 5, seed=0), some.items(5, 0)))


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_is_asked_on_its_own(name: Name) -> None:
    """The last stage without weights gives other vectors; the others give what they gave."""
    study = load(name)
    torch.manual_seed(0)
    network = study.encoder().eval()
    known, tested = study.labelled("train").first(30), study.labelled("validation").first(20)
    found = by_stage(study, network, known, tested)
    assert list(found) == [f"stage {number}" for number in (1, 2, 3, 4)]
    assert all(0 <= value <= 1 for value in found.values())
    before = vectors(study, network, tested)
    (last,) = (part for called, part in network.named_modules() if called.endswith(("stages.3", "convolutions.3")))
    with torch.no_grad():
        for weight in last.parameters():
            weight.zero_()
    after = vectors(study, network, tested)
    assert [torch.equal(one, two) for one, two in zip(before, after, strict=True)] == [True, True, True, False]


def vectors(study: Study, network: AbstractEncoder, asked: Labelled) -> list[Tensor]:
    """The mean vectors of every stage."""
    return [item_vectors(stage, asked.items, study.modality.collate) for stage in study.stages(network).values()]


@pytest.mark.parametrize("name", NAMES)
def test_the_last_stage_is_what_the_network_gives(name: Name) -> None:
    study = load(name)
    network = study.encoder().eval()
    data = study.modality.collate(study.labelled("test").items[:3])
    last = list(study.stages(network).values())[-1].eval()
    with torch.no_grad():
        torch.testing.assert_close(last(data).values, network(data).values)
        assert torch.equal(last(data).valid, network(data).valid)


def test_clothing_and_molecules_that_are_asked_about_are_among_those_of_no_source() -> None:
    learned = {contents(picture) for picture in image.many(len(image.labelled("train").items), 0)}
    drugs, others = graph._learned()
    known = {flat(str(row.source)) for row in (*drugs.values(), *others)}
    for part in ("validation", "test"):
        assert not {contents(one) for one in image.labelled(part).items} & learned
        assert not {flat(str(row.source)) for row in graph._measured(part)} & known


@pytest.mark.parametrize("name", NAMES)
def test_training_changes_the_network_and_goes_on_where_it_was_stopped(name: Name, tmp_path: Path) -> None:
    study = load(name)
    items = study.sources(study.single)[0].items(8, 0)
    begun = network_of(learner(study, BYOL_SMALL, 8, TRAINING)).state_dict()
    one = trained(study, BYOL_SMALL, items, TRAINING, tmp_path / "one").state_dict()
    again = trained(study, BYOL_SMALL, items, TRAINING, tmp_path / "one").state_dict()
    assert any(not torch.equal(value, begun[name]) for name, value in one.items())
    assert all(torch.equal(value, again[name]) for name, value in one.items())


@pytest.mark.parametrize("name", NAMES)
def test_the_command_fills_every_cell_once(
    name: Name, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = recipe.Options(
        tmp_path,
        name,
        method="byol-small",
        items=8,
        known=20,
        tested=10,
        validate=True,
        seeds=1,
        training=TRAINING,
    )
    monkeypatch.setattr(
        recipe, "trained", lambda study, method, items, training, _: untrained(study, method, items, training)
    )
    assert recipe.SingleItem(options).run() == 0
    text = (tmp_path / name / "table.json").read_text(encoding="utf-8")
    table = Table.from_json(text)
    assert [row.method for row in table.rows] == [recipe.RANDOM, *ROWS[name]]
    assert [column.name for column in table.columns] == [f"stage {number}" for number in (1, 2, 3, 4)]
    assert {len(values) for row in table.rows for values in row.values} == {1}
    assert "10 validation items" in (tmp_path / name / "table.md").read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*/*/run"))
    monkeypatch.setattr(recipe, "by_stage", lambda *_: pytest.fail("a cell that is there is not measured again"))
    assert recipe.SingleItem(options).run() == 0
    assert (tmp_path / name / "table.json").read_text(encoding="utf-8") == text
    assert f"seed 0, {ROWS[name][-1]}" in capsys.readouterr().out


def test_another_photograph_is_another_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def noted(study: Study, *rest: Any) -> AbstractEncoder:
        asked.append(rest[-1])
        return study.encoder()

    monkeypatch.setattr(recipe, "trained", noted)
    monkeypatch.setattr(recipe, "by_stage", lambda *_: {f"stage {number}": 0.5 for number in (1, 2, 3, 4)})
    options = recipe.Options(tmp_path, method="byol-small", items=8, seeds=1, training=TRAINING)
    assert recipe.SingleItem(options).run() == 0
    assert recipe.SingleItem(replace(options, single="moon")).run() == 0
    assert [path.parent.name.split("-byol")[0] for path in asked] == ["one-coffee", "some", "many", "one-moon"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"single": "chelsea"}, r"single \(--single\) must be one of coffee, .*, got 'chelsea'"),
        ({"data_set": "audio", "single": "rain"}, r"single \(--single\) must be one of ambi_.*, got 'rain'"),
        ({"data_set": "graph", "single": "0"}, r"single \(--single\) must be a line of chembl_drugs.smi .*, got '0'"),
        ({"method": "semppl"}, "semppl needs labels or computed targets"),
        ({"method": "computed"}, "computed needs labels or computed targets"),
        ({"method": "simmim"}, "hides elements between the two steps of an encoder"),
        ({"method": "simcrl"}, "did you mean 'simclr'"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_done_is_refused_before_anything_is_trained(
    changes: dict[str, Any], text: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=text):
        recipe.SingleItem(replace(recipe.Options(tmp_path / "out"), **changes)).run()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("many", [image.many, graph.many])
def test_more_items_than_there_are_is_an_error_that_says_how_many(many: Any) -> None:
    with pytest.raises(ValueError, match=r"items \(--items\) must be at most \d+"):
        many(10**6, 0)
