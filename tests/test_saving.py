"""A run's folder: what is saved comes back whole, what is damaged says so, and nothing in it is ever executed."""

import json
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import gestalt
from gestalt.core.components import registry
from gestalt.core.components.registry import MODALITIES
from gestalt.core.methods.targets import Classes, Values
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.heads import MLP, LinearHead
from gestalt.core.runs.config import RunConfig
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import load, save
from gestalt.core.storage.atomic import write_text
from gestalt.core.storage.names_of_runs import CONFIG, WEIGHTS
from tests.implementations import GROUPERS, ITEMS
from tests.toy import toy

MODALITY = toy("points")
"""What the stubbed entry point names."""


def install(monkeypatch: pytest.MonkeyPatch, group: str, values: dict[str, str]) -> None:
    """Stub the entry points of a group; those of the others stay."""
    points = tuple(EntryPoint(name, value, group) for name, value in values.items())
    stubbed = registry._all_points() | {group: points}
    monkeypatch.setattr(registry, "_all_points", lambda: stubbed)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toy points are installed, and plug-ins that do not work."""
    values = {
        "points": "tests.test_saving:MODALITY",
        "broken": "no_such_library.plugin:MODALITY",
        "mistaken": "tests.test_saving:WEIGHTS",
    }
    install(monkeypatch, MODALITIES.group, values)


def model(target: bool = False, **changes: Any) -> Model[Any]:
    """An untrained model of toy points, whose running statistics are not those of the start."""
    torch.manual_seed(0)
    network = gestalt.Network(MODALITY.encoders["small"](dim=7), MLP(7, 5, 3))
    network.projector(torch.randn(8, 7))
    heads: dict[str, nn.Module] = {"predictor": MLP(3, 5, 3)}
    if target:
        heads["task"] = LinearHead(3, 2)
    finder = gestalt.ObjectFinder(gestalt.KMeans(2))
    known = Classes(("left", "right")) if target else None
    made = Model(MODALITY, network.eval(), {name: head.eval() for name, head in heads.items()}, finder, known)
    return replace(made, **changes)


def changed(folder: Path, **fields: Any) -> None:
    """Write other fields into a run's configuration."""
    path = folder / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields))


@pytest.mark.usefixtures("installed")
def test_everything_that_was_built_comes_back(tmp_path: Path) -> None:
    """Law 13: features, heads, objects and predictions are the same to the last digit."""
    before = model(target=True)
    save(tmp_path, before, "small", method=gestalt.Odin(heads=gestalt.Heads(5, 3)), recipe="toys", details={"k": 4})
    after = gestalt.load(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CONFIG, WEIGHTS])
    items = ITEMS["points"](5)
    for one, other in zip(before.embed(items), after.embed(items), strict=True):
        assert one.name == other.name
        for name in ("item", "elements", "objects", "labels"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert before.predict(items) == after.predict(items)
    found = zip(before.discover(items), after.discover(items), strict=True)
    assert all(torch.equal(one.labels, other.labels) for one, other in found)
    assert after.heads.keys() == {"predictor", "task"}
    for name, head in after.heads.items():
        pairs = zip(head.state_dict().values(), before.heads[name].state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
    assert not any(part.training for part in (*after.network.modules(), *after.heads["task"].modules()))
    assert after.target == Classes(("left", "right"))
    config = RunConfig.read(tmp_path)
    assert (config.recipe, config.details) == ("toys", {"k": 4})
    assert config.method is not None
    assert config.method["type"] == "method:odin"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", [name for name, case in GROUPERS.items() if not case.ordered])
def test_every_grouper_of_a_run_comes_back(tmp_path: Path, name: str) -> None:
    finder = gestalt.ObjectFinder(
        GROUPERS[name].build(2),
        "hidden",
        gestalt.RemoveBackground(MODALITY.encoders["raw"](), quiet=0.5, reach=0.1),
        gestalt.ConcatFeatures(MODALITY.encoders["raw"](), weight=0.25),
    )
    before = model(finder=finder)
    save(tmp_path, before, "small")
    after, items = gestalt.load(tmp_path), ITEMS["points"](3)
    pairs = zip(before.discover(items), after.discover(items), strict=True)
    assert all(torch.equal(one.labels, other.labels) for one, other in pairs)


@pytest.mark.usefixtures("installed")
def test_items_come_as_paths_in_memory_numbered_or_from_a_loader(tmp_path: Path) -> None:
    items = ITEMS["points"](3)
    for number, item in enumerate(items):
        (tmp_path / f"{number}.txt").write_text("\n".join(" ".join(map(repr, row)) for row in item.tolist()))
    one = model()
    wanted = [found.labels.tolist() for found in one.discover(items)]
    loader = torch.utils.data.DataLoader(items, batch_size=2, collate_fn=list)  # type: ignore[arg-type, var-annotated]
    numbered = MODALITY.read([tmp_path]).items
    for data in (tmp_path, str(tmp_path), [tmp_path / f"{n}.txt" for n in range(3)], numbered, loader, iter(items)):
        assert [found.labels.tolist() for found in one.discover(data)] == wanted
    assert [found.name for found in one.discover(tmp_path)] == [str(tmp_path / f"{n}.txt") for n in range(3)]
    assert [found.name for found in one.discover(iter(items))] == ["points 1", "points 2", "points 3"]
    with pytest.raises(ValueError, match="there are no items of points: an empty sequence"):
        one.embed([])
    with pytest.raises(TypeError, match="data are a path, several paths, items of points in a sequence"):
        one.embed(3)


def test_every_item_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(model(target=True), batch=2)
    encoded: list[int] = []
    encode = gestalt.Network.encode

    def counting(self: gestalt.Network, data: Any) -> Any:
        encoded.append(len(data.values))
        return encode(self, data)

    monkeypatch.setattr(gestalt.Network, "encode", counting)
    for use in (one.embed, one.discover, one.predict):
        encoded.clear()
        use(ITEMS["points"](5))
        assert encoded == [2, 2, 1]


def test_what_a_model_cannot_do_says_why() -> None:
    with pytest.raises(ValueError, match="this run has no task head: train with labels"):
        model().predict(ITEMS["points"](2))
    with pytest.raises(ValueError, match="does not say how objects are found"):
        replace(model(), finder=None).discover(ITEMS["points"](2))


def test_predictions_are_probabilities_or_values() -> None:
    first = model(target=True).predict(ITEMS["points"](2))[0]
    assert first.scores.keys() == {"left", "right"}
    assert sum(first.scores.values()) == pytest.approx(1.0)
    values = Values(("x", "y"), mean=(10.0, 0.0), scale=(2.0, 1.0))
    one = model(target=True)
    raw = replace(one, target=Values(("x", "y"))).predict(ITEMS["points"](2))[0].scores
    scaled = replace(one, target=values).predict(ITEMS["points"](2))[0].scores
    assert scaled["x"] == pytest.approx(10 + 2 * raw["x"])


def test_what_is_not_installed_under_a_name_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    one = model(heads={"predictor": nn.Linear(3, 3)})
    with pytest.raises(TypeError, match=r"torch\.nn\..*Linear is not installed under a name, so it cannot be saved"):
        save(tmp_path, one, "small")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json.*--resume"):
        load(tmp_path)


DAMAGED = {
    "cut off": '{"modality": {"name": "points", "enc',
    "empty": "",
    "a list": "[1, 2]",
    "a part missing": '{"modality": {"name": "points", "settings": {}}}',
    "another version": json.dumps({"modality": "points", "encoder": "small", "settings": {}, "projector": [5, 3]}),
    "wrong kinds": json.dumps({"modality": {"name": "points", "settings": 3}, "encoder": {"name": 1, "settings": {}}}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_configuration_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / CONFIG).write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is damaged or was written by another version"):
        RunConfig.read(tmp_path)


def test_bytes_that_are_no_text_are_damage_too(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is damaged"):
        RunConfig.read(tmp_path)


@pytest.mark.usefixtures("installed")
def test_an_unknown_encoder_suggests_the_nearest(tmp_path: Path) -> None:
    save(tmp_path, model(), "small")
    changed(tmp_path, encoder={"name": "smal", "settings": {}})
    with pytest.raises(ValueError, match="no encoder 'smal'; did you mean 'small'"):
        load(tmp_path)


@pytest.mark.usefixtures("installed")
def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    save(tmp_path, model(), "small")
    changed(tmp_path, encoder={"name": "small", "settings": {"inputs": 2, "dim": 9, "on_grid": False}})
    with pytest.raises(ValueError, match="are not those of the encoder 'small' and its heads as they are now"):
        load(tmp_path)


NAMES = ["os:system", "os.system", "builtins:exec", "__import__('os').system('touch owned')"]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("part", ["modality", "encoder", "finder", "heads", "target"])
@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_configuration_are_looked_up_and_never_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.system", lambda command: pytest.fail(f"executed {command}"))
    save(tmp_path, model(), "small")
    fields: dict[str, Any] = {
        "modality": {"name": name, "settings": {}},
        "encoder": {"name": name, "settings": {}},
        "finder": {"type": f"grouper:{name}"},
        "heads": {"predictor": {"type": name}},
        "target": {"type": f"{name}:x"},
    }
    changed(tmp_path, **{part: fields[part]})
    with pytest.raises(ValueError, match=r"there is no (modality|encoder|grouper|kind of component)"):
        load(tmp_path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.usefixtures("installed")
def test_pickled_weights_are_never_unpickled(tmp_path: Path) -> None:
    save(tmp_path, model(), "small")
    torch.save({"encoder.own.weight": torch.zeros(1)}, tmp_path / WEIGHTS)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged, or no file of safetensors"):
        load(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A modality in a file of the working directory; whoever imports it leaves a trace."""
    code = "import pathlib\npathlib.Path('imported').touch()\nfrom tests.test_saving import MODALITY\n"
    (tmp_path / "stranger_plug_in.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "stranger_plug_in", raising=False)
    return "stranger_plug_in:MODALITY"


@pytest.mark.usefixtures("installed")
def test_a_modality_that_is_not_installed_is_imported_only_if_the_user_names_it(tmp_path: Path, stranger: str) -> None:
    save(tmp_path, model(), "small", modality=stranger)
    with pytest.raises(ValueError, match=f"no modality '{stranger}' among the installed .*: --modality {stranger}"):
        load(tmp_path)
    assert not (tmp_path / "imported").exists()
    found = load(tmp_path, modality=stranger)
    assert (tmp_path / "imported").exists()
    assert load(tmp_path, modality=MODALITY).encoder.dim == found.encoder.dim == 7


def test_a_modality_named_by_its_entry_point_is_an_installed_one(
    tmp_path: Path, stranger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))  # where installing would have put it
    install(monkeypatch, MODALITIES.group, {"anything": stranger})
    save(tmp_path, model(), "small", modality=stranger)
    assert load(tmp_path).encoder.dim == 7


def test_a_modality_that_cannot_be_found_by_its_path_says_why(tmp_path: Path, stranger: str) -> None:
    assert load_modality(stranger).name == "points"
    with pytest.raises(ImportError, match=r"holds no 'MODALITEE'; its modalities are: MODALITY"):
        load_modality("stranger_plug_in:MODALITEE")
    with pytest.raises(ImportError, match=r"there is no module 'no_such_plug_in' in .*go to the folder that holds it"):
        load_modality("no_such_plug_in:MODALITY")
    with pytest.raises(ImportError, match=r"'' is no name of a module; write package\.module:OBJECT"):
        load_modality(":MODALITY")
    (tmp_path / "needy_plug_in.py").write_text("import no_such_library")
    with pytest.raises(ImportError, match=r"needy_plug_in needs the library 'no_such_library'"):
        load_modality("needy_plug_in:MODALITY")
    (tmp_path / "misspelt_plug_in.py").write_text("class Points:\n  def read(self:\n")
    with pytest.raises(
        ImportError, match=r"misspelt_plug_in cannot be imported: SyntaxError at .*misspelt_plug_in\.py:2"
    ):
        load_modality("misspelt_plug_in:MODALITY")
    (tmp_path / "failing_plug_in.py").write_text("1 / 0\n")
    with pytest.raises(ImportError, match=r"failing_plug_in cannot be imported: ZeroDivisionError: division by zero"):
        load_modality("failing_plug_in:MODALITY")


@pytest.mark.usefixtures("installed")
def test_modalities_are_listed_without_being_imported_and_loaded_by_name() -> None:
    assert MODALITIES.names() == ["broken", "mistaken", "points"]
    assert load_modality("points").name == "points"


@pytest.mark.usefixtures("installed")
def test_a_modality_that_cannot_be_had_says_why() -> None:
    with pytest.raises(
        ValueError, match=r"there is no modality 'point'; did you mean 'points'\? Known: broken, mistaken"
    ):
        load_modality("point")
    with pytest.raises(ValueError, match=r"there is no modality 'xyz'\. Known: broken"):
        load_modality("xyz")
    with pytest.raises(ImportError, match=r"needs the library 'no_such_library'.*: pip install no_such_library"):
        load_modality("broken")
    with pytest.raises(ValueError, match="must name an instance of AbstractModality, got str"):
        load_modality("mistaken")


def test_two_packages_that_claim_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    points = tuple(EntryPoint("points", value, MODALITIES.group) for value in ("one:M", "two:M"))
    monkeypatch.setattr(registry, "_all_points", lambda: {MODALITIES.group: points})
    with pytest.raises(ValueError, match="named 'points': one:M and two:M"):
        MODALITIES.names()


def test_a_file_is_replaced_at_one_stroke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "über.json"
    write_text(path, "old ü")

    def full(descriptor: int) -> None:  # noqa: ARG001
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "old ü"
