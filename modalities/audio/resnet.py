"""torchvision's ResNets on log-mel images, with padding kept out of every layer."""

from functools import partial
from typing import Annotated, Any, final

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between, PositiveShare, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.channels_last import in_channels_last
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.local_checkpoint import load_weights
from gestalt.core.networks.pace import Frozen, Pace

from .data import Waveforms
from .front_end import (
    Floor,
    LogMelFrames,
    Mels,
    Milliseconds,
    SampleRate,
    count,
    longest,
    lowest_band,
    masked,
    mel_edges,
    valid_elements,
    whole_samples,
)


@final
class ResNet(AbstractEncoder):
    """A torchvision ResNet on log-mel images (time × frequency); a grid of seconds and octaves.

    Strides of the last stages are set to 1 until one element takes `stride` frames and `stride` mel bands. The centre
    of cell `(i, k)` lies at frame `stride · i` and band `stride · k`, as the networks' paddings make it.

    Args:
        name: `resnet18`, `resnet34` or `resnet50`.
        stride: frames and mel bands that an element takes: 8, 16 or 32.
        mels: bands of the log-mel spectrum, equally spaced in mel.
        window_ms: length of the window of each spectrum, in milliseconds, to the nearest sample.
        hop_ms: step from one spectrum to the next, in milliseconds, to the nearest sample.
        floor: power in dB of full scale that counts as silence.
        sample_rate: of the recordings, in Hz.
        checkpoint: a local file of torchvision's weights, or of others for its architecture; the first convolution
            takes the sum over their colours.
        frozen: how many of the lowest layers (the stem, then the stages) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Example:
        >>> encoder = ResNet("resnet18", mels=64)
        >>> features = encoder(Waveforms(torch.randn(1, 16_000), torch.tensor([16_000]), 16_000))
        >>> features.values.shape, features.grid.shape
        (torch.Size([1, 32, 512]), (8, 4))
    """

    def __init__(
        self,
        name: str,
        stride: Annotated[int, Between(8, 32, only=(8, 16, 32))] = 16,
        mels: Mels = 64,
        window_ms: Milliseconds = 32.0,
        hop_ms: Milliseconds = 8.0,
        floor: Floor = -80.0,
        sample_rate: SampleRate = 16_000,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        from torchvision.models import resnet

        if name not in ("resnet18", "resnet34", "resnet50"):
            raise ValueError(f"name is resnet18, resnet34 or resnet50, got {name!r}")
        self.name = name
        self.stride = stride
        self.mels = mels
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.floor = floor
        self.sample_rate = sample_rate
        self.checkpoint = None  # the architecture is built again without its weights
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        window, hop = whole_samples(window_ms, sample_rate, "window_ms"), whole_samples(hop_ms, sample_rate, "hop_ms")
        self.frames = LogMelFrames(
            sample_rate, mels, window, hop, lowest_band(sample_rate), 0.4875 * sample_rate, floor
        )
        network = getattr(resnet, name)(weights=None)
        load_weights(network, checkpoint, beside=("fc.",))
        self.stem = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.stem_norm = nn.BatchNorm2d(64)
        if checkpoint is not None:
            self.stem.load_state_dict({"weight": network.conv1.weight.sum(dim=1, keepdim=True)})
            self.stem_norm.load_state_dict(network.bn1.state_dict())
        self.stages = nn.ModuleList([network.layer1, network.layer2, network.layer3, network.layer4])
        for stage in list(self.stages)[{8: 2, 16: 3, 32: 4}[stride] :]:
            for layer in stage.modules():
                if isinstance(layer, nn.Conv2d):
                    layer.stride = (1, 1)
        self.paced = Pace(frozen, slower).over(self, [[self.stem, self.stem_norm], *([stage] for stage in self.stages)])
        self.dim = int(network.fc.in_features)
        self.widths = tuple(self.dim >> back for back in (3, 2, 1, 0))
        in_channels_last(self)

    def forward(self, data: Waveforms) -> FeatureMap:
        """One vector per cell, numbered time first; cells of a frame beyond the recording are not valid."""
        return self.at_stage(len(self.stages), data)

    def at_stage(self, number: int, data: Waveforms) -> FeatureMap:
        """What the network knows after stage `number` of its four, from 1 on: finer cells of fewer channels.

        Example:
            >>> encoder = ResNet("resnet18", mels=64)
            >>> features = encoder.at_stage(1, Waveforms(torch.randn(1, 16_000), torch.tensor([16_000]), 16_000))
            >>> features.values.shape, features.grid.shape, encoder.widths
            (torch.Size([1, 512, 64]), (32, 16), (64, 128, 256, 512))
        """
        hop = self.frames.hop
        frames = longest(data.samples.shape[1], hop)
        counts = count(data.lengths, hop)
        x = rearrange(masked(self.frames(data, frames), valid_elements(counts, frames)), "b m t -> b 1 t m")
        x = _normal(self.stem_norm, self.stem(x), counts, frames).relu()
        x = _pooled(x)
        x = x * _mask(x, counts, frames)[:, None, :, None]
        for stage in self.stages[:number]:
            for block in stage.children():
                x = _residual(block, x, counts, frames)
        valid = _mask(x, counts, frames)[..., None].expand(-1, -1, x.shape[3])
        values = rearrange(x, "b c t m -> b (t m) c")
        return FeatureMap(values, rearrange(valid, "b t m -> b (t m)"), self._grid(x.shape[2], x.shape[3], number))

    def _grid(self, times: int, bands: int, stage: int) -> Grid:
        stride = min(2 << stage, self.stride)
        seconds = self.frames.hop / self.frames.sample_rate
        half = 0.5 - stride / 2
        time = (stride * torch.arange(times + 1, dtype=torch.float32) + half)[None] * seconds
        band = [stride * number + half for number in range(bands + 1)]
        return Grid((time, mel_edges(self.frames.mels, self.frames.low, self.frames.high, band)))


def _pooled(x: Float[Tensor, "batch channels time bands"]) -> Tensor:
    """The greatest of 3 × 3 places, every other place along both axes."""
    if is_exporting():  # with strides, torch asks whether the number of frames of the examples is even
        rows, columns = (2 * torch.arange((x.shape[axis] + 1) // 2, device=x.device) for axis in (2, 3))
        return nn.functional.max_pool2d(x, 3, stride=1, padding=1)[:, :, rows][..., columns]
    return nn.functional.max_pool2d(x, 3, stride=2, padding=1)


def _mask(x: Float[Tensor, "batch channels time bands"], counts: Tensor, frames: int) -> Bool[Tensor, "batch time"]:
    """Which of the rows, `stride` frames apart, lie on a valid frame; the stride follows from the shapes."""
    stride = 1
    while -(-frames // stride) > x.shape[2]:
        stride *= 2
    return torch.arange(x.shape[2], device=x.device) * stride < counts[:, None]


def _normal(norm: nn.Module, x: Float[Tensor, "batch channels time bands"], counts: Tensor, frames: int) -> Tensor:
    """Batch normalisation into whose statistics no padding enters; zeros on padding."""
    valid = _mask(x, counts, frames)
    if is_exporting():  # places are normalised alone, once it has learned
        normal: Tensor = norm(x)
        return normal * valid[:, None, :, None]
    columns = x.transpose(1, 2)
    # In another order in memory than this, an axis of one column would give wrong gradients (torch 2.11).
    rows = norm(columns[valid].contiguous()[..., None])[..., 0]
    scattered: Tensor = rows.new_zeros(columns.shape).masked_scatter(valid[..., None, None], rows)
    return scattered.transpose(1, 2)


def _residual(block: Any, x: Float[Tensor, "batch channels time bands"], counts: Tensor, frames: int) -> Tensor:
    """torchvision's BasicBlock or Bottleneck, with padding kept out between its layers."""
    layers = [(block.conv1, block.bn1), (block.conv2, block.bn2)]
    if hasattr(block, "conv3"):
        layers.append((block.conv3, block.bn3))
    inner = x
    for number, (convolution, norm) in enumerate(layers):
        inner = _normal(norm, convolution(inner), counts, frames)
        inner = inner.relu() if number + 1 < len(layers) else inner
    if block.downsample is not None:
        x = _normal(block.downsample[1], block.downsample[0](x), counts, frames)
    return (x + inner).relu()


resnet18 = partial(ResNet, "resnet18")
resnet34 = partial(ResNet, "resnet34")
resnet50 = partial(ResNet, "resnet50")
