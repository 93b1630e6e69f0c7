"""How a training ended, kept in the run's folder: a run that goes on, and a report that is made anew, know it."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, final

from ..data.items import Skipped
from ..storage.atomic import write_text
from ..storage.damage import json_of, read_or_name
from ..storage.names_of_runs import ENDED


@final
@dataclass(frozen=True)
class TrainingResult:
    """How a training ended: `step` steps are done, `seconds` were spent by all processes that ended in words."""

    step: int
    finished: bool
    seconds: float
    warnings: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    def after(self, earlier: "TrainingResult | None") -> "TrainingResult":
        """The same with the time and the left-out items of the processes before; warnings are known already."""
        if earlier is None:
            return self
        skipped = tuple(dict.fromkeys((*earlier.skipped, *self.skipped)))
        return replace(self, seconds=earlier.seconds + self.seconds, skipped=skipped)

    def write(self, folder: Path) -> None:
        """Write `training.json`."""
        write_text(folder / ENDED, json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "TrainingResult | None":
        """How the training in a folder ended; None where it never did.

        Raises:
            ValueError: if the file is damaged.
        """
        path = folder / ENDED
        return read_or_name(path, lambda _: _read(json_of(path)), "remove it") if path.is_file() else None


def _read(kept: Any) -> TrainingResult:
    warnings, skipped = tuple(map(str, kept["warnings"])), tuple(Skipped(**one) for one in kept["skipped"])
    return TrainingResult(int(kept["step"]), bool(kept["finished"]), float(kept["seconds"]), warnings, skipped)
