"""Tiny runs of the recipe audio-events, and recordings of every kind to run them on."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from gestalt.core.networks.encoder import Network
from gestalt.core.networks.heads import MLP
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save
from gestalt.recipes.audio_events.recipe import AudioEvents, Options
from gestalt.recipes.audio_events.synthetic import soundscapes
from gestalt.recipes.audio_events.synthetic.sounds import Sound
from gestalt.recipes.audio_events.synthetic.variety import Variety, varied
from tests.recordings import RATE, song

ROWS = (
    "k-means on log-mel",
    "k-means on log-mel and time",
    "change points on log-mel",
    "change points on log-mel, background near the quiet quarter",
    "change points on whitened log-mel",
    "k-means on a random encoder",
    "k-means on a random encoder and time",
    "change points on log-mel and a random encoder",
    "the run's finder on a random encoder",
    "energy and spectral flux",
    "Odin, rounds",
)


METRICS_OF_THE_TABLE = ("ARI", "fg-ARI", "boundary F1", "event F1", "1-NN", "probe", "1-NN found")


TINY = [
    "--batch", "4", "--method.rounds.every", "8", "--warmup", "2", "--log-every", "1", "--checkpoint-every", "4",
    "--accelerator", "cpu", "--workers", "0", "--threads", "1",
]  # fmt: skip


STEPS = 24


CONSOLE_SCRIPT = [str(Path(sys.executable).with_name("gestalt"))]


MODULE = [sys.executable, "-m", "gestalt"]


def command(data: Path, out: Path, *more: str, steps: int = STEPS) -> list[str]:
    """The arguments of a tiny run on recordings."""
    return ["run", "audio-events", "--data", str(data), "--out", str(out), "--steps", str(steps), *TINY, *more]


def start(arguments: Sequence[str], program: Sequence[str] = MODULE) -> "subprocess.Popen[str]":
    """A run in a process group of its own, with one thread, so that numbers agree to the last bit."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


@contextmanager
def few_varied_sounds(made_of: list[Sound] | None = None) -> Iterator[None]:
    """A bank of 30 varied sounds; a full run takes seconds to make its 2000. `made_of` hears what they are made of."""

    def few(
        rng: np.random.Generator, sounds: Sequence[Sound], count: int, config: Variety, rate: int
    ) -> tuple[Sound, ...]:
        if made_of is not None:
            made_of.extend(sounds)
        return varied(rng, sounds, min(count, 30), config, rate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soundscapes, "varied", few)
        yield


class Page(HTMLParser):
    """The tags, the attributes and the words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += data


def song_file(path: Path) -> Path:
    """A recording of five seconds."""
    soundfile.write(path, song(5.0, 500.0), RATE)
    return path


def wait_until(process: "subprocess.Popen[str]", reached: Callable[[], bool]) -> None:
    """Return as soon as something holds while a process runs."""
    until = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "nothing happened for two minutes"
        time.sleep(0.01)


MEMORY = """
import json, re, sys
from pathlib import Path
import numpy as np
import gestalt.recipes.audio_events.recipe
from gestalt.cli.commands import execute
from gestalt.modalities.audio import MODALITY

def most() -> float:
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

data, *arguments = sys.argv[1:]
before = most()
items = MODALITY.read([Path(data)]).items
rng = np.random.default_rng(0)
for index in rng.integers(len(items), size=200):
    items.read(int(index), rng)
read = most()
code = execute(arguments)
print(json.dumps([code, len(items), read - before, most() - before]))
"""


def untrained(out: Path, encoder: str = "conv", **changes: Any) -> Path:
    """A run's folder with a network as it is before training."""
    recipe = AudioEvents(Options(**changes))
    torch.manual_seed(0)
    network = recipe.modality.encoders[encoder]()
    model = Model(recipe.modality, Network(network, MLP(network.dim, 16, 8)).eval(), {}, recipe.finder)
    save(out, model, encoder, method=recipe.options.method, recipe=recipe.name)
    return out
