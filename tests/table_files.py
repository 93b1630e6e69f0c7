"""Small tables of visits to a doctor on disk."""

from pathlib import Path

import numpy as np

HEAD = ("id", "age", "dose", "ward", "smoker", "seen", "note", "outcome")


def visits(count: int = 40, seed: int = 0) -> list[dict[str, str]]:
    """Rows in which the outcome follows from age and dose; every seventh age is missing."""
    rng, rows = np.random.default_rng(seed), list[dict[str, str]]()
    for number in range(count):
        age, dose = rng.uniform(20, 80), rng.uniform(0, 3)
        cells = (
            str(100 + number),
            "" if number % 7 == 3 else f"{age:.1f}",
            f"{dose:.2f}",
            ("north", "south", "south, old")[number % 3],
            ("yes", "No")[number % 2],
            f"2024-05-{1 + number % 28:02}",
            f"remark {number} of {seed}",
            "well" if age + 10 * dose < 65 else "ill",
        )
        rows.append(dict(zip(HEAD, cells, strict=True)))
    return rows


def write_csv(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> None:
    """Rows with a header, cells quoted where they need it."""
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
