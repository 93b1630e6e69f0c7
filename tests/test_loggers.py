"""Curves go to the logger that is asked for, as well as to metrics.csv; services are stood in for by small modules."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gestalt.core.experiment.options import EncoderChoice, Running
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.loggers import LoggerName, check_logger
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.options import Training
from gestalt.recipes.objects.recipe import Objects
from gestalt.recipes.objects.recipe import Options as ObjectsOptions
from tests.test_training import OPTIONS, Few, run

SAID = """
import json, os

def tell(*words):
    with open(os.environ["SAID"], "a") as file:
        file.write(json.dumps(words) + "\\n")

"""
WANDB = """
class Run:
    class config:
        def update(self, options, allow_val_change):
            tell("options", options)
    config = config()
    def log(self, values, step):
        if os.environ.get("GONE"):
            raise ConnectionError("the server is gone\\nfor good")
        tell("log", step, values)
    def finish(self, exit_code):
        tell("finish", exit_code)

def init(project, name, dir, id, resume):
    tell("init", project, name, id, resume)
    return Run()
"""
MLFLOW = """
class Run:
    class info:
        run_id = "run-7"
class MlflowClient:
    def get_experiment_by_name(self, name):
        return None
    def create_experiment(self, name):
        tell("experiment", name)
        return "3"
    def create_run(self, experiment, run_name):
        tell("run", experiment, run_name)
        return Run()
    def update_run(self, run, status):
        tell("status", run, status)
    def log_metric(self, run, name, value, step):
        tell("metric", run, name, value, step)
    def log_param(self, run, name, value):
        tell("param", run, name, value)
    def set_terminated(self, run, status):
        tell("status", run, status)
"""


@pytest.fixture(autouse=True)
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Modules in the place of wandb and mlflow, which write down what they are told."""
    for name, code in {"wandb.py": WANDB, "mlflow/__init__.py": "", "mlflow/tracking.py": MLFLOW}.items():
        path = tmp_path / "modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SAID + code)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.setenv("SAID", str(tmp_path / "said.jsonl"))
    for variable in ("WANDB_PROJECT", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(variable, raising=False)
    yield tmp_path / "said.jsonl"
    for module in [name for name in sys.modules if name.split(".")[0] in ("wandb", "mlflow")]:
        del sys.modules[module]
    for module in [name for name in sys.modules if name.endswith((".wandb_log", ".mlflow_log"))]:
        del sys.modules[module]


def said(path: Path) -> list[list[object]]:
    """What the services were told since the last time."""
    lines = path.read_text().splitlines() if path.is_file() else []
    path.unlink(missing_ok=True)
    return [json.loads(line) for line in lines]


def test_a_run_goes_on_in_weights_and_biases_where_it_stopped(tmp_path: Path, services: Path) -> None:
    folder, options = tmp_path / "mine", replace(OPTIONS, logger="wandb")
    run(folder, Few(), replace(options, steps=4))
    told = said(services)
    (first,) = [words for words in told if words[0] == "init"]
    assert first[1:3] == ["gestalt", "mine"]
    assert first[4] == "never"
    assert [words[1] for words in told if words[0] == "log"] == [2, 4]
    assert next(words for words in told if words[0] == "options")[1]["batch"] == 4  # type: ignore[index]
    assert told[-1] == ["finish", 0]
    rows = read_metrics(folder / METRICS)
    logged = next(words for words in told if words[:2] == ["log", 4])[2]
    assert logged["loss"] == pytest.approx(float(rows[-1]["loss"]), rel=1e-4)  # type: ignore[index]

    run(folder, Few(), options, resume=True)
    again = said(services)
    assert again[0] == ["init", "gestalt", "mine", first[3], "allow"]
    assert [words[1] for words in again if words[0] == "log"] == [6, 8, 9]
    assert not [words for words in again if words[0] == "options"], "they are known there"


def test_a_run_goes_on_in_mlflow_where_it_stopped(
    tmp_path: Path, services: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "owls")
    folder, options = tmp_path / "mine", replace(OPTIONS, logger="mlflow")
    run(folder, Few(), replace(options, steps=4))
    told = said(services)
    assert told[:3] == [["experiment", "owls"], ["run", "3", "mine"], ["status", "run-7", "RUNNING"]]
    assert ["param", "run-7", "batch", "4"] in told
    assert [words[4] for words in told if words[:3] == ["metric", "run-7", "loss"]] == [2, 4]
    assert told[-1] == ["status", "run-7", "FINISHED"]
    run(folder, Few(), options, resume=True)
    again = said(services)
    assert again[0] == ["status", "run-7", "RUNNING"], "no run is made anew"


def test_training_goes_on_without_a_logger_whose_server_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GONE", "1")
    trained = run(tmp_path / "mine", Few(), replace(OPTIONS, logger="wandb"))
    assert trained.finished
    assert len(read_metrics(tmp_path / "mine" / METRICS)) == 5
    text = capsys.readouterr().err
    assert "the logger wandb failed at step 2 (ConnectionError: the server is gone) and is left out" in text
    assert text.count("failed at step") == 1, "it is said once"


def test_csv_is_metrics_csv_alone(tmp_path: Path, services: Path) -> None:
    run(tmp_path / "mine", Few(), replace(OPTIONS, logger="csv"))
    assert len(read_metrics(tmp_path / "mine" / METRICS)) == 5
    assert not (tmp_path / "mine" / "tensorboard").exists()
    assert said(services) == []


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_logger_that_is_not_installed_says_what_to_install_before_anything_is_read(
    name: LoggerName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=rf"^--logger {name} needs the package {name}.*: pip install {name};"):
        check_logger(name)
    from gestalt.core.experiment.run import run as run_recipe

    options = ObjectsOptions(
        modality="text",
        encoder=EncoderChoice("conv"),
        running=Running(tmp_path / "run", (tmp_path / "nothing.txt",)),
        training=Training(logger=name),
    )
    with pytest.raises(ImportError, match="pip install"):
        run_recipe(Objects(options))
    assert not (tmp_path / "run").exists()
