"""Training: the loop in plain sight, and what makes it safe to stop, resume and watch."""

from .checkpoint import CHECKPOINT as CHECKPOINT
from .folder import open_folder as open_folder
from .folder import plain as plain
from .loop import Diverged as Diverged
from .loop import TrainingResult as TrainingResult
from .loop import launch as launch
from .loop import train as train
from .options import Training as Training
