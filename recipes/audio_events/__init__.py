"""The recipe `audio-events`: discover sound events in recordings, without labels."""

import sys
from dataclasses import replace

import torch
from lightning_fabric import Fabric

from gestalt.core.encoder import Network
from gestalt.core.learner import Learner
from gestalt.core.plugins import choose
from gestalt.core.run import Architecture, save_network
from gestalt.core.training import Trained, launch, open_folder, plain, train
from gestalt.modalities.audio import MODALITY

from .material import Material, load_material
from .methods import build
from .options import FREE
from .options import Options as Options
from .outputs import discover as discover
from .outputs import embed as embed
from .report import report


def run(options: Options) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    fabric = launch(options.training)
    learner = fresh(options)  # before anything is written: it says at once if the options make no sense
    if fabric.is_global_zero:
        open_folder(options.out, options, options.resume, FREE)
    fabric.barrier()
    material = load_material(options)
    if fabric.is_global_zero:
        for entry in material.skipped:
            print(f"left out {entry.name}: {entry.reason}", file=sys.stderr)

    trained = learn(fabric, learner, material, options)
    others: dict[str, Network] = {}
    if trained.finished and options.compare_byol:
        byol = replace(options, method="byol", compare_byol=False, out=options.out / "byol", resume=True)
        if fabric.is_global_zero:
            open_folder(byol.out, byol, resume=True, free=FREE)
        rival = fresh(byol)
        trained = replace(trained, finished=learn(fabric, rival, material, byol).finished)
        others["BYOL"] = rival.online.cpu()
    if not fabric.is_global_zero:
        return 0
    if not trained.finished:
        print("stopped, and saved; go on with the same command and --resume", file=sys.stderr)
        return 130
    network = learner.online.cpu()
    save(network, options)
    report(options, material, trained, fresh(options).online, network, others)
    return 0


def learn(fabric: Fabric, learner: Learner, material: Material, options: Options) -> Trained:
    """Train one learner on the material."""
    return train(
        fabric,
        learner,
        material.items,
        material.views,
        MODALITY.collate,
        options.training,
        options.out,
        options.resume,
        options.skip_bad,
    )


def fresh(options: Options) -> Learner:
    """The learner before training: the same one whenever the seed is the same."""
    torch.manual_seed(options.training.seed)
    return build(MODALITY.encoders[choose("encoder", options.encoder, list(MODALITY.encoders))](), options)


def save(network: Network, options: Options) -> None:
    """Write the online network with everything that `discover` and `embed` need to know."""
    details = {"recipe": "audio-events", "seconds": options.seconds, "finder": plain(options.finder)}
    encoder = network.encoder
    head = (options.hidden, options.projection)
    save_network(options.out, network, Architecture("audio", options.encoder, encoder.settings, head, details))
