"""Losses on plain tensors, in one line of any training loop: `from gestalt.losses import info_nce`."""

from gestalt.core.losses import best_matches as best_matches
from gestalt.core.losses import elements_to_objects as elements_to_objects
from gestalt.core.losses import info_nce as info_nce
from gestalt.core.losses import info_nce_of_scores as info_nce_of_scores
from gestalt.core.losses import instance_discrimination as instance_discrimination
from gestalt.core.losses import invariance as invariance
from gestalt.core.losses import nearest_labels as nearest_labels
from gestalt.core.losses import nt_xent as nt_xent
from gestalt.core.losses import partition_function as partition_function
from gestalt.core.losses import regression as regression
from gestalt.core.losses import semantic_positives as semantic_positives
from gestalt.core.losses import similarities as similarities
from gestalt.core.losses import sinkhorn as sinkhorn
from gestalt.core.losses import soft_cross_entropy as soft_cross_entropy
from gestalt.core.losses import supervised_contrastive as supervised_contrastive
from gestalt.core.losses import unit as unit
