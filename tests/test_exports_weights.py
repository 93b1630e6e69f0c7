"""Weights and folders of models: the other library loads them strictly, and computes what the encoder computes."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import timm
import torch
import torchvision
from transformers import AutoModel

import gestalt
from gestalt.core.components.registry import EXPORTS
from gestalt.core.exports.export import export_named, fits, trained_of
from gestalt.core.exports.tensors import tensor_inputs
from gestalt.core.modality.plugins import installed_modality
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import load
from gestalt.modalities.image import Image
from gestalt.modalities.image.layout import standardised
from gestalt.modalities.text import Passage
from tests.tiny_runs import tiny_run

TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
VIT = {**TINY, "image_size": 32, "patch_size": 8, "intermediate_size": 32}
SWIN = {"level": 5, "width": 12, "depths": [1, 1, 1, 1], "heads": [1, 2, 2, 2], "window": 3}
SPEECH = {
    **TINY,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
}


def model(modality: str, encoder: str, **settings: Any) -> Model[Any]:
    torch.manual_seed(0)
    kind = installed_modality(modality)
    return Model(kind, gestalt.Network(kind.encoders[encoder](**settings)).eval(), {})


def pictures(channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, 64, 64, generator=torch.Generator().manual_seed(1))


def encoded(one: Model[Any], pixels: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = one.encoder(one.modality.collate(list(pixels))).values
    return found


def rows(maps: torch.Tensor) -> torch.Tensor:
    return maps.flatten(2).transpose(1, 2)


@pytest.mark.parametrize("level", [3, 5])
def test_torchvision_loads_a_resnet_strictly_and_computes_the_same(level: int, tmp_path: Path) -> None:
    one = model("image", "resnet18", level=level)
    one.export("torchvision", tmp_path / "out")
    other: Any = torchvision.models.resnet18()
    other.fc = torch.nn.Identity()
    assert str(other.load_state_dict(safetensors.torch.load_file(tmp_path / "out" / "model.safetensors")))
    x = standardised(pictures())
    with torch.no_grad():
        x = other.eval().maxpool(other.relu(other.bn1(other.conv1(x))))
        for number in range(1, level):
            x = getattr(other, f"layer{number}")(x)
    torch.testing.assert_close(rows(x), encoded(one, pictures()), rtol=1e-4, atol=1e-4)
    said = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert ("the 2 coarser stages are as they were drawn" in said) == (level == 3)


def test_torchvision_loads_a_swin_strictly_and_computes_the_same(tmp_path: Path) -> None:
    one = model("image", "swin", **SWIN)
    one.export("torchvision", tmp_path / "out")
    code = re.findall(r"```python\n(.*?)```", (tmp_path / "out" / "README.md").read_text(encoding="utf-8"), re.DOTALL)[
        0
    ]
    names: dict[str, Any] = {}
    exec(code.replace('load_file("', f'load_file("{tmp_path / "out"}/'), names)
    with torch.no_grad():
        features = names["model"].norm(names["model"].features(standardised(pictures())))
    torch.testing.assert_close(features.flatten(1, 2), encoded(one, pictures()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("encoder", "settings", "name"),
    [
        ("resnet18", {"channels": 4}, "resnet18"),
        ("timm", {"model": "test_resnet", "level": 2}, "test_resnet"),
        ("timm", {"model": "test_vit", "level": -1}, "test_vit"),
        ("timm", {"model": "test_convnext", "level": 1}, "test_convnext"),
    ],
)
def test_timm_loads_the_weights_strictly_and_computes_the_same(
    encoder: str, settings: dict[str, Any], name: str, tmp_path: Path
) -> None:
    one, channels = model("image", encoder, **settings), int(settings.get("channels", 3))
    one = dataclasses.replace(one, modality=Image(channels=channels))
    one.export("timm", tmp_path / "out", examples=[*pictures(channels)])
    more: dict[str, Any] = {"in_chans": channels, "num_classes": 0}
    given = safetensors.torch.load_file(tmp_path / "out" / "model.safetensors")
    other: Any = (
        timm.create_model(name, dynamic_img_size=True, **more) if "vit" in name else timm.create_model(name, **more)
    )
    other.load_state_dict(given)
    level = int(settings.get("level", -1))
    with torch.no_grad():
        maps = other.eval().forward_intermediates(standardised(pictures(channels)), intermediates_only=True, norm=False)
    torch.testing.assert_close(rows(maps[level]), encoded(one, pictures(channels)), rtol=1e-4, atol=1e-4)


def test_what_is_no_network_of_the_library_is_refused_with_what_fits(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"expected the stem of the library, 7 × 7 pixels, got stem='small'.*: onnx, torch"
    ):
        model("image", "resnet18", stem="small").export("timm", tmp_path)
    with pytest.raises(ValueError, match=r"expected a network of torchvision, got Conv; torchvision holds ResNets"):
        model("image", "conv").export("torchvision", tmp_path)
    assert list(tmp_path.iterdir()) == []


THEIRS = [
    ("text", "bert", {}),
    ("text", "roberta", {}),
    ("image", "vit", {"config": VIT}),
    ("image", "dinov2", {"config": {key: value for key, value in VIT.items() if key != "intermediate_size"}}),
    ("audio", "wav2vec2", {"config": SPEECH}),
    ("audio", "ast", {"config": {**TINY, "intermediate_size": 32, "max_length": 416}}),
]


@pytest.mark.parametrize(("modality", "encoder", "settings"), THEIRS, ids=[name for _, name, _ in THEIRS])
def test_a_model_of_transformers_leaves_as_itself_and_its_weights_all_come_back(
    modality: str, encoder: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    one: Any = model(modality, encoder, **settings)
    one.export("transformers", tmp_path / "out")
    other = AutoModel.from_pretrained(tmp_path / "out", local_files_only=True)
    assert type(other) is type(one.encoder.model)
    own, theirs = one.encoder.model.state_dict(), other.state_dict()
    assert {name for name in theirs if "pooler" not in name} == own.keys()
    assert all(torch.equal(theirs[name], value) for name, value in own.items())


def test_the_tokenizer_of_a_text_model_gives_the_sub_words_of_the_encoder(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    one: Any = model("text", "bert")
    one.export("transformers", tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out", local_files_only=True)
    batch = one.modality.collate([Passage.of("silence")])
    ids, _ = one.encoder._rows(batch.strings(), 1)
    given = tokenizer("silence", return_tensors="pt")
    assert given["input_ids"].tolist() == [ids[0].tolist()]


def test_pictures_and_sound_are_prepared_as_the_encoder_prepares_them(tmp_path: Path) -> None:
    from transformers import AutoFeatureExtractor, AutoImageProcessor

    model("image", "vit", config=VIT).export("transformers", tmp_path / "image")
    prepare = AutoImageProcessor.from_pretrained(tmp_path / "image", local_files_only=True)  # type: ignore[no-untyped-call]
    pixels = (pictures() * 255).round().to(torch.uint8)
    given = prepare(list(pixels), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(given, standardised(pixels.float() / 255), rtol=1e-4, atol=1e-4)

    one: Any = model("audio", "ast", config={**TINY, "intermediate_size": 32, "max_length": 416})
    one.export("transformers", tmp_path / "audio")
    extract = AutoFeatureExtractor.from_pretrained(tmp_path / "audio", local_files_only=True)  # type: ignore[no-untyped-call]
    sound = torch.randn(16_000, generator=torch.Generator().manual_seed(2)) * 0.1
    spectrogram = extract(sound.numpy(), sampling_rate=16_000, return_tensors="pt")["input_values"][0]
    frames = one.encoder.spectrogram(sound[None], torch.tensor([16_000]))[0]
    wanted = (frames - one.encoder.mean) / (2 * one.encoder.deviation)
    torch.testing.assert_close(spectrogram, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("modality", "encoder", "settings"),
    [("audio", "conv", {"width": 8}), ("image", "conv", {"width": 8}), ("text", "conv", {"width": 8, "buckets": 64})],
)
def test_any_other_encoder_of_a_run_is_opened_by_auto_model_once_the_package_is_imported(
    modality: str, encoder: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    run = tiny_run(tmp_path / "run", installed_modality(modality), encoder, **settings)
    one = load(run)
    one.export("transformers", tmp_path / "out")
    assert getattr(gestalt.GestaltModel.config_class, "model_type", "") == "gestalt"
    other = AutoModel.from_pretrained(tmp_path / "out", local_files_only=True)
    batch = one.modality.collate([specimen.item for specimen in one.modality.specimens()][:1])
    inputs = tensor_inputs(one.modality, batch)
    with torch.no_grad():
        given = other(**dict(zip(inputs.axes, inputs.take(batch), strict=True)))
        torch.testing.assert_close(given.last_hidden_state, one.encoder(batch).values, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match=r"the model takes .*, got sounds"):
        other(sounds=torch.zeros(1))


def test_sentence_transformers_opens_a_text_model_and_takes_the_mean_over_its_sub_words(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    one: Any = model("text", "bert")
    one.export("sentence-transformers", tmp_path / "out")
    texts = ["silence", "So far and no further."]
    given = SentenceTransformer(str(tmp_path / "out"), device="cpu", local_files_only=True).encode(texts)
    network, tokenizer = one.encoder.library_parts()
    for text, vector in zip(texts, given, strict=True):
        with torch.no_grad():
            hidden = network(**tokenizer(text, return_tensors="pt")).last_hidden_state
        torch.testing.assert_close(torch.from_numpy(vector), hidden[0].mean(dim=0), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="expected a model of transformers with a tokenizer, got Conv"):
        model("text", "conv").export("sentence-transformers", tmp_path / "other")


def test_every_format_says_what_it_holds_and_refuses_in_words() -> None:
    one = model("image", "conv")
    said = dict(fits(trained_of(one.modality, one.encoder, None)))
    assert said.keys() == set(EXPORTS.names())
    for name, why in said.items():
        assert len(export_named(name).takes.split()) > 4
        assert why is None or "expected" in why
