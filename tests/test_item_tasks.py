"""Downstream tasks have exact truth and keep what is asked about apart; their program fills every cell once."""

import json
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from gestalt.core.evaluation import Table
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.targets import Classes
from gestalt.core.methods.transform_prediction import TransformPrediction
from gestalt.modalities.graph import MODALITY as GRAPHS
from gestalt.recipes.captioned_scenes.synthetic.speech import RATE, VOICES, stretched, voice
from gestalt.recipes.captioned_scenes.synthetic.words import THINGS, WORDS
from gestalt.recipes.item_tasks import recipe
from gestalt.recipes.item_tasks.cells import accuracy, of_elements, scores, shown
from gestalt.recipes.item_tasks.rows import ROWS
from gestalt.recipes.item_tasks.task import Answers, Part, Task
from gestalt.recipes.item_tasks.tasks import actions, key_words, phones, plans, scene_graphs, speakers, utterances
from gestalt.recipes.item_tasks.tasks.by_name import Name, load
from gestalt.recipes.item_tasks.tasks.said_when import frames
from gestalt.recipes.video_objects.synthetic.sources import load_sources


def test_every_word_of_an_utterance_is_where_its_truth_says() -> None:
    """The word as it ships, stretched to the length that is said, is found there: its correlation with it is near 1."""
    for number, one in enumerate(utterances.utterances(6, 3, "test")):
        assert one.words, "a word is spoken"
        before = 0.0
        for first, last, word in one.words:
            assert before <= first < last <= utterances.SECONDS
            heard = one.recording.samples[round(first * RATE) : round(last * RATE)]
            own = voice(VOICES["test"][0]).word(WORDS[word])
            true = stretched(own, len(heard) / len(own))[: len(heard)]
            alike = torch.nn.functional.cosine_similarity(heard, true, dim=0)
            assert float(alike) > 0.7, (number, WORDS[word])
            before = last


def test_a_frame_has_the_word_that_is_spoken_in_its_middle() -> None:
    edges = torch.arange(11) / 20
    assert frames(((0.1, 0.3, 7), (0.35, 0.5, 2)), edges, 30).tolist() == [30, 30, 7, 7, 7, 7, 30, 2, 2, 2]


def test_what_key_words_compare_without_labels_is_one_stretch_about_as_long_as_a_word() -> None:
    """Both views show the very same stretch from end to end, at paces of which none is twice another."""
    task = load("key-words", 0, "validation", 0.02)
    lasts = [last - first for one in utterances.utterances(40, 0, "train") for first, last, _ in one.words]
    for number, item in enumerate(task.items):
        rng = np.random.default_rng(number)
        source, _ = task.pretraining.views.source(item, rng)
        assert min(lasts) / 2 < source.seconds < 2 * max(lasts)
        seen = task.pretraining.views.seen(source, rng)
        assert len(seen.views) == 2
        assert seen.applied == ()
        for view, correspondence in seen.views:
            assert 0.8 < view.seconds / source.seconds < 1.25
            assert bool(correspondence.known.all()), "elements of both views show those of one stretch"


def test_words_that_are_found_where_they_are_spoken_count_and_others_do_not() -> None:
    some = utterances.utterances(3, 0, "validation")
    edges = torch.arange(94, dtype=torch.float64) * 0.032
    truth = torch.stack([frames(one.words, edges, utterances.NO_WORD) for one in some])
    right = 9.0 * torch.nn.functional.one_hot(truth, 31).flatten(0, 1).double()
    assert key_words.word_f1(right, some, edges) > 0.95
    other = torch.where(truth < 30, (truth + 1) % 30, truth)
    wrong = 9.0 * torch.nn.functional.one_hot(other, 31).flatten(0, 1).double()
    assert key_words.word_f1(wrong, some, edges) == 0


def test_phones_follow_one_another_through_every_word_and_are_those_of_its_class_in_every_voice() -> None:
    """Every word is filled by its phones; what accents say in one place is one class; hisses are higher than vowels."""
    spelled = dict[str, set[tuple[str, ...]]]()
    for name in (name for part in VOICES.values() for name in part):
        own = voice(name)
        for word, (first, last) in own.words.items():
            said = own.phones[word]
            assert said[0][0] == 0
            assert said[-1][1] <= last - first
            assert all(abs(sample) < 0.07 for sample in own.word(word)[said[-1][1] :].tolist()), "an echo at most"
            assert all(end == begin for (_, end, _), (begin, _, _) in pairwise(said))
            spelled.setdefault(word, set()).add(tuple(phones.CLASS_OF[letters] for *_, letters in said))
            crossings = {
                letters: float(own.word(word)[begin:end].sign().diff().ne(0).double().mean())
                for begin, end, letters in said
            }
            hisses, vowels = {"s", "ʃ"} & crossings.keys(), {"iː", "uː", "ɛ", "aɪ", "a", "æ"} & crossings.keys()
            assert all(crossings[hiss] > crossings[vowel] for hiss in hisses for vowel in vowels), (name, word)
    assert spelled["striped"] == {("s", "t", "ɹ", "aɪ", "p", "t")}
    assert sorted({letters for some in spelled.values() for one in some for letters in one}) == list(phones.PHONES)


def test_phones_of_an_utterance_lie_in_its_words_and_frames_have_them() -> None:
    (one,) = utterances.utterances(1, 5, "validation")
    for first, last, word in one.words:
        within = [some for some in one.phones if first - 1e-9 <= some[0] < last]
        assert [letters for *_, letters in within] == [letters for *_, letters in voice("eve").phones[WORDS[word]]]
        assert all(begin < end <= last + 1e-9 for begin, end, _ in within)
    assert len(one.phones) == sum(len(voice("eve").phones[WORDS[word]]) for *_, word in one.words)


def test_the_phone_error_rate_is_the_share_of_phones_that_must_be_changed() -> None:
    some = utterances.utterances(2, 0, "validation")
    edges = torch.arange(3001, dtype=torch.float64) / 1000
    truth = torch.stack([frames(phones.spoken(one), edges, phones.NO_PHONE) for one in some])

    def rate(labels: torch.Tensor) -> float:
        outputs = 99.0 * torch.nn.functional.one_hot(labels, phones.NO_PHONE + 1).flatten(0, 1).double()
        return phones.phone_error_rate(outputs, some)

    there = sum(len(one.phones) for one in some)
    assert rate(truth) == 0
    assert rate(torch.full_like(truth, phones.NO_PHONE)) == 1
    first, last, number = phones.spoken(some[0])[0]
    one_other, one_less = truth.clone(), truth.clone()
    middle = slice(round(first * 1000), round(last * 1000))
    one_other[0, middle], one_less[0, middle] = (number + 1) % phones.NO_PHONE, phones.NO_PHONE
    assert rate(one_other) == pytest.approx(1 / there)
    assert rate(one_less) == pytest.approx(1 / there)


def test_voices_that_are_asked_about_are_never_learned_from() -> None:
    assert not set(VOICES["train"]) & (set(VOICES["test"]) | set(VOICES["validation"]))
    for part in get_args(Part):
        assert not set(speakers.HEARD[part]) & set(speakers.UNHEARD[part])
    assert not set(speakers.UNHEARD["test"]) & set(speakers.HEARD["validation"] + speakers.UNHEARD["validation"])
    assert not set(speakers.OLD) & set(speakers.NEW)
    assert len({*speakers.OLD, *speakers.NEW}) == 30


def test_pairs_of_utterances_have_no_word_in_common_and_are_the_same_where_the_speaker_is() -> None:
    who = speakers.speakers(("eve", "finn"))
    asked = speakers.utterances(18, 0, who, WORDS)
    which, same = speakers.pairs(asked)
    expected = []
    for one, two in combinations(range(18), 2):
        if all(word not in asked[two].words for word in asked[one].words):
            expected.append((one, two, one % len(who) == two % len(who)))
    assert [(*pair, bool(own)) for pair, own in zip(which.tolist(), same, strict=True)] == expected
    vectors = torch.eye(len(who))[torch.arange(18) % len(who)]
    assert speakers.equal_error_rate(vectors, which, same) == 0


@pytest.mark.parametrize("action", actions.ACTIONS)
def test_an_action_and_its_opposite_have_the_same_frames_in_opposite_order(action: actions.Action) -> None:
    sources = load_sources("validation")
    one = actions.clip(action, np.random.default_rng(5), sources).frames
    opposite = actions.OPPOSITE.get(action)
    if opposite is None:
        assert torch.equal(one, actions.clip(action, np.random.default_rng(5), sources).frames)
    else:
        assert torch.equal(one.flip(0), actions.clip(opposite, np.random.default_rng(5), sources).frames)
    assert bool((one != one[:1]).any()) == (action != "stands")


def test_things_move_as_their_action_says() -> None:
    """The oracle: first and last pose, by the meaning of the words; rows grow downwards."""
    for seed in range(20):
        where = {name: actions.pose(name, np.random.default_rng(seed), 8) for name in actions.ACTIONS}
        step = {name: one.middles[-1] - one.middles[0] for name, one in where.items()}
        assert step["moves right"][1] > 0 > step["moves left"][1]
        assert step["falls"][0] > 0 > step["rises"][0]
        assert where["grows"].sizes[-1] > where["grows"].sizes[0]
        assert where["shrinks"].sizes[-1] < where["shrinks"].sizes[0]
        assert where["turns"].angles[-1] > where["turns"].angles[0]
        assert where["turns back"].angles[-1] < where["turns back"].angles[0]
        signs = set(np.sign(np.diff(where["bounces"].middles[:, 0])).tolist())
        assert {1.0, -1.0} <= signs, "it goes up and down"
        assert not step["stands"].any()


def test_scenes_lie_as_their_plan_says_and_no_relation_alone_tells_the_kind() -> None:
    """The oracle reads the name of the kind: tops lie above or below, shoes and long tops left or right."""
    tops, shoes = {"tee", "pullover", "shirt"}, {"sandal", "sneaker", "boot"}
    long = {"dress", "coat"}
    back = {"above": "below", "below": "above", "left": "right", "right": "left"}
    kept, total, counts = 0, 0, torch.zeros(4, 4)
    for one in scene_graphs.scenes(1200, 0):
        assert len(set(one.things)) == len(one.things)
        up, side = (said.split()[1] for said in plans.KINDS[one.kind].split(", "))
        for subject, other, relation in one.relations:
            names = [THINGS[one.things[subject]], THINGS[one.things[other]]]
            counts[one.kind, plans.RELATIONS.index(relation)] += 1
            high, aside = [name in tops | long for name in names], [name in shoes | long for name in names]
            if high[0] != high[1]:
                total, kept = total + 1, kept + (relation == (up if high[0] else back[up]))
            elif aside[0] != aside[1]:
                total, kept = total + 1, kept + (relation == (side if aside[0] else back[side]))
    assert 0.89 < kept / total < 0.96, "a tenth strays, a quarter of which falls on the plan"
    shares = counts / counts.sum(dim=1, keepdim=True)
    assert float((shares - shares.mean(dim=0)).abs().max()) < 0.02


def test_a_scene_is_read_from_json_and_hidden_things_have_no_name() -> None:
    one = scene_graphs.scenes(1, 0)[0]
    hidden = scene_graphs.unnamed(one, 0)
    text = json.dumps(one.document(hidden))
    assert len(hidden) == scene_graphs.HIDDEN
    assert all(THINGS[one.things[number]] not in text for number in hidden)
    graph = scene_graphs.graph(one, hidden)
    assert (graph.nodes[:, 0] == 0).nonzero()[:, 0].tolist() == sorted(hidden)
    known = scene_graphs.named([one])[0]
    assert {number: int(known[number]) for number in hidden} == {number: one.things[number] for number in hidden}
    assert int((known >= 0).sum()) == len(hidden)


def test_triples_are_counted_at_their_subject() -> None:
    some = scene_graphs.scenes(3, 1)
    features = scene_graphs.Triples()(GRAPHS.collate([scene_graphs.graph(one) for one in some]))
    counts = features.values[..., scene_graphs.Triples().raw.dim :]
    for row, one in enumerate(some):
        expected = torch.zeros_like(counts[row])
        for subject, other, relation in one.relations:
            place = (one.things[subject] * 5 + plans.RELATIONS.index(relation)) * 11 + one.things[other]
            expected[subject, place] += 1
        assert torch.equal(counts[row], expected)


@pytest.mark.parametrize("name", get_args(Name))
def test_what_is_learned_from_follows_from_the_seed_and_what_is_asked_about_does_not(name: Name) -> None:
    one, two, other = (load(name, seed, "validation", 0.02) for seed in (0, 0, 1))
    collate = one.modality.collate

    def seen(task: Task, asked: bool) -> torch.Tensor:
        values: torch.Tensor = task.features()(collate((task.asked if asked else task.items)[:4])).values
        return values

    assert torch.equal(seen(one, False), seen(two, False))
    assert torch.equal(seen(one, True), seen(other, True))
    first, second = seen(one, False), seen(other, False)
    assert first.shape != second.shape or not torch.equal(first, second)


def toy() -> Task:
    """Scenes by the kind of their first thing: what a probe on names can tell."""
    task = load("scene-graphs", 0, "validation", 0.02)
    some = scene_graphs.scenes(40, 0)
    known = torch.tensor([int(any(thing in plans.TOPS for thing in one.things[:1])) for one in some])
    return replace(
        task, target=Classes(("other", "top")), items=[scene_graphs.graph(one) for one in some], known=known,
        asked=[scene_graphs.graph(one) for one in some], asked_known=known,
        measure=lambda answers: accuracy(answers, known),
    )  # fmt: skip


def test_a_probe_learns_what_its_features_say_and_more_labels_help() -> None:
    task = toy()
    few, all_ = (scores(task, task.features(), False, share, 0)["accuracy"] for share in (0.05, 1.0))
    assert few < all_ == 1.0
    learned = scores(task, task.untrained(0), True, 1.0, 0)["accuracy"]
    assert 0 <= learned <= 1
    with pytest.raises(ValueError, match="share"):
        shown(task, 0.0, 0)


def test_elements_keep_their_own_label_where_items_are_padded() -> None:
    task = load("scene-objects", 0, "validation", 0.02)
    rows = torch.arange(len(task.items))
    sizes = [len(item) for item in task.items]
    assert len(set(sizes)) > 1
    expected = torch.cat([task.known[row][:size] for row, size in enumerate(sizes)])
    assert torch.equal(of_elements(task.features(), task, rows), expected)


def test_accuracy_is_of_what_is_known() -> None:
    outputs = torch.tensor([[1.0, 0], [0, 1.0], [1.0, 0]])
    assert accuracy(Answers(outputs, outputs), torch.tensor([0, 0, -1])) == {"accuracy": 0.5}


def test_the_command_fills_every_cell_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = recipe.Options(
        tmp_path, tasks=("scene-graphs",), shares=(0.5, 1.0), seeds=2, part="validation", scale=0.01
    )
    assert recipe.ItemTasks(options).run() == 0
    table = Table.from_json((tmp_path / "scene-graphs" / "table.json").read_text())
    assert [row.method for row in table.rows] == [row.name for row in ROWS]
    assert [column.group for column in table.columns] == ["50% of the labels", "100% of the labels"]
    assert all(len(values) == 2 for row in table.rows for values in row.values), "two seeds"
    monkeypatch.setattr(recipe, "scores", lambda *_: pytest.fail("a cell that is there is not measured again"))
    monkeypatch.setattr(recipe, "pretrained", lambda *_: pytest.fail("nor is its network trained again"))
    assert recipe.ItemTasks(options).run() == 0
    assert Table.from_json((tmp_path / "scene-graphs" / "table.json").read_text()) == table


def test_cells_of_networks_that_learn_otherwise_lie_elsewhere() -> None:
    task = load("scene-graphs", 0, "validation", 0.01)
    others = [
        replace(task, encoder=EncoderChoice("gin")),
        replace(task, pretraining=replace(task.pretraining, lr=0.5)),
        replace(task, pretraining=replace(task.pretraining, method=TransformPrediction())),
        replace(task, tuning=replace(task.tuning, steps=7)),
        replace(task, penalty=7.0),
    ]
    assert len({one.learning() for one in (task, *others)}) == 6
    assert load("scene-graphs", 0, "validation", 0.01).learning() == task.learning()


def test_senseless_options_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"scale \(--scale\) must lie in \(0, 1\]"):
        recipe.Options(scale=0.0)
    with pytest.raises(ValueError, match=r"shares \(--shares\) must be one at least"):
        recipe.Options(shares=())
    with pytest.raises(ValueError, match=r"tasks \(--tasks\) must name at least one task"):
        recipe.Options(tasks=())


def test_no_utterance_is_asked_about_in_both_parts() -> None:
    asked = {part: [one.samples for one in speakers.who_speaks(0, part, 0.1).asked] for part in ("test", "validation")}
    assert not any(torch.equal(one, other) for one in asked["test"] for other in asked["validation"])


def test_swapped_halves_tell_apart_what_happens_from_its_opposite() -> None:
    """Clips played backwards are clips of the opposite action, so that forwards or backwards says nothing."""
    method = actions.actions(0, "test", 0.01).pretraining.method
    assert isinstance(method, TransformPrediction)
    assert method.choice == "order"
