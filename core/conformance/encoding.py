"""Laws of specimens and encoders. Each gives its counterexamples one by one, in words that say what to fix."""

import json
from collections.abc import Iterator

import torch

from ..components.settings import settings_of
from ..data.view import Data
from ..modality.transform import AbstractTransform
from ..networks.modes import evaluating
from .bench import Bench, close


def words(bench: Bench) -> Iterator[str]:
    """A missing or ill-formed name, element, `raw`, view, transform or specimen."""
    modality = bench.modality
    if not isinstance(modality.tolerance, int) or modality.tolerance < 0:
        yield f"tolerance must be a number of elements, 0 or more, got {modality.tolerance!r}"
    if not all(part.isidentifier() for part in modality.name.split("+")) or modality.name != modality.name.lower():
        yield f"name must be one lower-case word, or those of the parts with + in between, got {modality.name!r}"
    if not modality.element:
        yield "element must name the smallest part that gets a vector, such as 'frame'"
    if "raw" not in modality.encoders or len(modality.encoders) < 2:
        yield f"encoders must hold 'raw' and at least one that learns, got {sorted(modality.encoders)}"
    if any(True for _ in bench.encoders["raw"].parameters()):
        yield "the encoder 'raw' must have no parameters: the other encoders are compared with it"
    if len(modality.views.views) < 2:
        yield f"views must hold at least two views to compare, got {len(modality.views.views)}"
    if not modality.transforms:
        yield "transforms must name every shipped transform, got none"
    for name, transform in modality.transforms.items():
        if not isinstance(transform, AbstractTransform):
            yield f"transforms[{name!r}] must be an instance of AbstractTransform, got {transform!r}"
    if len(bench.specimens) < 2:
        yield f"specimens() must give at least two items, got {len(bench.specimens)}"


def partition(bench: Bench) -> Iterator[str]:
    """Labels that leave out elements, or number objects with gaps; specimens with a single object."""
    for number, specimen in enumerate(bench.specimens):
        elements = int(bench.source(number).valid.sum())
        labels = specimen.labels
        if len(labels) != elements:
            yield f"specimen {number} has {len(labels)} labels, but 'raw' finds {elements} elements; label every one"
        elif sorted(set(labels[labels >= 0].tolist())) != list(range(int(labels.max()) + 1)) or int(labels.min()) < -1:
            yield f"specimen {number}: number the objects 0, 1, 2, … without gaps, −1 for none; got {labels.tolist()}"
        elif int(labels.max()) < 1:
            yield f"specimen {number} has fewer than two objects, so there is nothing to distinguish"


def collated(bench: Bench) -> Iterator[str]:
    """A batch that is no tensor or dataclass, or does not move between devices."""
    data = bench.modality.collate([specimen.item for specimen in bench.specimens])
    if not isinstance(data, Data):
        yield f"collate must give a tensor or a dataclass with a method `to(device)`, got {type(data).__name__}"
    elif type(data.to("cpu")) is not type(data):
        yield f"`to` must give the same type, {type(data).__name__}, got {type(data.to('cpu')).__name__}"


def vectors(bench: Bench) -> Iterator[str]:
    """Features of a wrong shape or type, not finite, or on a grid where `raw` has a set."""
    items = len(bench.specimens)
    on_grid = bench.together("raw").places is not None
    for name, encoder in bench.encoders.items():
        if not isinstance(getattr(encoder, "dim", None), int):
            yield f"encoder {name!r} must set self.dim, the length of its vectors"
        features = bench.together(name)
        if features.values.shape[0] != items or features.values.shape[2] != encoder.dim:
            expected = f"{items} items × elements × dim {encoder.dim}"
            yield f"encoder {name!r} must give {expected}, got {tuple(features.values.shape)}"
        if not features.values.is_floating_point():
            yield f"encoder {name!r} must give floating-point vectors, got {features.values.dtype}"
        if not bool(features.valid.any(dim=1).all()):
            yield f"encoder {name!r} finds no valid element in some specimen; use longer specimens"
        if not bool(features.values[features.valid].isfinite().all()):
            yield f"encoder {name!r} gives vectors that are not finite"
        if (features.places is not None) != on_grid:
            yield f"of the encoders {name!r} and 'raw' one has its elements on a grid and one has a set: let them agree"


def learns(bench: Bench) -> Iterator[str]:
    """Encoders with weights that no gradient, or no finite one, reaches."""
    learning = 0
    for name, encoder in bench.encoders.items():
        weights = [weight for weight in encoder.parameters() if weight.requires_grad]
        if not weights:
            continue
        learning += 1
        modes = [(part, part.training) for part in encoder.modules()]
        encoder.eval()  # no dropout, and running statistics stay as they are
        features = encoder(bench.modality.collate([bench.specimens[0].item]))
        vectors = features.values[features.valid]
        # A random direction: normalised vectors have a constant sum, whose gradient is zero.
        goal = (vectors * torch.randn(vectors.shape, generator=torch.Generator().manual_seed(0))).sum()
        gradients = torch.autograd.grad(goal, weights, allow_unused=True) if goal.requires_grad else ()
        for part, mode in modes:
            part.training = mode
        reached = [gradient for gradient in gradients if gradient is not None]
        if not any(bool(gradient.any()) for gradient in reached):
            yield f"encoder {name!r} has weights, but none gets a gradient; avoid detach, no_grad, NumPy and rounding"
        elif not all(bool(gradient.isfinite().all()) for gradient in reached):
            yield f"encoder {name!r} gives gradients that are not finite; check for √0, log 0 and division by 0"
    if not learning:
        yield "no encoder has weights that learn; add one beside 'raw'"


def settings(bench: Bench) -> Iterator[str]:
    """Encoders that their JSON-able settings do not build again."""
    items = [specimen.item for specimen in bench.specimens]
    for name, encoder in bench.encoders.items():
        build = bench.modality.encoders[name]
        try:
            settings = settings_of(encoder, build)
        except TypeError as error:
            yield f"encoder {name!r}: {error}"
            continue
        try:
            written = json.dumps(settings)
        except (TypeError, ValueError) as error:
            yield f"encoder {name!r}: its settings are no JSON ({error}); keep numbers, texts, and lists of them"
            continue
        again = build(**json.loads(written))
        ours = {key: value.shape for key, value in encoder.state_dict().items()}
        if ours != {key: value.shape for key, value in again.state_dict().items()}:
            yield f"encoder {name!r}: settings {settings} build other weights than the encoder has"
        again.load_state_dict(encoder.state_dict())
        with evaluating(again):
            other = again(bench.modality.collate(items))
        if not close(bench.together(name).values, other.values):
            yield f"encoder {name!r}, built from its settings with the same weights, gives other features"


def padding(bench: Bench) -> Iterator[str]:
    """Items whose features differ in a batch and alone."""
    for name in bench.encoders:
        together = bench.together(name)
        for number, specimen in enumerate(bench.specimens):
            alone = bench.source(number) if name == "raw" else bench.encode(name, [specimen.item])
            apart, joint = alone.values[0][alone.valid[0]], together.values[number][together.valid[number]]
            if apart.shape != joint.shape:
                yield (
                    f"encoder {name!r} finds {len(apart)} valid elements in specimen {number} alone and {len(joint)} "
                    "in a batch; `valid` must mark the item's own elements only"
                )
            elif not close(apart, joint):
                off = float((apart - joint).abs().max())
                yield (
                    f"encoder {name!r} gives specimen {number} other vectors in a batch than alone (by {off:.2g}); "
                    "mask the padding inside the encoder"
                )
