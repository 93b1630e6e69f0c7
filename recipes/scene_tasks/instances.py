"""Boxes and masks of things, by torchvision's Mask R-CNN on the encoder."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from gestalt.core.evaluation import Column
from gestalt.core.evaluation.average_precision import average_precision
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.modes import evaluating
from gestalt.core.optimization.schedules import warmup_cosine
from gestalt.modalities.image.detection import DetectionBackbone, backbone

from .scenes import SIZE, Scenes
from .task import AbstractTask, Learning

LEVELS, ANCHORS, SHAPES = 3, ((12,), (24,), (40,)), ((0.5, 1.0, 2.0),)
"""Maps with cells of 2, 4 and 8 pixels; sides of the boxes that are looked for on each, and height by width."""
HIDDEN = 128
MOST = 20
"""Things that are found in a scene, at most."""
BATCH = 20
WIDTH = 32
"""Channels of the maps that heads see, whatever those of the encoder are."""


@final
class Instances(AbstractTask):
    """Things of one class, with their boxes and masks."""

    title: ClassVar[str] = "Boxes and instances"
    columns: ClassVar[tuple[Column, ...]] = (Column("AP box"), Column("AP mask"))
    note: ClassVar[str] = (
        "AP: average precision of things of one class, in the mean over overlaps of 0.5 to 0.95 as COCO has it, by "
        "boxes and by masks."
    )

    def scores(
        self, encoder: AbstractEncoder, tuned: bool, seen: Scenes, asked: Scenes, learning: Learning, seed: int
    ) -> Mapping[str, float]:
        """See `AbstractTask`."""
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(seed)  # heads, and the boxes that are learned from
            model = detector(copy.deepcopy(encoder), not tuned, seen)
            train(model, seen, learning)
        return precision(model, asked)

    def rules(self, seen: Scenes, asked: Scenes) -> Mapping[str, Mapping[str, float]]:  # noqa: ARG002
        """None: without looking nothing is found."""
        return {}


@final
class SameWidth(nn.Module):
    """Maps of a backbone, standardised by what it gives of some scenes, and mixed to one width by a learned 1 × 1
    convolution: heads are of the same size and see numbers of the same size, whatever the encoder."""

    def __init__(self, maps: DetectionBackbone, seen: Scenes) -> None:
        super().__init__()
        self.maps = maps
        with evaluating(maps):
            found = maps(seen.pixels[: 8 * BATCH])["0"]
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", found.mean(dim=(0, 2, 3), keepdim=True))
        self.register_buffer("scale", found.std(dim=(0, 2, 3), keepdim=True).clamp(min=1e-6))
        self.mix = nn.Conv2d(maps.out_channels, WIDTH, 1)
        self.out_channels = WIDTH

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """The maps by their names."""
        return {name: self.mix((one - self.mean) / self.scale) for name, one in self.maps(pixels).items()}


def detector(encoder: AbstractEncoder, frozen: bool, seen: Scenes) -> Any:
    """A small Mask R-CNN for things of one class, on maps that are standardised by some scenes."""
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor

    maps = SameWidth(backbone(encoder, LEVELS, frozen), seen)
    return MaskRCNN(
        maps,
        min_size=SIZE,
        max_size=SIZE,
        image_mean=[0.0] * 3,
        image_std=[1.0] * 3,
        rpn_anchor_generator=AnchorGenerator(ANCHORS, SHAPES * LEVELS),
        rpn_pre_nms_top_n_train=200,
        rpn_post_nms_top_n_train=100,
        rpn_pre_nms_top_n_test=100,
        rpn_post_nms_top_n_test=50,
        rpn_batch_size_per_image=64,
        box_head=TwoMLPHead(WIDTH * 7 * 7, HIDDEN),
        box_predictor=FastRCNNPredictor(HIDDEN, 2),
        box_batch_size_per_image=32,
        box_detections_per_img=MOST,
        mask_head=MaskRCNNHeads(WIDTH, (32, 32), 1),
        mask_predictor=MaskRCNNPredictor(32, 32, 2),
    )


def targets_of(scenes: Scenes, scene: int) -> dict[str, Tensor]:
    """What torchvision's models are told of a scene."""
    masks = scenes.masks(scene)
    boxes = scenes.boxes[scene, : len(masks)]
    return {"boxes": boxes, "labels": torch.ones(len(masks), dtype=torch.long), "masks": masks.byte()}


def train(model: Any, seen: Scenes, learning: Learning) -> None:
    """AdamW with a warm-up and a half cosine, the sum of the model's losses."""
    model.train()
    optimizer = AdamW([one for one in model.parameters() if one.requires_grad], learning.detector_lr)
    size, order = min(learning.batch, len(seen)), torch.empty(0, dtype=torch.long)
    for step in range(1, learning.detector_steps + 1):
        if len(order) < size:
            order = torch.randperm(len(seen))
        rows, order = order[:size].tolist(), order[size:]
        losses = model([seen.pixels[row] for row in rows], [targets_of(seen, row) for row in rows])
        for group in optimizer.param_groups:
            group["lr"] = learning.detector_lr * warmup_cosine(
                step, learning.detector_steps, learning.detector_steps // 10
            )
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()


def precision(model: Any, asked: Scenes) -> dict[str, float]:
    """AP by boxes and by masks."""
    from torchvision.ops import box_iou

    boxes, masks, scores = list[Tensor](), list[Tensor](), list[Tensor]()
    with evaluating(model):
        for rows in torch.arange(len(asked)).split(BATCH):
            for row, found in zip(rows.tolist(), model([asked.pixels[row] for row in rows.tolist()]), strict=True):
                true = targets_of(asked, row)
                boxes.append(box_iou(found["boxes"], true["boxes"]))
                masks.append(mask_overlaps(found["masks"][:, 0] > 0.5, true["masks"] > 0))
                scores.append(found["scores"])
    return {"AP box": average_precision(boxes, scores), "AP mask": average_precision(masks, scores)}


def mask_overlaps(found: Tensor, true: Tensor) -> Tensor:
    """Intersection over union of every found mask with every true one; 0 for two empty ones.

    Example:
        >>> mask_overlaps(torch.tensor([[[1, 1]], [[0, 0]]]), torch.tensor([[[1, 0]]])).tolist()
        [[0.5], [0.0]]
    """
    one, other = found.flatten(1).double(), true.flatten(1).double()
    shared = one @ other.T
    union = one.sum(dim=1)[:, None] + other.sum(dim=1) - shared
    return shared / union.clamp(min=1)
