"""Pictures of clothing."""

from torch import Tensor

from gestalt.core.modality.transform import Views
from gestalt.modalities.image import Image, chain
from gestalt.modalities.image.effects import Noise
from gestalt.modalities.image.views import CutOut, Flip, ResizedCrop

from ...scene_sources import Clothing, class_names, clothing
from ..labelled_data import LabelledData


def pictures(items: int = 2000, test_items: int = 1000) -> LabelledData:
    """Which class of clothing is it?"""
    train, test = clothing("train"), clothing("test")
    view = chain((1.0, ResizedCrop(28, (0.3, 1.0))), (0.5, Flip()), (0.5, Noise()), (0.3, CutOut()))
    return LabelledData(
        name="image",
        question="the class of a piece of clothing",
        classes=class_names(),
        modality=Image(channels=1),
        views=Views(chain(), (view, view)),
        items=_grey(train, items),
        labels=train.labels[:items],
        test_items=_grey(test, test_items),
        test_labels=test.labels[:test_items],
        encoder_settings={"width": 32, "channels": 1},
        raw_settings={"channels": 1},
    )


def _grey(shown: Clothing, count: int) -> list[Tensor]:
    return [image[None].float() / 255 for image in shown.images[:count]]
