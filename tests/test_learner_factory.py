"""From options to learners: what follows from the data is worked out once."""

from pathlib import Path

import pytest
import torch

from gestalt.core.experiment.build import LearnerFactory
from gestalt.core.experiment.options import Running
from gestalt.modalities.text import Text
from gestalt.recipes.objects.recipe import Objects, Options


def test_a_tokenizer_is_learned_once_for_all_learners_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("The old man saw the sea. Birds sing in the wide sky.\n")
    options = Options("text", running=Running(tmp_path / "run", (tmp_path / "a.txt",)))
    recipe = Objects(options)
    data = recipe.data()
    asked = list[str]()

    def settings(_modality: Text, name: str, _items: object) -> dict[str, str]:
        asked.append(name)
        return {}

    monkeypatch.setattr(Text, "encoder_settings", settings)
    factory = LearnerFactory(recipe, data, data.views, None)
    first, second = factory.fresh(), factory.fresh()
    assert len(asked) == 1
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
