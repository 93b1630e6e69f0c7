"""`gestalt.train`: what it saves is given back whole, and its runs are those of the command line."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.components.registry import MODALITIES
from gestalt.core.data.correspondence import Index
from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.odin_warm_start import OdinWarmStart
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.supervised import Supervised
from gestalt.core.modality.plugins import installed_modality
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.networks.follower import CopyEvery
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.checkpoint import CHECKPOINT
from gestalt.core.training.labels import Labels
from gestalt.core.training.metrics_log import MetricsLog, read_metrics
from gestalt.core.training.options import Training
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.text import Passage, Text, chain
from gestalt.modalities.text.views import Crop, Delete
from gestalt.recipes.objects.recipe import Objects, Options
from gestalt.recipes.objects.train import train

LINES = [
    "The old man saw the sea.", "Birds sing in the wide sky.", "She left the house at once.", "A dog barks all night.",
    "Nobody knew his name, or hers.", "It rains.",
]  # fmt: skip
ITEMS = [Passage.of(line) for line in LINES]
TRAINING = Training(
    steps=4, batch=4, lr=2e-3, warmup=1, workers=0, threads=1, accelerator="cpu", log_every=1, checkpoint_every=4
)
METHOD = OdinWarmStart(switch=2, heads=Heads(16, 8), discovery=CopyEvery(2, "steps"))
ENCODER = EncoderChoice("conv", {"width": 16, "buckets": 64})
DETERMINED = EncoderChoice("conv", {"width": 16, "buckets": 64, "dropout": 0.0, "word_dropout": 0.0})
COMMAND = [
    "--steps", "4", "--batch", "4", "--warmup", "1", "--workers", "0", "--threads", "1", "--accelerator", "cpu",
    "--log-every", "1", "--checkpoint-every", "4", "--encoder", "conv", "--encoder.width", "16",
    "--encoder.buckets", "64", "--method.switch", "2", "--method.heads.hidden", "16", "--method.heads.projection", "8",
    "--method.discovery.every", "2",
]  # fmt: skip


def small(data: Any, out: Path, **changes: Any) -> Model[Any]:
    """A tiny run on text."""
    settings: dict[str, Any] = {"modality": "text", "method": METHOD, "encoder": ENCODER, "training": TRAINING}
    return train(data, out=out, **{**settings, **changes})


def command(data: Path, out: Path, *more: str) -> list[str]:
    """The same run as a command line."""
    return ["run", "objects", "--modality", "text", "--data", str(data), "--out", str(out), *COMMAND, *more]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lines as a file."""
    path = tmp_path_factory.mktemp("texts") / "lines.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def undisturbed(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on that file."""
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    small(file, out)
    return out


@contextmanager
def stopped_after(step: int) -> Iterator[None]:
    """Within it, Ctrl-C comes when the metrics of a step are written."""
    write = MetricsLog.write

    def stopping(self: MetricsLog, now: int, *rest: Any) -> None:
        write(self, now, *rest)
        if now == step:
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MetricsLog, "write", stopping)
        yield


def same_runs(one: Path, other: Path) -> None:
    """Both folders hold the same metrics and the same model, to the last bit."""
    for name in (METRICS, "model.safetensors", "config.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def same_models(one: Model[Any], other: Model[Any], items: Any) -> None:
    """Both have the same networks, and say the same of items, to the last bit."""
    assert one.finder is not None
    assert one.heads.keys() == other.heads.keys()
    for mine, theirs in ((one.network, other.network), *((one.heads[name], other.heads[name]) for name in one.heads)):
        assert mine.state_dict().keys() == theirs.state_dict().keys()
        assert all(torch.equal(tensor, theirs.state_dict()[name]) for name, tensor in mine.state_dict().items())
    for found, again in zip(one.discover(items), other.discover(items), strict=True):
        assert torch.equal(found.labels, again.labels)
        assert torch.equal(found.vectors, again.vectors)
    for vectors, again_vectors in zip(one.embed(items), other.embed(items), strict=True):
        assert torch.equal(vectors.item, again_vectors.item)
        assert torch.equal(vectors.elements, again_vectors.elements)
    if one.target is not None:
        assert one.predict(items) == other.predict(items)


@contextmanager
def overheard() -> Iterator[list[Model[Any]]]:
    """Within it, the models that runs learned, before they are saved."""
    learned: list[Model[Any]] = []

    def saving(folder: Path, model: Model[Any], *rest: Any) -> None:
        learned.append(model)
        save(folder, model, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gestalt.core.experiment.run.save", saving)
        yield learned


@pytest.mark.parametrize("name", MODALITIES.names())
def test_what_was_learned_is_given_back_whole(name: str, tmp_path: Path) -> None:
    modality = installed_modality(name)
    items = [specimen.item for specimen in modality.specimens()] * 2
    with overheard() as learned:
        given = train(items, modality=name, out=tmp_path / "run", method=METHOD, training=replace(TRAINING, steps=2))
    assert len(learned) == 1
    same_models(learned[0], given, items)
    same_models(given, gestalt.load(tmp_path / "run"), items)
    assert {len(found.labels.unique()) > 1 for found in given.discover(items)} == {True}


def test_labels_in_memory_are_learned_and_predicted_and_heads_come_back(tmp_path: Path) -> None:
    texts = ["one two three four", "aaa bbb ccc ddd", "four three two one", "ddd ccc bbb aaa"]
    items = [Passage.of(text) for text in texts]
    labels = Labels.of(["numbers", "letters", None, "letters"])
    method = Supervised(heads=Heads(16, 8))
    training = replace(TRAINING, steps=30, lr=1e-2)
    with overheard() as learned:
        model = small(items, tmp_path / "run", method=method, labels=labels, training=training)
    assert "task" in model.heads
    same_models(learned[0], model, items)
    predicted = model.predict(items)
    assert [one.answer for one in predicted] == ["numbers", "letters", "numbers", "letters"]
    assert all(sum(one.scores.values()) == pytest.approx(1.0) for one in predicted)


def test_labels_of_a_table_and_in_memory_are_the_same_labels(file: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    names = [TEXT.read([file]).items.name(number) for number in range(len(LINES))]
    classes = ["long", "long", "long", "long", "long", "short"]
    rows = [f'"{name}",{one}' for name, one in zip(names, classes, strict=True)]
    table.write_text("\n".join(["name,label", *rows]) + "\n")
    method = Supervised(heads=Heads(16, 8))
    small(file, tmp_path / "table", method=method, labels=table)
    small(file, tmp_path / "memory", method=method, labels=Labels.of(classes))
    same_runs(tmp_path / "table", tmp_path / "memory")
    assert json.loads((tmp_path / "table" / "options.json").read_text())["from_python"] == {}


def test_a_run_from_python_is_the_run_of_the_command_line(file: Path, undisturbed: Path, tmp_path: Path) -> None:
    assert execute(command(file, tmp_path / "run")) == 0
    same_runs(tmp_path / "run", undisturbed)
    contents = [sorted(path.name for path in folder.iterdir()) for folder in (tmp_path / "run", undisturbed)]
    assert contents[0] == contents[1]
    assert {"options.json", CHECKPOINT, "report.html"} <= set(contents[0])
    options = [json.loads((folder / "options.json").read_text()) for folder in (tmp_path / "run", undisturbed)]
    for one in options:
        del one["running"]["out"]
    assert options[0] == options[1]


def test_a_run_begun_in_python_is_resumed_by_the_command_line(file: Path, undisturbed: Path, tmp_path: Path) -> None:
    with stopped_after(2), pytest.raises(KeyboardInterrupt, match="saved; go on with resume=True"):
        small(file, tmp_path / "run")
    assert len(read_metrics(tmp_path / "run" / METRICS)) == 2
    assert execute(command(file, tmp_path / "run", "--resume")) == 0
    same_runs(tmp_path / "run", undisturbed)


def test_a_run_of_the_command_line_is_resumed_from_python(file: Path, undisturbed: Path, tmp_path: Path) -> None:
    with stopped_after(3):
        assert execute(command(file, tmp_path / "run")) == 130
    model = small(file, tmp_path / "run", resume=True)
    same_runs(tmp_path / "run", undisturbed)
    same_models(model, gestalt.load(undisturbed), ITEMS)


def test_items_in_memory_give_the_run_of_their_file_and_are_resumed_from_python_alone(
    file: Path, undisturbed: Path, tmp_path: Path
) -> None:
    with stopped_after(2), pytest.raises(KeyboardInterrupt):
        small(ITEMS, tmp_path / "run")
    with pytest.raises(ValueError, match=r"from_python\.items was '6 items from Python \(InMemory\)' and is now None"):
        execute(command(file, tmp_path / "run", "--resume"))
    with pytest.raises(ValueError, match=r"was '6 items .* is now '5 items from Python"):
        small(ITEMS[:5], tmp_path / "run", resume=True)
    small(ITEMS, tmp_path / "run", resume=True)
    same_runs(tmp_path / "run", undisturbed)
    report = (tmp_path / "run" / "report.html").read_text()
    assert "learned from 6 of your items of text, without labels. In 3 of them" in report


def test_items_of_networks_are_seen_with_features_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "net.edgelist"
    path.write_text("\n".join(f"{a} {b}" for a, b in [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 3)]) + "\n")
    model = train(path, modality="graph", out=tmp_path / "run", method=METHOD, training=replace(TRAINING, batch=2))
    same_models(model, gestalt.load(tmp_path / "run"), path)
    assert len(model.discover(path)[0].labels) == 6


def test_a_modality_itself_is_named_where_a_name_says_the_same(file: Path, undisturbed: Path, tmp_path: Path) -> None:
    small(file, tmp_path / "itself", modality=TEXT)
    same_runs(tmp_path / "itself", undisturbed)
    cut = small(file, tmp_path / "cut", modality=Text(window=3))
    assert isinstance(cut.modality, Text)
    assert cut.modality.window == 3
    assert gestalt.load(tmp_path / "cut").modality.window == 3  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"from_python\.modality\.window was 3 and is now None"):
        small(file, tmp_path / "cut", resume=True)


def test_a_modality_that_is_not_installed_is_named_by_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "docs" / "plug-ins"))
    motion = gestalt.load_modality("motion:MODALITY")
    items = [specimen.item for specimen in motion.specimens()]
    model = train(items, modality=motion, out=tmp_path / "run", method=METHOD, training=TRAINING)
    assert json.loads((tmp_path / "run" / "options.json").read_text())["modality"] == "motion:MODALITY"
    same_models(model, gestalt.load(tmp_path / "run", modality="motion:MODALITY"), items)


@final
class Counted(AbstractTransform[Passage]):
    """Changes nothing, and counts the items that it sees."""

    def __init__(self) -> None:
        self.items = 0

    def __call__(self, item: Passage, rng: np.random.Generator) -> tuple[Passage, Index]:  # noqa: ARG002
        """The item itself."""
        self.items += 1
        return item, Index.identity(len(item.words))


def test_views_and_finder_are_those_that_were_given(tmp_path: Path) -> None:
    finder, counted = ObjectFinder(KMeans(2), "hidden"), Counted()
    whole = Views(chain(), (chain((1.0, counted)),) * 3)
    model = small(ITEMS, tmp_path / "run", views=whole, finder=finder, method=BYOL(heads=Heads(16, 8)))
    assert model.finder is not None
    assert isinstance(model.finder.grouper, KMeans)
    assert model.finder.grouper.objects == 2
    saved = json.loads((tmp_path / "run" / "options.json").read_text())
    assert saved["from_python"]["views"] == {"source": [], "views": [[[1.0, {"type": "Counted"}]]] * 3}
    assert counted.items == 3 * TRAINING.batch * TRAINING.steps
    assert saved["finder"]["grouper"]["objects"] == 2
    other = Views(chain(), (chain((0.5, Crop(0.5, 1.0))), chain((1.0, Delete(0.2)))))
    with pytest.raises(ValueError, match=r"begun with other options: from_python\.views\.views was \[\[\[1\.0, \{"):
        small(ITEMS, tmp_path / "run", views=other, finder=finder, method=BYOL(heads=Heads(16, 8)), resume=True)


def test_a_named_preset_brings_its_training_unless_one_is_given(tmp_path: Path) -> None:
    begun: list[Options] = []

    def hear(recipe: Objects) -> int:
        begun.append(recipe._own)
        raise InterruptedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[train.__module__], "run", hear)
        for training in (None, TRAINING):
            with pytest.raises(InterruptedError):
                train(ITEMS, modality="text", out=tmp_path / "run", method="byol-40", training=training)
    own, given = (options.training for options in begun)
    assert (own.optimizer, own.batch, own.warmup) == ("lars", 4096, 112)
    assert own.lr == pytest.approx(7.2)
    assert own.steps == Options().training.steps
    assert given == TRAINING


@final
class Torn(AbstractItems[Passage]):
    """Numbered items of which one cannot be read."""

    def __len__(self) -> int:
        return len(ITEMS)

    def read(self, index: int, rng: np.random.Generator) -> Passage:  # noqa: ARG002
        """The item."""
        if index == 2:
            raise BadItemError(self.name(index), "is torn")
        return ITEMS[index]

    def name(self, index: int) -> str:
        """Its number."""
        return f"sheet {index}"


def test_numbered_items_that_cannot_be_read_are_left_out_on_request_alone(tmp_path: Path) -> None:
    with pytest.raises(BadItemError, match="sheet 2: is torn"):
        small(Torn(), tmp_path / "run")
    small(Torn(), tmp_path / "run", skip_bad=True, resume=True)
    assert "sheet 2" in (tmp_path / "run" / "report.html").read_text()


SCRIPT = """
import sys
from dataclasses import replace

from gestalt.recipes.objects.train import train
from tests.test_train import DETERMINED, ITEMS, METHOD, TRAINING

training = replace(TRAINING, devices=int(sys.argv[2]))
model = train(ITEMS, modality="text", out=sys.argv[1], method=METHOD, encoder=DETERMINED, training=training)
print(f"dim {model.encoder.dim}\\n", end="", flush=True)
"""


def test_two_processes_train_from_one_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "two"), "2"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("dim 16") == 2
    small(ITEMS, tmp_path / "one", encoder=DETERMINED)
    two, one = (read_metrics(tmp_path / name / METRICS)[0]["loss"] for name in ("two", "one"))
    assert float(two) == pytest.approx(float(one), rel=1e-3)
