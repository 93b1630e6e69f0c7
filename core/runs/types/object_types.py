"""The types that were found in a data set, for the objects of any other: kept in files, without code."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import safetensors.torch
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...networks.digest import weight_bytes
from ...storage.atomic import write_bytes, write_text
from ...storage.damage import read_or_name
from .prototypes import Prototypes
from .scaling import Scaling

TYPES, WEIGHTS = "types.json", "types.safetensors"
ADVICE = "find the types again, or name another folder by --like"


@final
@dataclass(frozen=True)
class ObjectTypes:
    """Types of objects, numbered from 0 by how often they occur in the data in which they were found.

    Attributes:
        scaling: of object vectors.
        prototypes: give a scaled vector its type.
        centres: the mean of the members of every type.
        objects: how many members each had.
        level: the level of the encoder whose vectors are compared; None for the whole vector.
        network: a digest of the weights of the run that the types belong to.
        found: how they were found, as JSON.
    """

    scaling: Scaling
    prototypes: Prototypes
    centres: Float[Tensor, "types dim"]
    objects: tuple[int, ...]
    level: str | None
    network: str
    found: Mapping[str, Any]

    @property
    def count(self) -> int:
        """How many types there are."""
        return len(self.centres)

    @property
    def digest(self) -> str:
        """A name of these types: names that were given to others do not fit."""
        return hashlib.sha256(safetensors.torch.save(self._tensors())).hexdigest()[:16]

    def of(self, vectors: Float[Tensor, "rows whole"]) -> tuple[Int[Tensor, " rows"], Float[Tensor, " rows"]]:
        """The type of every object vector, −1 for none, and its distance to the centre of that type (NaN for none)."""
        rows = self.scaling.of(vectors)
        types = self.prototypes.types_of(rows)
        if not self.count:
            return types, torch.full((len(rows),), torch.nan)
        distance = (rows - self.centres[types.clamp(min=0)]).norm(dim=1)
        return types, torch.where(types >= 0, distance, torch.nan)

    def neighbours(self, number: int, most: int = 3) -> list[int]:
        """The types whose centres are nearest, the nearest first."""
        apart = (self.centres - self.centres[number]).norm(dim=1)
        return [other for other in apart.argsort().tolist() if other != number][:most]

    def refuse_other_run(self, network: str) -> None:
        """Refuse vectors of another network.

        Raises:
            ValueError: if its digest is another one.
        """
        if network != self.network:
            raise ValueError(
                "these types were found with another run: its vectors mean something else, so that they give no type; "
                "name the run with which they were found, or find types anew without --like"
            )

    def save(self, folder: Path | str) -> None:
        """Write `types.json` and `types.safetensors`."""
        folder = Path(folder)
        tried = {str(number): round(score, 6) for number, score in self.prototypes.tried.items()}
        said = {
            "version": 1,
            "digest": self.digest,
            "network": self.network,
            "level": self.level,
            "directions": self.scaling.directions,
            "prototype_directions": self.prototypes.directions,
            "types": [{"type": number, "objects": count} for number, count in enumerate(self.objects, start=1)],
            "tried": tried,
            "found": self.found,
        }
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / WEIGHTS, safetensors.torch.save(self._tensors()))
        write_text(folder / TYPES, json.dumps(said, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: Path | str) -> "ObjectTypes":
        """The types that `save` wrote; nothing in the files is executed.

        Raises:
            FileNotFoundError: if the folder holds none.
            ValueError: if they are damaged.
        """
        folder = Path(folder)
        for name in (TYPES, WEIGHTS):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder} holds no {name}: name a folder that gestalt types wrote")
        tensors = read_or_name(folder / WEIGHTS, safetensors.torch.load_file, ADVICE)
        return read_or_name(folder / TYPES, lambda path: _built(path, tensors), ADVICE)

    def _tensors(self) -> dict[str, Tensor]:
        own = {
            "mean": self.scaling.mean,
            "axes": self.scaling.axes,
            "vectors": self.prototypes.vectors,
            "types": self.prototypes.types,
            "reach": self.prototypes.reach,
            "offsets": self.prototypes.offsets,
            "centres": self.centres,
        }
        own |= {} if self.prototypes.axes is None else {"prototype_axes": self.prototypes.axes}
        return {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in own.items()}


def _built(path: Path, tensors: Mapping[str, Tensor]) -> ObjectTypes:
    said = json.loads(path.read_text(encoding="utf-8"))
    scaling = Scaling(tensors["mean"], tensors["axes"], bool(said["directions"]))
    prototypes = Prototypes(
        tensors["vectors"],
        tensors["types"],
        tensors["reach"],
        tensors["offsets"],
        tensors.get("prototype_axes"),
        bool(said["prototype_directions"]),
        {int(number): float(score) for number, score in said["tried"].items()},
    )
    objects = tuple(int(one["objects"]) for one in said["types"])
    level = None if said["level"] is None else str(said["level"])
    built = ObjectTypes(scaling, prototypes, tensors["centres"], objects, level, str(said["network"]), said["found"])
    whole, dim = scaling.axes.shape
    fits = scaling.mean.shape == (whole,) and built.centres.shape == (len(objects), dim)
    if not fits or prototypes.count > built.count or said["digest"] != built.digest:
        raise ValueError("the two files do not belong together")
    return built


def ordered(types: ObjectTypes, counts: Int[Tensor, " types"]) -> tuple[ObjectTypes, Int[Tensor, " kept"]]:
    """Types numbered by how many members they have, those without any left out; and the former number of each."""
    order = counts.argsort(descending=True, stable=True)
    order = order[counts[order] > 0]
    gone = torch.isin(types.prototypes.types, order, invert=True)
    kept = types.prototypes
    if bool(gone.any()):
        kept = replace(
            kept,
            vectors=kept.vectors[~gone],
            types=kept.types[~gone],
            reach=kept.reach[~gone],
            offsets=kept.offsets[~gone],
        )
    place = torch.full((types.count,), -1)
    place[order] = torch.arange(len(order))
    kept = replace(kept, types=place[kept.types])
    objects = tuple(counts[order].tolist())
    return replace(types, prototypes=kept, centres=types.centres[order], objects=objects), order


def network_digest(network: torch.nn.Module) -> str:
    """A name of the weights of a network: another one's vectors mean something else."""
    digest = hashlib.sha256()
    for part in weight_bytes(network):
        digest.update(part)
    return digest.hexdigest()[:16]
