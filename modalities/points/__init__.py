"""Point clouds: scans of places and things, their points, and what stands in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.components.settings import accepted
from gestalt.core.data.items import AbstractItems, Skipped, first_readable
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.places import Places
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.discovery.groupers import KMeans, Regions
from gestalt.core.discovery.regions import FineGroups, GroupRegions
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.in_python import FromPython, Things
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder

from . import showing
from .columns import BY_COUNT
from .data import Cloud as Cloud
from .data import Clouds as Clouds
from .data import collate as collate
from .encoders import PointNet, Raw
from .reading import CloudFiles as CloudFiles
from .reading import read_clouds
from .views import CHOICES, Crop, DropOut, Hole, Jitter, Part, Rotation, Scaling, UpsideDown, default_views, transplant
from .views import chain as chain

FINE = 64
"""Fine pieces of a tile that are grouped into objects."""
LIMIT = 32
"""Tiles of a file that is read point by point; of a larger one, elements are voxels."""


@final
class PointModality(AbstractModality[Cloud]):
    """Point clouds in tiles of at most `most` points; objects are groups of points.

    Args:
        most: points of an item; larger clouds are cut into tiles.
        voxel: the edge of a voxel in the unit of the files: its points become one, their mean. 0: points are elements
            as they are, but in files of more than 32 · `most` points, whose voxels are as small as gives no more.
        margin: points around a tile that the network sees beside it once it has learned; an object that lies in
            several tiles is one by those that they share.

    Example:
        >>> sorted(MODALITY.encoders), MODALITY.element
        (['pointnet', 'raw'], 'point')
    """

    name: ClassVar[str] = "points"
    element: ClassVar[str] = "point"

    def __init__(
        self,
        most: Annotated[int, Between(8, 65536)] = 512,
        voxel: Annotated[float, Between(0.0, 1e9)] = 0.0,
        margin: Annotated[int, Between(0, 65536)] = 256,
    ) -> None:
        self.most = most
        self.voxel = voxel
        self.margin = margin
        check_ranges(self)
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {"raw": Raw, "pointnet": PointNet}
        self.transforms: Mapping[str, AbstractTransform[Cloud]] = {
            "rotation": Rotation(),
            "jitter": Jitter(),
            "scaling": Scaling(),
            "crop": Crop(),
            "small_crop": Part(),
            "hole": Hole(),
            "drop_out": DropOut(),
            "upside_down": UpsideDown(),
        }
        self.views: Views[Cloud] = default_views()
        self.choices: Mapping[str, Mapping[str, AbstractTransform[Cloud]]] = CHOICES

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Cloud]:
        """The tiles of all files among `paths` and in the folders among them: PLY, PCD, text, LAS and LAZ, npy.

        Raises:
            BadItemError: for the first file that cannot be used, unless `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ValueError: if no usable cloud is found.
        """
        return read_clouds(paths, self.most, LIMIT * self.most, self.voxel, skip_bad, self.margin)

    def encoder_settings(self, encoder: str, items: AbstractItems[Cloud]) -> Mapping[str, Any]:
        """How many numbers are known of a point, for the encoders that take them.

        Raises:
            ValueError: if the items do not say it and none of them can be read.
        """
        columns = items.columns if isinstance(items, CloudFiles) else first_readable(items).columns
        return accepted(self.encoders[encoder], {"columns": len(columns)})

    def finder(self, raw: AbstractEncoder, objects: int) -> ObjectFinder:
        """Fine pieces by place and plain features, merged where they touch and are alike: objects in one piece."""
        plain = ConcatFeatures(raw, 0.5)
        fine = FineGroups(KMeans(FINE, spherical=False), ConcatFeatures(raw, 0.9))
        return ObjectFinder(Regions(0.5, objects), "projected", extra_features=plain, regions=GroupRegions(fine))

    def amounts(self, item: Cloud) -> Mapping[str, float]:
        """How many points it has."""
        return {"points": float(len(item))}

    def computed(self, item: Cloud) -> Mapping[str, float]:
        """The spread of the points along their axes, from flat to round, their height, and the mean of each column."""
        places = item.places.double() * item.scale
        spread = torch.linalg.eigvalsh(torch.cov(places.T)) if len(item) > 1 else torch.zeros(3)
        numbers = {f"spread {place}": float(value) for place, value in enumerate(spread.tolist())}
        means = {f"mean {name}": float(item.features[:, place].mean()) for place, name in enumerate(item.columns)}
        height = float(places[:, 2].max() - places[:, 2].min())
        return numbers | means | {"points": float(len(item)), "height": height}

    def collate(self, items: Sequence[Cloud]) -> Clouds:
        """Points padded to the largest cloud."""
        return collate(items)

    def render(
        self,
        item: Cloud,
        found: Int[Tensor, " elements"],
        grid: Places | None,  # noqa: ARG002
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """From above and from the side, with found objects in colours, and beside it with the true ones."""
        return showing.render(item, found, truth)

    def render_numbered(
        self,
        item: Cloud,
        found: Int[Tensor, " elements"],
        grid: Places | None,  # noqa: ARG002
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """As `render`, with objects called and coloured by their numbers."""
        return showing.render(item, found, truth, by_number=True)

    def render_object(self, item: Cloud, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:  # noqa: ARG002
        """A drawing in which it alone is coloured."""
        return showing.render_object(item, inside)

    def read_masks(
        self, path: Path, items: AbstractItems[Cloud], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[Cloud]:
        """A table of points with their objects, as `gestalt discover` writes it.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it is no such table, or names a file or a point that there is not.
        """
        return showing.read_masks(path, items, skipped)

    def shown_masks(self, item: Cloud, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each object with its points."""
        return showing.shown_masks(item, masks)

    def transplant(
        self, host: Cloud, donor: Cloud, part: ItemMasks, rng: np.random.Generator
    ) -> Transplant[Cloud] | None:
        """Points of one cloud set among another's, at their own size."""
        return transplant(host, donor, part, rng)

    column_names: ClassVar[Sequence[str]] = ("points", "cloud", "point_cloud", "xyz")

    def of_objects(self, things: Things) -> AbstractItems[Cloud]:
        """Arrays of points × numbers: x, y, z, and an intensity if there are four."""
        return FromPython(things, cloud_from)

    def specimens(self) -> Sequence[Specimen[Cloud]]:
        """Three clouds of a dull ball and a bright rod."""
        return showing.specimens()

    def write_objects(self, found: Iterable[FoundBatch[Cloud]], items: AbstractItems[Cloud], out: Path) -> str:
        """PLY files with the object of every point, and a table of all."""
        return showing.write_objects(found, items, out)

    def element_columns(
        self,
        found: FoundBatch[Cloud],
        row: int,
        items: AbstractItems[Cloud],  # noqa: ARG002
    ) -> Mapping[str, Float[np.ndarray, " elements"]]:
        """The number of every point in its file, and where it lies there."""
        return showing.element_columns(found, row)


def cloud_from(thing: Any) -> Cloud:
    """A cloud of an array.

    Raises:
        TypeError: if it is no array of numbers.
        ValueError: if it has another number of columns, or numbers that are not finite.

    Example:
        >>> len(cloud_from(np.eye(3)))
        3
    """
    thing = thing[0] if isinstance(thing, tuple) and thing else thing
    if isinstance(thing, Cloud):
        return thing
    try:
        table = np.asarray(thing, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise TypeError(f"is no point cloud: expected points × numbers, got {type(thing).__name__}") from error
    if table.ndim != 2 or table.shape[1] not in BY_COUNT or not len(table) or not np.isfinite(table).all():
        raise ValueError(f"must hold points × 3 or 4 finite numbers (x, y, z, intensity), got shape {table.shape}")
    return Cloud.of(table[:, :3], table[:, 3:], BY_COUNT[table.shape[1]][3:])


MODALITY = PointModality()
