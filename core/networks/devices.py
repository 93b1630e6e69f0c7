"""Whether this computer has the device that was asked for, said in a line before anything is moved there."""

import torch

GPUS = {"cuda": "CUDA", "gpu": "CUDA", "mps": "MPS"}


def check_device(name: str, option: str) -> None:
    """Refuse a GPU that torch cannot use here; names of other devices are torch's to judge.

    Args:
        name: of the device: cuda, cuda:1, mps, cpu, …
        option: by which it was chosen, for the message.

    Raises:
        ValueError: with the reason and what to do.
    """
    kind = name.partition(":")[0]
    wanted = GPUS.get(kind)
    there = {"CUDA": torch.cuda.is_available(), "MPS": torch.backends.mps.is_available()}
    if wanted is None or there[wanted]:
        return
    if wanted == "CUDA" and torch.version.cuda is None and torch.version.hip is None:
        reason = f"torch {torch.__version__} was built for CPUs alone"
        remedy = "install a torch that is built for your GPU, by the command that pytorch.org shows"
    else:
        reason = f"torch {torch.__version__} finds no such GPU, or no driver for it"
        remedy = "see to the driver"
    raise ValueError(f"{option} {name} needs a GPU that is not to be had ({reason}): take {option} cpu, or {remedy}")
