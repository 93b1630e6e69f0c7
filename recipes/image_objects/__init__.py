"""The recipe `image-objects`: discover objects in pictures, without labels."""

from gestalt.core import experiment as study

from .objects import ImageObjects as ImageObjects
from .options import Options as Options
from .outputs import discover as discover
from .outputs import embed as embed


def run(options: Options) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    return study.run(ImageObjects(options))
