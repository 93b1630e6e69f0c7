"""The table of trees: encoders down, shares of the trees across."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, final

import torch

from gestalt.core.components.ranges import Between, Count, Positive, PositiveShare, check_ranges
from gestalt.core.evaluation import Column, Table, combined
from gestalt.core.experiment.cells import measured, write_table
from gestalt.core.experiment.set_by_table import check_left_alone
from gestalt.core.methods.presets import preset_named
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.options import Training
from gestalt.modalities.text import MODALITY

from .cells import Sentences, next_word, pretrained, scores, sentences, untrained

ROWS = (("plain features", False), ("from scratch", True), ("pre-trained, frozen", False), ("pre-trained, tuned", True))
"""What the head is fitted to, and whether the encoder is trained with it."""
NOTE = (
    "LAS, UAS: words of test sentences with the right head and relation, with the right head, in trees by rule from "
    "tags that no row sees. A biaffine head, its steps chosen on held-out sentences of those that are shown; tuned: "
    "encoder and head trained together from there. From scratch begins with random weights."
)


def usual_training() -> Training:
    """How everything is trained if nothing else is said."""
    return Training(steps=200, batch=32, warmup=20, workers=0, threads=1)


@final
@dataclass(frozen=True)
class Options:
    """What pre-training on sentences is worth where the heads of their words are learned from few trees.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/sentence-trees")
    """Folder of the runs and of the table."""
    method: str = "bert"
    """The name of the method that learns from the sentences, without trees."""
    items: Count = 2000
    """Sentences to learn from."""
    test_items: Count = 200
    """Other sentences, that are asked about."""
    shares: tuple[PositiveShare, ...] = (0.01, 0.1, 1.0)
    """Shares of the trees that are shown."""
    seeds: Count = 3
    """How many seeds, from 0 on."""
    tune: Count = 300
    """Steps of training encoder and head together."""
    tune_lr: Positive = 5e-3
    """Peak learning rate of that."""
    head_steps: Annotated[int, Between(1, 100_000)] = 200
    """Steps of training the head alone, at most."""
    training: Training = field(default_factory=usual_training)
    """How the encoder learns from the sentences."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(self.shares))
        check_ranges(self)
        check_left_alone(self.training, usual_training(), {"seed": "--seeds"})
        if not self.shares:
            raise ValueError("shares (--shares) must be one at least, got none")


@final
class SentenceTrees:
    """Rows are encoders, columns shares of the trees. It trains many heads, so it is no recipe for one run."""

    name: ClassVar[str] = "sentence-trees"
    summary: ClassVar[str] = "heads of words, learned from few trees, by pre-trained and other encoders"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json`; the exit code."""
        options = self.options
        preset_named(options.method)  # a name that there is not is refused before anything is read
        data = sentences(options.items, options.test_items)
        columns = [Column(name, f"{share:.0%} of the trees") for share in options.shares for name in ("LAS", "UAS")]
        tables = []
        for seed in range(options.seeds):
            values = {name: self._row(name, tuned, data, seed) for name, tuned in ROWS}
            values["the next word, by rule"] = [None, next_word(data.test_known)] * len(options.shares)
            tables.append(Table.of(f"seed {seed}", columns, values))
        title = f"{len(data.test_items)} test sentences, {options.method}, {options.seeds} seeds"
        table = combined(tables, title, NOTE)
        write_table(options.out, table)
        return 0

    def _row(self, name: str, tuned: bool, data: Sentences, seed: int) -> list[float | None]:
        found = list[float | None]()
        for share in self.options.shares:
            cell = self._cell(name, tuned, data, share, seed)
            found += [cell["las"], cell["uas"]]
            print(f"seed {seed}, {name}, {share:.0%}: LAS {cell['las']:.3f}, UAS {cell['uas']:.3f}", flush=True)
        return found

    def _cell(self, name: str, tuned: bool, data: Sentences, share: float, seed: int) -> Mapping[str, float]:
        """What was measured, or is now."""
        options = self.options
        asked = f"{options.items}-{options.test_items}-{options.head_steps}-{options.tune}-{options.tune_lr:g}"
        folder = options.out / f"{name.replace(', ', '-').replace(' ', '-')}-{self._learned()}-{asked}-{share:g}-{seed}"
        steps = options.tune if tuned else 0

        def measure(_: Path) -> Mapping[str, float]:
            encoder = self._encoder(name, data, seed)
            return scores(encoder, data, share, seed, steps, options.head_steps, options.tune_lr)

        own = name.startswith("pre-trained")
        training = replace(options.training, seed=seed)
        of = {"training": training, "method": preset_named(options.method).method} if own else {}
        return measured(folder, measure, of)

    def _encoder(self, name: str, data: Sentences, seed: int) -> AbstractEncoder:
        if name == "plain features":
            return MODALITY.encoders["raw"]()
        if name == "from scratch":
            return untrained(seed)
        options = self.options
        training = replace(options.training, seed=seed)
        threads = torch.get_num_threads()
        encoder = pretrained(data, options.method, training, options.out / f"encoder-{self._learned()}-{seed}")
        torch.set_num_threads(threads)
        return encoder

    def _learned(self) -> str:
        training = self.options.training
        return f"{self.options.method}-{training.steps}-{training.batch}-{self.options.items}"
