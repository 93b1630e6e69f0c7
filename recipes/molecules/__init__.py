"""The recipe `molecules`: discover the parts of molecules while learning to represent them, without labels."""

from gestalt.core import experiment as study

from .molecules import Molecules as Molecules
from .options import Options as Options
from .outputs import discover as discover
from .outputs import embed as embed


def run(options: Options) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    return study.run(Molecules(options))
