"""Every encoder of pictures gives one vector per cell, knows its place, and never sees the padding of a batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.modality.optional import InfersEncoderSettings
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.image import MODALITY, Blocks, Felzenszwalb, Image, OnCells, Pictures, Slic, collate
from gestalt.modalities.image.backbones import ResNet, Swin
from gestalt.modalities.image.segments import AbstractHeuristic
from tests.kept import saved
from tests.listed import Listed

VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
SWIN = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [2, 1], "num_heads": [2, 2], "window_size": 3}
BUILDS: list[tuple[str, dict[str, Any]]] = [
    ("raw", {}),
    ("raw", {"stride": 8, "around": 1, "textures": False}),
    ("conv", {"width": 16, "kernels": [3, 1], "norm": "group"}),
    ("conv", {"width": 16}),
    ("resnet18", {"level": 2}),
    ("resnet18", {"level": 4, "stem": "small"}),
    ("resnet18", {"level": 3, "pyramid": 32}),
    ("swin", {"width": 12, "depths": [2, 1, 1, 1], "heads": [1, 2, 2, 2], "window": 3, "level": 3}),
    ("swin", {"width": 12, "depths": [1, 1, 1, 1], "heads": [1, 2, 2, 2], "level": 2, "pyramid": 16}),
    ("vit", {"config": {**VIT, "intermediate_size": 32}}),
    ("dinov2", {"config": VIT}),
    ("transformers_swin", {"config": SWIN}),
    ("transformers_swin", {"config": SWIN, "stage": 0}),
    ("timm", {"model": "test_vit", "level": -1}),
    ("timm", {"model": "test_convnext", "level": 1}),
    ("timm", {"model": "test_resnet", "level": 2}),
    ("conv", {"width": 16, "finer": 2}),
    ("unet", {}),
    ("unet", {"widths": [16, 24], "dim": 8, "stride": 4}),
    ("unet", {"widths": [8, 12, 16, 16], "dim": 8, "stride": 1}),
]
IDS = [f"{name}-{number}" for number, (name, _) in enumerate(BUILDS)]
SIZES = torch.tensor([[64, 48], [40, 64], [23, 31], [64, 48]])


def build(name: str, settings: dict[str, Any]) -> AbstractEncoder:
    torch.manual_seed(0)
    return MODALITY.encoders[name](**settings).eval()


def encode(encoder: AbstractEncoder, data: Pictures) -> FeatureMap:
    with torch.no_grad():
        features: FeatureMap = encoder(data)
    return features


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("name", "settings"), BUILDS, ids=IDS)
def test_a_picture_alone_and_in_a_padded_batch_gets_the_same_features(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    pixels = noise(1, 4, 3, 64, 64)  # junk in the padding, too
    batch = encode(encoder, Pictures(pixels, SIZES))
    assert batch.values.shape[2] == encoder.dim
    for item, (height, width) in enumerate(SIZES.tolist()):
        alone = encode(encoder, Pictures(pixels[item : item + 1, :, :height, :width], SIZES[item : item + 1]))
        own, joint = alone.values[0][alone.valid[0]], batch.values[item][batch.valid[item]]
        assert own.shape == joint.shape
        assert len(joint) >= 1
        assert torch.allclose(own, joint, atol=1e-4 * max(1.0, float(joint.abs().max())))
        assert alone.grid is not None
        assert batch.grid is not None
        assert torch.equal(alone.grid.centres()[0][alone.valid[0]], batch.grid.centres()[0][batch.valid[item]])


@pytest.mark.parametrize(("name", "settings"), BUILDS, ids=IDS)
def test_a_spot_changes_most_the_cell_that_holds_it(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    grey = 0.5 + 0.02 * noise(2, 1, 3, 64, 96)
    features = encode(encoder, collate([grey[0]]))
    assert features.grid is not None
    stride = [float(edges[0, 1] - edges[0, 0]) for edges in features.grid.edges]
    off = []
    for y, x in ((20, 28), (37, 60), (43, 35)):
        spotted = grey.clone()
        spotted[:, :, y - 2 : y + 2, x - 2 : x + 2] = noise(3, 3, 4, 4)
        moved = (encode(encoder, collate([spotted[0]])).values - features.values).norm(dim=2)[0]
        # Attention spreads a change over the whole picture; its weight is still centred on the spot.
        weight = (moved - moved.median()).clamp(min=0) ** 2
        centre = (weight[:, None] * features.grid.centres()[0]).sum(dim=0) / weight.sum()
        off.append([(float(centre[axis]) - place) / stride[axis] for axis, place in enumerate((y, x))])
    # A pyramid, or a U, brings to fine cells what cells of eight times their size see.
    reach = 2.0 if settings.get("pyramid") or name == "unet" else 1.1
    assert float(torch.tensor(off).abs().max()) < reach, off


@pytest.mark.parametrize(("name", "settings"), BUILDS, ids=IDS)
def test_settings_build_the_same_architecture_again(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    again = MODALITY.encoders[name](**saved(MODALITY, name, encoder)).eval()
    again.load_state_dict(encoder.state_dict())
    data = Pictures(noise(3, 1, 3, 32, 32), torch.tensor([[32, 32]]))
    assert torch.equal(encode(encoder, data).values, encode(again, data).values)
    assert settings.items() <= saved(MODALITY, name, encoder).items()


@pytest.mark.parametrize("number", [number for number, (_, settings) in enumerate(BUILDS) if settings.get("pyramid")])
def test_a_pyramid_is_dropped_for_transfer_and_the_backbone_stays(number: int) -> None:
    """What is left is the encoder that never had one, with the trained weights, and can be saved and built as it."""
    name, settings = BUILDS[number]
    trained = build(name, settings)
    assert isinstance(trained, ResNet | Swin)
    assert trained.reader.pyramid is not None
    for level in (5, 3):
        left = trained.without_pyramid(level)
        plain = MODALITY.encoders[name](**saved(MODALITY, name, left)).eval()
        plain.load_state_dict(left.state_dict())
        assert not left.training
        data = Pictures(noise(3, 1, 3, 64, 64), torch.tensor([[64, 64]]))
        features, expected = encode(left, data), encode(plain, data)
        assert torch.equal(features.values, expected.values)
        assert features.values.shape[2] == left.dim == trained.backbone.widths[level - 2]
        assert not [key for key in left.state_dict() if "pyramid" in key]


def test_gradients_reach_every_weight_that_makes_features() -> None:
    for name, settings in (
        BUILDS[3],
        BUILDS[6],
        BUILDS[8],
        BUILDS[9],
        BUILDS[10],
        BUILDS[11],
        BUILDS[15],
        *BUILDS[17:],
    ):
        encoder = build(name, settings).train()
        features = encoder(Pictures(noise(4, 2, 3, 64, 64), torch.tensor([[64, 64], [40, 64]])))
        features.values[features.valid].square().sum().backward()
        missing = [key for key, value in encoder.named_parameters() if value.grad is None]
        # Of a pyramid, only what leads to the level that is read; a mask token is for pretraining of another kind.
        assert not [key for key in missing if not key.startswith("reader.pyramid.") and "mask_token" not in key]


def test_encoders_take_any_number_of_channels() -> None:
    item = noise(5, 5, 40, 40)
    for name, settings in (
        ("raw", {}), ("conv", {"width": 16}), ("resnet18", {}), ("swin", BUILDS[7][1]), ("timm", BUILDS[14][1]),
        ("unet", {}),
    ):  # fmt: skip
        encoder = MODALITY.encoders[name](**settings, channels=5).eval()
        assert encode(encoder, collate([item])).values.shape[2] == encoder.dim
        with pytest.raises(ValueError, match="takes 5 channels, the pictures have 3"):
            encoder(collate([item[:3]]))


def test_raw_features_are_the_means_deviations_and_gradients_of_a_cell() -> None:
    item = noise(6, 3, 16, 20)
    features = encode(build("raw", {}), collate([item]))
    cell = item[:, 4:8, 8:12]
    grey = cell.mean(dim=0)
    expected = torch.cat(
        [
            cell.mean(dim=(1, 2)),
            cell.flatten(1).std(dim=1, correction=0),
            grey.diff(dim=0).abs().mean()[None],
            grey.diff(dim=1).abs().mean()[None],
        ]
    )
    assert torch.allclose(features.values[0, 1 * 5 + 2], expected, atol=1e-6)


def test_checkpoints_and_local_weights_are_loaded_and_their_settings_need_them_no_more(tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from timm import create_model

    encoder = build("dinov2", {"config": VIT})
    encoder.model.save_pretrained(tmp_path / "hub")  # type: ignore[operator, union-attr]
    loaded = build("dinov2", {"checkpoint": str(tmp_path / "hub")})
    data = collate([noise(7, 3, 32, 32)])
    assert torch.equal(encode(encoder, data).values, encode(loaded, data).values)
    assert saved(MODALITY, "dinov2", loaded)["checkpoint"] is None
    with pytest.raises(FileNotFoundError, match="no local checkpoint"):
        build("vit", {"checkpoint": str(tmp_path / "missing")})
    with pytest.raises(ValueError, match="not both"):
        build("vit", {"checkpoint": str(tmp_path / "hub"), "config": VIT})

    torch.manual_seed(7)
    whole = create_model("test_convnext")
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    timm = build("timm", {"model": "test_convnext", "checkpoint": str(tmp_path / "model.safetensors")})
    theirs = whole.state_dict()["stem.0.weight"]
    assert any(torch.equal(value, theirs) for value in timm.state_dict().values() if value.shape == theirs.shape)
    assert saved(MODALITY, "timm", timm)["checkpoint"] is None
    with pytest.raises(FileNotFoundError, match="is no file"):
        build("timm", {"model": "test_convnext", "checkpoint": str(tmp_path / "gone.safetensors")})


def test_wrong_settings_are_refused_in_words() -> None:
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("raw", {"stride": 1}, r"stride must lie in \[2, 1024\], got 1"),
        ("conv", {"kernels": [4]}, "kernels must be odd"),
        ("conv", {"norm": "batch"}, "norm is 'group' or 'row'"),
        ("resnet18", {"level": 6}, r"level must lie in \[2, 5\], got 6"),
        ("resnet18", {"stem": "tiny"}, "stem is 'large'"),
        ("vit", {"config": {"hidden_sise": 3}}, "knows no hidden_sise"),
        ("transformers_swin", {"config": SWIN, "stage": 2}, "stage is one of 0 … 1"),
        ("timm", {"model": "test_vitt"}, "timm has no model 'test_vitt'"),
    ]
    for name, settings, message in wrong:
        with pytest.raises(ValueError, match=message):
            build(name, settings)


HEURISTICS: dict[str, AbstractHeuristic] = {
    "felzenszwalb": Felzenszwalb(60.0, min_size=60),
    "slic": Slic(6),
    "blocks": Blocks(2, 2),
}


@pytest.mark.parametrize("name", HEURISTICS)
def test_heuristic_segments_cover_each_picture_alone_and_do_not_see_the_padding(name: str) -> None:
    items = [specimen.item for specimen in MODALITY.specimens()]
    together = OnCells(HEURISTICS[name])(collate(items))
    assert together.grid is not None
    for number, item in enumerate(items):
        alone = OnCells(HEURISTICS[name])(collate([item]))
        rows, columns = item.shape[1] // 4, item.shape[2] // 4
        joint = together.labels()[number].view(together.grid.shape)
        assert torch.equal(joint[:rows, :columns], alone.labels()[0].view(rows, columns))
        assert bool((joint[rows:] == -1).all())
        assert bool((joint[:, columns:] == -1).all())
        counts = alone.labels()[0].unique(return_counts=True)[1]
        assert torch.equal(counts.sort(descending=True).values, counts), "segments are numbered by size"


def test_felzenszwalb_finds_the_shapes_of_a_specimen_and_small_segments_have_no_vote() -> None:
    specimen = MODALITY.specimens()[0]
    found = OnCells(HEURISTICS["felzenszwalb"])(collate([specimen.item])).labels()[0]
    for shape in (0, 1):
        mine = specimen.labels == shape
        best = max(float((mine & (found == n)).sum() / (mine | (found == n)).sum()) for n in found.unique().tolist())
        assert best > 0.7
    few = OnCells(Blocks(4, 4), objects=3)(collate([specimen.item])).labels()[0]
    assert sorted(few.unique().tolist()) == [-1, 0, 1, 2]
    odd = OnCells(Blocks(1, 2), stride=8)(collate([torch.rand(3, 21, 21)])).labels()[0].view(3, 3)
    assert odd.tolist() == [[1, 0, 0]] * 3


def test_encoders_take_the_channels_of_the_pictures(tmp_path: Path) -> None:
    np.save(tmp_path / "five.npy", np.random.default_rng(0).random((40, 40, 5)))
    (tmp_path / "grey").mkdir()
    np.save(tmp_path / "grey" / "one.npy", np.random.default_rng(0).random((40, 40)))
    modality = Image(channels=None)
    assert isinstance(modality, InfersEncoderSettings)
    items = modality.read([tmp_path / "five.npy"]).items
    for name in ("raw", "conv", "unet", "resnet18", "swin"):
        settings = modality.encoder_settings(name, items)
        assert settings == {"channels": 5}
        features = modality.encoders[name](**settings)(modality.collate([items.read(0, np.random.default_rng(0))]))
        assert bool(features.values.isfinite().all())
    assert modality.encoder_settings("vit", items) == {}  # its channels are in its configuration
    assert MODALITY.encoder_settings("conv", MODALITY.read([tmp_path / "grey"]).items) == {"channels": 3}


def test_channels_are_those_of_the_first_picture_that_can_be_read() -> None:
    items = Listed([None, torch.rand(2, 20, 20), torch.rand(2, 20, 20)])
    assert MODALITY.encoder_settings("raw", items) == {"channels": 2}
    assert items.asked == [0, 1]
    with pytest.raises(ValueError, match=r"none of 2 items can be read; the first, item 0: is torn"):
        MODALITY.encoder_settings("raw", Listed[torch.Tensor]([None, None]))
    with pytest.raises(ValueError, match="there are no items"):
        MODALITY.encoder_settings("raw", Listed[torch.Tensor]([]))
