"""The published methods as compositions: each fills the five sockets of a `Learner` with the paper's answers."""

from .byol import PRESETS as PRESETS
from .byol import Preset as Preset
from .byol import byol as byol
from .catalogue import METHODS as METHODS
from .catalogue import Method as Method
from .catalogue import Setting as Setting
from .catalogue import build as build
from .catalogue import method as method
from .detcon import detcon as detcon
from .detcon import detcon_s as detcon_s
from .moco import moco as moco
from .npid import npid as npid
from .odin import odin as odin
from .relic import relic as relic
from .semppl import semppl as semppl
from .simclr import simclr as simclr
from .supervised import supervised as supervised
from .supervised import supervised_contrastive as supervised_contrastive
