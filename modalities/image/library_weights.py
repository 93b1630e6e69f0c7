"""`torchvision` and `timm`: weights under the names of these libraries, for networks whose architecture is theirs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import safetensors.torch
from torch import Tensor

from gestalt.core.exports.base import AbstractExport, Trained, Written
from gestalt.core.storage.atomic import write_bytes

from .backbones import ResNet, Swin
from .pretrained import Timm

FILE = "model.safetensors"
PIXELS = "colours in [0, 1], less ImageNet's mean (0.485, 0.456, 0.406), over its deviation (0.229, 0.224, 0.225)"


@final
class TorchvisionWeights(AbstractExport):
    """`model.safetensors`: a state dict that torchvision's ResNet or Swin loads strictly, its classifier taken off."""

    takes: ClassVar[str] = (
        "ResNets with the large stem and Swin, both on three channels: weights by torchvision's names"
    )

    def refusal(self, trained: Trained) -> str | None:
        """What the encoder is, where it is none of these."""
        encoder = trained.encoder
        if isinstance(encoder, ResNet):
            return _stem(encoder, 3)
        if isinstance(encoder, Swin):
            return None if encoder.channels == 3 else f"expected three channels, got {encoder.channels}"
        return f"expected a network of torchvision, got {type(encoder).__name__}"

    def write(self, trained: Trained, folder: Path) -> Written:
        """Write the weights."""
        encoder = trained.encoder
        assert isinstance(encoder, ResNet | Swin)
        _save(folder, of_resnet(encoder) if isinstance(encoder, ResNet) else of_swin(encoder))
        built = f"torchvision.models.{encoder.name}()" if isinstance(encoder, ResNet) else _swin_call(encoder)
        head = "fc" if isinstance(encoder, ResNet) else "head"
        loading = (
            f"import safetensors.torch\nimport torch\nimport torchvision\n\nmodel = {built}\n"
            f"model.{head} = torch.nn.Identity()  # no classifier was trained\n"
            f'model.load_state_dict(safetensors.torch.load_file("{FILE}"))\nmodel.eval()'
        )
        return Written(loading, {"input": PIXELS, **_unlearned(encoder)})


@final
class TimmWeights(AbstractExport):
    """`model.safetensors`: a state dict that a model of timm, made with `num_classes=0`, loads strictly."""

    takes: ClassVar[str] = "the encoder timm, and ResNets with the large stem: weights by timm's names"

    def refusal(self, trained: Trained) -> str | None:
        """What the encoder is, where it is none of these."""
        encoder = trained.encoder
        if isinstance(encoder, ResNet):
            return _stem(encoder, encoder.channels)
        return None if isinstance(encoder, Timm) else f"expected a network of timm, got {type(encoder).__name__}"

    def write(self, trained: Trained, folder: Path) -> Written:
        """Write the weights.

        Raises:
            ImportError: if timm is not installed.
            ValueError: if the library calls the parts of the model otherwise than its feature maps do.
        """
        encoder = trained.encoder
        assert isinstance(encoder, ResNet | Timm)
        name, options = (encoder.model, encoder.options) if isinstance(encoder, Timm) else (encoder.name, {})
        given = {**options, "in_chans": encoder.channels, "num_classes": 0}
        facts = {"input": PIXELS if encoder.channels == 3 else "channels in [0, 1], less .449, over .226"}
        if isinstance(encoder, Timm):
            weights, missing = of_timm(encoder, given)
            facts |= {"not learned": missing} if missing else {}
        else:
            weights = of_resnet(encoder)
            facts |= _unlearned(encoder)
        _save(folder, weights)
        said = "".join(f", {key}={value!r}" for key, value in given.items())
        loading = (
            f'import safetensors.torch\nimport timm\n\nmodel = timm.create_model("{name}"{said})\n'
            f'model.load_state_dict(safetensors.torch.load_file("{FILE}"))\nmodel.eval()'
        )
        return Written(loading, facts)


def of_resnet(encoder: ResNet) -> dict[str, Tensor]:
    """The weights of the backbone under torchvision's names, which are timm's too; a feature pyramid stays behind."""
    stem = {"stem.0.": "conv1.", "stem.1.": "bn1."}
    stages = {f"stages.{number}.": f"layer{number + 1}." for number in range(4)}
    return _renamed(encoder.backbone.state_dict(), stem | stages)


def of_swin(encoder: Swin) -> dict[str, Tensor]:
    """The weights of the backbone under torchvision's names: patches and blocks first, then merging and blocks."""
    parts = {f"stages.{stage}.{part}.": f"features.{2 * stage + part}." for stage in range(4) for part in range(2)}
    return _renamed(encoder.backbone.state_dict(), parts | {"norms.3.": "norm."})


def of_timm(encoder: Timm, options: Mapping[str, Any]) -> tuple[dict[str, Tensor], str]:
    """The weights of the whole model, and which parts of it the encoder does not have: they are as timm draws them."""
    import timm

    whole: dict[str, Tensor] = timm.create_model(encoder.model, **options).state_dict()
    plain = {_flat(name): name for name in whole}
    own = {_flat(name.removeprefix("model.")): tensor for name, tensor in encoder.network.state_dict().items()}
    strangers = sorted(own.keys() - plain.keys())
    wrong = [name for name, tensor in own.items() if name in plain and whole[plain[name]].shape != tensor.shape]
    if strangers or wrong:
        raise ValueError(
            f"{encoder.model} as feature maps has {', '.join([*strangers, *wrong][:3])}, which the whole model lacks, "
            "or of another shape; export it with --to torch"
        )
    missing = sorted({plain[name].rsplit(".", 1)[0] for name in plain.keys() - own.keys()})
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    weights = {plain[name]: own.get(name, whole[plain[name]]) for name in plain}
    return (
        weights,
        f"{', '.join(missing[:5])}{more}: as timm draws them, since the run did not use them" if missing else "",
    )


def _flat(name: str) -> str:
    """Feature maps of convolutional models are in one list of layers, `stages_0`, where the model has `stages.0`."""
    return name.replace(".", "_")


def _renamed(weights: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    return {
        new + name.removeprefix(old): tensor
        for name, tensor in weights.items()
        for old, new in names.items()
        if name.startswith(old)
    }


def _save(folder: Path, weights: Mapping[str, Tensor]) -> None:
    write_bytes(folder / FILE, safetensors.torch.save({name: one.contiguous() for name, one in weights.items()}))


def _stem(encoder: ResNet, channels: int) -> str | None:
    if encoder.stem != "large":
        return f"expected the stem of the library, 7 × 7 pixels, got stem={encoder.stem!r}, 3 × 3"
    return None if encoder.channels == channels else f"expected {channels} channels, got {encoder.channels}"


def _swin_call(encoder: Swin) -> str:
    depths, heads = list(encoder.depths), list(encoder.heads)
    return (
        f"torchvision.models.SwinTransformer(patch_size=[4, 4], embed_dim={encoder.width}, depths={depths}, "
        f"num_heads={heads}, window_size=[{encoder.window}, {encoder.window}])"
    )


def _unlearned(encoder: ResNet | Swin) -> dict[str, str]:
    """Stages that are coarser than what the run read, and so never got a gradient; with a pyramid all did."""
    first = encoder.reader.stage + 1
    if encoder.pyramid or first == 4:
        return {}
    return {"not learned": f"the run read level {encoder.level}: the {4 - first} coarser stages are as they were drawn"}
