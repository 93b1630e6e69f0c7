"""The page that tells the whole story is walked through: its commands and its code in their order, on two minutes."""

import csv
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from gestalt.cli.commands import execute
from tests.pages import FENCE, STORY

SMALL = {
    ("run", "soundscapes"): "--minutes 2 --held-out 1",
    ("run", "audio-events"): "--steps 40 --batch 8 --lr 0.005 --workers 0 --threads 1 --accelerator cpu",
}


def steps() -> list[tuple[str, str]]:
    """Commands and blocks of Python, as they come."""
    found = list[tuple[str, str]]()
    for language, code in FENCE.findall(STORY.read_text(encoding="utf-8")):
        if language == "python":
            found.append((language, code))
        elif language == "bash":
            found += [("bash", line) for line in code.splitlines() if line.startswith("gestalt ")]
    return found


@pytest.mark.filterwarnings("ignore:collapse watch")
def test_the_story_is_true_from_beginning_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "story"}
    for language, code in steps():
        if language == "python":
            exec(compile(code, str(STORY), "exec"), names)
            continue
        words = shlex.split(code)[1:]
        small = shlex.split(SMALL.get((words[0], words[1]), ""))
        kept = [word for place, word in enumerate(words) if not ({word, words[place - 1]} & set(small))]
        assert execute([*kept, *small]) == 0, code
    given = dict(line.split(",") for line in Path("names.csv").read_text().splitlines()[1:])
    assert 2 <= len(set(given.values())) <= 5
    fitted = json.loads(Path("model/fit.json").read_text())["before"]
    assert all(name in fitted["labelled"] for name in given.values())
    with Path("predicted/events.tsv").open(newline="") as file:
        found = {row["event_label"] for row in csv.DictReader(file, delimiter="\t")}
    assert found <= {*given.values(), "unknown"}
    scores = json.loads(Path("scores/scores.json").read_text())
    assert {one["protocol"] for one in scores["results"]} >= {"answers", "events"}
