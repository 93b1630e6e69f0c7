"""The recipe `objects`: discover objects in any kind of data, ours or a stranger's, without labels."""

from dataclasses import replace

from gestalt.core import experiment as study

from .objects import Objects as Objects
from .options import AUTO
from .options import Options as Options
from .options import smallest as smallest
from .outputs import discover as discover
from .outputs import embed as embed


def run(options: Options) -> int:
    """Train, save and report; the exit code (130 if it was interrupted).

    Raises:
        ValueError: if no kind of data is named, or no data.
    """
    modality = options.load()
    if not options.running.data:
        raise ValueError("name your files and folders by --data: this recipe brings no data of its own")
    learning = options.learning
    if learning.encoder == AUTO:
        learning = replace(learning, encoder=smallest(modality))
    return study.run(Objects(replace(options, learning=learning), modality))
