"""The collapse watch: numbers that show whether representations and objects are alive, and words when they are not."""

from collections.abc import Mapping, Sequence
from typing import final


@final
class CollapseWatch:
    """Judges the numbers of `AbstractLearner.health` at every logged step, and warns once for each thing that is wrong.

    It knows the numbers of `health_of`: `spread`, `effective_rank`, `objects_per_item`, `shared_objects`,
    `clusters_used`, `whole_items`; `prototypes_in_use` of methods that have some, and `asked` of those that
    ask. A learner may give some of them alone; further ones are logged and not judged.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._given: set[str] = set()

    def recall(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Judge the rows of `metrics.csv` that a run goes on from, so that a warning is given once a run."""
        for row in rows:
            self.judge(int(row["step"]), {name: float(value) for name, value in row.items() if name != "step"})

    def note(self, text: str) -> None:
        """Keep a warning that somebody else gave, for the report."""
        self.warnings.append(text)

    def judge(self, step: int, health: Mapping[str, float]) -> list[str]:
        """New warnings in words; each is given once."""
        fresh = [f"step {step}: {text}" for name, text in judged(health).items() if name not in self._given]
        self._given |= judged(health).keys()
        self.warnings += fresh
        return fresh


def judged(health: Mapping[str, float]) -> dict[str, str]:
    """What is wrong by these numbers, by name."""
    found: dict[str, str] = {}
    spread, rank = health.get("spread", 1.0), health.get("effective_rank", float("inf"))
    if spread < 0.1:
        found["collapse"] = (
            f"the vectors of all objects are nearly the same (spread {spread:.3f}, 1 is even): the representation is "
            "collapsing. Lower the learning rate, raise the teacher's decay, or use a larger batch; with regression, "
            "check that predictor and batch normalisation are in place"
        )
    elif rank < 4:
        found["rank"] = (
            f"the vectors use only about {rank:.1f} directions: the representation is collapsing to a few dimensions. "
            "Try more varied views, or contrast instead of regression"
        )
    shared = health.get("shared_objects", 1.0)
    if shared < 0.2:
        found["shared"] = (
            f"only {shared:.0%} of the objects are seen in both views, so little is compared. Let the views overlap "
            "more, or find fewer and larger objects"
        )
    if health.get("objects_found", 2.0) < 1.5:
        found["clusters"] = (
            "the grouper finds only one object per item: features within an item are all alike. "
            "Start from first segments and switch later, or group hidden features instead of projections"
        )
    used = health.get("prototypes_in_use", float("inf"))
    if used < 1.5:
        found["prototypes"] = (
            f"nearly all objects are assigned to one prototype ({used:.1f} are in use): the prototypes are collapsing. "
            "Balance them (--method.balance centring or sinkhorn), lower the learning rate, or use a larger batch"
        )
    if health.get("asked", 1.0) < 1:
        found["asked"] = (
            "a step asked nothing, so it taught nothing: its items have no two elements to ask about, or no wrong "
            "answer beside the right one. Use a larger batch (--batch), or items of more elements"
        )
    whole = health.get("whole_items", 0.0)
    if whole > 0.5:
        found["whole"] = (
            f"{whole:.0%} of the items have views of unknown correspondence and are compared as a whole: little is "
            "learned about objects. Use views that know where their elements came from"
        )
    return found
