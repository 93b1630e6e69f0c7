"""Do found events depend on where windows of a long recording fall? `python -m benchmarks.long_soundscapes RUN …`.

Recordings of ten minutes are mixed as soundscapes are, and the events that a finished run of `audio-events` finds are
scored against the true ones. Windows lie elsewhere because the first of them is shorter, or because the recording
begins later by some seconds (after parts of a frame the frames lie elsewhere, too).
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import soundfile

from gestalt import load
from gestalt.core.evaluation import Intervals, event_f1
from gestalt.core.runs.model import Model
from gestalt.modalities.audio import Recording
from gestalt.modalities.audio.outputs import write_objects
from gestalt.recipes.audio_events.synthetic.long import LongSoundscape, long_mix
from gestalt.recipes.audio_events.synthetic.mixing import Mix
from gestalt.recipes.audio_events.synthetic.soundscapes import load_samples

from .moved_windows import events_of_moved_windows

BEGINS = (0.0, 0.512, 1.024, 3.072, 0.5, 1.73, 3.1)
"""Seconds by which a recording begins later: first whole frames of 32 ms, then parts of them, too."""
FIRST = (0.7321, 1.5, 2.5, 3.3)
"""Seconds of the first window, so that all others begin elsewhere in the same recording."""


def event_scores(model: Model[Recording], scape: LongSoundscape, folder: Path) -> list[float]:
    """Event F1 of what `discover` writes of a recording for every beginning, and of moved windows."""
    scores, path, rate = list[float](), folder / "soundscape.wav", Mix().sample_rate

    def score(found: Sequence[tuple[float, float]], begin: float = 0.0) -> None:
        true = [(max(0.0, e.onset - begin), e.offset - begin) for e in scape.events if e.offset > begin]
        scores.append(event_f1([Intervals.of(found)], [Intervals.of(true)]).f1)

    for begin in BEGINS:
        soundfile.write(path, scape.samples[round(begin * rate) :], rate, subtype="FLOAT")
        items = model.modality.read([path]).items
        write_objects(model.found(items), items, folder)
        rows = [line.split("\t") for line in (folder / "events.tsv").read_text().splitlines()[1:]]
        score([(float(row[1]), float(row[2])) for row in rows], begin)
    soundfile.write(path, scape.samples, rate, subtype="FLOAT")
    for first in FIRST:
        score(events_of_moved_windows(model, path, first))
    return scores


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    parser.add_argument("--part", choices=("validation", "test"), default="validation", help="whose sounds")
    parser.add_argument("--recordings", type=int, nargs="+", default=[1, 2, 3], help="numbers of recordings")
    parser.add_argument("--minutes", type=int, default=10)
    chosen = parser.parse_args()
    samples, mix = load_samples(), Mix()
    sounds, backgrounds = getattr(samples.sounds, chosen.part), getattr(samples.backgrounds, chosen.part)
    numbers = chosen.recordings
    scapes = [long_mix(number - 1, sounds, backgrounds, mix, 60.0 * chosen.minutes) for number in numbers]
    cases = [*(f"{begin:g} s" for begin in BEGINS), *(f"first window of {first:g} s" for first in FIRST)]
    print(f"| event F1, begins later by | {' | '.join(cases)} |")
    print(f"|---|{'---|' * len(cases)}")
    for run in chosen.runs:
        model = load(run)
        with tempfile.TemporaryDirectory() as folder:
            rows = [event_scores(model, scape, Path(folder)) for scape in scapes]
        each = [(f"recording {number}", row) for number, row in zip(numbers, rows, strict=True)]
        for name, row in [*each, ("mean", [fmean(column) for column in zip(*rows, strict=True)])]:
            cells = " | ".join(f"{value:.3f}" for value in row)
            print(f"| {run.name}, {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
