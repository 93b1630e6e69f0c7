"""Nobody gets in by a file: what is opened executes nothing, and what is written does no harm to who opens it."""

import ast
import csv
import json
import pickle
import re
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import gestalt
from gestalt.core.components.registry import MODALITIES
from gestalt.core.modality.plugins import installed_modality
from gestalt.core.networks.local_checkpoint import load_weights
from gestalt.core.runs.discover import discover
from gestalt.core.runs.predict import Predictions
from gestalt.core.runs.results import ItemPrediction
from gestalt.core.storage.csv_file import TableWriter
from gestalt.core.storage.names_of_runs import CONFIG, WEIGHTS
from gestalt.core.training.checkpoint import CHECKPOINT, load_checkpoint
from gestalt.modalities.audio import MODALITY as AUDIO
from gestalt.modalities.graph import MODALITY as GRAPH
from gestalt.modalities.text import MODALITY as TEXT
from tests.tiny_runs import tiny_run

EVIL = "<script>alert('1')</script><img src=x onerror=alert(2)>\" onmouseover=\"alert(3)"
FORMULAS = ("=cmd|' /C calc'!A1", "+1+cmd", "-2+3+cmd", "@SUM(1)", "\t=1+1", "\r=1", "  =1", "＝1+1")
HARMLESS = ("a=b", "-0.5", "+1e-3", "-inf", "C=O", "", "plain", "(=)")
ROOT = Path(__file__).parents[1]


class Payload:
    """What unpickling would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def harmless(table: Path, delimiter: str = ",") -> list[list[str]]:
    """The cells of a table, none of which is a formula."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter))
    for cell in (cell for row in rows for cell in row):
        number = re.fullmatch(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|inf)", cell)
        assert number or not re.match(r"\s*[=+\-@＝]|[\t\r]", cell), cell
    return rows


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_cell_of_a_table_is_a_formula(cell: str, tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        TableWriter(file, (cell, "b")).row((cell, Path(cell)))
    rows = harmless(tmp_path / "a.csv")
    assert rows == [[f"'{cell}", "b"], [f"'{cell}", f"./{cell}"]]


def test_numbers_and_other_texts_are_written_as_they_are(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        TableWriter(file, ("a",)).row((*HARMLESS, -1, -0.25))
    assert harmless(tmp_path / "a.csv")[1] == [*HARMLESS, "-1", "-0.25"]


def test_tables_of_every_modality_hold_no_formulas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    audio = tiny_run(tmp_path / "audio", AUDIO, width=16)
    soundfile.write("=cmd.wav", np.random.default_rng(0).normal(0, 0.1, 32_000), 16_000)
    discover(audio, [Path("=cmd.wav")], Path("events"))
    for name, delimiter in (("events.csv", ","), ("events.tsv", "\t")):
        assert {row[0] for row in harmless(Path("events", name), delimiter)[1:]} == {"./=cmd.wav"}
    molecules = tiny_run(tmp_path / "molecules", GRAPH, "gine", width=16)
    Path("+lib.smi").write_text("".join(f"CCO {name.strip()}\n" for name in FORMULAS), encoding="utf-8")
    discover(molecules, [Path("+lib.smi")], Path("parts"))
    assert len(harmless(Path("parts", "parts.csv"))) > len(FORMULAS)
    harmless(Path("parts", "kinds.csv"))
    Path("-net.edgelist").write_text("=a @b\n@b +c\n+c =a\n")
    items = GRAPH.read([Path("-net.edgelist")]).items
    networks = tiny_run(tmp_path / "networks", GRAPH, "gine", 2, width=16, **GRAPH.encoder_settings("gine", items))
    discover(networks, [Path("-net.edgelist")], Path("nodes"))
    assert {row[2] for row in harmless(Path("nodes", "nodes.csv"))[1:]} == {"'=a", "'@b", "'+c"}


def test_predictions_hold_no_formulas(tmp_path: Path) -> None:
    found = [
        ItemPrediction("=evil.txt", {"=1+1": 0.25, "@x": 0.75}, "@x"),
        ItemPrediction("b", {"=1+1": 1.0, "@x": 0.0}, "=1+1"),
    ]
    with Predictions(tmp_path, best=True) as written:
        written.add(found)
    rows = harmless(tmp_path / "predictions.csv")
    assert rows == [["item", "best", "'=1+1", "'@x"], ["'=evil.txt", "'@x", "0.25", "0.75"], ["b", "'=1+1", "1", "0"]]
    lines = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["item"] for line in lines] == ["=evil.txt", "b"]


class Tags(HTMLParser):
    """The tags of a page, and what they would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.dangers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.dangers += [tag] if tag in ("script", "iframe", "object", "embed", "base", "form") else []
        for name, value in attrs:
            outside = name in ("src", "href") and not (value or "").startswith(("data:image/", "data:audio/", "#"))
            self.dangers += [f"{tag} {name}={value}"] if name.startswith("on") or outside else []


def test_the_parser_of_this_test_sees_what_a_browser_runs() -> None:
    assert Tags(f"<p>{EVIL}</p>").dangers == ["script", "img src=x", "img onerror=alert(2)"]
    assert Tags(f'<p title="{EVIL}"></p>').dangers == ["p onmouseover=alert(3)"]


@pytest.mark.parametrize("name", MODALITIES.names())
def test_names_of_true_objects_run_nothing_in_pictures(name: str) -> None:
    modality = installed_modality(name)
    for specimen in modality.specimens():
        features = modality.encoders["raw"]()(modality.collate([specimen.item]))
        truth = [(EVIL, extent) for _, extent in specimen.truth]
        page = modality.render(specimen.item, specimen.labels[: features.values.shape[1]], features.grid, truth)
        assert not Tags(page).dangers
        assert not truth or "&lt;script&gt;" in page


def test_words_and_file_names_run_nothing_in_the_page_of_spans(tmp_path: Path) -> None:
    folder = tmp_path / "<script>alert(1)<"  # together with the name below: a closing tag
    folder.mkdir()
    (folder / "script> onerror=x.txt").write_text(f"{EVIL} words\n")
    discover(tiny_run(tmp_path / "run", TEXT, width=16), [folder], tmp_path / "out")
    page = (tmp_path / "out" / "spans.html").read_text(encoding="utf-8")
    assert not Tags(page).dangers
    assert "alert" in page


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that is opened without harm."""
    folder = tiny_run(tmp_path / "run", TEXT, width=16)
    gestalt.load(folder)
    return folder


def hostile_configs(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Configurations that name what is not installed."""
    evil = {"type": "grouper:os.system", "command": "touch ran"}
    return {
        "a modality": config | {"modality": {"name": "os:system", "settings": {}}},
        "a module of the folder": config | {"modality": {"name": "evil_module:MODALITY", "settings": {}}},
        "an encoder": config | {"encoder": {"name": "os.system", "settings": {}}},
        "settings of an encoder": config | {"encoder": config["encoder"] | {"settings": {"eval": "1"}}},
        "a head": config | {"heads": {"projector": {"type": "head:builtins.eval", "source": "1"}}},
        "a part of a finder": config | {"finder": config["finder"] | {"grouper": evil}},
        "a registry": config | {"finder": {"type": "module:os"}},
        "a target": config | {"target": {"type": "target:subprocess.Popen", "args": ["touch", "ran"]}},
        "a list": {"modality": []},
    }


def test_what_a_configuration_names_is_not_imported_unless_it_is_installed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil_module.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    for config in hostile_configs(json.loads((run / CONFIG).read_text())).values():
        (run / CONFIG).write_text(json.dumps(config))
        with pytest.raises((ValueError, TypeError)):
            gestalt.load(run)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickles_in_place_of_weights_checkpoints_arrays_and_graphs_are_not_run(
    protocol: int, run: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    evil = pickle.dumps(Payload(ran), protocol)
    (run / WEIGHTS).write_bytes(evil)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged, or no file of safetensors"):
        gestalt.load(run)
    for content in (evil, _torch_archive(tmp_path, evil)):
        (run / CHECKPOINT).write_bytes(content)
        with pytest.raises(ValueError, match="is no checkpoint of this package"):
            load_checkpoint(run)
        (tmp_path / "graphs.pt").write_bytes(content)
        with pytest.raises(ValueError, match=r"graphs\.pt"):
            GRAPH.read([tmp_path / "graphs.pt"])
        (tmp_path / "resnet.pth").write_bytes(content)
        with pytest.raises(ValueError, match=r"resnet\.pth holds no weights that can be read without running code"):
            load_weights(torch.nn.Linear(1, 1), str(tmp_path / "resnet.pth"))
    np.save(tmp_path / "evil.npy", np.array([Payload(ran)], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"evil\.npy"):
        installed_modality("image").read([tmp_path / "evil.npy"])
    assert not ran.exists()


def _torch_archive(folder: Path, pickled: bytes) -> bytes:
    """A file of `torch.save` with another pickle in it."""
    torch.save({"step": 1}, folder / "good.pt")
    with zipfile.ZipFile(folder / "good.pt") as good, zipfile.ZipFile(folder / "evil.pt", "w") as evil:
        for name in good.namelist():
            evil.writestr(name, pickled if name.endswith("data.pkl") else good.read(name))
    return (folder / "evil.pt").read_bytes()


UNSAFE = {"eval", "exec", "compile", "__import__", "Unpickler", "extractall", "unsafe_load", "full_load", "system"}


def test_the_package_calls_nothing_that_runs_what_a_file_holds() -> None:
    for path in sorted((ROOT / "src" / "gestalt").resolve().glob("**/*.py")) + [
        path for folder in ("core", "modalities", "recipes") for path in (ROOT / folder).glob("**/*.py")
    ]:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name, place = ast.unparse(call.func), f"{path.relative_to(ROOT)}:{call.lineno}"
            settings = {word.arg: ast.unparse(word.value) for word in call.keywords}
            safe = name in ("re.compile", "ast.literal_eval") or "conformance" in path.parts
            safe = safe or (path.name == "compiled.py" and name in ("torch.compile", "encoder.compile"))  # of networks
            assert safe or name.rpartition(".")[2] not in UNSAFE - {"eval"}, place
            assert safe or name != "eval", place
            assert safe or not re.fullmatch(r"(c?[pP]ickle|marshal|shelve|joblib|dill)\..*", name), place
            assert name != "torch.load" or settings.get("weights_only") == "True", place
            assert name != "np.load" or settings.get("allow_pickle", "False") == "False", place
            assert "from_pretrained" not in name or settings.get("local_files_only") == "True", place
            assert "trust_remote_code" not in settings, place
            assert settings.get("shell", "False") == "False", place
