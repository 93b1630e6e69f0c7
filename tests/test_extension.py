"""A distribution of another author: built, installed beside gestalt, used in fresh processes, uninstalled, broken."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

import gestalt
from gestalt.core.components.registry import METHODS, RECIPES
from gestalt.core.modality import optional

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tests" / "extension_package"
CODE = PACKAGE / "src" / "gestalt_example"
PAGE = ROOT / "docs" / "extending.md"

COMMANDS = """
import contextlib, io, json, sys
from gestalt.cli.commands import execute

results = []
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            code = execute(words)
    except (ValueError, ImportError) as error:
        code = str(error)
    results.append((code, said.getvalue()))
print(json.dumps({"results": results, "imported": "gestalt_example" in sys.modules}))
"""
"""Command lines one after the other in one process: their exit codes (or what was wrong), and what they printed."""


def pip(*arguments: str) -> None:
    """Run pip on what is here alone."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def python(code: str, site: Path | None, folder: Path, *arguments: str) -> Any:
    """What a fresh process prints, as JSON; `site` is where distributions are installed for it."""
    paths = [*([str(site)] if site else []), str(Path(gestalt.__file__).parents[1])]  # the gestalt that is tested here
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@final
@dataclass(frozen=True)
class Session:
    """What command lines of one process came to, in their order, and whether it imported the distribution."""

    results: list[tuple[int | str, str]]
    imported: bool


def session(commands: Iterable[str], site: Path | None, folder: Path) -> Session:
    """Carry out command lines in one fresh process."""
    found = python(COMMANDS, site, folder, json.dumps([command.split() for command in commands]))
    return Session([tuple(result) for result in found["results"]], found["imported"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution as it would be published; nothing is left in the source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """Where it is installed; no other environment is touched."""
    target = wheel.parent / "site"
    pip("install", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    return target


LINES = "run line-objects --lines 24 --test-lines 4 --scenery.things 2 --out lines"
KNOWN = (
    "run line-objects --lines 24 --test-lines 4 --scenery.things 2 --label-share 0.5 --out known --method supervised "
    "--method.heads.hidden 16 --method.heads.projection 8"
)
SOUNDS = (
    "run audio-events --seconds 2 --soundscapes 16 --test-soundscapes 4 --out sounds --method my-dino "
    "--method.prototypes 64 --method.hidden 32 --method.bottleneck 16 --method.warmup-epochs 2 "
    "--method.teacher.base 0.9 --finder.grouper gaps --finder.grouper.objects 5 "
    "--finder.regions none"
)
OBJECTS = (
    "run objects --modality lines --data data --out objects --method byol --method.heads.hidden 16 "
    "--method.heads.projection 8 --method.objective align-uniform --method.objective.uniformity 0.5 "
    "--method.teacher none --finder default --finder.grouper gaps"
)
FEW = " --steps 3 --batch 8 --warmup 1 --workers 0 --threads 1 --log-every 1 --accelerator cpu"
USES = {
    "methods": "methods",
    "recipes": "recipes",
    "modalities": "modalities",
    "lines": LINES + FEW,
    "known": KNOWN + FEW,
    "sounds": SOUNDS + FEW,
    "objects": OBJECTS + FEW,
    "discover": "discover objects data --out found",
    "check": "check-modality lines",
}
"""What one does with the distribution once it is installed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs are written, with some lines to read."""
    made = tmp_path_factory.mktemp("runs")
    (made / "data").mkdir()
    for number in range(8):
        line = np.random.default_rng(number).uniform(size=(32, 3)).astype(np.float32)
        np.save(made / "data" / f"{number}.npy", line)
    return made


@pytest.fixture(scope="module")
def done(site: Path, folder: Path) -> dict[str, tuple[int | str, str]]:
    """All command lines that the distribution is used by."""
    return dict(zip(USES, session(USES.values(), site, folder).results, strict=True))


def test_the_wheel_holds_the_package_and_its_entry_points_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        points = archive.read("gestalt_example-0.1.0.dist-info/entry_points.txt").decode()
    assert names == {f"gestalt_example/{path.name}" for path in CODE.glob("*.py")}
    groups = set(re.findall(r"\[gestalt\.(\w+)\]", points))
    assert groups >= {"methods", "recipes", "modalities", "groupers", "objectives", "targets", "heads"}


def test_everything_works_at_once(done: dict[str, tuple[int | str, str]]) -> None:
    assert {name: code for name, (code, _) in done.items()} == dict.fromkeys(USES, 0)


def test_what_is_installed_is_listed_beside_our_own(done: dict[str, tuple[int | str, str]]) -> None:
    methods = [line.split(":")[0] for line in done["methods"][1].splitlines() if not line.startswith(" ")]
    assert methods == sorted([*METHODS.names(), "my-dino", "my-dino-small"])
    assert "my-dino: my DINO (Caron et al. 2021)\n  compares   whole items\n" in done["methods"][1]
    assert [line.split()[0] for line in done["recipes"][1].splitlines()] == sorted([*RECIPES.names(), "line-objects"])
    assert "line-objects       discover things in lines of pixels, without labels\n" in done["recipes"][1]
    assert re.search(r"^lines +gestalt_example\.lines:MODALITY$", done["modalities"][1], re.MULTILINE)
    assert done["check"][1].endswith("lines: every law holds\n")


@pytest.mark.usefixtures("done")
def test_a_recipe_of_the_distribution_trains_and_reports(folder: Path) -> None:
    report = (folder / "lines" / "report.html").read_text(encoding="utf-8")
    assert "Things in lines" in report
    assert "My DINO, small learned from 24 generated lines" in report
    table = json.loads((folder / "lines" / "table.json").read_text(encoding="utf-8"))
    assert [row["method"] for row in table["rows"]] == ["gaps of colours", "gaps of a random encoder", "my DINO, small"]
    config = json.loads((folder / "lines" / "config.json").read_text(encoding="utf-8"))
    assert config["method"]["type"] == "method:my-dino"
    options = json.loads((folder / "lines" / "options.json").read_text(encoding="utf-8"))
    assert options["scenery"] == {"pixels": 64, "things": 2, "noise": 0.01}


@pytest.mark.usefixtures("done")
def test_options_of_the_distribution_reach_runs_of_ours(folder: Path) -> None:
    sounds = json.loads((folder / "sounds" / "config.json").read_text(encoding="utf-8"))
    assert sounds["method"]["prototypes"] == 64
    assert sounds["method"]["warmup_epochs"] == 2
    assert sounds["method"]["teacher"] == {
        "type": "follower rule:moving-average",
        "base": 0.9,
        "schedule": "cosine",
        "buffers": "own",
    }
    assert sounds["finder"]["grouper"] == {"type": "grouper:gaps", "objects": 5, "least": 0.3}
    assert sounds["heads"]["prototypes"] == {"type": "head:dino-prototypes", "inputs": 16, "outputs": 64}
    objects = json.loads((folder / "objects" / "config.json").read_text(encoding="utf-8"))
    assert objects["modality"]["name"] == "lines"
    expected = {"type": "objective:align-uniform", "uniformity": 0.5, "sharpness": 2.0}
    assert objects["method"]["objective"] == expected
    found = (folder / "found" / "objects.jsonl").read_text(encoding="utf-8").splitlines()
    assert [Path(json.loads(line)["item"]).name for line in found] == [f"{number}.npy" for number in range(8)]


ROUND_TRIP = """
import dataclasses, json
from pathlib import Path

import torch

import gestalt
from gestalt.core.experiment.build import LearnerFactory
from gestalt.core.experiment.labelling import labels_of
from gestalt.core.training.checkpoint import load_checkpoint

model, known = gestalt.load("lines"), gestalt.load("known")  # before anything of the distribution is imported here

from gestalt_example.depth import Depth
from gestalt_example.dino_objective import Prototypes
from gestalt_example.gaps import Gaps
from gestalt_example.line_objects import LineObjects, Options, Scenery
from gestalt_example.lines import Lines


def factory_of(**changes):
    options = Options(lines=24, test_lines=4, scenery=Scenery(things=2), labelling=gestalt.Labelling(label_share=0.5))
    training = dataclasses.replace(options.training, batch=8)
    recipe = LineObjects(dataclasses.replace(options, training=training, **changes))
    data = recipe.data()
    return LearnerFactory(recipe, data, data.views, labels_of(data, recipe.options.labelling, 0))


def trained(folder, factory):
    learner = factory.fresh()
    learner.load_state_dict(load_checkpoint(Path(folder))["learner"])
    return learner.eval()


factory = factory_of()
fresh, learner = factory.fresh().eval(), trained("lines", factory)
labelled = trained("known", factory_of(method=gestalt.Supervised(gestalt.Heads(16, 8))))
items = list(factory.data.evaluated)
batch = factory.recipe.modality.collate(items)
with torch.no_grad():
    ours, theirs, before = (one.encode(batch) for one in (learner.online, model.network, fresh.online))
    rows = torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    prototypes = learner.heads()["prototypes"](rows), model.heads["prototypes"](rows)
    outputs = labelled.heads()["task"](labelled.online.projector(labelled.online.encode(batch).values.mean(dim=1)))
found = factory.recipe.finder.find(learner.online, batch).labels()
depths = torch.tensor([[row.scores["depth"]] for row in known.predict(items)])
print(json.dumps({
    "modality": type(model.modality) is Lines,
    "grouper": type(model.finder.grouper) is Gaps,
    "heads": type(model.heads["prototypes"]) is Prototypes,
    "target": known.target == Depth(),
    "same features": torch.equal(ours.values, theirs.values),
    "features that were trained": not torch.equal(before.values, theirs.values),
    "same prototypes": torch.equal(*prototypes),
    "same objects": torch.equal(found, torch.stack([one.labels for one in model.discover(items)])),
    "same depths": torch.allclose(Depth().decode(outputs), depths, rtol=1e-6),
    "depths in metres": bool(((depths > 0.5) & (depths < 20)).all()),
}))
"""


@pytest.mark.usefixtures("done")
def test_a_run_comes_back_whole_with_the_grouper_the_heads_and_the_target_of_the_distribution(
    site: Path, folder: Path
) -> None:
    """Law 13, in another process: what the checkpoint of training holds is what `load` gives."""
    found = python(ROUND_TRIP, site, folder)
    assert found == dict.fromkeys(found, True)


@pytest.mark.usefixtures("done")
def test_without_the_distribution_every_error_names_what_is_missing_and_nothing_is_imported(
    site: Path, folder: Path, tmp_path: Path
) -> None:
    """Its code lies on the path all the same: what is importable but not installed is not imported for a file."""
    shutil.copytree(site / "gestalt_example", tmp_path / "gestalt_example")
    asked = {
        "run line-objects --out no": "there is no recipe 'line-objects'",
        "run audio-events --method my-dino --out no": "there is no method 'my-dino'; did you mean 'dino'?",
        "run audio-events --finder.grouper gaps --out no": "there is no grouper 'gaps'",
        "run objects --modality lines --data data --out no": "there is no modality 'lines'",
        "discover objects data --out no": "there is no modality 'lines'",
        "discover sounds data --out no": "sounds/config.json: there is no head 'dino-projector'",
    }
    after = session(asked, tmp_path, folder)
    for (code, said), expected in zip(after.results, asked.values(), strict=True):
        assert isinstance(code, str)
        assert code.startswith(expected)
        assert "Known: " in code
        assert said == ""
    assert str(after.results[-1][0]).endswith("Install the package that brings it")
    assert not after.imported
    assert not (folder / "no").exists()


USE_THE_REST = """
import json
from gestalt.core.components.description import build, describe
from gestalt_example.gaps import Gaps
print(json.dumps(build(describe(Gaps(objects=3))).objects))
"""


@pytest.fixture
def broken(site: Path, tmp_path: Path) -> Path:
    """The distribution installed with mistakes: code that is no Python, names of what is no method and no recipe."""
    shutil.copytree(site, tmp_path / "site")
    path = tmp_path / "site" / "gestalt_example" / "dino.py"
    path.write_text(path.read_text(encoding="utf-8") + "def (:\n", encoding="utf-8")
    points = next((tmp_path / "site").glob("*.dist-info")) / "entry_points.txt"
    text = points.read_text(encoding="utf-8")
    for group in ("methods", "recipes", "groupers"):
        text = text.replace(f"[gestalt.{group}]\n", f"[gestalt.{group}]\nmistaken = gestalt_example.depth:Depth\n")
    text = text.replace("[gestalt.methods]\n", "[gestalt.methods]\nlost = gestalt_example.nothing:Lost\n")
    points.write_text(text, encoding="utf-8")
    return tmp_path / "site"


def test_a_broken_component_is_named_and_the_others_are_listed_and_usable(broken: Path, folder: Path) -> None:
    commands = [
        "methods",
        "recipes",
        "run audio-events --method my-dino --out no",
        "run audio-events --method mistaken",
    ]
    commands += ["run audio-events --finder.grouper mistaken", "run mistaken --out no"]
    (methods, recipes, *refused) = session(commands, broken, folder).results
    assert methods[0] == recipes[0] == 0
    said = [line for line in methods[1].splitlines() if not line.startswith(" ")]
    assert [line.split(":")[0] for line in said] == sorted(
        [*METHODS.names(), "my-dino", "my-dino-small", "lost", "mistaken"]
    )
    lines = {line.split(":")[0]: line for line in said}
    place = rf"SyntaxError at \S+dino\.py:{len((broken / 'gestalt_example' / 'dino.py').read_text().splitlines())}: "
    cannot = rf"the method 'my-dino' \(gestalt_example\.dino:DINO\) cannot be imported: {place}"
    assert re.search(cannot, lines["my-dino"])
    assert "No module named 'gestalt_example.nothing'; correct its code, or uninstall it" in lines["lost"]
    assert "must be a subclass of AbstractMethod with a card, or a Preset, got <class" in lines["mistaken"]
    listed = {line.split()[0]: line for line in recipes[1].splitlines()}
    assert list(listed) == sorted([*RECIPES.names(), "line-objects", "mistaken"])
    assert re.search(place, listed["line-objects"])
    assert "must be a subclass of AbstractRecipe" in listed["mistaken"]
    wanted = [cannot, "AbstractMethod, got <class", "AbstractGrouper, got <class", "AbstractRecipe, got <class"]
    for (code, _), expected in zip(refused, wanted, strict=True):
        assert re.search(expected, str(code)), code
    assert python(USE_THE_REST, broken, folder) == 3


SHOWN = re.compile(r"<!-- (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_shows_the_files_of_the_distribution_as_they_are() -> None:
    shown = dict(SHOWN.findall(PAGE.read_text(encoding="utf-8")))
    files = [PACKAGE / "pyproject.toml", *CODE.glob("*.py")]
    assert set(shown) == {f"../{path.relative_to(ROOT)}" for path in files if path.name != "__init__.py"}
    for name, text in shown.items():
        assert text == (PAGE.parent / name).read_text(encoding="utf-8"), f"{name} and the page differ"


def test_the_page_of_modalities_names_every_optional_protocol() -> None:
    protocols = [name for name, value in vars(optional).items() if getattr(value, "_is_protocol", False)]
    own = [name for name in protocols if vars(optional)[name].__module__.startswith(f"{optional.__name__}.")]
    text = (ROOT / "docs" / "plug-in.md").read_text(encoding="utf-8")
    assert len(own) > 4
    assert [name for name in own if f"| `{name}`" not in text] == []
