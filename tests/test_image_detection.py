"""Encoders of pictures as backbones of torchvision's detection models."""

import pytest
import torch
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder, Identity, Network
from gestalt.core.runs.model import Model
from gestalt.modalities.image import MODALITY
from gestalt.modalities.image.detection import backbone

ENCODERS = {"unet": {}, "conv": {"width": 32}, "raw": {}, "resnet18": {"level": 3}}
PICTURES = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(row)) for row in range(2)]
KNOWN = [{"boxes": torch.tensor([[8.0, 8.0, 40.0, 40.0]]), "labels": torch.tensor([1])}] * 2


def encoder_named(name: str) -> AbstractEncoder:
    torch.manual_seed(0)
    return MODALITY.encoders[name](**ENCODERS[name])


@pytest.mark.parametrize("name", ENCODERS)
def test_the_first_map_is_the_encoders_and_further_ones_are_means_of_it(name: str) -> None:
    encoder = encoder_named(name).eval()
    maps = backbone(encoder, levels=2).eval()(torch.stack(PICTURES))
    features = encoder(MODALITY.collate(PICTURES))
    assert features.grid is not None
    rows, columns = features.grid.shape
    assert list(maps) == ["0", "1"]
    assert maps["0"].shape == (2, encoder.dim, rows, columns)
    for row in range(rows):
        assert torch.allclose(maps["0"][:, :, row], features.values.mT[:, :, row * columns : (row + 1) * columns])
    assert torch.allclose(maps["1"][:, :, 0, 1], maps["0"][:, :, :2, 2:4].mean(dim=(2, 3)), atol=1e-6)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("name", ["unet", "conv", "resnet18"])
def test_a_detection_model_trains_a_step_and_the_encoder_with_it_unless_it_is_frozen(name: str, frozen: bool) -> None:
    maps = backbone(encoder_named(name), levels=2, frozen=frozen)
    model = FasterRCNN(
        maps,
        num_classes=2,
        min_size=64,
        max_size=64,
        image_mean=[0, 0, 0],
        image_std=[1, 1, 1],
        rpn_anchor_generator=AnchorGenerator(((16,), (32,)), ((0.5, 1.0, 2.0),) * 2),
    )
    model.train()
    before = {name: value.clone() for name, value in maps.encoder.state_dict().items()}
    loss = sum(model(PICTURES, KNOWN).values())
    assert isinstance(loss, torch.Tensor)
    loss.backward()
    got = [one.grad is not None and bool(one.grad.abs().sum() > 0) for one in maps.encoder.parameters()]
    assert any(got) != frozen
    assert any(one.grad is not None for one in model.rpn.parameters())
    assert maps.encoder.training != frozen
    after = maps.encoder.state_dict()
    assert not frozen or all(torch.equal(after[name], value) for name, value in before.items()), "statistics too"


def test_the_encoder_of_a_run_is_taken_itself() -> None:
    encoder = encoder_named("unet")
    model = Model(MODALITY, Network(encoder), {})
    assert backbone(model).encoder is encoder
    assert backbone(model).out_channels == encoder.dim


class InARow(AbstractEncoder):
    """Cells without a lattice."""

    dim = 3

    def forward(self, data: object) -> FeatureMap:  # noqa: ARG002
        return FeatureMap(torch.zeros(2, 5, 3), torch.ones(2, 5, dtype=torch.bool))


def test_what_is_no_lattice_and_levels_that_there_are_not_are_refused() -> None:
    with pytest.raises(ValueError, match="rows and columns of cells, and InARow"):
        backbone(InARow())(torch.stack(PICTURES))
    with pytest.raises(ValueError, match="levels"):
        backbone(Identity(3), levels=0)
    with pytest.raises(ValueError, match=r"cells of 1, 2, 4, 8, … pixels a side, and those of .* have 6 × 6"):
        backbone(MODALITY.encoders["raw"](stride=6))(torch.stack(PICTURES))


def test_layers_that_an_encoder_keeps_as_they_are_stay_so() -> None:
    encoder = MODALITY.encoders["resnet18"](level=3, frozen=2)
    before = [one.requires_grad for one in encoder.parameters()]
    assert False in before
    assert [one.requires_grad for one in backbone(encoder).encoder.parameters()] == before
