"""Transformers that take clips of one size only: every clip is brought to it; its tubes stay in its own terms."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, final

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between, PositiveShare, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.local_checkpoint import blocks_of, load_weights, local_model
from gestalt.core.networks.pace import Frozen, Pace, stacked

from .data import Clips
from .lattice import IMAGENET, at_frames, normal

# From scratch on one machine, the published base model is far too large; `config={}` gives that.
SMALL_VIDEOMAE: Mapping[str, Any] = {
    "image_size": 64,
    "patch_size": 8,
    "num_frames": 8,
    "tubelet_size": 2,
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 512,
}


def fitted(
    network: Callable[[Float[Tensor, "batch 3 time side side"]], Float[Tensor, "batch dim times rows columns"]],
    data: Clips,
    frames: int,
    side: int,
    colours: tuple[tuple[float, ...], ...],
) -> FeatureMap:
    """Features of clips brought to `frames` frames (the ones on show at even moments) of `side` × `side` pixels.

    The lattice divides each clip's own seconds and pixels evenly. All of its elements are valid: nothing is padded.
    """
    values = network(_brought(data, frames, side, colours))
    cells = values.shape[2:]
    shares = [torch.arange(n + 1, dtype=torch.float32) / n for n in cells]
    seconds = at_frames(data.edges, data.sizes[:, 0], data.sizes[:, :1] * shares[0])
    space = [data.sizes[:, 1 + axis, None].float() * shares[1 + axis] for axis in (0, 1)]
    rows = rearrange(values, "b d t y x -> b (t y x) d")
    valid = torch.ones(rows.shape[:2], dtype=torch.bool, device=rows.device)
    return FeatureMap(rows, valid, Grid((seconds, *space)))


def _brought(
    data: Clips, frames: int, side: int, colours: tuple[tuple[float, ...], ...]
) -> Float[Tensor, "batch 3 time side side"]:
    """The clips at one size, each from its own; a program has clips of one size, for which sizes are no numbers."""
    if is_exporting():
        return _resized(data.frames, frames, side, colours)
    brought = torch.empty(len(data.frames), 3, frames, side, side, device=data.frames.device)
    for time, height, width in data.sizes.unique(dim=0).tolist():
        rows = (data.sizes == torch.tensor((time, height, width))).all(dim=1).nonzero()[:, 0].to(data.frames.device)
        brought[rows] = _resized(data.frames[rows][:, :time, :, :height, :width], frames, side, colours)
    return brought


def _resized(
    clips: UInt8[Tensor, "batch _ 3 _ _"], frames: int, side: int, colours: tuple[tuple[float, ...], ...]
) -> Float[Tensor, "batch 3 time side side"]:
    """Clips of one size at another."""
    # In halves of a frame, so that no length becomes a fraction: frame ⌊(i + 1/2) · time / frames⌋.
    index = (2 * torch.arange(frames, device=clips.device) + 1) * clips.shape[1] // (2 * frames)
    flat = normal(clips[:, index], colours).transpose(1, 2).flatten(0, 1)
    resized = nn.functional.interpolate(flat, size=(side, side), mode="bilinear", antialias=True)
    return rearrange(resized, "(b t) c y x -> b c t y x", t=frames)


@final
class MViT(AbstractEncoder):
    """torchvision's MViTv2-S; a tube takes 2 frames and 1 / 7 of a side (224 pixels), or 1 / 2 (64 pixels).

    Args:
        frames: frames that a clip is brought to, an even number; the published network takes 16.
        side: pixels a side that a clip is brought to, a multiple of 32; the published network takes 224.
        checkpoint: a local file of published weights; needs 16 frames and 224 pixels.
        frozen: how many of the lowest layers (all before the blocks is one) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: Li et al. (2022); torchvision's `mvit_v2_s`.
    """

    def __init__(
        self,
        frames: Annotated[int, Between(2, 1024)] = 8,
        side: Annotated[int, Between(32, 2048)] = 64,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.frames = frames
        self.side = side
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        if frames % 2 or side % 32:
            raise ValueError(f"frames must be even and side a multiple of 32, got frames={frames} and side={side}")
        self.checkpoint = None  # the architecture is built again without its weights
        self.model = _mvit(frames, side)
        if checkpoint is not None and (frames, side) != (16, 224):
            raise ValueError(f"published weights need frames=16 and side=224, got {frames} and {side}")
        load_weights(self.model, checkpoint, beside=("head.",))
        self.model.head = nn.Identity()
        self.paced = Pace(frozen, slower).over(self.model, stacked(self.model, list(self.model.blocks)))
        self.dim = 768

    def forward(self, data: Clips) -> FeatureMap:
        """One vector per tube; the class token is dropped."""
        return fitted(self._features, data, self.frames, self.side, ((0.45,) * 3, (0.225,) * 3))

    def _features(self, colours: Float[Tensor, "batch 3 time side side"]) -> Tensor:
        model = self.model
        x = model.pos_encoding(model.conv_proj(colours).flatten(2).transpose(1, 2))
        shape = (model.pos_encoding.temporal_size, *model.pos_encoding.spatial_size)
        for block in model.blocks:
            x, shape = block(x, shape)
        features: Tensor = rearrange(model.norm(x)[:, 1:], "b (t y x) d -> b d t y x", t=shape[0], y=shape[1])
        return features


def _mvit(frames: int, side: int) -> Any:
    """The blocks of MViTv2-S for clips of another size, which torchvision's own builder does not offer."""
    from torchvision.models.video.mvit import MSBlockConfig, MViT

    outputs = [96, 192, 192, *[384] * 11, 768, 768]
    inputs = [96, *outputs[:-1]]
    heads = [1, 2, 2, *[4] * 11, 8, 8]
    halving = (1, 3, 14)
    keys = [8, 4, 4, *[2] * 11, 1, 1]
    blocks = [
        MSBlockConfig(
            heads[number],
            inputs[number],
            outputs[number],
            [3, 3, 3],
            [3, 3, 3],
            [1, 2, 2] if number in halving else [1, 1, 1],
            [1, keys[number], keys[number]],
        )
        for number in range(16)
    ]
    return MViT(
        spatial_size=(side, side),
        temporal_size=frames,
        block_setting=blocks,
        residual_pool=True,
        residual_with_cls_embed=False,
        rel_pos_embed=True,
        proj_after_attn=True,
        stochastic_depth_prob=0.2,
    )


@final
class VideoMAE(AbstractEncoder):
    """The encoder of VideoMAE from transformers, which sees all tubes (nothing is masked).

    Args:
        config: what differs from the library's own default (the base model); None for a small network.
        checkpoint: a local folder with `config.json` and safetensors, instead of a configuration.
        frozen: how many of the lowest layers (the embedding is the first) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: Tong et al. (2022).
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.frozen = frozen
        self.slower = slower
        pace = Pace(frozen, slower)
        from transformers import VideoMAEModel

        self.model, self.config = local_model(VideoMAEModel, config, SMALL_VIDEOMAE, checkpoint)
        self.paced = pace.over(self.model, stacked(self.model, blocks_of(self.model)))
        self.checkpoint = None  # its configuration builds the network again
        self.dim = int(self.model.config.hidden_size)

    def forward(self, data: Clips) -> FeatureMap:
        """The last hidden layer."""
        shape = self.model.config
        return fitted(self._features, data, shape.num_frames, shape.image_size, IMAGENET)

    def _features(self, colours: Float[Tensor, "batch 3 time side side"]) -> Tensor:
        shape = self.model.config
        tokens = self.model(pixel_values=colours.transpose(1, 2)).last_hidden_state
        side = shape.image_size // shape.patch_size
        times = shape.num_frames // shape.tubelet_size
        features: Tensor = rearrange(tokens, "b (t y x) d -> b d t y x", t=times, y=side)
        return features
