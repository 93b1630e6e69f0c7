"""Evaluation protocols: what labels say of an encoder's vectors, each a small class with named scores."""

from .base import AbstractProtocol as AbstractProtocol
from .base import Answer as Answer
from .base import EvaluationData as EvaluationData
from .base import ItemSource as ItemSource
from .base import LabelledVectors as LabelledVectors
from .base import MaskedFeatures as MaskedFeatures
from .base import NotApplicableError as NotApplicableError
from .chosen import protocols_of as protocols_of
from .clustering import Clustering as Clustering
from .fine_tune import FineTuned as FineTuned
from .knn import Knn as Knn
from .linear import DenseProbe as DenseProbe
from .linear import LinearProbe as LinearProbe
from .propagation import Propagation as Propagation
from .results import Evaluation as Evaluation
from .results import evaluated as evaluated
from .segmentation import Segmenting as Segmenting
from .shifted import Shifted as Shifted
from .svm import LowShotSvm as LowShotSvm
