"""Pictures from files, lists and data sets, and the batches made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import find_files
from gestalt.core.modality.probing import none_usable, probe, sample
from gestalt.core.pictures.pillow import values_of
from gestalt.core.pictures.pixels import COUNTS, Raw, channels_last, scaled
from gestalt.core.pictures.several import has_several
from gestalt.core.storage.naming import counted

from .reading import REFUSED, SMALLEST, SUFFIXES, converted, decode, shrunk

Picture = Tensor
"""An item: `channels height width`, float32 in [0, 1]."""


@final
@dataclass(frozen=True)
class Pictures:
    """A batch of pictures, padded with zeros to the right and below; `sizes` holds each one's own height and width.

    Example:
        >>> batch = collate([torch.ones(3, 20, 30), torch.ones(3, 25, 16)])
        >>> batch.pixels.shape, batch.sizes.tolist()
        (torch.Size([2, 3, 25, 30]), [[20, 30], [25, 16]])
    """

    pixels: Float[Tensor, "batch channels height width"]
    sizes: Int[Tensor, "batch 2"]

    def __post_init__(self) -> None:
        if self.sizes.shape != (self.pixels.shape[0], 2):
            raise ValueError(
                f"{len(self.pixels)} pictures need as many pairs of height and width, got {tuple(self.sizes.shape)}"
            )

    def to(self, device: torch.device | str, /) -> "Pictures":
        """The same batch on another device."""
        return Pictures(self.pixels.to(device, non_blocking=True), self.sizes.to(device, non_blocking=True))


def collate(items: Sequence[Picture]) -> Pictures:
    """Pictures of any sizes as one batch.

    Raises:
        ValueError: if there are none, or their numbers of channels differ.
    """
    found = sorted({len(item) for item in items})
    if len(found) != 1:
        raise ValueError(
            f"a batch needs pictures of one number of channels, got {found or 'no pictures'}; "
            "read them with Image(channels=…)"
        )
    height, width = max(item.shape[1] for item in items), max(item.shape[2] for item in items)
    pad = torch.nn.functional.pad
    padded = [pad(item, (0, width - item.shape[2], 0, height - item.shape[1])) for item in items]
    return Pictures(torch.stack(padded), torch.tensor([item.shape[1:] for item in items]))


@final
class ImageFiles(AbstractItems[Picture]):
    """Picture files, each decoded when it is asked for; `remarks` say what was left out, for people."""

    def __init__(
        self,
        paths: Sequence[Path],
        channels: int | None = 3,
        longest: int | None = 1024,
        remarks: Sequence[str] = (),
    ) -> None:
        self.paths = tuple(paths)
        self.channels = channels
        self.longest = longest
        self.remarks = tuple(remarks)

    def __len__(self) -> int:
        """Number of files."""
        return len(self.paths)

    def read(self, index: int, rng: np.random.Generator) -> Picture:  # noqa: ARG002
        """The picture.

        Raises:
            BadItemError: if it cannot be used.
        """
        return decode(self.paths[index], self.channels, self.longest)

    def path(self, index: int) -> Path:
        """The file."""
        return self.paths[index]

    def name(self, index: int) -> str:
        """The file."""
        return str(self.paths[index])


@final
class ImageDataset(AbstractItems[Picture]):
    """Any map-style data set of pictures, those of torchvision among them; labels that come with them are left out.

    Every entry is a picture, or a tuple that begins with one: a PIL image, an array `height width [channels]` or a
    tensor `channels height width`, or the other way round where only that leaves a picture. Numbers are brought to
    [0, 1] as those of files are.

    Example:
        >>> items = ImageDataset([(np.full((20, 20), 255, np.uint8), "a label")], channels=3)
        >>> items.read(0, np.random.default_rng(0)).shape
        torch.Size([3, 20, 20])
    """

    def __init__(self, dataset: Any, channels: int | None = 3, longest: int | None = 1024) -> None:
        if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
            raise TypeError(
                f"a data set of pictures has a length and numbered entries, got {type(dataset).__name__}; "
                "put a stream into a list first"
            )
        self.dataset = dataset
        self.channels = channels
        self.longest = longest

    def __len__(self) -> int:
        """Number of entries."""
        return len(self.dataset)

    def read(self, index: int, rng: np.random.Generator) -> Picture:  # noqa: ARG002
        """The picture of an entry.

        Raises:
            BadItemError: if it is too small, not finite or no picture.
        """
        return picture_of(self.dataset[index], self.channels, self.longest, self.name(index))

    def name(self, index: int) -> str:
        """The data set and the number of the entry."""
        return f"{type(self.dataset).__name__}[{index}]"


def picture_of(entry: Any, channels: int | None, longest: int | None, name: str = "") -> Picture:
    """The picture of an entry of a data set; one in the native form is itself.

    Args:
        entry: a PIL image, an array, a tensor, or a tuple that begins with one.
        channels: to which it is converted; None keeps its own.
        longest: pixels a side to which it is shrunk; None keeps it as large as it is.
        name: of the entry, for messages.

    Raises:
        BadItemError: if it is too small, not finite or no picture.
    """
    picture = entry[0] if isinstance(entry, tuple | list) else entry
    if isinstance(picture, Tensor) and _is_native(picture, channels, longest):
        return picture
    values, alpha = _as_tensor(picture, name)
    if min(values.shape[1:]) < SMALLEST or not bool(values.isfinite().all()):
        raise BadItemError(
            name,
            f"has {values.shape[2]} × {values.shape[1]} pixels; at least {SMALLEST} along either side, "
            "all finite, are needed: leave it out, or enlarge it",
        )
    return shrunk(converted(values, channels, alpha, name), longest)


def _is_native(picture: Tensor, channels: int | None, longest: int | None) -> bool:
    """Whether a tensor is a picture as the modality has them, with nothing left to convert."""
    if picture.dtype != torch.float32 or picture.ndim != 3 or not len(picture) or min(picture.shape[1:]) < SMALLEST:
        return False
    if channels not in (None, len(picture)) or (longest is not None and max(picture.shape[1:]) > longest):
        return False
    return bool(((picture >= 0) & (picture <= 1)).all())  # NaN is neither


def _as_tensor(picture: Any, name: str) -> tuple[Float[Tensor, "channels height width"], bool]:
    """A picture of any of the usual kinds as `channels height width` in [0, 1], and whether it ends in opacity."""
    if isinstance(picture, Tensor):
        values, alpha = picture.detach().cpu().numpy(), False
        if values.ndim == 3 and not (values.shape[-1] in COUNTS and values.shape[0] not in COUNTS):
            values = values.transpose(1, 2, 0)
    else:
        raw = values_of(picture) if hasattr(picture, "mode") else Raw(np.asarray(picture))
        values, alpha = raw.values, raw.alpha
    values = values[..., None] if values.ndim == 2 else values
    values = channels_last(values) if values.ndim == 3 else values
    if values.ndim != 3 or values.dtype.kind not in "buif":
        kind = f"{values.dtype} of shape {values.shape}" if values.dtype.kind in "buif" else type(picture).__name__
        raise BadItemError(
            name, f"is no picture: expected a PIL image, an array of height × width × channels or a tensor, got {kind}"
        )
    return torch.from_numpy(np.ascontiguousarray(scaled(values).transpose(2, 0, 1))), alpha


def read_images(
    paths: Sequence[Path], channels: int | None, longest: int | None, skip_bad: bool = False
) -> Reading[Picture]:
    """The pictures of all files, of which a sample is decoded to see that it can be (`probing.sample`).

    Raises:
        BadItemError: for the first file of the sample that cannot be used, unless `skip_bad`.
        ValueError: if no file is left.
    """
    found = find_files(paths, SUFFIXES, "pictures", REFUSED)
    decoded = sample(found)

    several = list[Path]()

    def examine(path: Path) -> None:
        if path in decoded:
            decode(path, channels, longest)
            several.extend([path] if has_several(path) else [])

    skipped: list[Skipped] = []
    good = probe(found, examine, skipped if skip_bad else None)
    if not good:
        raise none_usable(skipped, f"{len(skipped)} pictures")
    remarks = []
    if several:
        looked_at = f"{len(several)} of {counted(len(decoded), 'file')}" + " that were looked at" * (len(decoded) > 1)
        remarks = [f"the first of several pages or frames alone is read of {looked_at}, such as {several[0]}"]
    return Reading(ImageFiles([path for path, _ in good], channels, longest, remarks), tuple(skipped))
