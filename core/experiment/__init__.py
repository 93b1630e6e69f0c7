"""What all recipes share: a study trains a method on one kind of data, tries it, and reports.

A recipe supplies a `Study`: its material, how objects are found, what is measured, and its words. Everything else is
here: options, running and resuming, the report, the table over seeds, discovering and embedding with a finished run.
"""

from .finder import Finder as Finder
from .methods import DataInfo as DataInfo
from .methods import build as build
from .options import FREE as FREE
from .options import Learning as Learning
from .options import Options as Options
from .options import Running as Running
from .predictions import Predictions as Predictions
from .predictions import encode as encode
from .predictions import look as look
from .recipe import AbstractRecipe as AbstractRecipe
from .recipe import Captions as Captions
from .recipe import ExperimentData as ExperimentData
from .recipe import readable as readable
from .running import fresh as fresh
from .running import run as run
from .running import save as save
from .vectors import Batches as Batches
from .vectors import write_skipped as write_skipped
from .vectors import write_vectors as write_vectors
