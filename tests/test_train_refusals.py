"""What `gestalt.train` cannot do is refused by name, before anything is trained or written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, final

import pytest
import torch

from gestalt.core.experiment.options import EncoderChoice, ViewOptions
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import AbstractMethod, DataInfo, MethodCard
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.supervised import Supervised
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.labels import Labels
from tests.test_train import ITEMS, METHOD, TRAINING, small

FIVE = Labels.of(["a", "b", "a", "b", "a"])


@final
@dataclass(frozen=True)
class OfMyOwn(AbstractMethod):
    """A method without an entry point."""

    card: ClassVar[MethodCard] = BYOL.card

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """BYOL's learner."""
        return BYOL(heads=Heads(16, 8)).build(encoder, data)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "method": ({"method": "byoll"}, "there is no method 'byoll'; did you mean 'byol"),
    "encoder": ({"encoder": "con"}, "there is no encoder 'con'; did you mean 'conv'"),
    "setting": ({"encoder": EncoderChoice("conv", {"breadth": 3})}, "unexpected keyword argument 'breadth'"),
    "modality": ({"modality": "txt"}, "there is no modality 'txt'; did you mean 'text'"),
    "module": ({"modality": "nowhere:MODALITY"}, "there is no module 'nowhere'"),
    "no items": ({"data": []}, "there are no items of text: an empty sequence was given"),
    "no path": ({"data": "nowhere.txt"}, "nowhere.txt does not exist; check the spelling"),
    "masks": ({"masks": Path("masks")}, "masks belong to files: pass the paths of the data, not the items themselves"),
    "no labels": ({"method": Supervised()}, "supervised learns from classes or values of some items, and there are"),
    "few labels": ({"method": Supervised(), "labels": FIVE}, "labels of 5 items were given, and there are 6"),
    "no table": ({"method": Supervised(), "labels": Path("no.csv")}, r"the table of labels no\.csv does not exist"),
    "transform": ({"views": ViewOptions(transforms=("crob",))}, "there is no transform 'crob'; did you mean 'crop'"),
    "unsaved": ({"method": OfMyOwn()}, r"OfMyOwn is not installed under a name, so it cannot be saved"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_refused_by_name_and_leaves_nothing(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changes, said = REFUSED[what]
    with pytest.raises((ValueError, TypeError, OSError, ImportError), match=said):
        small(changes.get("data", ITEMS), tmp_path / "run", **{k: v for k, v in changes.items() if k != "data"})
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on items in memory."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    small(ITEMS, out, method=Supervised(heads=Heads(16, 8)), labels=Labels.of(["a", "b"] * 3))
    return out


RESUMED: dict[str, tuple[dict[str, Any], str]] = {
    "steps": ({"training": replace(TRAINING, steps=8)}, r"training\.steps was 4 and is now 8"),
    "encoder": ({"encoder": "conv"}, r"encoder\.settings\.buckets was 64 and is now None"),
    "method": ({"method": METHOD, "labels": None}, r"method\.type was 'supervised' and is now 'odin-warm-start'"),
    "labels": ({"labels": Labels.of(["b", "a"] * 3)}, r"from_python\.labels\.checksum was \d+ and is now \d+"),
    "classes": ({"labels": Labels.of(["a", "c"] * 3)}, r"from_python\.labels\.target\.names was \['a', 'b'\] and is"),
}


@pytest.mark.parametrize("what", RESUMED)
def test_a_run_goes_on_with_what_it_was_begun_with_alone(what: str, finished: Path) -> None:
    changes, said = RESUMED[what]
    before = (finished / "options.json").read_bytes()
    own: dict[str, Any] = {"method": Supervised(heads=Heads(16, 8)), "labels": Labels.of(["a", "b"] * 3)}
    with pytest.raises(ValueError, match=said):
        small(ITEMS, finished, resume=True, **{**own, **changes})
    with pytest.raises(FileExistsError, match="already holds a run"):
        small(ITEMS, finished, **own)
    assert (finished / "options.json").read_bytes() == before


def test_labels_that_nothing_learns_from_are_mentioned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small(ITEMS, tmp_path / "run", labels=Labels.of(["a", "b"] * 3))
    assert "the labels are not used: Odin, warm start does not learn from them" in capsys.readouterr().err
    with pytest.raises(ValueError, match="this run has no task head: train with labels"):
        small(ITEMS, tmp_path / "run", labels=Labels.of(["a", "b"] * 3), resume=True).predict(ITEMS)


def test_the_number_of_threads_is_left_as_it_was(tmp_path: Path) -> None:
    def threads_after(act: Callable[[], object]) -> int:
        torch.set_num_threads(2)
        act()
        found = torch.get_num_threads()
        torch.set_num_threads(1)
        return found

    assert threads_after(lambda: small(ITEMS, tmp_path / "run")) == 2
