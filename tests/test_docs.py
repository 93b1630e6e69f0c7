"""The documentation is true: its links lead somewhere, and its examples run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.conformance import check
from gestalt.core.correspondence import Affine
from gestalt.core.follower import CopyEvery
from gestalt.core.grouper import KMeans
from gestalt.core.items import BadItemError
from gestalt.core.methods import odin
from gestalt.core.progress import Progress
from tests.house import make_batch, seeded

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
LINKED = [*PAGES, *sorted(ROOT.glob("*.md")), *sorted((ROOT / "modalities").glob("*/README.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> list[str]:
    """The Python blocks of a page, in order."""
    return [code for language, code in FENCE.findall(page.read_text(encoding="utf-8")) if language == "python"]


def targets(page: Path) -> Iterator[str]:
    """Where the relative links of a page lead; code is no text."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    yield from (link for link in LINK.findall(re.sub(r"`[^`\n]*`", "", text)) if "://" not in link)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run(code: str, page: Path, names: dict[str, Any]) -> None:
    exec(compile(code, named(page), "exec"), names)


def sensors() -> dict[str, Any]:
    """What the one block of the walk-through that defines a modality defines."""
    page = ROOT / "docs" / "plug-in.md"
    whole = [code for code in blocks(page) if "AbstractModality)" in code]
    assert len(whole) == 1
    names: dict[str, Any] = {"__name__": "sensors"}
    run(whole[0], page, names)
    return names


@pytest.mark.parametrize("page", LINKED, ids=named)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for target in targets(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{named(page)} links to {target}, which is not there"
        assert not anchor or anchor in anchors(found), f"{named(page)} links to {target}, a heading that is not there"


def test_every_page_is_on_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in targets(index)}
    assert {page.resolve() for page in PAGES} - {index.resolve()} <= linked


def test_links_and_examples_are_found_at_all() -> None:
    assert sum(len(list(targets(page))) for page in LINKED) > 20
    assert {page.name for page in PAGES if blocks(page)} >= {"methods.md", "plug-in.md"}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=named)
def test_the_examples_of_a_page_run_in_their_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    for code in blocks(page):
        run(code, page, names)


def test_tests_that_the_pages_name_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"`(?:tests/)?(test_\w+\.py)`", page.read_text(encoding="utf-8")):
            assert (ROOT / "tests" / name).is_file(), f"{named(page)} names {name}"


def test_the_modality_of_the_walk_through_passes_every_law() -> None:
    assert [finding for finding in check(sensors()["MODALITY"]) if not finding.passed] == []


def test_the_law_that_the_walk_through_says_fails_without_the_crop_s_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    names = sensors()

    def lie(_: Any, item: Any, rng: np.random.Generator) -> Any:
        size = 3 * len(item) // 4
        start = int(rng.integers(len(item) - size + 1))
        return item[start : start + size], Affine.of(scale=[1.0], offset=[0.0])

    monkeypatch.setattr(names["Crop"], "__call__", lie)
    failed = [finding for finding in check(names["MODALITY"]) if not finding.passed]
    assert [finding.law.split(":")[0] for finding in failed] == ["locality"]
    assert "appears in view elements" in failed[0].counterexample


def test_a_few_steps_of_odin_learn_on_the_modality_of_the_walk_through() -> None:
    torch.manual_seed(0)
    names = sensors()
    modality = names["MODALITY"]
    items = [names["specimen"](elements, seed).item for seed, elements in enumerate((24, 30, 18, 27))]
    learner = odin(
        modality.encoders["conv"](), hidden=16, projection=8, grouper=KMeans(3), discovery=CopyEvery(steps=3)
    )
    optimizer = torch.optim.AdamW([p for p in learner.parameters() if p.requires_grad], lr=3e-3)
    losses = []
    for step in range(1, 9):
        batch = make_batch("sensors", items, seed=0, modality=modality)
        outcome = learner(batch, seeded(0))
        optimizer.zero_grad()
        outcome.loss.backward()
        optimizer.step()
        learner.follow(outcome, Progress(step, 8, 4))
        losses.append(outcome.loss.item())
        assert not outcome.unknown.any()
        assert outcome.segmentation.labels().unique().tolist()[-1] > 0
    assert losses[-1] < losses[0]


def test_the_walk_through_reads_folders_and_refuses_what_is_no_series(tmp_path: Path) -> None:
    modality = sensors()["MODALITY"]
    np.save(tmp_path / "good.npy", np.ones((64, 3)))
    np.save(tmp_path / "flat.npy", np.ones(64))
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(BadItemError, match=r"flat\.npy: must be ≥ 32 samples × 3 finite channels"):
        modality.read([tmp_path])
    reading = modality.read([tmp_path], skip_bad=True)
    assert [reading.items.name(index) for index in range(len(reading.items))] == [str(tmp_path / "good.npy")]
    assert [Path(entry.name).name for entry in reading.skipped] == ["flat.npy", "text.npy"]
