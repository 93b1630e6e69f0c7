"""The suite for modalities passes sound ones, and names the law that a broken one breaks."""

import importlib
import inspect
import pkgutil
import re
import sys
from types import ModuleType
from typing import Any

import pytest

from gestalt.cli.commands import execute
from gestalt.core.components.registry import MODALITIES
from gestalt.core.conformance import check
from gestalt.core.conformance.bench import Bench
from gestalt.core.conformance.check import LAWS, attempt
from gestalt.core.modality.optional import OffersChoices
from gestalt.core.modality.plugins import load_modality
from gestalt.core.modality.transform import AbstractTransform, Chain
from tests.broken import BROKEN, also, torn, unsaid_shuffle
from tests.toy import TOYS, Points, toy
from tests.toy_transplants import set_sliver_in


@pytest.mark.parametrize("name", TOYS)
def test_a_sound_toy_modality_passes_every_law(name: str) -> None:
    findings = check(toy(name))
    assert [finding for finding in findings if not finding.passed] == []
    assert len({finding.law for finding in findings}) == len(findings)


@pytest.mark.parametrize("name", MODALITIES.names())
def test_every_installed_modality_passes_every_law(name: str) -> None:
    assert [finding for finding in check(load_modality(name)) if not finding.passed] == []


@pytest.mark.parametrize("name", MODALITIES.names())
def test_the_laws_are_checked_on_every_transform_that_a_modality_defines(name: str) -> None:
    """A class that `transforms` leaves out would ship unchecked; so would a part of a transform, as noise."""
    package = importlib.import_module(MODALITIES.points()[name].module)
    modality = load_modality(name)
    transforms = [*modality.transforms.values()]
    if isinstance(modality, OffersChoices):
        transforms += [one for choice in modality.choices.values() for one in choice.values()]
    transforms += [step for one in transforms if isinstance(one, Chain) for _, step in one.steps]
    checked = {type(part) for transform in transforms for part in (transform, *vars(transform).values())}
    families = {
        base
        for kind in checked
        for base in kind.__mro__
        if base is AbstractTransform or (inspect.isabstract(base) and base.__module__.startswith(package.__name__))
    }
    defined = {
        kind
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for kind in vars(importlib.import_module(info.name)).values()
        if inspect.isclass(kind) and kind.__module__ == info.name and issubclass(kind, tuple(families))
    }
    assert {kind.__name__ for kind in defined - checked if not inspect.isabstract(kind)} == set()
    assert len(defined) >= 7


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_a_broken_modality_is_caught_with_the_law_named(case: tuple[str, str, dict[str, Any]]) -> None:
    word, name, changes = case
    law = next(law for law in LAWS if law.startswith(f"{word}:"))
    finding = attempt(law, LAWS[law], Bench(toy(name, **changes)))
    assert not finding.passed
    assert len(finding.counterexample) > 20


@pytest.mark.parametrize("word", [law.split(":")[0] for law in LAWS])
def test_the_command_says_which_law_is_broken_and_what_to_fix(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, name, changes = next(case for case in BROKEN.values() if case[0] == word)
    plug_in = ModuleType("broken_plug_in")
    plug_in.MODALITY = toy(name, **changes)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "broken_plug_in", plug_in)
    assert execute(["check-modality", "broken_plug_in:MODALITY"]) == 1
    lines = capsys.readouterr().out.splitlines()
    laws = [line.split(":")[0] for line in lines if line.startswith(("pass  ", "FAIL  "))]
    assert [line[6:] for line in laws] == [law.split(":")[0] for law in LAWS]
    place = next(place for place, line in enumerate(lines) if line.startswith(f"FAIL  {word}:"))
    assert len(lines[place + 1].strip()) > 20
    assert re.fullmatch(r"broken_plug_in:MODALITY: \d+ of the laws fail", lines[-1])


def test_the_command_passes_what_is_sound(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    plug_in = ModuleType("sound_plug_in")
    plug_in.MODALITY = toy("points")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sound_plug_in", plug_in)
    assert execute(["check-modality", "sound_plug_in:MODALITY"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [f"pass  {law}" for law in LAWS]
    assert last == "sound_plug_in:MODALITY: every law holds"


def test_every_law_is_broken_at_least_once() -> None:
    assert {law.split(":")[0] for law in LAWS} == {law for law, _, _ in BROKEN.values()}


def test_a_broken_modality_breaks_its_law_alone() -> None:
    failed = [finding for finding in check(toy("points", **also(unsaid_shuffle))) if not finding.passed]
    assert [finding.law.split(":")[0] for finding in failed] == ["locality"]
    assert "correct the correspondence" in failed[0].counterexample


def test_a_tolerance_counts_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Points, "tolerance", -1)
    failed = [finding for finding in check(toy("points")) if not finding.passed]
    assert failed[0].counterexample == "tolerance must be a number of elements, 0 or more, got -1"


def test_a_transplant_may_show_the_donor_in_the_middle_of_no_element() -> None:
    """The owner lies on the smallest elements: of two patches it says that a quarter each is the donor's."""
    assert [finding for finding in check(toy("series", set_in=set_sliver_in)) if not finding.passed] == []


def test_what_a_modality_raises_is_a_finding_and_no_crash() -> None:
    failed = [finding for finding in check(toy("points", collate=torn)) if not finding.passed]
    assert len(failed) > 5
    assert all("RuntimeError was raised: out of paper" in finding.counterexample for finding in failed[1:-1])
