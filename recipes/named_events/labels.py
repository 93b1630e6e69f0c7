"""What a user's names say of the elements of an archive."""

from collections.abc import Mapping

from gestalt.core.runs.mask_classes import NONE
from gestalt.core.training.labels import Labels

from .remembered import Remembered


def labels_of_objects(seen: Remembered, named: Mapping[int, str], rest: bool, whole: bool = False) -> Labels:
    """The name of every element of a named object.

    Args:
        seen: the archive with its objects.
        named: names of objects, by their numbers in the order of `Members`.
        rest: elements of no named object are of the class `none`; otherwise nothing is known of them.
        whole: so they are in items without a named object, too; otherwise nothing is known of these.
    """
    rows, first = dict[int, list[str | None]](), 0
    for batch in seen.batches:
        for row, number in enumerate(batch.index):
            valid = batch.features.valid[row]
            names: list[str | None] = [NONE if rest else None] * int(valid.sum())
            own, told = batch.segmentation.weights[row][:, valid] > 0, whole
            for inside in own[own.any(dim=1)]:
                name = named.get(first)
                first += 1
                if name is not None:
                    told = True
                    for element in inside.nonzero()[:, 0].tolist():
                        names[element] = name
            if told:
                rows[number] = names
    return Labels.of_elements([rows.get(number) for number in range(len(seen.items))])
