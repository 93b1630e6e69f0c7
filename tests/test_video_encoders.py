"""Every encoder gives one vector per tube, knows each tube's seconds and pixels, and never sees the padding."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.video import MODALITY, Clip, Clips, collate
from gestalt.modalities.video.lattice import at_frames
from tests.kept import saved

MAE: dict[str, Any] = {
    "image_size": 32, "patch_size": 8, "num_frames": 8, "tubelet_size": 2, "hidden_size": 16,
    "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
}  # fmt: skip
BUILDS: list[tuple[str, dict[str, Any]]] = [
    ("raw", {"cell": 8, "frames": 2}),
    ("raw", {"cell": 4, "frames": 1}),
    ("conv", {"width": 16, "stride": 4, "blocks": 1}),
    ("conv", {"width": 24, "stride": 16, "blocks": 2}),
    ("conv", {"width": 16, "stride": 4, "blocks": 1, "finer": 2}),
    ("frame_resnet18", {"stride": 8}),
    ("r3d_18", {"stages": 2}),
    ("swin3d_t", {"stages": 1}),
    ("videomae", {"config": MAE}),
    ("unet", {"widths": [16, 16, 24], "dim": 8}),
    ("unet", {"widths": [8, 16], "dim": 8, "stride": 4}),
]
IDS = [f"{name}-{number}" for number, (name, _) in enumerate(BUILDS)]


def build(name: str, settings: dict[str, Any]) -> AbstractEncoder:
    torch.manual_seed(0)
    return MODALITY.encoders[name](**settings).eval()


def noise(*size: int, seed: int = 0) -> Clip:
    time, height, width = size
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randint(0, 256, (time, 3, height, width), generator=generator, dtype=torch.uint8)
    return Clip(frames, torch.arange(time + 1) / 8 + (torch.arange(time + 1) > 2) * 0.05 * (1 + seed))


ITEMS = [noise(8, 40, 48), noise(5, 33, 48, seed=1), noise(3, 17, 20, seed=2), noise(8, 40, 48, seed=3)]


def encode(encoder: AbstractEncoder, data: Clips) -> FeatureMap:
    with torch.no_grad():
        features: FeatureMap = encoder(data)
    return features


@pytest.mark.parametrize(("name", "settings"), BUILDS, ids=IDS)
def test_an_item_alone_and_in_a_padded_batch_gets_the_same_features_and_places(
    name: str, settings: dict[str, Any]
) -> None:
    encoder = build(name, settings)
    data = collate(ITEMS)
    junk = torch.randint(0, 256, data.frames.shape, dtype=torch.uint8)
    for row, (time, height, width) in enumerate(data.sizes.tolist()):
        junk[row, :time, :, :height, :width] = data.frames[row, :time, :, :height, :width]
    batch = encode(encoder, Clips(junk, data.sizes, data.edges))
    assert batch.values.shape[2] == encoder.dim
    assert batch.grid is not None
    centres = batch.grid.centres().expand(4, -1, -1)
    for row, item in enumerate(ITEMS):
        alone = encode(encoder, collate([item]))
        assert alone.grid is not None
        joint = batch.values[row][batch.valid[row]]
        assert alone.values[0].shape == joint.shape
        assert torch.allclose(alone.values[0], joint, atol=1e-5 * max(1.0, float(joint.abs().max())))
        assert torch.allclose(alone.grid.centres()[0], centres[row][batch.valid[row]], atol=1e-5)


@pytest.mark.parametrize(("name", "settings"), BUILDS, ids=IDS)
def test_a_spot_changes_most_the_tube_whose_seconds_and_pixels_hold_it(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    grey = Clip(torch.full((8, 3, 48, 48), 128, dtype=torch.uint8), torch.arange(9) / 8)
    before = encode(encoder, collate([grey]))
    assert before.grid is not None
    step = torch.tensor([float(edges[0, 1] - edges[0, 0]) for edges in before.grid.edges])
    for frame, y, x in ((3, 22, 26), (2, 16, 32), (5, 31, 18)):
        frames = grey.frames.clone()
        frames[frame, :, y - 2 : y + 2, x - 2 : x + 2] = torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1)
        after = encode(encoder, collate([Clip(frames, grey.edges)]))
        moved = (after.values - before.values).norm(dim=2)[0]
        # Attention spreads a change over the whole clip; its weight is still centred on the spot.
        weight = (moved - moved.median()).clamp(min=0) ** 2
        centre = (weight[:, None] * before.grid.centres()[0]).sum(dim=0) / weight.sum()
        off = (centre - torch.tensor([(frame + 0.5) / 8, float(y), float(x)])) / step
        # A U brings to fine tubes what cells of four times their size see.
        assert float(off.abs().max()) < (2.0 if name == "unet" else 1.1), off


# The conformance suite builds all encoders again at their defaults; these are other settings, of the quick ones.
@pytest.mark.parametrize(("name", "settings"), BUILDS[:5] + BUILDS[8:], ids=IDS[:5] + IDS[8:])
def test_settings_build_the_same_architecture_again(name: str, settings: dict[str, Any]) -> None:
    encoder = build(name, settings)
    again = MODALITY.encoders[name](**saved(MODALITY, name, encoder)).eval()
    again.load_state_dict(encoder.state_dict())
    one, two = (encode(network, collate(ITEMS[:1])).values for network in (encoder, again))
    assert torch.equal(one, two)
    assert settings.items() <= saved(MODALITY, name, encoder).items()


def test_tubes_cover_the_seconds_of_their_own_frames_even_at_a_variable_rate() -> None:
    edges = torch.tensor([0.0, 0.1, 0.3, 0.35, 0.6])
    clip = Clip(torch.zeros(4, 3, 16, 16, dtype=torch.uint8), edges)
    pairs = encode(build("raw", {"cell": 8, "frames": 2}), collate([clip])).grid
    assert pairs is not None
    assert pairs.edges[0][0].tolist() == pytest.approx([0.0, 0.3, 0.6])
    assert pairs.edges[1][0].tolist() == [0.0, 8.0, 16.0]
    centred = encode(build("r3d_18", {"stages": 2}), collate([clip])).grid
    assert centred is not None
    # Outputs of stride 2 are centred on frames 0 and 2: their tubes meet half-way through frame 1.
    assert centred.edges[0][0].tolist() == pytest.approx([-0.05, 0.2, 0.475])
    assert centred.edges[1][0, :2].tolist() == [-1.5, 2.5]
    resnet = encode(build("frame_resnet18", {"stride": 8}), collate([clip])).grid
    assert resnet is not None
    assert resnet.centres()[0, :2].tolist() == [pytest.approx([0.05, 0.5, 0.5]), pytest.approx([0.05, 0.5, 8.5])]


def test_seconds_between_edges_follow_the_frames() -> None:
    edges = torch.tensor([[0.0, 1.0, 3.0, 5.0], [0.0, 2.0, 3.0, 4.0]])
    found = at_frames(edges, torch.tensor([2, 3]), torch.tensor([0.5, 2.0, 3.0]))
    assert found.tolist() == [[0.5, 3.0, 5.0], [1.0, 3.0, 4.0]]


def test_raw_features_are_colour_texture_and_change_as_a_loop_computes_them() -> None:
    item = noise(2, 16, 8)
    features = encode(build("raw", {"cell": 8, "frames": 2}), collate([item])).values[0, 1]
    mean, deviation = torch.tensor([0.43216, 0.394666, 0.37645]), torch.tensor([0.22803, 0.22145, 0.216989])
    block = (item.frames[:, :, 8:].permute(0, 2, 3, 1).float() / 255 - mean) / deviation  # time, y, x, colour
    right = [float((block[t, y, x + 1] - block[t, y, x]).abs().mean()) for t in range(2) for y in range(8)
             for x in range(7)]  # fmt: skip
    down = [float((block[t, y + 1, x] - block[t, y, x]).abs().mean()) for t in range(2) for y in range(7)
            for x in range(8)]  # fmt: skip
    expected = [
        *block.mean(dim=(0, 1, 2)).tolist(),
        *block.flatten(0, 2).std(dim=0, correction=0).tolist(),
        sum(down) / len(down),
        sum(right) / len(right),
        float((block[1] - block[0]).abs().mean()),
    ]
    assert features.tolist() == pytest.approx(expected, abs=1e-4)


def test_the_small_mvit_has_the_published_blocks() -> None:
    from torchvision.models.video import mvit_v2_s

    from gestalt.modalities.video.fitted import _mvit

    with torch.device("meta"):  # shapes alone
        ours, published = _mvit(16, 224).state_dict(), mvit_v2_s().state_dict()
    assert {name: value.shape for name, value in ours.items()} == {
        name: value.shape for name, value in published.items()
    }


def test_a_checkpoint_gives_weights_and_settings_that_need_it_no_more(tmp_path: Path) -> None:
    encoder = build("videomae", {"config": MAE})
    encoder.model.save_pretrained(tmp_path / "mae")  # type: ignore[operator, union-attr]
    loaded = build("videomae", {"checkpoint": str(tmp_path / "mae")})
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), encoder.parameters(), strict=True))
    assert saved(MODALITY, "videomae", loaded)["checkpoint"] is None
    from torchvision.models import resnet18

    torch.save(resnet18().state_dict(), tmp_path / "resnet.pth")
    frames = build("frame_resnet18", {"checkpoint": str(tmp_path / "resnet.pth")})
    torch.save({"conv": torch.zeros(1)}, tmp_path / "other.pth")
    weights = torch.load(tmp_path / "resnet.pth", weights_only=True)
    assert torch.equal(next(frames.parameters()), weights["conv1.weight"])
    with pytest.raises(ValueError, match="weights of another network"):
        build("frame_resnet18", {"checkpoint": str(tmp_path / "other.pth")})
    with pytest.raises(FileNotFoundError, match=r"gone\.pth does not exist"):
        build("frame_resnet18", {"checkpoint": str(tmp_path / "gone.pth")})
    with pytest.raises(FileNotFoundError, match="no local checkpoint"):
        build("videomae", {"checkpoint": str(tmp_path)})
    with pytest.raises(ValueError, match="not both"):
        build("videomae", {"checkpoint": str(tmp_path / "mae"), "config": MAE})


def test_gradients_reach_every_layer_that_makes_features() -> None:
    for name, settings in (BUILDS[2], *BUILDS[7:10]):
        encoder = build(name, settings).train()
        encoder(collate(ITEMS[:2])).values.square().sum().backward()
        assert not [key for key, parameter in encoder.named_parameters() if parameter.grad is None]


def test_wrong_settings_are_refused_in_words() -> None:
    for name, settings, message in (
        ("raw", {"cell": 0}, r"cell must lie in \[1, 1024\], got 0"),
        ("conv", {"stride": 5}, r"stride must lie in \{2, 4, 8, 16\}, got 5"),
        ("conv", {"finer": 3}, "finer divides the stride 8, got 3"),
        ("frame_resnet18", {"stride": 4}, r"stride must lie in \{8, 16, 32\}, got 4"),
        ("r3d_18", {"stages": 5}, r"stages must lie in \[1, 4\], got 5"),
        ("mvit_v2_s", {"frames": 3}, "frames must be even"),
        ("mvit_v2_s", {"checkpoint": "x.pth"}, "frames=16 and side=224"),
        ("videomae", {"config": {"hidden_sise": 3}}, "knows no hidden_sise"),
    ):
        with pytest.raises(ValueError, match=message):
            MODALITY.encoders[name](**settings)


def test_coarse_scales_of_a_u_see_the_frames_around_and_begin_with_none() -> None:
    encoder = build("unet", {"widths": [16, 16, 24], "dim": 8})
    item = noise(5, 24, 24)
    other = Clip(item.frames.clone(), item.edges)
    other.frames[2] = 255 - other.frames[2]

    def moved() -> list[bool]:
        one, two = (encode(encoder, collate([clip])).values.view(5, -1) for clip in (item, other))
        return (one - two).abs().amax(dim=1).gt(0).tolist()

    assert moved() == [False, False, True, False, False]
    for key, weights in encoder.named_parameters():
        if "over_time" in key:
            torch.nn.init.ones_(weights)
    assert moved() == [False, True, True, True, False]
