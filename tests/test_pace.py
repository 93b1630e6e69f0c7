"""Frozen layers do not change, whatever is trained; slower ones learn at their share; unused, both change nothing."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gestalt.core.components.registry import MODALITIES
from gestalt.core.components.settings import settings_of
from gestalt.core.evaluation.fine_tuning import FineTuning, fine_tune
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.pace import Pace
from gestalt.core.optimization.parameter_groups import SHARE, parameter_groups
from gestalt.core.training.optimizer import build_optimizer
from gestalt.core.training.options import Training
from tests.implementations import method_learner

HF = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
SPEECH = {
    **HF, "conv_dim": [16] * 7, "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2,
    "feat_extract_norm": "layer", "do_stable_layer_norm": True, "layerdrop": 0.0,
}  # fmt: skip
TORCHAUDIO = {
    "extractor_conv_layer_config": [[16, 10, 5], *[[16, 3, 2]] * 4, *[[16, 2, 2]] * 2], "encoder_embed_dim": 16,
    "encoder_num_layers": 2, "encoder_num_heads": 2, "encoder_ff_interm_features": 32, "encoder_layer_drop": 0.0,
    "encoder_pos_conv_kernel": 8, "encoder_pos_conv_groups": 2, "extractor_mode": "layer_norm",
}  # fmt: skip
MAE = {**HF, "image_size": 32, "patch_size": 8, "num_frames": 4, "tubelet_size": 2}
VIT = {**HF, "image_size": 32, "patch_size": 8}
DINO = {key: value for key, value in VIT.items() if key != "intermediate_size"}
SWIN = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [2, 1], "num_heads": [2, 2], "window_size": 3}
# Settings that make a network small, and how many layers it then has.
SMALL: Mapping[str, tuple[Mapping[str, Any], int]] = {
    "image: resnet18": ({"level": 3}, 3),
    "image: resnet50": ({"level": 2}, 2),
    "image: resnet50_pyramid": ({"pyramid": 16}, 5),
    "image: swin": ({"width": 12, "depths": [1, 1, 1, 1], "heads": [1, 2, 2, 2], "window": 3}, 3),
    "image: vit": ({"config": VIT}, 3),
    "image: dinov2": ({"config": DINO}, 3),
    "image: transformers_swin": ({"config": SWIN}, 3),
    "image: timm": ({"model": "test_resnet", "level": -1}, 5),
    "audio: resnet18": ({"mels": 32}, 5),
    "audio: resnet34": ({"mels": 32}, 5),
    "audio: resnet50": ({"mels": 32}, 5),
    "audio: wav2vec2": ({"config": SPEECH}, 3),
    "audio: hubert": ({"config": SPEECH}, 3),
    "audio: ast": ({"config": {**HF, "max_length": 204, "num_mel_bins": 32}}, 3),
    "audio: torchaudio_wav2vec2": ({"config": TORCHAUDIO}, 3),
    "text: bert": ({"config": HF}, 3),
    "text: roberta": ({"config": {**HF, "max_position_embeddings": 60}}, 3),
    "text: distilbert": ({"config": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}}, 3),
    "text: minilm": ({"config": HF}, 3),
    "video: frame_resnet18": ({}, 5),
    "video: r3d_18": ({"stages": 2}, 3),
    "video: swin3d_t": ({"stages": 1}, 2),
    "video: mvit_v2_s": ({"frames": 2, "side": 32}, 17),
    "video: videomae": ({"config": MAE}, 3),
    "graph: gin": ({"width": 8, "layers": 2}, 3),
    "graph: gine": ({"width": 8, "layers": 2}, 3),
    "graph: gcn": ({"width": 8, "layers": 2}, 3),
    "graph: gat": ({"width": 8, "layers": 2}, 3),
}
every = pytest.mark.parametrize("name", SMALL)
# One of every kind of network; the others differ from these in sizes and names.
SLOW = ("resnet34", "resnet50", "mvit", "hubert", "roberta", "minilm", "dinov2", "gin", "gcn", "swin3d", "r3d")
KINDS = [name for name in SMALL if not any(part in name for part in SLOW) or name.endswith("gine")]
QUICK = ("image: timm", "image: vit", "audio: wav2vec2", "text: bert", "graph: gine")


def modality_of(name: str) -> AbstractModality[Any]:
    modality: AbstractModality[Any] = MODALITIES.load(name.split(": ")[0])
    return modality


def build(name: str, **settings: Any) -> AbstractEncoder:
    torch.manual_seed(0)
    return modality_of(name).encoders[name.split(": ")[1]](**{**SMALL[name][0], **settings})


def data_of(name: str) -> Any:
    modality = modality_of(name)
    return modality.collate([specimen.item for specimen in modality.specimens()[:2]])


def state(encoder: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in encoder.state_dict().items()}


def trained(encoder: AbstractEncoder, data: Any, steps: int = 2) -> dict[str, torch.Tensor]:
    """The state before; the encoder has learned with strong weight decay."""
    before = state(encoder)
    holder = nn.ModuleDict({"encoder": encoder, "head": nn.Linear(encoder.dim, 3)}).train()
    optimizer = build_optimizer(holder, Training(lr=0.01, weight_decay=0.1))
    for _ in range(steps):
        features = encoder(data)
        loss = holder["head"](features.values[features.valid]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return before


def changed(encoder: AbstractEncoder, before: Mapping[str, torch.Tensor]) -> set[str]:
    return {key for key, value in encoder.state_dict().items() if not torch.equal(value, before[key])}


def test_every_encoder_that_takes_a_checkpoint_can_be_frozen_and_slowed() -> None:
    listed = set()
    for name in MODALITIES.points():
        for encoder, build_ in MODALITIES.load(name).encoders.items():
            arguments = inspect.signature(build_).parameters
            assert ("checkpoint" in arguments) == ("frozen" in arguments) == ("slower" in arguments), encoder
            if "checkpoint" in arguments:
                listed.add(f"{name}: {encoder}")
    assert listed == set(SMALL)


@every
def test_layers_hold_every_weight_once_and_are_as_many_as_the_network_has(name: str) -> None:
    encoder, count = build(name, slower=0.5), SMALL[name][1]
    assert encoder.paced is not None
    assert len(encoder.paced.layers) == count
    parts = [
        parameter
        for layer in encoder.paced.layers
        for part in layer
        for parameter in (part.parameters() if isinstance(part, nn.Module) else [part])
    ]
    assert len(parts) == len(set(parts))
    shares = encoder.paced.rates()
    assert set(parts) <= set(shares)
    assert sorted(set(shares.values())) == [0.5**power for power in range(count, 0, -1)]
    with pytest.raises(ValueError, match=rf"frozen must be at most {count}, .* got {count + 1}"):
        build(name, frozen=count + 1)


@pytest.mark.parametrize("name", KINDS)
def test_frozen_layers_get_no_gradient_no_decay_and_keep_their_statistics(name: str) -> None:
    encoder, data = build(name, frozen=1), data_of(name)
    assert encoder.paced is not None
    still = {id(parameter) for part in encoder.paced.frozen() for parameter in _parameters(part)}
    kept = {key for key, parameter in encoder.named_parameters() if id(parameter) in still}
    buffers = {
        f"{path}.{key}"
        for path, module in encoder.named_modules()
        if not module.training or any(module is part for part in encoder.paced.frozen())
        for key, _ in module.named_buffers(recurse=False)
    }
    assert kept
    in_groups = {id(p) for group in parameter_groups(encoder, 0.1) for p in group["params"]}
    assert not still & in_groups
    moved = changed(encoder, trained(encoder, data))
    assert not moved & (kept | buffers)
    assert moved
    assert all(parameter.grad is None for parameter in encoder.parameters() if id(parameter) in still)


def _parameters(part: nn.Module | nn.Parameter) -> list[nn.Parameter]:
    return list(part.parameters()) if isinstance(part, nn.Module) else [part]


@pytest.mark.parametrize("name", KINDS)
def test_a_frozen_network_computes_in_training_what_it_does_in_evaluation(name: str) -> None:
    """Nothing is dropped, no statistics are of a batch, and nothing of it changes while a head learns."""
    encoder, data = build(name, frozen=-1), data_of(name)
    with torch.no_grad():
        expected = encoder.eval()(data).values
    before = trained(encoder, data)
    assert changed(encoder, before) <= {key for key in before if key.startswith("norm.")}  # of a stage: it is new
    if not changed(encoder, before):
        assert torch.equal(encoder.train()(data).values.detach(), expected)


@pytest.mark.parametrize("name", QUICK)
def test_unused_neither_setting_changes_a_number(name: str) -> None:
    one, two = build(name), build(name, frozen=0, slower=1.0)
    groups = parameter_groups(one, 0.1)
    assert [len(group["params"]) for group in groups] == [
        sum(p.ndim > 1 for p in one.parameters() if p.requires_grad),
        sum(p.ndim <= 1 for p in one.parameters() if p.requires_grad),
    ]
    assert not any(SHARE in group for group in groups)
    data = data_of(name)
    for encoder in (one, two):
        torch.manual_seed(1)
        trained(encoder, data)
    assert not changed(one, state(two))
    assert settings_of(one, modality_of(name).encoders[name.split(": ")[1]])["frozen"] == 0


@pytest.mark.parametrize("name", QUICK)
def test_a_layer_learns_at_its_share_of_the_rate(name: str) -> None:
    """One step of plain descent moves every weight by its share of what it moves at the full rate."""
    data, moves = data_of(name), []
    for slower in (1.0, 0.25):
        encoder = build(name, slower=slower).eval()
        groups = parameter_groups(encoder, 0.0)
        optimizer = torch.optim.SGD(
            [{"params": group["params"], "lr": 0.1 * group.get(SHARE, 1.0)} for group in groups], lr=0.1
        )
        before = state(encoder)
        features = encoder(data)
        features.values[features.valid].square().mean().backward()
        optimizer.step()
        moves.append({key: value - before[key] for key, value in encoder.named_parameters()})
    assert encoder.paced is not None
    names = {parameter: key for key, parameter in encoder.named_parameters()}
    for parameter, share in encoder.paced.rates().items():
        key = names[parameter]
        assert torch.allclose(moves[1][key], share * moves[0][key], atol=1e-6)
    assert len(set(encoder.paced.rates().values())) == SMALL[name][1]


def test_the_loop_and_fine_tuning_train_at_the_shares() -> None:
    learner = method_learner("odin", build("image: vit", slower=0.5, frozen=1))
    shares = [group.get(SHARE, 1.0) for group in build_optimizer(learner, Training()).param_groups]
    assert shares == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    modality = modality_of("image: vit")
    items = [specimen.item for specimen in modality.specimens()] * 2
    known, sides = torch.tensor([0, 1, 0, 1, 0, 1]), (torch.arange(4), torch.arange(4, 6))
    few = FineTuning(steps=1, batch=4)
    encoder = build("image: vit", frozen=1, slower=0.5)
    before = state(encoder)
    assert fine_tune(encoder, items, Classes(("a", "b")), known, *sides, modality.collate, few)
    assert not changed(encoder, before)


def test_a_copy_keeps_its_own_layers_still() -> None:
    import copy

    encoder = copy.deepcopy(build("image: timm", frozen=2)).train()
    assert encoder.paced is not None
    own = set(encoder.modules())
    still = [part for part in encoder.paced.frozen() if isinstance(part, nn.Module)]
    assert still
    assert all(part in own and not part.training for part in still)
    assert encoder.training


def test_nothing_left_to_train_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"nothing to train: .*--encoder\.frozen"):
        build_optimizer(build("text: bert", frozen=-1), Training())
    wrongs: tuple[dict[str, Any], ...] = ({"frozen": -2}, {"slower": 0.0}, {"slower": 1.5})
    for wrong in wrongs:
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must lie in"):
            Pace(**wrong)


def test_a_run_keeps_the_settings_and_the_frozen_weights(tmp_path: Path) -> None:
    import json

    from gestalt.core.experiment.options import EncoderChoice
    from gestalt.recipes.objects.train import train

    source = build("image: vit")
    source.model.save_pretrained(tmp_path / "hub")  # type: ignore[operator, union-attr]
    rng = np.random.default_rng(0)
    items = [torch.from_numpy(rng.random((3, 40, 40), dtype=np.float32)) for _ in range(4)]
    choice = EncoderChoice("vit", {"checkpoint": str(tmp_path / "hub"), "frozen": 2, "slower": 0.5})
    few = Training(steps=2, batch=4, workers=0, log_every=1, accelerator="cpu", lr=0.01, weight_decay=0.1)
    model = train(items, modality="image", out=tmp_path / "run", encoder=choice, training=few)
    kept = json.loads((tmp_path / "run" / "config.json").read_text())["encoder"]["settings"]
    assert (kept["frozen"], kept["slower"], kept["checkpoint"]) == (2, 0.5, None)
    encoder = model.encoder
    assert encoder.paced is not None
    names = {key.removeprefix("model.") for key in changed(encoder, state(source))}
    assert names
    assert not [key for key in names if key.startswith(("embeddings.", "layers.0."))]
    assert [key for key in names if key.startswith("layers.1.")]
