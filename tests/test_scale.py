"""The arithmetic of large data sets follows from rates that are measured."""

import pytest
from benchmarks.large_sets import SETS
from benchmarks.scale import Options, Rates, measured, planned

RATES = Rates(step=100.0, reading=20.0, before=1e-3, memory=400.0, stored=1e5, parameters=10_000_000)


def test_twice_the_devices_take_half_the_hours_at_the_same_cost() -> None:
    few, many = (planned(10**6, 90, RATES, Options(devices=count, global_batch=256)) for count in (4, 8))
    assert many.hours == pytest.approx(few.hours / 2)
    assert many.cost == pytest.approx(few.cost)
    assert many.reading == pytest.approx(2 * few.reading)
    assert (few.cores, few.stored, few.memory) == (5.0, 1e11, 4e8)
    # A step of one device shares nothing; of many, each sends all gradients twice, as often as there are steps.
    assert planned(10**6, 90, RATES, Options(devices=1)).shared == 0
    steps = 8 * RATES.step / 256
    assert many.shared == pytest.approx(2 * 7 / 8 * 4 * RATES.parameters * steps)


def test_rates_of_the_smallest_set_are_those_of_its_files() -> None:
    found = measured(SETS["ten million molecules"], Options(files=2, batch=2, steps=1))
    assert 20 < found.stored < 200  # letters of a SMILES
    assert 0 < found.memory < 5000
    assert min(found.step, found.reading) > 0
    assert found.parameters > 1000
