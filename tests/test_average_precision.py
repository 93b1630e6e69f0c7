"""Average precision is that of pycocotools."""

import contextlib
import io
import math
from typing import Any

import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor
from torchvision.ops import box_convert, box_iou

from gestalt.core.evaluation.average_precision import average_precision


def boxes(count: int, chance: torch.Generator) -> Tensor:
    corner = torch.rand(count, 2, generator=chance) * 40
    return torch.cat([corner, corner + 5 + torch.rand(count, 2, generator=chance) * 20], dim=1)


def example(seed: int, items: int = 8) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """True boxes, found ones near some of them, and their scores; items without either among them."""
    chance = torch.Generator().manual_seed(seed)
    true, found, scores = list[Tensor](), list[Tensor](), list[Tensor]()
    for item in range(items):
        here = boxes(0 if item == 3 else 1 + item % 4, chance)
        near = here.repeat(2, 1) + torch.randn(2 * len(here), 4, generator=chance) * 1.5
        guesses = torch.cat([near, boxes(3, chance)]) if item != 5 else boxes(0, chance)
        true.append(here)
        found.append(guesses)
        scores.append((torch.rand(len(guesses), generator=chance) * 20).round() / 20)  # with ties
    return true, found, scores


def by_pycocotools(true: list[Tensor], found: list[Tensor], scores: list[Tensor]) -> float:
    truth = [
        {
            "id": 100 * item + n + 1,
            "image_id": item,
            "category_id": 1,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
        }
        for item, some in enumerate(true)
        for n, box in enumerate(box_convert(some, "xyxy", "xywh").double().tolist())
    ]
    results = [
        {"image_id": item, "category_id": 1, "bbox": box, "score": score}
        for item, some in enumerate(found)
        for box, score in zip(
            box_convert(some, "xyxy", "xywh").double().tolist(), scores[item].double().tolist(), strict=True
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco: Any = COCO()
        coco.dataset = {
            "images": [{"id": item} for item in range(len(true))],
            "categories": [{"id": 1, "name": "thing"}],
            "annotations": truth,
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


@pytest.mark.parametrize(("seed", "items"), [*((seed, 8) for seed in range(6)), (6, 60), (7, 60)])
def test_it_agrees_with_pycocotools(seed: int, items: int) -> None:
    """With sixty items there are a hundred things: recalls lie on the places at which precision is read."""
    true, found, scores = example(seed, items)
    overlaps = [box_iou(some, here).double() for some, here in zip(found, true, strict=True)]
    ours = average_precision(overlaps, scores)
    assert 0.05 < ours < 0.95
    assert ours == pytest.approx(by_pycocotools(true, found, scores), abs=1e-6)


def test_what_is_found_twice_is_right_once() -> None:
    twice = [torch.tensor([[0.9], [0.9]])]
    assert average_precision(twice, [torch.tensor([0.5, 0.6])], (0.5,)) == 1
    other = [torch.tensor([[0.9, 0.0], [0.9, 0.0], [0.0, 0.9]])]
    assert average_precision(other, [torch.tensor([0.9, 0.8, 0.7])], (0.5,)) == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_nothing_found_is_0_and_nothing_true_is_no_number() -> None:
    assert average_precision([torch.zeros(0, 2)], [torch.zeros(0)]) == 0
    assert math.isnan(average_precision([torch.zeros(2, 0)], [torch.ones(2)]))
    with pytest.raises(ValueError, match="every found thing has a score, got 1 rows of overlaps and 2 scores"):
        average_precision([torch.zeros(1, 1)], [torch.ones(2)])
