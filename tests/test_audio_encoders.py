"""Every encoder gives one vector per element, knows each element's seconds, and never sees the padding."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.methods.adversary import Adversary
from gestalt.core.modality.optional import InfersEncoderSettings
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.audio import MODALITY, Audio, Recording, Waveforms
from tests.kept import saved
from tests.listed import Listed

SPEECH: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "conv_dim": [16] * 7, "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
LAYER = {**SPEECH, "feat_extract_norm": "layer", "do_stable_layer_norm": True}
AST = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "max_length": 204, "num_mel_bins": 32,
}  # fmt: skip
TORCHAUDIO = {
    "extractor_conv_layer_config": [[16, 10, 5], *[[16, 3, 2]] * 4, *[[16, 2, 2]] * 2], "encoder_embed_dim": 16,
    "encoder_num_layers": 2, "encoder_num_heads": 2, "encoder_ff_interm_features": 32,
    "encoder_pos_conv_kernel": 8, "encoder_pos_conv_groups": 2,
}  # fmt: skip
BUILDS: list[tuple[str, dict[str, Any]]] = [
    ("raw", {}),
    ("conv", {"width": 32, "kernels": [5, 3], "margin": 2, "norm": "layer"}),
    ("conv", {"width": 32, "norm": "row", "dilations": 2, "per_element": 4}),
    ("resnet18", {"stride": 8, "mels": 32}),
    ("resnet18", {"stride": 32, "mels": 32}),
    ("resnet50", {"stride": 16, "mels": 32, "hop_ms": 16.0}),
    ("wav2vec2", {"config": SPEECH}),
    ("wav2vec2", {"config": LAYER, "normalise": False}),
    ("hubert", {"config": LAYER}),
    ("torchaudio_wav2vec2", {"config": TORCHAUDIO}),
    ("torchaudio_wav2vec2", {"config": {**TORCHAUDIO, "extractor_mode": "layer_norm"}}),
    ("ast", {"config": AST}),
    ("dilated", {}),
    ("dilated", {"width": 24, "membership": 8, "types": 0, "dilations": [1, 3], "norm": "layer", "mels": 32}),
    (
        "dilated",
        {"width": 24, "membership": 8, "types": 16, "dilations": [1, 3], "around": 0.4, "norm": "row", "mels": 32},
    ),
    ("unet", {}),
    ("unet", {"widths": [8, 16], "dim": 8, "stride": 2, "around": 0.3, "mels": 32, "hop_ms": 16.0}),
    ("unet", {"widths": [8, 8, 8, 8], "dim": 4, "stride": 1, "mels": 12, "hop_ms": 32.0}),
]
IDS = [f"{name}-{number}" for number, (name, _) in enumerate(BUILDS)]
LENGTHS = torch.tensor([32_000, 17_777, 9_001, 100])


def build(name: str, settings: dict[str, Any]) -> AbstractEncoder:
    torch.manual_seed(0)
    return MODALITY.encoders[name](**settings).eval()


def encode(encoder: AbstractEncoder, samples: torch.Tensor, lengths: torch.Tensor) -> FeatureMap:
    with torch.no_grad():
        features: FeatureMap = encoder(Waveforms(samples, lengths, 16_000))
    return features


@pytest.mark.parametrize(("name", "settings"), BUILDS, ids=IDS)
def test_an_item_alone_and_in_a_padded_batch_gets_the_same_features(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    samples = torch.randn(4, 32_000, generator=torch.Generator().manual_seed(1)) * 0.1  # junk in the padding, too
    batch = encode(encoder, samples, LENGTHS)
    assert batch.values.shape[2] == encoder.dim
    for item, length in enumerate(LENGTHS.tolist()):
        alone = encode(encoder, samples[item : item + 1, :length], LENGTHS[item : item + 1])
        joint = batch.values[item][batch.valid[item]]
        assert alone.values[0][alone.valid[0]].shape == joint.shape
        assert len(joint) >= 1
        assert torch.allclose(alone.values[0][alone.valid[0]], joint, atol=1e-5 * max(1.0, float(joint.abs().max())))


# Group normalisation runs over all the time there is, so that a click changes every element of that network.
@pytest.mark.parametrize(("name", "settings"), BUILDS[:6] + BUILDS[7:], ids=IDS[:6] + IDS[7:])
def test_a_click_changes_most_the_element_whose_seconds_hold_it(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, {**settings, "normalise": False} if hasattr(build(name, settings), "normalise") else settings)
    quiet = torch.randn(1, 32_000, generator=torch.Generator().manual_seed(2)) * 0.003
    lengths = torch.tensor([32_000])
    features = encode(encoder, quiet, lengths)
    assert features.grid is not None
    edges = features.grid.edges[0][0]
    off = []
    for place in (8_000, 15_555, 24_010):
        loud = quiet.clone()
        loud[0, place - 8 : place + 8] += torch.tensor([1.0, -1.0]).repeat(8)
        moved = (encode(encoder, loud, lengths).values - features.values).norm(dim=2)[0]
        per_time = moved.view(features.grid.shape[0], -1).sum(dim=1)
        # Attention spreads a change over the whole item; its weight is still centred on the click.
        weight = (per_time - per_time.median()).clamp(min=0) ** 2
        centre = float((weight * (edges[1:] + edges[:-1]) / 2).sum() / weight.sum())
        off.append((centre - place / 16_000) / float(edges[1] - edges[0]))
    # Dilations, coarse scales and moving levels bring to an element what lies several elements away.
    assert max(map(abs, off)) < (3.0 if name in ("dilated", "unet") else 1.0), off


@pytest.mark.parametrize(("name", "settings"), BUILDS, ids=IDS)
def test_settings_build_the_same_architecture_again(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    again = MODALITY.encoders[name](**saved(MODALITY, name, encoder)).eval()
    again.load_state_dict(encoder.state_dict())
    samples = torch.randn(1, 16_000, generator=torch.Generator().manual_seed(3))
    one, two = (encode(network, samples, torch.tensor([16_000])).values for network in (encoder, again))
    assert torch.equal(one, two)
    assert settings.items() <= saved(MODALITY, name, encoder).items()


def test_elements_cover_the_seconds_that_their_convolutions_see() -> None:
    second = torch.zeros(1, 16_000), torch.tensor([16_000])
    speech = encode(build("wav2vec2", {"config": LAYER}), *second)
    assert speech.grid is not None
    assert speech.grid.shape == (49,)
    assert float(speech.grid.centres()[0, 3, 0]) == pytest.approx((320 * 3 + 200) / 16_000)
    patches = encode(build("ast", {"config": {**AST, "num_mel_bins": 128}}), *second)
    assert patches.grid is not None
    assert patches.grid.shape == (19, 12)
    assert float(patches.grid.edges[0][0, 0]) == pytest.approx(600 / 16_000)
    frames = encode(build("raw", {}), *second)
    assert frames.grid is not None
    assert frames.grid.edges[0][0, :2].tolist() == pytest.approx([0.0, 0.032])


def test_patches_of_the_spectrogram_transformer_are_numbered_time_first() -> None:
    encoder = build("ast", {"config": AST})
    quiet = torch.randn(1, 32_000, generator=torch.Generator().manual_seed(2)) * 0.003
    loud = quiet.clone()
    loud[0, 20_600:20_616] += 1.0
    lengths = torch.tensor([32_000])
    before, after = encode(encoder, quiet, lengths), encode(encoder, loud, lengths)
    assert before.grid is not None
    moved = (after.values - before.values).norm(dim=2)[0].view(before.grid.shape)
    cell = int(before.grid.locate(torch.tensor([[[1.288, 8.0]]])))
    assert int(moved.sum(dim=1).argmax()) == cell // before.grid.shape[1]


@pytest.mark.parametrize(("window", "shared"), [(32.0, 1), (16.0, 0), (160.0, 3)])
def test_the_first_token_that_is_predicted_has_no_sample_of_what_was_seen_and_the_one_before_it_has(
    window: float, shared: int
) -> None:
    """Elements of 64 ms; a window of 32 ms at a hop of 16 ms reaches 8 ms into the next element, and back."""
    encoder: Any = build("transformer", {"width": 8, "depth": 1, "bands": 64, "window_ms": window})
    samples = torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def used(element: int) -> tuple[int, int]:
        tokens = encoder.embed(Waveforms(samples, torch.tensor([16_000]), 16_000))
        return span_of(tokens.values[0, element], samples)

    tokens = encoder.embed(Waveforms(samples, torch.tensor([16_000]), 16_000))
    seen = encoder.mix(tokens, tokens.valid & (torch.arange(tokens.valid.shape[1]) <= 5))
    end = span_of(seen.values[0, 5], samples)[1]
    assert end - 6 * 1024 == pytest.approx((window - 16) / 2 * 16, abs=1), "samples of the next element"
    assert encoder.shared == shared
    assert used(6 + shared)[0] >= end
    assert shared == 0 or used(5 + shared)[0] < end


def span_of(vector: torch.Tensor, samples: torch.Tensor) -> tuple[int, int]:
    """From which sample to which a vector depends on them."""
    (gradient,) = torch.autograd.grad(vector.square().sum(), samples)
    numbers = gradient[0].nonzero()[:, 0]
    return int(numbers.min()), int(numbers.max()) + 1


def test_a_checkpoint_folder_gives_weights_and_settings_that_need_it_no_more(tmp_path: Path) -> None:
    encoder = build("hubert", {"config": LAYER})
    encoder.model.save_pretrained(tmp_path / "hub")  # type: ignore[operator, union-attr]
    loaded = build("hubert", {"checkpoint": str(tmp_path / "hub")})
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), encoder.parameters(), strict=True))
    assert saved(MODALITY, "hubert", loaded)["checkpoint"] is None
    again = MODALITY.encoders["hubert"](**saved(MODALITY, "hubert", loaded))
    again.load_state_dict(loaded.state_dict())
    (tmp_path / "hub" / "preprocessor_config.json").write_text('{"sampling_rate": 16000}')
    build("hubert", {"checkpoint": str(tmp_path / "hub")})
    with pytest.raises(ValueError, match=r"trained at 16000 Hz, got sample_rate=8000; .* Audio\(sample_rate=16000\)"):
        build("hubert", {"checkpoint": str(tmp_path / "hub"), "sample_rate": 8000})
    with pytest.raises(FileNotFoundError, match="no local checkpoint"):
        MODALITY.encoders["hubert"](checkpoint=str(tmp_path / "missing"))
    with pytest.raises(ValueError, match="not both"):
        MODALITY.encoders["hubert"](checkpoint=str(tmp_path / "hub"), config=LAYER)


def test_padding_enters_no_batch_statistics_while_training() -> None:
    samples = torch.randn(2, 16_000, generator=torch.Generator().manual_seed(1)) * 0.1
    for name, settings in (("conv", {"norm": "row", "width": 16}), ("resnet18", {"mels": 32})):
        statistics = []
        for padding in (0, 16_000):
            encoder = build(name, settings).train()
            encoder(Waveforms(torch.nn.functional.pad(samples, (0, padding)), torch.tensor([16_000, 16_000]), 16_000))
            statistics.append([buffer.clone() for buffer in encoder.buffers()])
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(*statistics, strict=True))


def test_gradients_reach_every_layer_that_makes_features() -> None:
    for name, settings in (BUILDS[1], BUILDS[3], BUILDS[6], BUILDS[9], *BUILDS[12:]):
        encoder = build(name, settings).train()
        features = encoder(Waveforms(torch.randn(2, 16_000), torch.tensor([16_000, 9_000]), 16_000))
        features.values[features.valid].square().sum().backward()
        missing = [key for key, p in encoder.named_parameters() if p.grad is None and "masked_spec" not in key]
        assert not missing


def test_wrong_settings_and_data_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="hop_ms must hold a sample at 16000 Hz"):
        MODALITY.encoders["raw"](hop_ms=0.01)
    with pytest.raises(ValueError, match="kernels must be odd"):
        MODALITY.encoders["conv"](kernels=[4])
    with pytest.raises(ValueError, match="knows no hidden_sise"):
        MODALITY.encoders["wav2vec2"](config={"hidden_sise": 3})
    with pytest.raises(ValueError, match="built for 16000 Hz, the data have 8000"):
        MODALITY.encoders["raw"]()(Waveforms(torch.zeros(1, 8000), torch.tensor([8000]), 8000))
    with pytest.raises(ValueError, match="max_length=398"):
        build("ast", {"config": AST})(Waveforms(torch.zeros(1, 64_000), torch.tensor([64_000]), 16_000))


def test_encoders_take_the_sample_rate_of_the_recordings(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 48_000), 48_000)
    modality = Audio(sample_rate=8000)
    assert isinstance(modality, InfersEncoderSettings)
    items = modality.read([tmp_path]).items
    data = modality.collate([items.read(0, np.random.default_rng(0))])
    for name in ("raw", "conv", "resnet18", "dilated", "unet"):
        settings = modality.encoder_settings(name, items)
        assert settings == {"sample_rate": 8000}
        assert bool(modality.encoders[name](**settings)(data).values.isfinite().all())
    others = Listed([None, Recording(torch.zeros(100), 22_050)])
    assert MODALITY.encoder_settings("wav2vec2", others) == {"sample_rate": 22_050}


@pytest.mark.parametrize(("name", "settings"), [*BUILDS[:4], *BUILDS[12:15]])
def test_an_adversary_changes_the_waveform_of_encoders_of_spectrograms(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    samples = torch.randn(2, 16_000, generator=torch.Generator().manual_seed(3)) * 0.1
    samples[1, 9_000:] = 0
    data = Waveforms(samples, torch.tensor([16_000, 9_000]), 16_000)
    with torch.no_grad():
        before = encoder(data)  # its spectrograms are kept with the batch from now on

    def loss(changed: Waveforms) -> torch.Tensor:
        """The mean distance of what is changed from what was."""
        features: torch.Tensor = encoder(changed).values
        distance: torch.Tensor = (features - 0.9 * before.values)[before.valid].square().mean()
        return distance

    attacked = Adversary(size=0.1)(data, loss)
    moved = (attacked.samples - data.samples).abs()
    assert bool((moved[0] > 0).float().mean() > 0.9)
    assert float(moved[0].max()) <= 0.1 * float(samples[0].square().mean().sqrt()) * 1.001
    assert float(moved[1, 9_000:].max()) == 0.0, "padding stays silent"
    with torch.no_grad():
        assert float(loss(attacked)) > 1.2 * float(loss(data))
        assert torch.equal(encoder(data).values, before.values)


def test_spectrograms_are_shared_by_networks_and_follow_the_waveform_they_were_computed_from() -> None:
    raw = build("raw", {})
    data = Waveforms(torch.randn(1, 16_000, generator=torch.Generator().manual_seed(3)), torch.tensor([16_000]), 16_000)
    raw(data)
    (first,) = data.spectrograms.values()
    raw(data)
    assert [id(one) for one in data.spectrograms.values()] == [id(first)]
    assert not first.requires_grad
    louder = replace(data, samples=2 * data.samples)
    assert not louder.spectrograms
    assert not torch.equal(raw(louder).values, raw(data).values)
    asking = replace(data, samples=data.samples.clone().requires_grad_())
    with torch.no_grad():
        assert not raw(asking).values.requires_grad
    raw(asking).values.sum().backward()
    assert asking.samples.grad is not None
    assert bool(asking.samples.grad.isfinite().all())
