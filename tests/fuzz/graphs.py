"""Formats of molecules and networks, and their parts."""

import gzip
import json
from functools import partial

import torch
from rdkit import Chem

from gestalt.modalities.graph import GraphModality
from gestalt.modalities.graph.geometric import Data

from .formats import Format, written
from .law import lay_masks, read_whole

MODALITY = GraphModality(most=8, margin=1)
SMILES = ("CC(=O)Oc1ccccc1C(=O)O", "[Na+].[Cl-]", "C[C@H](N)C(=O)O", "F/C=C/F", "[2H]O[2H]", "C")
SMI = "".join(f"{text} molecule {number}\n" for number, text in enumerate(SMILES))
CSV = "id,Canonical SMILES,logP\n" + "".join(f'{number},"{text}",{number}.5\n' for number, text in enumerate(SMILES))
EDGES = "source,target,weight,kind\n" + "".join(f"n{a},n{b},{a}.5,k{b % 2}\n" for a, b in ((0, 1), (1, 2), (2, 0)))
NODES = "node,size,colour\nn0,1.5,red\nn1,2,blue\nn2,,red\nn9,0,blue\n"
EDGELIST = "# edges\n" + "".join(f"{a} {(a * 7 + 1) % 13} {{}}\n" for a in range(13))


def _sdf() -> bytes:
    blocks = []
    for number, text in enumerate(SMILES[:3]):
        molecule = Chem.MolFromSmiles(text)
        molecule.SetProp("_Name", f"molecule {number}")
        blocks.append(f"{Chem.MolToMolBlock(molecule)}>  <logP>\n{number}.5\n\n$$$$\n")
    return "".join(blocks).encode()


def _mol() -> bytes:
    return Chem.MolToV3KMolBlock(Chem.MolFromSmiles("CCO")).encode()


def _saved() -> bytes:
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    data = [Data(x=torch.ones(3, 2), edge_index=edges, y=torch.tensor([1.0]), edge_attr=torch.zeros(4, 1).long())]
    return written("a.pt", lambda path: torch.save(data, path))


def _one(name: str, content: bytes | str) -> dict[str, bytes]:
    return {name: content.encode() if isinstance(content, str) else content}


SCENE = {
    "image_id": 5,
    "objects": [
        {"object_id": 1, "names": ["cup"], "attributes": ["red"], "x": 1, "y": 2, "w": 3.5, "h": 4},
        {"object_id": "b", "name": "table"},
    ],
    "relationships": [
        {"predicate": "on", "subject_id": 1, "object_id": "b"},
        {"predicate": "by", "subject": {"object_id": 3, "name": "cat"}, "object": {"object_id": 1, "name": "cup"}},
    ],
}
LINKS = {
    "directed": True,
    "nodes": [{"id": 1, "size": 2.5, "colour": "red"}, {"id": "b", "colour": "blue"}],
    "links": [{"source": 1, "target": "b", "kind": "road", "key": 0}],
}
GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="w" for="node" attr.name="size" attr.type="double"><default>4</default></key>
<key id="k" for="edge" attr.name="kind" attr.type="string"/>
<graph id="g" edgedefault="directed">
<node id="a"><data key="w">1.5</data></node><node id="b"/>
<edge source="a" target="b"><data key="k">road</data></edge>
</graph>
</graphml>
"""
TABLES = {
    "edge": "0,1\n1,2\n0,1\n",
    "num-node-list": "3\n2\n",
    "num-edge-list": "2\n1\n",
    "node-feat": "1,0\n2,1\n1,1\n5,0\n5,1\n",
    "edge-feat": "0.5\n1\n2\n",
    "graph-label": "0\n1\n",
}


READ = partial(read_whole, MODALITY)
FORMATS = [
    Format("smi", partial(_one, "a.smi", SMI), READ, "a.smi", is_text=True),
    Format("molecules csv", partial(_one, "a.csv", CSV), READ, "a.csv", is_text=True),
    Format("molecules tsv", partial(_one, "a.tsv", CSV.replace(",", "\t")), READ, "a.tsv", is_text=True),
    Format("sdf", lambda: _one("a.sdf", _sdf()), READ, "a.sdf", is_text=True),
    Format("mol", lambda: _one("a.mol", _mol()), READ, "a.mol", is_text=True),
    Format("sdf.gz", lambda: _one("a.sdf.gz", gzip.compress(_sdf(), mtime=0)), READ, "a.sdf.gz"),
    Format("edgelist", partial(_one, "a.edgelist", EDGELIST), READ, "a.edgelist", is_text=True),
    Format("edges csv", partial(_one, "a.csv", EDGES), READ, "a.csv", is_text=True),
    Format(
        "nodes csv", lambda: {"a.csv": EDGES.encode(), "a.nodes.csv": NODES.encode()},
        lambda path, skip: read_whole(MODALITY, path.with_name("a.csv"), skip), "a.nodes.csv", is_text=True,
    ),
    Format("pt", lambda: _one("a.pt", _saved()), READ, "a.pt"),
    Format("scene graphs", partial(_one, "a.json", json.dumps([SCENE, SCENE])), READ, "a.json", is_text=True),
    Format("node-link data", partial(_one, "a.json", json.dumps(LINKS)), READ, "a.json", is_text=True),
    Format("graphs on lines", partial(_one, "a.jsonl", f"{json.dumps(SCENE)}\n" * 2), READ, "a.jsonl", is_text=True),
    Format("graphml", partial(_one, "a.graphml", GRAPHML), READ, "a.graphml", is_text=True),
    Format(
        "folder of tables", lambda: {f"{name}.csv": text.encode() for name, text in TABLES.items()}, READ, "edge.csv",
        tuple(f"{name}.csv" for name in TABLES), is_text=True, ours=True,
    ),
]  # fmt: skip


MASKS = partial(lay_masks, MODALITY)


PARTS = "molecule,part,atoms,smarts\na.smi [line 1],1,0 1 2,CC=O\na.smi [line 1],2,3 4,\na.smi [line 3],1,0,C\n"
OF_NODES = "graph,node,object\na.smi [line 1],0,1\na.smi [line 1],1,1\na.smi [line 1],2,0\n"
FORMATS += [
    Format(
        name, partial(lambda text: {"data/a.smi": SMI.encode(), "p.csv": text.encode()}, text), MASKS, "p.csv",
        is_text=True,
    )
    for name, text in (("parts csv", PARTS), ("objects of nodes", OF_NODES))
]  # fmt: skip
