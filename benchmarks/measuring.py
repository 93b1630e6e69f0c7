"""Timing several things in turn, and printing the result together with the machine that it was measured on."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch


@final
@dataclass(frozen=True)
class Spread:
    """Median and quartiles of repeated measurements."""

    lower: float
    median: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least two measurements."""
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(lower, median, upper)

    def show(self, digits: int = 2) -> str:
        """`median (lower – upper)`."""
        return f"{self.median:.{digits}f} ({self.lower:.{digits}f} – {self.upper:.{digits}f})"


def in_turn(
    tasks: Mapping[str, Callable[[], object]], repeats: int, device: torch.device, warm_up: int = 2
) -> dict[str, list[float]]:
    """Seconds of every task in every round. Tasks take turns, so that whatever else the machine does meets them all.

    Raises:
        ValueError: if there are fewer than two rounds.
    """
    if repeats < 2:
        raise ValueError(f"repeats (--repeats) must be at least 2, since a spread is shown, got {repeats}")
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(warm_up + repeats):
        for name, task in tasks.items():
            began = now(device)
            task()
            if number >= warm_up:
                seconds[name].append(now(device) - began)
    return seconds


def now(device: torch.device) -> float:
    """The clock, once the device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def ratios(seconds: Sequence[float], reference: Sequence[float]) -> Spread:
    """Round by round, so that a slow moment of the machine cancels."""
    return Spread.of([ours / theirs for ours, theirs in zip(seconds, reference, strict=True)])


def machine(device: torch.device) -> dict[str, str | int | float]:
    """What the numbers were measured on; `load` is the number of other busy processes or so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores,
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else -1.0,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line] if cpuinfo.is_file() else []
    return names[0].split(":", 1)[1].strip() if names else platform.processor() or platform.machine()


def report(
    title: str,
    heading: Sequence[str],
    rows: Sequence[Sequence[str]],
    facts: Mapping[str, Any],
    out: Path | None,
    kept: Mapping[str, float],
) -> None:
    """Print a Markdown table with the facts below it; write both as JSON where `out` is given.

    `kept` are the numbers by which two versions are compared: ratios, of which the smaller is the better.
    """
    print(f"## {title}\n")
    for line in (heading, ["---"] * len(heading), *rows):
        print("| " + " | ".join(line) + " |")
    print("\n" + "; ".join(f"{name} {value}" for name, value in facts.items()))
    if out is not None:
        named = [dict(zip(heading, row, strict=True)) for row in rows]
        text = json.dumps(
            {"title": title, "rows": named, "facts": dict(facts), "ratios": dict(kept)}, indent=2, ensure_ascii=False
        )
        out.write_text(text + "\n", encoding="utf-8")
