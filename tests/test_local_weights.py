"""Weights from local files: whole training states and prefixes are seen through, other networks refused in words."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from gestalt.core.components.registry import MODALITIES
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.local_checkpoint import check_complete, load_weights
from tests.kept import saved


class Small(nn.Module):
    """A body and a head."""

    def __init__(self, classes: int = 3, width: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, width))
        self.fc = nn.Linear(width, classes)


def body(network: nn.Module) -> list[torch.Tensor]:
    return [value for key, value in network.state_dict().items() if key.startswith("body.")]


@pytest.mark.parametrize("wrap", ["", "module.", "backbone.", "model.encoder."])
@pytest.mark.parametrize("nested", [(), ("state_dict",), ("model",), ("teacher",), ("model", "state_dict")])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_are_found_under_prefixes_and_in_training_states(
    tmp_path: Path, wrap: str, nested: tuple[str, ...], suffix: str
) -> None:
    source, network = Small(classes=7), Small()
    weights: Any = {f"{wrap}{key}": value for key, value in source.state_dict().items()}
    weights |= {"decoder.weight": torch.zeros(2)} if wrap else {}
    if suffix == ".safetensors":
        save_file(weights, tmp_path / f"w{suffix}")
    else:
        for key in nested:
            weights = {key: weights, "epoch": 3}
        torch.save(weights, tmp_path / f"w{suffix}")
    head = network.fc.weight.clone()
    load_weights(network, str(tmp_path / f"w{suffix}"), beside=("fc.",))
    assert all(torch.equal(a, b) for a, b in zip(body(source), body(network), strict=True))
    assert torch.equal(network.fc.weight, head)


def test_old_files_that_count_no_batches_are_taken(tmp_path: Path) -> None:
    source, network = Small(), Small()
    weights = {key: value for key, value in source.state_dict().items() if "num_batches" not in key}
    torch.save(weights, tmp_path / "w.pth")
    load_weights(network, str(tmp_path / "w.pth"))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), source.parameters(), strict=True))


def test_other_networks_and_files_are_refused_in_words(tmp_path: Path) -> None:
    def given(name: str, value: Any) -> str:
        torch.save(value, tmp_path / name)
        return str(tmp_path / name)

    own = Small().state_dict()
    fewer = {key: value for key, value in own.items() if "body.2" not in key}
    more = own | {f"body.{number}.weight": torch.zeros(2) for number in range(3, 8)}
    for path, message in (
        (given("fewer", fewer), r"another network: it is without body\.2\.weight, body\.2\.bias"),
        (given("wide", Small(width=5).state_dict()), r"with body\.0\.weight of \(5, 2\) for \(4, 2\), .* and \d more"),
        (given("more", more), r"with the unknown body\.3\.weight, .* and 2 more"),
        (given("none", {"epoch": 3}), "holds no weights by name"),
        (given("list", [1, 2]), "holds no weights by name"),
        (given("code", Small()), "cannot be read|without running code"),
        (str(Path(__file__)), "without running code"),
    ):
        network = Small()
        before = [value.clone() for value in network.state_dict().values()]
        with pytest.raises(ValueError, match=message):
            load_weights(network, path, beside=("fc.",))
        assert all(torch.equal(a, b) for a, b in zip(before, network.state_dict().values(), strict=True))
    with pytest.raises(FileNotFoundError, match=r"gone\.pth does not exist"):
        load_weights(Small(), str(tmp_path / "gone.pth"))
    load_weights(Small(), None)


def encoder_of(name: str, **settings: Any) -> AbstractEncoder:
    modality, encoder = name.split(": ")
    built: AbstractEncoder = MODALITIES.load(modality).encoders[encoder](**settings)
    return built


def test_pictures_and_sound_start_from_weights_of_torchvision_and_torchaudio(tmp_path: Path) -> None:
    import torchvision.models as published
    from torchvision.models.swin_transformer import SwinTransformer

    resnet = published.resnet18(num_classes=7)
    torch.save({"state_dict": {f"module.{key}": value for key, value in resnet.state_dict().items()}}, tmp_path / "r")
    image = encoder_of("image: resnet18", checkpoint=str(tmp_path / "r"), pyramid=8)
    assert torch.equal(image.backbone.stages[3][1].conv2.weight, resnet.layer4[1].conv2.weight)  # type: ignore[union-attr,index]
    assert torch.equal(image.backbone.stem[0].weight, resnet.conv1.weight)  # type: ignore[union-attr,index]
    grey = encoder_of("image: resnet18", checkpoint=str(tmp_path / "r"), channels=1)
    assert torch.equal(grey.backbone.stages[0][0].conv1.weight, resnet.layer1[0].conv1.weight)  # type: ignore[union-attr,index]
    sound = encoder_of("audio: resnet18", checkpoint=str(tmp_path / "r"))
    assert torch.equal(sound.stem.weight, resnet.conv1.weight.sum(dim=1, keepdim=True))  # type: ignore[union-attr,arg-type]
    assert torch.equal(sound.stages[1][0].conv1.weight, resnet.layer2[0].conv1.weight)  # type: ignore[index,union-attr]
    with pytest.raises(ValueError, match="another network"):
        encoder_of("image: resnet50", checkpoint=str(tmp_path / "r"))

    swin = SwinTransformer([4, 4], 12, [1, 1, 1, 1], [1, 2, 2, 2], [3, 3])
    assert isinstance(swin.norm, nn.LayerNorm)
    nn.init.normal_(swin.norm.weight)
    torch.save(swin.state_dict(), tmp_path / "s")
    small = {"width": 12, "depths": [1, 1, 1, 1], "heads": [1, 2, 2, 2], "window": 3, "level": 5}
    windows = encoder_of("image: swin", **small, checkpoint=str(tmp_path / "s"))
    assert torch.equal(windows.backbone.norms[-1].weight, swin.norm.weight)  # type: ignore[union-attr,index]
    assert torch.equal(windows.backbone.stages[0][0][0].weight, swin.features[0][0].weight)  # type: ignore[union-attr,index]

    config = {
        "extractor_conv_layer_config": [[16, 10, 5], *[[16, 3, 2]] * 4, *[[16, 2, 2]] * 2], "encoder_embed_dim": 16,
        "encoder_num_layers": 1, "encoder_num_heads": 2, "encoder_ff_interm_features": 32,
        "encoder_pos_conv_kernel": 8, "encoder_pos_conv_groups": 2,
    }  # fmt: skip
    speech = encoder_of("audio: torchaudio_wav2vec2", config=config)
    weights = speech.model.state_dict() | {"aux.weight": torch.zeros(29, 16)}  # type: ignore[union-attr]
    torch.save(weights, tmp_path / "w")
    again = encoder_of("audio: torchaudio_wav2vec2", config=config, checkpoint=str(tmp_path / "w"))
    assert all(torch.equal(a, b) for a, b in zip(speech.parameters(), again.parameters(), strict=True))
    assert saved(MODALITIES.load("audio"), "torchaudio_wav2vec2", again)["checkpoint"] is None


def test_graphs_start_from_a_run_and_from_convolutions_of_torch_geometric(tmp_path: Path) -> None:
    source = encoder_of("graph: gine", width=8, layers=2)
    from torch_geometric.nn import GCN  # after the modality, which bears with the library's warnings

    save_file({f"encoder.{key}": value for key, value in source.state_dict().items()}, tmp_path / "run.safetensors")
    again = encoder_of("graph: gine", width=8, layers=2, checkpoint=str(tmp_path / "run.safetensors"))
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), again.parameters(), strict=True))
    theirs = GCN(8, 8, num_layers=2)
    torch.save(theirs.state_dict(), tmp_path / "gcn.pt")
    ours = encoder_of("graph: gcn", width=8, layers=2, checkpoint=str(tmp_path / "gcn.pt"))
    assert torch.equal(ours.convolutions[1].lin.weight, theirs.convs[1].lin.weight)  # type: ignore[union-attr,index]
    with pytest.raises(ValueError, match="another network"):
        encoder_of("graph: gcn", width=8, layers=3, checkpoint=str(tmp_path / "gcn.pt"))


def test_a_folder_of_another_architecture_leaves_nothing_at_random(tmp_path: Path) -> None:
    tiny = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    vit = encoder_of("image: vit", config={**tiny, "intermediate_size": 32})
    vit.model.save_pretrained(tmp_path / "vit")  # type: ignore[union-attr,operator]
    with pytest.raises(ValueError, match=r"another network: it is without .* and .* more; choose the encoder"):
        encoder_of("image: dinov2", checkpoint=str(tmp_path / "vit"))
    check_complete({"missing_keys": {"pooler.dense.weight", "masked_spec_embed"}}, "here")
    torch.save({"conv": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"another network than test_resnet: nothing in it is for conv1\.0\.weight"):
        encoder_of("image: timm", model="test_resnet", checkpoint=str(tmp_path / "other.pth"))
