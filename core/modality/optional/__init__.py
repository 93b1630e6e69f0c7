"""What a modality may offer beyond `AbstractModality`: each is a method that it simply has."""

from .composition import ComposesModalities, CutsInTime, ReadsColumn, ReadsWindows, ShowsParts
from .encoders import FollowsSampleRate, InfersEncoderSettings, InfersFromSettings, LimitsLength, SeesAround
from .labels import ReadsMasks, ReadsTrees, WritesTrees
from .learning import ComputesTargets, IsSequence, OffersChoices, TransplantsObjects
from .long_items import InOverlap, InSequence, ReadsContext, ReadsFullResolution
from .outputs import (
    HasInputGrid,
    LocatesElements,
    MeasuresItems,
    ReducesElements,
    ShowsMasks,
    ShowsNumbers,
    WritesObjects,
)

__all__ = [
    "ComposesModalities",
    "ComputesTargets",
    "CutsInTime",
    "FollowsSampleRate",
    "HasInputGrid",
    "InOverlap",
    "InSequence",
    "InfersEncoderSettings",
    "InfersFromSettings",
    "IsSequence",
    "LimitsLength",
    "LocatesElements",
    "MeasuresItems",
    "OffersChoices",
    "ReadsColumn",
    "ReadsContext",
    "ReadsFullResolution",
    "ReadsMasks",
    "ReadsTrees",
    "ReadsWindows",
    "ReducesElements",
    "SeesAround",
    "ShowsMasks",
    "ShowsNumbers",
    "ShowsParts",
    "TransplantsObjects",
    "WritesObjects",
    "WritesTrees",
]
