"""The field's transformers on audio: wav2vec 2.0, HuBERT and AST, from a configuration or a local checkpoint."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, final

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between, Positive, PositiveShare, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.local_checkpoint import blocks_of, load_weights, local_model
from gestalt.core.networks.pace import Frozen, Pace, stacked

from .data import Waveforms
from .front_end import SampleRate, count, mel_edges, silenced, valid_elements
from .kaldi import SHIFT, KaldiFrames
from .lattice import Lattice

# From scratch on one machine, the published base models are far too large; `config={}` gives those.
SMALL: Mapping[str, Any] = {
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 768,
}
SMALL_SPEECH: Mapping[str, Any] = {
    **SMALL,
    "conv_dim": [128] * 7,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "layerdrop": 0.0,
}
SMALL_AST: Mapping[str, Any] = {**SMALL, "max_length": 416}
SMALL_TORCHAUDIO: Mapping[str, Any] = {
    "extractor_mode": "layer_norm",
    "extractor_conv_layer_config": [[128, 10, 5], *[[128, 3, 2]] * 4, *[[128, 2, 2]] * 2],
    "encoder_embed_dim": 192,
    "encoder_num_layers": 4,
    "encoder_num_heads": 4,
    "encoder_ff_interm_features": 768,
    "encoder_layer_norm_first": True,
    "encoder_layer_drop": 0.0,
}


def _prepared(data: Waveforms, sample_rate: int, field: int, normalise: bool) -> Float[Tensor, "batch time"]:
    """Waveforms with silent padding, at least `field` long, each with mean 0 and variance 1 if asked."""
    if data.sample_rate != sample_rate:
        raise ValueError(f"the encoder takes {sample_rate} Hz, the data have {data.sample_rate} Hz; resample the data")
    samples = silenced(data)
    if normalise:
        lengths = data.lengths.clamp(min=1)[:, None]
        mean = samples.sum(dim=1, keepdim=True) / lengths
        centred = silenced(Waveforms(samples - mean, data.lengths, data.sample_rate))
        samples = centred * torch.rsqrt(centred.square().sum(dim=1, keepdim=True) / lengths + 1e-7)
    return nn.functional.pad(samples, (0, max(0, field - samples.shape[1])))


def _each_length(
    extract: Callable[[Tensor], Tensor], samples: Float[Tensor, "batch time"], lengths: Tensor, field: int
) -> Float[Tensor, "batch elements dim"]:
    """`extract` on items of one length at a time, for networks whose normalisation runs over all the time there is."""
    parts: list[tuple[Tensor, Tensor]] = []
    for length in lengths.unique().tolist():
        rows = (lengths == length).nonzero()[:, 0]
        parts.append((rows, extract(samples[rows, : max(length, field)])))
    elements = max(part.shape[1] for _, part in parts)
    together = parts[0][1].new_zeros(len(samples), elements, parts[0][1].shape[2])
    for rows, part in parts:
        together = together.index_copy(0, rows, nn.functional.pad(part, (0, 0, 0, elements - part.shape[1])))
    return together


def _check_rate(checkpoint: str | None, sample_rate: int) -> None:
    """Refuse a sample rate that a checkpoint was not trained at, where its folder says which that is."""
    path = None if checkpoint is None else Path(checkpoint) / "preprocessor_config.json"
    if path is None or not path.is_file():
        return
    trained = json.loads(path.read_text(encoding="utf-8")).get("sampling_rate", sample_rate)
    if trained != sample_rate:
        raise ValueError(
            f"{checkpoint} was trained at {trained} Hz, got sample_rate={sample_rate}; "
            f"read the recordings with Audio(sample_rate={trained}), or --sample-rate {trained}"
        )


@final
class SpeechTransformer(AbstractEncoder):
    """wav2vec 2.0 or HuBERT of transformers: convolutions on the waveform, then attention over valid elements only.

    No features are masked while training: views bring their own masks. Networks with group normalisation (the base
    models) are run length by length, since their statistics run over the padding otherwise.

    Args:
        kind: `wav2vec2` or `hubert`.
        config: what differs from the library's own default (the base model); None for a small network.
        checkpoint: a local folder with `config.json` and safetensors, instead of a configuration.
        normalise: bring every item to mean 0 and variance 1, as the published models expect.
        sample_rate: of the recordings, in Hz; a checkpoint fixes it.
        frozen: how many of the lowest layers (all before attention is one) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.
    """

    def __init__(
        self,
        kind: str,
        config: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
        normalise: bool = True,
        sample_rate: SampleRate = 16_000,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        from transformers import HubertModel, Wav2Vec2Model

        model_class = {"wav2vec2": Wav2Vec2Model, "hubert": HubertModel}[kind]
        self.kind = kind
        self.model, self.config = local_model(model_class, config, SMALL_SPEECH, checkpoint)
        _check_rate(checkpoint, sample_rate)
        self.checkpoint = None  # its configuration builds the network again
        self.paced = Pace(frozen, slower).over(self.model, stacked(self.model, blocks_of(self.model)))
        self.lattice = Lattice(self.model.config.conv_kernel, self.model.config.conv_stride)
        self.normalise = normalise
        self.dim = int(self.model.config.hidden_size)

    def forward(self, data: Waveforms) -> FeatureMap:
        """The last hidden layer."""
        samples = _prepared(data, self.sample_rate, self.lattice.field, self.normalise)
        if self.model.config.feat_extract_norm == "group":
            local = _each_length(self._local, samples, data.lengths, self.lattice.field)
        else:
            local = self._local(samples)
        valid = valid_elements(self.lattice.counts(data.lengths), local.shape[1])
        projected = self.model.feature_projection(local)
        projected = projected[0] if isinstance(projected, tuple) else projected
        values = self.model.encoder(projected, attention_mask=valid).last_hidden_state
        return FeatureMap(values, valid, self.lattice.grid(values.shape[1], self.sample_rate))

    def library_parts(self) -> Sequence[Any]:
        """The model of transformers, and what brings sound to its form."""
        from transformers import Wav2Vec2FeatureExtractor

        rate, normalise = self.sample_rate, self.normalise
        return self.model, Wav2Vec2FeatureExtractor(1, rate, 0.0, do_normalize=normalise, return_attention_mask=True)  # type: ignore[no-untyped-call]

    def _local(self, samples: Float[Tensor, "batch time"]) -> Float[Tensor, "batch elements dim"]:
        local: Tensor = self.model.feature_extractor(samples)
        return local.transpose(1, 2)


wav2vec2 = partial(SpeechTransformer, "wav2vec2")
hubert = partial(SpeechTransformer, "hubert")


@final
class TorchaudioWav2Vec2(AbstractEncoder):
    """wav2vec 2.0 of torchaudio, from its configuration: the arguments of `wav2vec2_model`.

    Args:
        config: what differs from `torchaudio.models.wav2vec2_base`; None for a small network, or with a checkpoint for
            that base.
        normalise: bring every item to mean 0 and variance 1.
        sample_rate: of the recordings, in Hz; a checkpoint fixes it.
        checkpoint: a local file of weights for the configuration.
        frozen: how many of the lowest layers (all before attention is one) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        normalise: bool = True,
        sample_rate: SampleRate = 16_000,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        from torchaudio.models import wav2vec2_model

        small = SMALL_TORCHAUDIO if checkpoint is None else {}
        self.config = chosen = dict(small if config is None else config)
        whole: dict[str, Any] = {
            "extractor_mode": "group_norm",
            "extractor_conv_layer_config": [[512, 10, 5], *[[512, 3, 2]] * 4, *[[512, 2, 2]] * 2],
            "extractor_conv_bias": False,
            "encoder_embed_dim": 768,
            "encoder_projection_dropout": 0.1,
            "encoder_pos_conv_kernel": 128,
            "encoder_pos_conv_groups": 16,
            "encoder_num_layers": 12,
            "encoder_num_heads": 12,
            "encoder_attention_dropout": 0.1,
            "encoder_ff_interm_features": 3072,
            "encoder_ff_interm_dropout": 0.1,
            "encoder_dropout": 0.1,
            "encoder_layer_norm_first": False,
            "encoder_layer_drop": 0.1,
        }
        if chosen.keys() - whole.keys():
            unknown = ", ".join(sorted(chosen.keys() - whole.keys()))
            raise ValueError(f"wav2vec2_model has no arguments {unknown}; it has {', '.join(whole)}")
        whole |= chosen
        self.model = wav2vec2_model(**whole, aux_num_out=None)
        load_weights(self.model, checkpoint, beside=("aux.",))
        self.checkpoint = None  # its configuration builds the network again
        transformer: Any = self.model.encoder.transformer
        self.paced = Pace(frozen, slower).over(self.model, stacked(self.model, list(transformer.layers)))
        layers = whole["extractor_conv_layer_config"]
        self.lattice = Lattice([kernel for _, kernel, _ in layers], [stride for _, _, stride in layers])
        self.by_length = whole["extractor_mode"] == "group_norm"
        self.normalise = normalise
        self.dim = int(whole["encoder_embed_dim"])

    def forward(self, data: Waveforms) -> FeatureMap:
        """The last hidden layer."""
        samples = _prepared(data, self.sample_rate, self.lattice.field, self.normalise)
        if self.by_length:
            local = _each_length(self._local, samples, data.lengths, self.lattice.field)
        else:
            local = self._local(samples)
        counts = self.lattice.counts(data.lengths)
        values = self.model.encoder(local, counts)
        valid = valid_elements(counts, values.shape[1])
        return FeatureMap(values, valid, self.lattice.grid(values.shape[1], self.sample_rate))

    def _local(self, samples: Float[Tensor, "batch time"]) -> Float[Tensor, "batch elements dim"]:
        local: Tensor = self.model.feature_extractor(samples, None)[0]
        return local


@final
class AST(AbstractEncoder):
    """The Audio Spectrogram Transformer of transformers: overlapping patches of a mel spectrogram.

    Every item is padded to the configuration's `max_length` frames of 10 ms, as the network demands; the padding takes
    part in its attention, the same way whatever else is in the batch. The two prefix tokens are dropped, and patches
    are numbered time first.

    Args:
        config: what differs from the library's own default (the base model); None for a small network for 4 s.
        checkpoint: a local folder with `config.json` and safetensors, instead of a configuration.
        mean: of the spectrogram's values (ln of power), in the data that the network was trained on (AudioSet).
        deviation: of the same values, above 0.
        sample_rate: of the recordings, in Hz; a checkpoint fixes it.
        frozen: how many of the lowest layers (all before attention is one) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
        mean: Annotated[float, Between(-1000.0, 1000.0)] = -4.2677393,
        deviation: Positive = 4.5689974,
        sample_rate: SampleRate = 16_000,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.mean = mean
        self.deviation = deviation
        self.sample_rate = sample_rate
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        from transformers import ASTModel

        self.model, self.config = local_model(ASTModel, config, SMALL_AST, checkpoint)
        _check_rate(checkpoint, sample_rate)
        self.checkpoint = None  # its configuration builds the network again
        self.paced = Pace(frozen, slower).over(self.model, stacked(self.model, blocks_of(self.model)))
        self.dim = int(self.model.config.hidden_size)
        self.spectrogram = KaldiFrames(sample_rate, self.model.config.num_mel_bins, self.model.config.max_length)

    @property
    def longest(self) -> float:
        """The seconds of the longest item that it takes."""
        return float(self.model.config.max_length * SHIFT / 1000)

    def forward(self, data: Waveforms) -> FeatureMap:
        """The last hidden layer; patches whose centre lies beyond the recording are not valid.

        Raises:
            ValueError: if an item has more frames than `max_length`.
        """
        shape = self.model.config
        hop, window = self.spectrogram.hop, self.spectrogram.window
        if not is_exporting():
            self._check_lengths(data.lengths)
        samples = _prepared(data, self.sample_rate, window, normalise=False)
        times = (shape.max_length - shape.patch_size) // shape.time_stride + 1
        bands = (shape.num_mel_bins - shape.patch_size) // shape.frequency_stride + 1
        spectrogram = (self.spectrogram(samples, data.lengths) - self.mean) / (2 * self.deviation)
        tokens = self.model(input_values=spectrogram).last_hidden_state
        values = rearrange(tokens[:, 2:], "b (f t) d -> b (t f) d", t=times)
        step = shape.time_stride * hop
        begin = ((shape.patch_size - 1 - shape.time_stride) * hop + window) // 2
        valid = valid_elements(count(data.lengths, step, begin), times).repeat_interleave(bands, dim=1)
        time = (begin + step * torch.arange(times + 1, dtype=torch.float32))[None] / self.sample_rate
        half = (shape.patch_size - shape.frequency_stride) / 2
        band = [half + shape.frequency_stride * number for number in range(bands + 1)]
        octaves = mel_edges(shape.num_mel_bins, 20.0, self.sample_rate / 2, band)
        return FeatureMap(values, valid, Grid((time, octaves)))

    def library_parts(self) -> Sequence[Any]:
        """The model of transformers, and what makes spectrograms as it takes them."""
        from transformers import ASTFeatureExtractor

        shape = self.model.config
        bands, longest = shape.num_mel_bins, shape.max_length
        made = ASTFeatureExtractor(1, self.sample_rate, bands, longest, mean=self.mean, std=self.deviation)  # type: ignore[no-untyped-call]
        return self.model, made

    def _check_lengths(self, lengths: Tensor) -> None:
        most, frames = self.spectrogram.frames, int(self.spectrogram.counts(lengths).max())
        if frames > most:
            raise ValueError(
                f"AST takes at most {most} frames ({self.longest:.2f} s), "
                f"got {frames}; use shorter items, or a config with max_length={frames}"
            )
