"""Pictures: their cells, and the objects in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, Count, check_ranges
from gestalt.core.components.settings import accepted
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems, Skipped, first_readable
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.places import Places, one_grid
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.exports.tensors import TensorInputs
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.in_python import FromPython, Things
from gestalt.core.modality.raster import raster_statistics
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder

from .adversarial import Adversarial
from .backbones import Swin, resnet18, resnet50, resnet50_pyramid
from .choices import CHOICES
from .data import ImageDataset as ImageDataset
from .data import ImageFiles as ImageFiles
from .data import Picture as Picture
from .data import Pictures as Pictures
from .data import collate as collate
from .data import picture_of, read_images
from .effects import Blur, ColourJitter, Grey, Noise, Solarise
from .encoders import ColourTexture, Conv
from .given_masks import read_masks, shown_masks
from .layout import Channels
from .outputs import element_columns, input_grid, write_objects
from .pretrained import Timm, TransformersSwin, dinov2, vit
from .render import render
from .render_object import render_object
from .saliency import SaliencyMask
from .segments import Blocks as Blocks
from .segments import Felzenszwalb as Felzenszwalb
from .segments import OnCells as OnCells
from .segments import Slic as Slic
from .specimens import specimens
from .tensors import tensor_inputs
from .transformer import PatchTransformer
from .transplants import transplant
from .unet import UNet
from .views import CutOut, Flip, Resize, ResizedCrop, Rotate
from .views import chain as chain
from .views import default_views as default_views


@final
class Image(AbstractModality[Picture]):
    """Pictures with `channels` channels, read at most `longest` pixels a side; objects are groups of cells.

    Args:
        channels: to which files are converted: grey and colour into each other, opacity laid on white; None keeps
            each file's own.
        longest: pixels a side of a picture; larger ones are shrunk when read. None reads them as they are.
        size: pixels a side of the default views.

    Example:
        >>> sorted(MODALITY.encoders)[:4]
        ['conv', 'dinov2', 'raw', 'resnet18']
    """

    name: ClassVar[str] = "image"
    element: ClassVar[str] = "cell"
    # Cells of a view and of its source need not begin at the same pixel, and blur and interpolation spread a change.
    tolerance: ClassVar[int] = 2

    def __init__(
        self,
        channels: Channels | None = 3,
        longest: Count | None = 1024,
        size: Annotated[int, Between(1, 16_384)] = 64,
    ) -> None:
        self.channels = channels
        self.longest = longest
        self.size = size
        check_ranges(self)
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {
            "raw": ColourTexture,
            "conv": Conv,
            "unet": UNet,
            "transformer": PatchTransformer,
            "resnet18": resnet18,
            "resnet50": resnet50,
            "resnet50_pyramid": resnet50_pyramid,
            "swin": Swin,
            "vit": vit,
            "dinov2": dinov2,
            "transformers_swin": TransformersSwin,
            "timm": Timm,
        }
        self.transforms: Mapping[str, AbstractTransform[Picture]] = {
            "resized_crop": ResizedCrop(size, (0.4, 1.0)),
            "small_crop": ResizedCrop(max(1, size // 2), (0.08, 0.3)),
            "flip": Flip(),
            "flip_upside_down": Flip(upright=False),
            "rotate": Rotate(),
            "resize": Resize(size),
            "colour_jitter": ColourJitter(),
            "grey": Grey(),
            "blur": Blur(0.1, max(0.2, 2.0 * size / 224)),
            "solarise": Solarise(),
            "noise": Noise(),
            "saliency_mask": SaliencyMask(),
            "cut_out": CutOut(),
            "adversarial": Adversarial(_small_network(3 if channels is None else channels)),
        }
        self.views: Views[Picture] = default_views(size)
        self.choices: Mapping[str, Mapping[str, AbstractTransform[Picture]]] = CHOICES

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Picture]:
        """All pictures among `paths` and in the folders among them, in sorted order.

        PNG, JPEG, TIFF, BMP, GIF, WebP, AVIF, PNM and NumPy's .npy, upright by EXIF; 8 and 16 bits, grey, colour,
        palettes, opacity, any number of channels. 64 files, evenly over the list, are decoded to see that they can be.

        Raises:
            BadItemError: for the first of the decoded files that is no picture, empty, damaged, too small, not finite
                or of channels that cannot be converted, unless `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ValueError: if no usable picture is found.
        """
        return read_images(paths, self.channels, self.longest, skip_bad)

    def encoder_settings(self, encoder: str, items: AbstractItems[Picture]) -> Mapping[str, Any]:
        """The number of channels of the pictures, for the encoders that take it.

        Raises:
            ValueError: if the items do not say it and none of them can be read.
        """
        known = items.channels if isinstance(items, ImageFiles | ImageDataset) else None
        channels = len(first_readable(items)) if known is None else known
        return accepted(self.encoders[encoder], {"channels": channels})

    def amounts(self, item: Picture) -> Mapping[str, float]:
        """How many pixels it has."""
        return {"pixels": float(item.shape[-2] * item.shape[-1])}

    def computed(self, item: Picture) -> Mapping[str, float]:
        """Colour and texture: moments of channels, gradients, detail at three scales."""
        return raster_statistics(item)

    def collate(self, items: Sequence[Picture]) -> Pictures:
        """Pictures padded to the largest."""
        return collate(items)

    def render(
        self,
        item: Picture,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """The picture, the found objects, and the true ones, `(name, mask of height × width)`."""
        return render(item, found, one_grid(grid), truth)

    def render_numbered(
        self,
        item: Picture,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """As `render`, with objects called and coloured by their numbers."""
        return render(item, found, one_grid(grid), truth, by_number=True)

    def read_masks(
        self, path: Path, items: AbstractItems[Picture], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[Picture]:
        """A folder of index PNGs named like the pictures, or annotations in COCO's format; of the size of each file.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it is of neither format, or names a picture that there is not.
        """
        return read_masks(path, items, skipped)

    def shown_masks(self, item: Picture, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each object with its mask of the picture's size."""
        return shown_masks(item, masks)

    def transplant(
        self, host: Picture, donor: Picture, part: ItemMasks, rng: np.random.Generator
    ) -> Transplant[Picture] | None:
        """A part of one picture in another: mirrored, turned, resized, recoloured, with hard or soft edges."""
        return transplant(host, donor, part, rng)

    def specimens(self) -> Sequence[Specimen[Picture]]:
        """Three pictures of textured discs and boxes."""
        return specimens()

    def render_object(self, item: Picture, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:
        """A crop around it."""
        return render_object(item, inside, one_grid(grid))

    def write_objects(self, found: Iterable[FoundBatch[Picture]], items: AbstractItems[Picture], out: Path) -> str:
        """Index pictures and overlays at the size of each file, and COCO's JSON."""
        return write_objects(found, items, out)

    def element_columns(
        self, found: FoundBatch[Picture], row: int, items: AbstractItems[Picture]
    ) -> Mapping[str, Float[np.ndarray, " elements"]]:
        """The centre of every cell in the file's own pixels."""
        return element_columns(found, row, items)

    def input_grid(self, item: Picture) -> Grid:
        """Every pixel."""
        return input_grid(item)

    column_names: ClassVar[Sequence[str]] = ("image", "img", "picture", "pixels")

    def of_objects(self, things: Things) -> AbstractItems[Picture]:
        """Pictures of PIL, arrays, tensors, and entries of data sets that begin with one."""
        return FromPython(things, partial(picture_of, channels=self.channels, longest=self.longest))

    def tensor_inputs(self, batch: Pictures) -> TensorInputs:  # noqa: ARG002
        """The pixels of pictures of one size."""
        return tensor_inputs()


def _small_network(channels: int) -> AbstractEncoder:
    """A fixed random network, so that the adversarial transform has a gradient without any run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Conv(width=16, kernels=(1,), norm="row", channels=channels)


MODALITY = Image()
