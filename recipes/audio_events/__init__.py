"""The recipe `audio-events`: discover sound events in recordings, without labels."""

from gestalt.core import experiment as study

from .events import AudioEvents as AudioEvents
from .options import Options as Options
from .outputs import discover as discover
from .outputs import embed as embed


def run(options: Options) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    return study.run(AudioEvents(options))
