"""A run's folder: what is saved comes back, what is damaged says so, and nothing in it is ever executed."""

import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch

import gestalt
from gestalt.core.modality import plugins
from gestalt.core.modality.plugins import load_modality, modality_entry_points
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.heads import mlp
from gestalt.core.runs.saved import CONFIG, WEIGHTS, Architecture, load_network, read_architecture, save_network
from gestalt.core.storage.atomic import write_text
from tests.implementations import ITEMS
from tests.toy import toy

MODALITY = toy("points")
"""What the stubbed entry point names."""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toy points are installed, and two plug-ins that do not work."""
    values = {
        "points": "tests.test_run:MODALITY",
        "broken": "no_such_library.plugin:MODALITY",
        "mistaken": "tests.test_run:WEIGHTS",
    }
    points = [EntryPoint(name, value, plugins.GROUP) for name, value in values.items()]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == plugins.GROUP else [])


def architecture(**changes: Any) -> Architecture:
    settings = {"inputs": 2, "dim": 7, "on_grid": False}
    fields = {"modality": "points", "encoder": "small", "settings": settings, "projector": (5, 3), "details": {"k": 4}}
    return Architecture(**{**fields, **changes})


def saved(folder: Path, **changes: Any) -> Network:
    torch.manual_seed(0)
    encoder = MODALITY.encoders["small"](dim=7)
    network = Network(encoder, mlp(7, 5, 3))
    network.projector(torch.randn(8, 7))  # so that running statistics are worth saving
    save_network(folder, network, architecture(**changes))
    return network


@pytest.mark.usefixtures("installed")
def test_a_saved_network_comes_back_with_every_number(tmp_path: Path) -> None:
    network = saved(tmp_path)
    found, described = load_network(tmp_path)
    assert described == architecture()
    assert found.state_dict().keys() == network.state_dict().keys()
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in found.state_dict().items())
    assert not any(module.training for module in found.modules())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CONFIG, WEIGHTS])


@pytest.mark.usefixtures("installed")
def test_load_gives_the_encoder_ready_to_use(tmp_path: Path) -> None:
    network = saved(tmp_path)
    encoder = gestalt.load(tmp_path)
    data = MODALITY.collate(ITEMS["points"](2))
    assert torch.equal(encoder(data).values, network.encode(data).values)
    assert encoder.dim == 7


@pytest.mark.usefixtures("installed")
def test_a_network_without_a_head_comes_back_without_one(tmp_path: Path) -> None:
    save_network(tmp_path, Network(MODALITY.encoders["small"](dim=7)), architecture(projector=None))
    found, described = load_network(tmp_path)
    assert described.projector is None
    assert isinstance(found.projector, torch.nn.Identity)


def test_a_folder_that_is_no_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json.*--resume"):
        read_architecture(tmp_path)


DAMAGED = {
    "cut off": '{"modality": "points", "enc',
    "empty": "",
    "a list": "[1, 2]",
    "a part missing": '{"modality": "points"}',
    "wrong kinds": json.dumps({"modality": "points", "encoder": "small", "settings": 3, "projector": 5, "details": {}}),
    "short projector": json.dumps(
        {"modality": "points", "encoder": "small", "settings": {}, "projector": [5], "details": {}}
    ),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_configuration_names_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / CONFIG).write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is damaged or was written by another version"):
        read_architecture(tmp_path)


def test_bytes_that_are_no_text_are_damage_too(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is damaged"):
        read_architecture(tmp_path)


@pytest.mark.usefixtures("installed")
def test_an_unknown_encoder_lists_those_that_there_are(tmp_path: Path) -> None:
    saved(tmp_path, encoder="smal")
    with pytest.raises(ValueError, match="'points' has no encoder 'smal'; it has raw, small"):
        load_network(tmp_path)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("part", ["modality", "encoder"])
@pytest.mark.parametrize("name", ["os:system", "os.system", "builtins:exec", "__import__('os').system('touch owned')"])
def test_names_in_a_configuration_are_looked_up_and_never_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.system", lambda command: pytest.fail(f"executed {command}"))
    saved(tmp_path, **{part: name})
    with pytest.raises(ValueError, match=r"no modality|has no encoder"):
        load_network(tmp_path)
    assert not (tmp_path / "owned").exists()


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A modality in a file of the working directory; whoever imports it leaves a trace."""
    code = "import pathlib\npathlib.Path('imported').touch()\nfrom tests.test_run import MODALITY\n"
    (tmp_path / "stranger_plug_in.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "stranger_plug_in", raising=False)
    return "stranger_plug_in:MODALITY"


@pytest.mark.usefixtures("installed")
def test_a_modality_that_is_not_installed_is_imported_only_if_the_user_names_it(tmp_path: Path, stranger: str) -> None:
    network = saved(tmp_path, modality=stranger)
    with pytest.raises(ValueError, match=f"no modality '{stranger}' among the installed .*: --modality {stranger}"):
        gestalt.load(tmp_path)
    assert not (tmp_path / "imported").exists()
    encoder = gestalt.load(tmp_path, modality=stranger)
    assert (tmp_path / "imported").exists()
    assert encoder.state_dict().keys() == network.encoder.state_dict().keys()
    assert gestalt.load(tmp_path, modality=MODALITY).dim == encoder.dim


def test_a_modality_named_by_its_entry_point_is_an_installed_one(
    tmp_path: Path, stranger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))  # where installing would have put it
    points = [EntryPoint("anything", stranger, plugins.GROUP)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == plugins.GROUP else [])
    saved(tmp_path, modality=stranger)
    assert gestalt.load(tmp_path).dim == 7


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


@pytest.mark.usefixtures("installed")
def test_pickled_weights_are_never_unpickled(tmp_path: Path) -> None:
    saved(tmp_path)
    torch.save({"encoder.own.weight": torch.zeros(1)}, tmp_path / WEIGHTS)
    with pytest.raises(Exception, match=r"(?i)header|safetensor"):
        load_network(tmp_path)


def test_a_file_is_replaced_at_one_stroke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "über.json"
    write_text(path, "old ü")

    def full(descriptor: int) -> None:  # noqa: ARG001
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "old ü"


@pytest.mark.usefixtures("installed")
def test_modalities_are_listed_without_being_imported_and_loaded_by_name() -> None:
    assert list(modality_entry_points()) == ["broken", "mistaken", "points"]
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
    rivals = [EntryPoint("points", value, plugins.GROUP) for value in ("one:M", "two:M")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: rivals if group == plugins.GROUP else [])
    with pytest.raises(ValueError, match="named 'points': one:M and two:M"):
        modality_entry_points()
