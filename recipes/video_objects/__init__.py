"""The recipe `video-objects`: discover the things that move in videos, without labels."""

from gestalt.core import experiment as study

from .options import Options as Options
from .outputs import discover as discover
from .outputs import embed as embed
from .video_objects import VideoObjects as VideoObjects


def run(options: Options) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    return study.run(VideoObjects(options))
