"""The command that scores a model, or a finished run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, final

import tyro

from gestalt.core.components.precision import FULL, Precision
from gestalt.core.runs.evaluation_options import Evaluating

from .given_paths import meant


@final
@dataclass(frozen=True)
class OnLabelledData:
    """Score a model, or a finished run, by labelled data.

    Writes scores.json, scores.csv and evaluation.html: every protocol with confidence intervals, by class, over the
    share of the labels. Without paths it takes what the run's recipe ships.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Files and folders to read. Nothing: what the run's recipe ships, with its labels."""
    labels: Path | None = None
    """A table (name of a file or record, label), or the word folders, archives or annotations. Nothing: what
    --label-column says."""
    masks: Path | None = None
    """Masks that come with the data: the classes of elements are the names of their objects."""
    protocols: str | None = None
    """Nothing: what a model answers; of a run knn,probe,clustering. Or names with commas between them, or a JSON list
    of protocols with settings: knn, probe, svm, clustering, fine-tuning, robustness; with masks, or labels of elements:
    dense-probe, segmentation; of clips: propagation."""
    how: Evaluating = field(default_factory=Evaluating)
    """Splits, groups, and how labels are read."""
    out: Path = Path("evaluated")
    """Folder to write to; what an earlier call wrote there is replaced."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1, mps."""
    precision: Precision = FULL
    """Arithmetic of the encoder: bf16-mixed is less exact, and faster where the device has bfloat16; 16-mixed is for
    GPUs. All else, and what comes out, is in float32."""


def evaluate_command(arguments: Sequence[str]) -> int:
    """`gestalt evaluate RUN PATH… --labels FILE`.

    Raises:
        ValueError: for labels or masks of data that are not named.
    """
    from gestalt.core.runs.evaluate import evaluate

    from .parse import parsed

    asked: OnLabelledData = parsed(OnLabelledData, arguments, "evaluate")
    paths, how, shipped = meant(asked.paths, asked.run, asked.modality), asked.how, None
    if not paths:
        if asked.labels or asked.masks or how.label_column or how.test or how.split:
            raise ValueError("labels, masks and splits are those of your own data: name its files and folders too")
        from gestalt.core.experiment.shipped import shipped_labels

        shipped = shipped_labels(asked.run)
    return evaluate(
        asked.run,
        paths,
        asked.out,
        asked.labels,
        asked.masks,
        asked.protocols,
        how,
        asked.skip_bad,
        asked.modality,
        asked.device,
        shipped,
        asked.precision,
    )
