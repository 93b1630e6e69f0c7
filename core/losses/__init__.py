"""Losses on plain tensors, in one line of any training loop; objectives add views, presence and ranks to them."""

from .best_matches import best_matches as best_matches
from .distances import similarities as similarities
from .distances import unit as unit
from .elements_to_objects import elements_to_objects as elements_to_objects
from .info_nce import info_nce as info_nce
from .info_nce import info_nce_of_scores as info_nce_of_scores
from .instance_discrimination import instance_discrimination as instance_discrimination
from .instance_discrimination import partition_function as partition_function
from .invariance import invariance as invariance
from .nearest_labels import nearest_labels as nearest_labels
from .nt_xent import nt_xent as nt_xent
from .regression import regression as regression
from .semantic_positives import semantic_positives as semantic_positives
from .sinkhorn import sinkhorn as sinkhorn
from .soft_cross_entropy import soft_cross_entropy as soft_cross_entropy
from .soft_neighbours import sharpened as sharpened
from .soft_neighbours import soft_neighbours as soft_neighbours
from .supervised_contrastive import supervised_contrastive as supervised_contrastive
