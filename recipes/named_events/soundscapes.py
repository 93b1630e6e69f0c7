"""The hour of soundscapes as files, for whoever follows the page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, final

from gestalt.core.components.ranges import Between, Count, check_ranges

from .archive import Archive, Sounds


@final
@dataclass(frozen=True)
class Options:
    """Write recordings of a minute each, mixed from the sounds that ship with the package, and tables of their events.

    `archive` is to be learned from without labels, `held-out` to be tested on; `archive.tsv` and `held-out.tsv` say
    what sounds in them. What is there already stays.
    """

    out: Path = Path("hour")
    """Folder to write to."""
    sounds: Sounds = "test"
    """Which of the shipped sounds they are mixed of: those to test on, or those to choose options on."""
    minutes: Count = 60
    """Recordings in the archive."""
    held_out: Count = 20
    """Recordings that are held out."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class WriteSoundscapes:
    """Writes soundscapes; it trains nothing, so it is no recipe for a run."""

    name: ClassVar[str] = "soundscapes"
    summary: ClassVar[str] = "write soundscapes of the shipped sounds as files, with the truth beside them"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Write them; the exit code."""
        one = self.options
        Archive(one.out, one.sounds, one.minutes, one.held_out, one.seed).write()
        print(
            f"{one.minutes} recordings of a minute in {one.out / 'archive'}, {one.held_out} in {one.out / 'held-out'}"
        )
        return 0
