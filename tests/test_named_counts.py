"""Events of several classes are scored as sed_eval scores them; windows are joined before anything is counted."""

import warnings

import pytest
import torch

from gestalt.core.evaluation.intervals import Intervals
from gestalt.core.evaluation.named_counts import (
    CountsMeasure,
    NamedIntervals,
    as_row,
    interval_counts,
    joined,
    object_counts,
)
from tests.implementations import seeded

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of a package that they import
    import sed_eval

NAMES = ("cat", "dog", "rain")


def some_events(seed: int, count: int = 12, jitter: float = 0.0) -> NamedIntervals:
    """Events of one class never overlap; with `jitter` their ends move, and a third has another class."""
    rng = seeded(seed)
    ends = torch.rand(count, generator=rng, dtype=torch.float64) * 0.8 + 1.2 * torch.arange(count)
    length = 0.3 + 0.5 * torch.rand(count, generator=rng, dtype=torch.float64) * 0.5
    classes = torch.randint(len(NAMES), (count,), generator=rng)
    if jitter:
        chance = seeded(seed + 100)
        ends = ends + jitter * (torch.rand(count, generator=chance, dtype=torch.float64) - 0.5)
        other = torch.rand(count, generator=chance) < 0.3
        classes = torch.where(other, torch.randint(len(NAMES), (count,), generator=chance), classes)
    return NamedIntervals(Intervals(ends, ends + length), classes)


def listed(events: NamedIntervals, file: str) -> list[dict[str, object]]:
    rows = zip(events.at.onset.tolist(), events.at.offset.tolist(), events.classes.tolist(), strict=True)
    return [
        {"event_onset": onset, "event_offset": offset, "event_label": NAMES[number], "file": file, "filename": file}
        for onset, offset, number in rows
    ]


@pytest.mark.parametrize("seed", range(3))
def test_events_and_segments_are_scored_as_sed_eval_does(seed: int) -> None:
    seeds = [number + 10 * seed for number in range(3)]
    files = {f"{one}.wav": (some_events(one, jitter=0.5), some_events(one)) for one in seeds}
    events = sed_eval.sound_event.EventBasedMetrics(list(NAMES), t_collar=0.2, percentage_of_length=0.2)
    segments = sed_eval.sound_event.SegmentBasedMetrics(list(NAMES), time_resolution=1.0)
    rows: dict[str, list[list[float]]] = {}
    for file, (found, true) in files.items():
        for metric in (events, segments):
            metric.evaluate(reference_event_list=listed(true, file), estimated_event_list=listed(found, file))
        for variant, counts in interval_counts(found, true, len(NAMES), in_units=True).items():
            rows.setdefault(variant, []).append(as_row(counts))
    for variant, metric in (("begin and end within 0.2", events), ("segments of 1", segments)):
        ours = CountsMeasure(NAMES)(torch.tensor(rows[variant]), torch.zeros(3))
        theirs = metric.results_overall_metrics()["f_measure"]
        for name in ("f_measure", "precision", "recall"):
            assert ours["f1" if name == "f_measure" else name] == pytest.approx(theirs[name])
        own = metric.results_class_wise_metrics()
        for name in NAMES:
            assert ours[f"f1 of {name}"] == pytest.approx(own[name]["f_measure"]["f_measure"])


def test_what_goes_on_behind_a_border_is_one_event() -> None:
    first = NamedIntervals(Intervals.of([(0.0, 0.5), (1.5, 2.0)]), torch.tensor([1, 0]))
    second = NamedIntervals(Intervals.of([(0.0, 2.0)]), torch.tensor([0]))
    third = NamedIntervals(Intervals.of([(0.0, 0.5), (0.5, 1.0)]), torch.tensor([0, 1]))
    whole = joined([first, second, third], [2.0, 2.0, 1.0])
    assert whole.at.onset.tolist() == [0.0, 1.5, 4.5]
    assert whole.at.offset.tolist() == [0.5, 4.5, 5.0]
    assert whole.classes.tolist() == [1, 0, 1]
    apart = joined([first, third], [2.5, 1.0])
    assert len(apart.at) == 4, "what ends before the border does not go on"


def test_spans_of_words_are_counted_where_they_are_exact() -> None:
    found = NamedIntervals(Intervals.of([(0.0, 2.0), (4.0, 5.0), (7.0, 8.0)]), torch.tensor([0, 1, 0]))
    true = NamedIntervals(Intervals.of([(0.0, 2.0), (4.0, 6.0), (7.0, 8.0)]), torch.tensor([0, 1, 1]))
    (counts,) = interval_counts(found, true, 2, in_units=False).values()
    assert as_row(counts) == [1, 2, 1, 0, 1, 2]


def test_objects_match_one_to_one_within_their_class() -> None:
    found = torch.tensor([0, 0, 1, 1, 2, -1])
    true = torch.tensor([0, 0, 1, -1, -1, -1])
    counts = object_counts(found, {0: 0, 1: 0, 2: 1}, true, {0: 0, 1: 1}, 2)
    assert as_row(counts) == [1, 2, 1, 0, 1, 1]
    assert as_row(object_counts(found, {0: 0, 1: 1, 2: -1}, true, {0: 0, 1: 1}, 2)) == [1, 1, 1, 1, 1, 1]
