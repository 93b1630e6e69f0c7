"""Do margins of predicted values hold? Solubility of molecules like those that are labelled, and of new scaffolds.

Pre-trained on the shipped molecules by computed targets, without labels; then a head is fitted to measured solubility,
and says values with margins of molecules that it never saw.
"""

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import tyro

import gestalt
from gestalt.core.components.ranges import Between
from gestalt.core.runs.evaluation_options import Evaluating
from gestalt.modalities.graph import MODALITY
from gestalt.recipes.molecules.corpus.shipped import shipped
from gestalt.recipes.molecules.solubility import splits_of

COLUMNS = ("coverage", "margin")


@final
@dataclass(frozen=True)
class Options:
    """Coverage and width of margins, with the error beside them."""

    seeds: int = 3
    """Trainings."""
    steps: int = 300
    """Of each, on 64 molecules each."""
    sure: Annotated[float, Between(0.5, 1.0, open_above=True)] = 0.9
    """Share of values that are to lie within."""


def main(options: Options) -> None:
    """Print the table."""
    known = shipped(False)
    rows: dict[str, list[tuple[float, ...]]] = {}
    for seed in range(options.seeds):
        training = gestalt.Training(steps=options.steps, batch=64, lr=2e-3, warmup=20, seed=seed, accelerator="cpu")
        with tempfile.TemporaryDirectory() as folder:
            items = known.items
            model = gestalt.train(
                items, modality=MODALITY, method="computed", encoder="gine", out=Path(folder) / "run", training=training
            )
        for name, split in splits_of(known.truth).items():
            fitting = gestalt.Fitting(label_kind="value", sums=True, sure=options.sure, seed=seed)
            learned = gestalt.Labels.of_values(split.learn.values.tolist(), "log S")
            fitted = model.fit(list(split.learn.items), learned, options=fitting)
            asked = gestalt.Labels.of_values(split.ask.values.tolist(), "log S")
            found = fitted.evaluate(list(split.ask.items), asked, options=Evaluating(resamples=0))
            said = [one.margins["log S"] for one in fitted.predict(list(split.ask.items)) if one.margins]
            ends = (min(said), max(said))
            row = (found.score("answers", "rmse"), *(found.score("margins", one) for one in COLUMNS), *ends)
            rows.setdefault(f"{name or 'given '}split", []).append(row)
            print(seed, name, *(f"{number:.3f}" for number in row), flush=True)
    print("| molecules | RMSE | coverage | mean margin | least | greatest |")
    for name, several in rows.items():
        cells = [f"{statistics.fmean(own):.3f} ± {statistics.pstdev(own):.3f}" for own in zip(*several, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
