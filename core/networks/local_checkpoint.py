"""Models of a library such as transformers, from a configuration or local files; nothing is ever fetched."""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..storage.damage import first_line


def local_model(
    model_class: Any, config: Mapping[str, Any] | None, small: Mapping[str, Any], checkpoint: str | None
) -> tuple[Any, dict[str, Any]]:
    """A model, and the configuration that builds it again without the checkpoint.

    Args:
        model_class: with the `config_class`, and the ways of making them, that classes of transformers have.
        config: what differs from the library's own default.
        small: the configuration where neither a `config` nor a `checkpoint` is given.
        checkpoint: a local folder with `config.json` and safetensors, instead of a configuration.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if a configuration names what the library does not know, or comes beside a checkpoint.
    """
    config_class = model_class.config_class
    if checkpoint is None:
        chosen = dict(small if config is None else config)
        unknown = chosen.keys() - config_class().to_dict().keys()
        if unknown:
            raise ValueError(f"{config_class.__name__} knows no {', '.join(sorted(unknown))}; check the spelling")
        return model_class(config_class.from_dict(chosen)), chosen
    if config is not None:
        raise ValueError("give a config or a checkpoint, not both: a checkpoint brings its own configuration")
    if not (Path(checkpoint) / "config.json").is_file():
        raise FileNotFoundError(
            f"{checkpoint} is no local checkpoint: it has no config.json; "
            "download the model first and name its folder (nothing is fetched over the network)"
        )
    model, loading = model_class.from_pretrained(
        checkpoint, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    check_complete(loading, checkpoint)
    return model, json.loads(model.config.to_json_string())


# What summarises whole items or stands for hidden parts: nothing here reads it, and not every checkpoint has it.
UNREAD = ("pooler", "masked_spec_embed", "mask_token", "position_ids")


def check_complete(loading: Mapping[str, Any], checkpoint: str) -> None:
    """Refuse a checkpoint that left weights of a model of transformers at random.

    Args:
        loading: what `from_pretrained` says with `output_loading_info`.
        checkpoint: its folder.

    Raises:
        ValueError: naming some of the weights.
    """
    missing = sorted(name for name in loading["missing_keys"] if not any(part in name for part in UNREAD))
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ValueError(
            f"{checkpoint} holds the weights of another network: it is without {', '.join(missing[:3])}{more}; "
            "choose the encoder of its architecture"
        )


def blocks_of(model: Any) -> list[nn.Module]:
    """The blocks of a transformer of transformers, from the lowest up, whatever the library calls them."""
    inner = [model, *(part for name in ("encoder", "transformer") if (part := getattr(model, name, None)) is not None)]
    found = [
        part for owner in inner for name in ("layer", "layers") if (part := getattr(owner, name, None)) is not None
    ]
    if not found:
        raise ValueError(f"{type(model).__name__} has no blocks where they are looked for")
    return list(found[0])


def load_weights(network: nn.Module, checkpoint: str | None, beside: Sequence[str] = ()) -> None:
    """Put published weights from a local file into a network; None leaves it as it is.

    The file is `.safetensors` or what `torch.save` wrote. Of a whole training state, the weights are taken that lie
    under `state_dict`, `model` or the like; a prefix of all names of the network (`module.`, `backbone.`) is found.

    Args:
        network: of the architecture that the weights were trained in.
        checkpoint: the file.
        beside: what the names of heads begin with, which the network or the weights may have and the other may not:
            they are left as they are.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no weights, or those of another network.
    """
    if checkpoint is None:
        return
    given = read_weights(checkpoint)
    heads = tuple(beside)
    wanted = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith(heads)}
    prefix = _prefix(wanted, given)
    own = {name.removeprefix(prefix): tensor for name, tensor in given.items() if name.startswith(prefix)}
    own = {name: tensor for name, tensor in own.items() if not name.startswith(heads)}
    # Old files count no batches, and the count is used by nothing here.
    missing = [name for name in wanted if name not in own and not name.endswith("num_batches_tracked")]
    wrong = [
        f"{name} of {tuple(own[name].shape)} for {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in own and own[name].shape != tensor.shape
    ]
    further = [name for name in own if name not in wanted]
    if missing or wrong or further:
        said = [
            f"{what} {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            for what, names in (("without", missing), ("with", wrong), ("with the unknown", further))
            if names
        ]
        raise ValueError(
            f"{checkpoint} holds the weights of another network: it is {'; '.join(said)}; "
            "check the name and the settings of the encoder"
        )
    network.load_state_dict(own, strict=False)


def read_weights(checkpoint: str) -> dict[str, Tensor]:
    """The tensors of a local file by name, those of the weights alone if it is a whole training state.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no weights by name, or cannot be read without running code.
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise FileNotFoundError(f"{checkpoint} does not exist; download the weights first and name the file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # of pickles by others, which are refused
            found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes a library raise; nothing in it is ever run
        raise ValueError(
            f"{path} holds no weights that can be read without running code: {first_line(error)}; "
            "save the state_dict of the network alone, with torch.save or safetensors"
        ) from error
    for _ in range(2):  # a training state, and within it a model
        for key in ("state_dict", "model_state_dict", "model", "teacher", "student"):
            if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
                found = found[key]
                break
    weights = (
        {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
        if (isinstance(found, Mapping))
        else {}
    )
    if not weights:
        raise ValueError(f"{path} holds no weights by name; save the state_dict of the network")
    return weights


def _prefix(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """What stands before the network's own names in the file: where most of them are found, the shortest."""
    last = max(wanted, key=len, default="")
    ends = {name.removesuffix(last) for name in given if name.endswith(last)} | {""}
    return max(sorted(ends, key=len), key=lambda prefix: sum(f"{prefix}{name}" in given for name in wanted))
