"""The same nearest rows by faiss, where it is installed."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def by_faiss(
    queries: Float[Tensor, "queries dim"], rows: Float[Tensor, "rows dim"], most: int
) -> tuple[Float[Tensor, "queries most"], Int[Tensor, "queries most"]]:
    """The greatest inner products of each query, descending, by faiss's exact search.

    Raises:
        ImportError: if faiss is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            f"faiss cannot be imported ({error}); install gestalt-ssl[search], or search with --backend torch"
        ) from error
    found, places = faiss.knn(
        queries.contiguous().numpy(), rows.contiguous().numpy(), most, metric=faiss.METRIC_INNER_PRODUCT
    )
    return torch.from_numpy(found), torch.from_numpy(places)
