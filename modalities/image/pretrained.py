"""The field's transformers on pictures: ViT, DINOv2 and Swin of transformers, and any model of timm."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, final

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.ranges import Between, PositiveShare, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.local_checkpoint import blocks_of, local_model
from gestalt.core.networks.pace import Frozen, Layer, Pace, stacked

from .data import Pictures
from .encoders import check_channels
from .layout import Channels, by_size, image_processor, standardised

# From scratch on one machine, the published base models are far too large; `config={}` gives those.
SMALL: Mapping[str, Any] = {
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "intermediate_size": 768,
    "image_size": 64,
    "patch_size": 8,
}
SMALL_DINOV2: Mapping[str, Any] = {key: value for key, value in SMALL.items() if key != "intermediate_size"}
SMALL_SWIN: Mapping[str, Any] = {
    "image_size": 64,
    "embed_dim": 48,
    "depths": [2, 2, 2],
    "num_heads": [3, 6, 12],
    "window_size": 3,
}


@final
class VisionTransformer(AbstractEncoder):
    """ViT or DINOv2 of transformers: one vector per patch; prefix tokens (class, registers) take part and are dropped.

    Pictures of any size: positions are interpolated, and the last patches are filled with the picture's own border.

    Args:
        kind: `vit` or `dinov2`.
        config: what differs from the library's own default (the base model); None for a small network.
        checkpoint: a local folder with `config.json` and safetensors, instead of a configuration.
        frozen: how many of the lowest layers (the embedding is the first) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.
    """

    def __init__(
        self,
        kind: str,
        config: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.frozen = frozen
        self.slower = slower
        pace = Pace(frozen, slower)
        import transformers

        # Unlike `add_pooling_layer=False`, this works for both classes and both ways of building them.
        model_class = {"vit": transformers.ViTModel, "dinov2": transformers.Dinov2Model}[kind]
        small = {"vit": SMALL, "dinov2": SMALL_DINOV2}[kind]
        self.model, self.config = local_model(model_class, config, small, checkpoint)
        self.checkpoint = None  # its configuration builds the network again
        if getattr(self.model, "pooler", None) is not None:
            self.model.pooler = None  # nothing here reads the class token, and unused weights get no gradient
        self.paced = pace.over(self.model, stacked(self.model, blocks_of(self.model)))
        self.kind = kind
        self.channels = int(self.model.config.num_channels)
        self.patch = int(self.model.config.patch_size)
        self.dim = int(self.model.config.hidden_size)

    def forward(self, data: Pictures) -> FeatureMap:
        """The last hidden layer, normalised."""
        check_channels(data, self.channels)
        return by_size(self._maps, data, self.patch, fold=self.patch)

    def _maps(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        rows, columns = pixels.shape[2] // self.patch, pixels.shape[3] // self.patch
        further = {"interpolate_pos_encoding": True} if self.kind == "vit" else {}
        tokens = self.model(pixel_values=standardised(pixels), **further).last_hidden_state
        maps: Tensor = rearrange(tokens[:, -rows * columns :], "b (h w) d -> b d h w", h=rows, w=columns)
        return maps

    def library_parts(self) -> Sequence[Any]:
        """The model of transformers, and what brings pictures to its form."""
        return self.model, image_processor(self.channels)


vit = partial(VisionTransformer, "vit")
dinov2 = partial(VisionTransformer, "dinov2")


@final
class TransformersSwin(AbstractEncoder):
    """Swin of transformers, read after stage `stage` (0 has cells of one patch; every further stage doubles them).

    Args:
        config: what differs from the library's own default (Swin-T); None for a small network.
        checkpoint: a local folder with `config.json` and safetensors, instead of a configuration.
        stage: after which the maps are read, 0 for the finest; None for the last one.
        frozen: how many of the lowest layers (the patches, then the stages) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
        stage: Annotated[int, Between(0, 31)] | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.frozen = frozen
        self.slower = slower
        pace = Pace(frozen, slower)
        from transformers import SwinModel

        self.model, self.config = local_model(SwinModel, config, SMALL_SWIN, checkpoint)
        self.checkpoint = None  # its configuration builds the network again
        self.model.pooler = None
        stages = len(self.model.config.depths)
        self.stage = stages - 1 if stage is None else stage
        check_ranges(self)
        if self.stage >= stages:
            raise ValueError(f"stage is one of 0 … {stages - 1}, got {stage}")
        self.paced = pace.over(self.model, stacked(self.model, list(self.model.encoder.layers)[: self.stage + 1]))
        self.last = self.stage == stages - 1
        self.channels = int(self.model.config.num_channels)
        self.stride = int(self.model.config.patch_size) << self.stage
        self.fold = int(self.model.config.patch_size) << (stages - 1)
        self.dim = int(self.model.config.embed_dim) << self.stage
        self.norm: nn.Module = nn.Identity() if self.last else nn.LayerNorm(self.dim)
        self.least = int(self.model.config.window_size)

    def forward(self, data: Pictures) -> FeatureMap:
        """The hidden layer after the stage, normalised."""
        check_channels(data, self.channels)
        # Below one window of the coarsest stage, the library shrinks its windows and keeps them so for later pictures.
        return by_size(self._maps, data, self.stride, fold=self.fold, least=self.least + 1)

    def _maps(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        rows, columns = pixels.shape[2] // self.stride, pixels.shape[3] // self.stride
        seen = self.model(
            pixel_values=standardised(pixels), output_hidden_states=not self.last, interpolate_pos_encoding=True
        )
        if self.last:
            tokens = seen.last_hidden_state
        else:  # state s + 1 is what leaves stage s, already merged for the next one; state s is what entered it
            tokens = self.norm(rearrange(seen.reshaped_hidden_states[self.stage], "b d h w -> b (h w) d"))
        maps: Tensor = rearrange(tokens, "b (h w) d -> b d h w", h=rows, w=columns)
        return maps


@final
class Timm(AbstractEncoder):
    """Any model of timm that gives feature maps: convolutional, transformer with prefix tokens, or both.

    Args:
        model: its name in timm, `timm.list_models()`.
        level: which of its feature maps is read, counted from the finest, or from the coarsest if negative.
        checkpoint: a local file with the model's weights, safetensors or of `torch.save`; nothing is fetched.
        options: further arguments of `timm.create_model`.
        channels: of the pictures, 3 for colours.
        frozen: how many of the lowest layers (the stem, then stages or blocks) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Raises:
        ImportError: if timm is not installed.
    """

    def __init__(
        self,
        model: str = "convnext_atto",
        level: Annotated[int, Between(-64, 63)] = -2,
        checkpoint: str | None = None,
        options: Mapping[str, Any] | None = None,
        channels: Channels = 3,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.frozen = frozen
        self.slower = slower
        pace = Pace(frozen, slower)
        self.level = level
        self.channels = channels
        check_ranges(self)
        try:
            import timm
        except ModuleNotFoundError as error:
            raise ImportError(
                "the encoder 'timm' needs the library timm; install it with: pip install 'gestalt-ssl[timm]'"
            ) from error
        if not timm.is_model(model):
            near = ", ".join(timm.list_models(f"*{model.split('_')[0]}*")[:5]) or "see timm.list_models()"
            raise ValueError(f"timm has no model {model!r}; near it: {near}")
        self.model = model
        self.checkpoint = None  # the architecture is built again without its weights
        self.options = dict(options or {})
        self.network: Any = _features(
            timm, model, checkpoint, {**self.options, "in_chans": channels, "out_indices": (level,)}
        )
        self.paced = pace.over(self.network, _layers(self.network))
        self.stride = int(self.network.feature_info.reduction()[0])
        self.dim = int(self.network.feature_info.channels()[0])
        self.start = 0.0 if _in_patches(self.network) else 0.5 - self.stride / 2

    def forward(self, data: Pictures) -> FeatureMap:
        """One vector per cell of the level."""
        check_channels(data, self.channels)
        return by_size(self._maps, data, self.stride, self.start, self.stride)

    def _maps(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        maps: Tensor = self.network(standardised(pixels))[0]
        # Some families (Swin) give channels last.
        return maps if maps.shape[1] == self.dim else maps.permute(0, 3, 1, 2)


def _layers(network: nn.Module) -> list[Layer]:
    """The stem of a model of timm, and each of its stages or blocks."""
    root = getattr(network, "model", network)
    named = dict(root.named_children())
    whole = next((named[name] for name in ("blocks", "stages", "layers") if name in named), None)
    if whole is not None:
        return stacked(root, list(whole.children()))
    stages = [part for name, part in named.items() if re.match(r"(stages|layers?|blocks?)_?\d", name)]
    return stacked(root, stages or [part for part in named.values() if next(part.parameters(), None) is not None])


def _features(timm: Any, model: str, checkpoint: str | None, options: dict[str, Any]) -> Any:
    """The model as a pyramid of feature maps, for pictures of any size where its family can."""
    if checkpoint is None:
        return _created(timm, model, options)
    if not Path(checkpoint).is_file():
        raise FileNotFoundError(f"{checkpoint} is no file; name a local file with the model's weights")
    with torch.random.fork_rng(devices=[]):
        at_random = dict(_created(timm, model, options).named_parameters())
    options = options | {"pretrained": True, "pretrained_cfg_overlay": {"file": checkpoint}}
    try:
        network = _created(timm, model, options)
    except (RuntimeError, KeyError) as error:
        raise ValueError(f"{checkpoint} holds weights of another network than {model}: {str(error)[:300]}") from error
    # The library passes over names that it does not know: what still is as it was drawn was not in the file.
    missing = [name for name, p in network.named_parameters() if p.ndim > 1 and torch.equal(p, at_random[name])]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ValueError(
            f"{checkpoint} holds weights of another network than {model}: nothing in it is for "
            f"{', '.join(missing[:3])}{more}; name the model that they were trained in"
        )
    return network


def _created(timm: Any, model: str, options: dict[str, Any]) -> Any:
    try:
        try:
            return timm.create_model(model, features_only=True, dynamic_img_size=True, **options)
        except TypeError:  # convolutional families take any size without being asked
            return timm.create_model(model, features_only=True, **options)
    except (IndexError, AssertionError) as error:
        raise ValueError(
            f"level must be one of the feature maps of {model}, 0 … from the finest or −1 … from the coarsest, "
            f"got {options['out_indices'][0]}"
        ) from error


def _in_patches(model: nn.Module) -> bool:
    """Whether the first convolution cuts the picture into patches; otherwise its padded kernels centre on pixels."""
    first = next((layer for layer in model.modules() if isinstance(layer, nn.Conv2d)), None)
    return first is None or first.kernel_size == first.stride
