"""A transformer over the elements of all parts, in two steps: elements of any part can be hidden from all others."""

from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import AttentionHeads, Depth, Width, check_ranges
from ...data.feature_map import FeatureMap
from ...data.parts import joined
from ...data.places import parts_in
from ...networks.elements import ClassifiesElements, DescribesElements
from ...networks.encoder import AbstractEncoder
from ...networks.transformer import Mixer
from ...networks.two_steps import InTwoSteps
from ..two_steps import encoders_in_two_steps
from .encoders import Builders, Settings, chosen_encoders, encoded
from .item import JointData


@final
class JointTransformer(AbstractEncoder):
    """The tokens of every part, projected into one space, and one transformer over all of them.

    Tokens are those of the first step of each part's encoder; its second step is not used. A vector for the part is
    added beside the places, so that a mask token tells where it stands, and in which part.

    What an element is (`element_targets`) are the numbers of its part's encoder, in columns of that part; elements of
    other parts have no number there (NaN).

    Args:
        builders: of every part.
        encoders: which encoder each part has, as `image=transformer,text=conv`; parts that are not named have the first
            of their modality in two steps.
        settings: of each part's encoder; what is not said has its default.
        dim: length of the vectors.
        depth: number of blocks.
        heads: of attention, which divide `dim`.

    Raises:
        ValueError: if the encoder of a part is not in two steps.

    Source: one encoder over patches of several modalities as in MultiMAE (Bachmann et al., 2022); any modalities is
    ours.
    """

    def __init__(
        self,
        builders: Builders,
        encoders: str = "",
        settings: Settings | None = None,
        dim: Width = 96,
        depth: Depth = 4,
        heads: AttentionHeads = 4,
    ) -> None:
        super().__init__()
        self.encoders, self.dim, self.depth, self.heads = encoders, dim, depth, heads
        self.settings = {} if settings is None else {name: dict(own) for name, own in settings.items()}
        check_ranges(self)
        chosen = chosen_encoders(encoders, builders, first_in_two_steps)
        made = {name: own[chosen[name]](**self.settings.get(name, {})) for name, own in builders.items()}
        for name, part in made.items():
            if not isinstance(part, InTwoSteps):
                able = ", ".join(encoders_in_two_steps(builders[name])) or "none"
                raise ValueError(
                    f"part {name!r} needs an encoder in two steps, got {chosen[name]!r}; there are: {able}"
                )
            for child, module in part.named_children():
                if isinstance(module, Mixer):  # a second step that nothing here uses would only lie in every file
                    setattr(part, child, nn.Identity())
        self.parts = nn.ModuleDict(made)
        self.projections = nn.ModuleDict({name: nn.Linear(part.dim, dim) for name, part in made.items()})
        self.kinds = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(dim)) for name in builders})
        self.mixer = Mixer(dim, depth, heads)

    @property
    def of_parts(self) -> dict[str, nn.Module]:
        """The first step of every part's encoder."""
        return dict(self.parts.items())

    def embed(self, data: JointData) -> FeatureMap:
        """The projected tokens of all parts."""
        tokens = encoded(self.parts, data, lambda part, own: _two_steps(part).embed(own))
        return joined(
            {
                name: own.with_values(self.projections[name](own.values) * own.valid[..., None])
                for name, own in tokens.items()
            },
            data.in_time,
        )

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """What the blocks make of the visible elements of all parts."""
        mixed: FeatureMap = self.mixer(self._of_parts(tokens), visible)
        return mixed

    def forward(self, data: JointData) -> FeatureMap:
        """One vector per element of every part."""
        return self.mix(self.embed(data))

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What every block gives."""
        return self.mixer.by_layer(self._of_parts(tokens), visible)

    def added_by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What the feed-forward network of every block adds."""
        return self.mixer.added_by_layer(self._of_parts(tokens), visible)

    def attention(self, data: JointData) -> Float[Tensor, "batch heads elements"]:
        """How much attention every element gets in the last block."""
        return self.mixer.attention(self._of_parts(self.embed(data)))

    def _of_parts(self, tokens: FeatureMap) -> FeatureMap:
        """The tokens with the vector of their part."""
        owner = parts_in(tokens.places).owner().to(tokens.values.device)
        return tokens.with_values(tokens.values + torch.stack(list(self.kinds.values()))[owner])

    @property
    def element_values(self) -> int:
        """Columns of all parts; 0 where a part does not say what its elements are."""
        widths = [_values(part) for part in self.parts.values()]
        return sum(widths) if all(widths) else 0

    def element_targets(self, data: JointData) -> FeatureMap:
        """The numbers of every element in the columns of its part, NaN in those of others."""
        first, maps = 0, {}
        described = encoded(self.parts, data, lambda part, own: _described(part).element_targets(own), _values)
        for name, own in described.items():
            wide = own.values.new_full((*own.valid.shape, self.element_values), torch.nan)
            wide[..., first : first + own.values.shape[2]] = own.values
            maps[name] = own.with_values(wide)
            first += own.values.shape[2]
        return joined(maps, data.in_time)

    @property
    def element_classes(self) -> int:
        """Classes of the parts whose elements have any, one after the other."""
        return sum(_classes(part) for part in self.parts.values())

    @property
    def all_classified(self) -> bool:
        """Whether the elements of every part have classes."""
        return all(_classes(part) for part in self.parts.values())

    def classes_of_elements(self, data: JointData) -> Int[Tensor, "batch elements"]:
        """The class of every element; −1 in parts that have none."""
        first, found = 0, []
        for name, own in encoded(self.parts, data, _class_map, lambda _: 1).items():
            classes, count = own.values[..., 0].long(), _classes(self.parts[name])
            found.append(classes + first if count else torch.full_like(classes, -1))
            first += count
        return torch.cat(found, dim=1)


def first_in_two_steps(builders: Any) -> str:
    """The first encoder in two steps.

    Raises:
        ValueError: if there is none.
    """
    able: tuple[str, ...] = encoders_in_two_steps(builders)
    if not able:
        raise ValueError(f"a part needs an encoder in two steps, and there are only {', '.join(builders)}")
    return able[0]


def _two_steps(part: nn.Module) -> InTwoSteps:
    assert isinstance(part, InTwoSteps)
    return part


def _described(part: nn.Module) -> DescribesElements:
    assert isinstance(part, DescribesElements)
    return part


def _values(part: nn.Module) -> int:
    return part.element_values if isinstance(part, DescribesElements) else 0


def _classes(part: nn.Module) -> int:
    return part.element_classes if isinstance(part, ClassifiesElements) else 0


def _class_map(part: nn.Module, own: Any) -> FeatureMap:
    """The classes of one part as numbers: whole ones are exact in double precision."""
    tokens = _two_steps(part).embed(own)
    if not isinstance(part, ClassifiesElements) or not part.element_classes:
        return tokens.with_values(tokens.values.new_zeros(*tokens.valid.shape, 1).double())
    return tokens.with_values(part.classes_of_elements(own)[..., None].double())
