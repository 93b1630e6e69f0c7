"""Video: clips, their tubes, and the things that move in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, Positive, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.places import Places, one_grid
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.exports.tensors import TensorInputs
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder

from .backbones import R3D18, FrameResNet18, Swin3D
from .choices import CHOICES
from .data import Clip as Clip
from .data import Clips as Clips
from .data import VideoFiles as VideoFiles
from .data import collate as collate
from .data import each_window as each_window
from .effects import Blur, ColourJitter, Grey, Noise, Solarise
from .encoders import Colours, Conv
from .finding import read_videos
from .fitted import MViT, VideoMAE
from .given_masks import read_masks, shown_masks
from .masks import on_pixels as on_pixels
from .masks import overlay as overlay
from .outputs import element_columns, input_grid, shrunk, write_objects
from .outputs_formats import write_index_masks as write_index_masks
from .outputs_formats import write_overlay as write_overlay
from .render import render
from .render_object import render_object
from .space import CutOut, Flip, ResizedCrop, Rotation
from .specimens import specimens
from .statistics import statistics
from .tensors import tensor_inputs
from .transformer import TubeTransformer
from .transplants import transplant
from .unet import UNet
from .views import Reverse, Stride, TimeCrop, TimeJitter, stretch, views_in_place
from .views import chain as chain
from .views import default_views as default_views


@final
class Video(AbstractModality[Clip]):
    """Videos read in windows of `seconds`, at most `rate` frames per second, the shorter side at most `size` pixels.

    Args:
        seconds: length of an item; longer videos become several.
        rate: most frames per second that are kept; None keeps all.
        size: most pixels of the shorter side; larger frames are shrunk when read. None reads them as they are.
        folder_rate: frames per second of folders of numbered images.
        margin: seconds on either side of a window that the network sees beside it, once it has learned.

    Example:
        >>> sorted(MODALITY.encoders)
        ['conv', 'frame_resnet18', 'mvit_v2_s', 'r3d_18', 'raw', 'swin3d_t', 'transformer', 'unet', 'videomae']
    """

    name: ClassVar[str] = "video"
    element: ClassVar[str] = "tube"
    sequence: ClassVar[bool] = True
    # Resizing, turning and blurring mix what lies at the border of two tubes.
    tolerance: ClassVar[int] = 1

    def __init__(
        self,
        seconds: Annotated[float, Between(0.0, 86_400.0, open_below=True)] = 2.0,
        rate: Positive | None = 8.0,
        size: Annotated[int, Between(1, 65536)] | None = 112,
        folder_rate: Positive = 24.0,
        margin: Annotated[float, Between(0.0, 3600.0)] = 0.5,
    ) -> None:
        self.seconds = seconds
        self.rate = rate
        self.size = size
        self.folder_rate = folder_rate
        self.margin = margin
        check_ranges(self)
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {
            "raw": Colours,
            "conv": Conv,
            "unet": UNet,
            "transformer": TubeTransformer,
            "frame_resnet18": FrameResNet18,
            "r3d_18": R3D18,
            "mvit_v2_s": MViT,
            "swin3d_t": Swin3D,
            "videomae": VideoMAE,
        }
        self.transforms: Mapping[str, AbstractTransform[Clip]] = {
            "time_crop": TimeCrop(),
            "stride": Stride(),
            "reverse": Reverse(),
            "time_jitter": TimeJitter(),
            "resized_crop": ResizedCrop(32),
            "small_crop": ResizedCrop(32, 0.08, 0.3),
            "flip": Flip(),
            "flip_upside_down": Flip(upright=False),
            "rotation": Rotation(),
            "colour_jitter": ColourJitter(),
            "grey": Grey(),
            "blur": Blur(),
            "solarise": Solarise(),
            "noise": Noise(),
            "cut_out": CutOut(),
        }
        self.views: Views[Clip] = default_views()
        self.choices: Mapping[str, Mapping[str, AbstractTransform[Clip]]] = CHOICES

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Clip]:
        """The windows of all videos among `paths` and in the folders among them, in sorted order.

        A video is a file that FFmpeg can decode, or a folder of numbered images (`folder_rate` of them per second).
        The header of every video is read; of 64 videos, evenly over the list, the first and last frames are decoded.

        Raises:
            BadItemError: for the first video that is empty or no video, or among the decoded ones too short or cut
                off, unless `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ValueError: if no usable video is found.
        """
        return read_videos(paths, self.seconds, self.rate, self.size, skip_bad, self.folder_rate, self.margin)

    def amounts(self, item: Clip) -> Mapping[str, float]:
        """How long it is, and of how many frames."""
        return {"seconds": item.seconds, "frames": float(len(item.frames))}

    def computed(self, item: Clip) -> Mapping[str, float]:
        """Colour, texture and motion."""
        return statistics(item)

    def collate(self, items: Sequence[Clip]) -> Clips:
        """Clips padded to the longest, highest and widest."""
        return collate(items)

    def tensor_inputs(self, batch: Clips) -> TensorInputs:  # noqa: ARG002
        """Frames and edges of clips of one size."""
        return tensor_inputs()

    def render(
        self,
        item: Clip,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """Frames over time, found objects, and true ones: `(name, mask)` with a bool mask of the clip's size."""
        return render(item, found, one_grid(grid), truth)

    def render_numbered(
        self,
        item: Clip,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """As `render`, with objects called and coloured by their numbers."""
        return render(item, found, one_grid(grid), truth, by_number=True)

    def read_masks(
        self, path: Path, items: AbstractItems[Clip], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[Clip]:
        """A folder of index PNGs for every clip, one per frame, as the DAVIS benchmark has them.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it holds no such folders, or names a video or a frame that there is not.
        """
        return read_masks(path, items, skipped)

    def shown_masks(self, item: Clip, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each object with its mask of the clip's size."""
        return shown_masks(item, masks)

    def transplant(self, host: Clip, donor: Clip, part: ItemMasks, rng: np.random.Generator) -> Transplant[Clip] | None:
        """A moving part of one clip in another: mirrored, resized, recoloured, with a drift of its own."""
        return transplant(host, donor, part, rng)

    def transplant_at(
        self, host: Clip, donor: Clip, part: ItemMasks, later: float, rng: np.random.Generator
    ) -> Transplant[Clip] | None:
        """The same at the donor's own seconds, less `later`."""
        return transplant(host, donor, part, rng, later)

    @property
    def window(self) -> float:
        """The length of an item."""
        return self.seconds

    def in_windows(self, seconds: float) -> "Video":
        """The same modality with items of another length."""
        return Video(seconds, self.rate, self.size, self.folder_rate, self.margin)

    def duration(self, item: Clip) -> float:
        """How long a clip lasts."""
        return item.seconds

    def cut(self, item: Clip, begin: float, end: float) -> tuple[Clip, Affine]:
        """What is on show between two moments."""
        return stretch(item, begin, end)

    def in_place(self) -> Sequence[AbstractTransform[Clip]]:
        """Cropped, flipped, coloured and blurred by chance."""
        return views_in_place().views

    def specimens(self) -> Sequence[Specimen[Clip]]:
        """Three clips of squares that drift, of different sizes, one with uneven times."""
        return specimens()

    def render_object(self, item: Clip, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:
        """Four frames, cropped to where it moves."""
        return render_object(item, inside, one_grid(grid))

    def write_objects(self, found: Iterable[FoundBatch[Clip]], items: AbstractItems[Clip], out: Path) -> str:
        """Index masks as DAVIS has them, videos with coloured objects, and times as JSON."""
        return write_objects(found, items, out, self.size)

    def element_columns(
        self, found: FoundBatch[Clip], row: int, items: AbstractItems[Clip]
    ) -> Mapping[str, Float[np.ndarray, " elements"]]:
        """The seconds and pixels between which every tube lies."""
        return element_columns(found, row, items)

    def input_grid(self, item: Clip) -> Grid:
        """Every pixel of every frame."""
        return input_grid(item)

    def read_full(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Clip]:
        """As `read`, with all frames in all their pixels."""
        return read_videos(paths, self.seconds, None, None, skip_bad, self.folder_rate, self.margin)

    def for_network(self, item: Clip) -> Clip:
        """The clip with its shorter side brought to `size` pixels, if it is longer."""
        return shrunk(item, self.size)


MODALITY = Video()
