"""`gestalt export` and `gestalt.load(run).export(…)`: an encoder in the form of another library, with a model card."""

import copy
import itertools
import os
import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from ..components.registry import EXPORTS
from ..modality.base import AbstractModality
from ..networks.encoder import AbstractEncoder
from ..networks.modes import evaluating
from ..runs.inputs import Source
from ..runs.output_folder import OutputFolder
from ..storage.atomic import write_text
from .base import AbstractExport, Trained
from .card import CARD, card
from .program import NoProgramError

PROGRAMS = frozenset(("onnx", "torch"))
"""Formats that hold programs of tensors: where one cannot be made, the other cannot either."""
EXAMPLES = 4
"""Items that are looked at."""


def export(
    modality: AbstractModality[Any],
    encoder: AbstractEncoder,
    run: Path | None,
    to: str,
    out: Path | str,
    examples: Any = None,
    licence: str | None = None,
) -> Path:
    """Write an encoder to a folder, in the form of another library, with a model card beside it.

    Args:
        modality: whose batches the encoder takes.
        encoder: what is exported; it is not changed.
        run: the folder of the run that trained it, for the model card; None for a model in memory.
        to: the name of the format: see `gestalt export RUN`.
        out: the folder; what an earlier call wrote there is replaced.
        examples: data that show what comes in; None: the modality's specimens.
        licence: of the weights, for the model card.

    Returns:
        The folder.

    Raises:
        ValueError: if the format cannot hold the encoder, with what it can hold and which formats fit; if the examples
            are not what the encoder takes; if there is no such format.
        ImportError: if the library of the format is missing.
    """
    form = export_named(to)
    trained = trained_of(modality, encoder, run, examples)
    refused = form.refusal(trained)
    if refused is not None:
        raise ValueError(f"{refused}; {to} holds {form.takes}. {_others(trained)}")
    with OutputFolder(Path(out), [] if run is None else [run]).writing() as folder, evaluating(trained.encoder):
        try:
            written = form.write(trained, folder)
        except (OSError, ImportError):
            raise
        except NoProgramError as error:
            raise ValueError(f"{error}; export it in another format. {_others(trained, PROGRAMS)}") from error
        except Exception as error:
            system = re.search(r"\(os error (\d+)\)", str(error))  # how safetensors says that the disk is full
            if system is None:
                raise
            raise OSError(int(system[1]), os.strerror(int(system[1]))) from error
        write_text(folder / CARD, card(trained, to, written, licence))
    return Path(out)


def _others(trained: Trained, but: Set[str] = frozenset()) -> str:
    """Which formats fit the encoder, as far as is known untried; those in `but` do not."""
    fitting = ", ".join(name for name, why in fits(trained) if why is None and name not in but)
    return f"This encoder can be exported to: {fitting or 'nothing'}"


def export_named(name: str) -> AbstractExport:
    """The format of a name.

    Raises:
        ValueError: if there is none, with the nearest name.
        ImportError: if its library is missing.
    """
    found = EXPORTS.load(name)()
    if not isinstance(found, AbstractExport):
        raise ValueError(f"what is installed as the export {name!r} must be an AbstractExport, got {found!r}")
    return found


def trained_of(
    modality: AbstractModality[Any], encoder: AbstractEncoder, run: Path | None, examples: Any = None
) -> Trained:
    """What is exported: a copy of the encoder on the CPU, and a few items that it takes.

    Raises:
        ValueError: if it does not take them.
    """
    if examples is None:
        items = tuple(specimen.item for specimen in modality.specimens())[:EXAMPLES]
    else:
        items = tuple(itertools.islice(_items(examples, modality), EXAMPLES))
    whole = copy.deepcopy(encoder).cpu().eval()
    try:
        with evaluating(whole):
            whole(modality.collate(items))
    except ValueError as error:
        whose = f"the specimens of {modality.name} are" if examples is None else "the examples are"
        raise ValueError(
            f"{whose} not what this encoder takes ({error}); show it some of your own: --examples PATH, or "
            "model.export(…, examples=…)"
        ) from error
    return Trained(modality, whole, run, items)


def fits(trained: Trained) -> Iterator[tuple[str, str | None]]:
    """Every format by its name, and why it cannot hold the encoder; None where it can, as far as is known untried."""
    for name in EXPORTS.names():
        try:
            yield name, export_named(name).refusal(trained)
        except ImportError as error:
            yield name, str(error)


def _items(examples: Any, modality: AbstractModality[Any]) -> Iterator[Any]:
    for _, some in Source.of(examples, modality, None).chunks(EXAMPLES):
        yield from some
