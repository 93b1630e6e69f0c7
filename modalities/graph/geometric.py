"""What we use of torch-geometric, imported without its warnings."""

import warnings

with warnings.catch_warnings():
    # It compiles some functions in a way that torch has deprecated, and whoever imports it can do nothing about that.
    warnings.filterwarnings("ignore", message=r"`torch\.jit", category=DeprecationWarning)
    from torch_geometric.data import Batch as Batch
    from torch_geometric.data import Data as Data
    from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
    from torch_geometric.data.storage import GlobalStorage
    from torch_geometric.nn import GATConv as GATConv
    from torch_geometric.nn import GCNConv as GCNConv
    from torch_geometric.nn import GINConv as GINConv
    from torch_geometric.nn import GINEConv as GINEConv

STORAGE = (Data, DataEdgeAttr, DataTensorAttr, GlobalStorage)
"""What a saved `Data` is made of: plain holders of tensors, safe to load."""
