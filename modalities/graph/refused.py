"""Files that hold graphs in a form that is not read: why, and what to do."""

OTHER_CHEMISTRY = "is a molecule in a form that is not read; convert it (obabel FILE -O FILE.sdf)"
OTHER_NETWORK = (
    "is a network in a form that is not read; convert it to GraphML (in Python, networkx.read_gml or its like, and "
    "networkx.write_graphml(graph, 'FILE.graphml'))"
)
PICKLE = (
    "is a pickle, which can run any program when it is opened; where you trust it, write it in a form that holds data "
    "alone (in Python, networkx.write_graphml(graph, 'FILE.graphml'), or networkx.node_link_data as JSON)"
)
SHEET = "is a table of another program; save it as CSV"
PACKED = "is compressed in a way that is not read; unpack it, or compress it with gzip"
REFUSED = {
    **dict.fromkeys((".mol2", ".pdb", ".cif", ".mmcif", ".xyz", ".cml", ".cdx", ".cdxml", ".inchi"), OTHER_CHEMISTRY),
    **dict.fromkeys((".rxn", ".rdf"), "describes reactions; write their molecules to a file of SMILES or an SDF"),
    **dict.fromkeys((".gml", ".gexf", ".net", ".mtx", ".dot", ".adjlist"), OTHER_NETWORK),
    **dict.fromkeys((".pickle", ".pkl", ".gpickle", ".p"), PICKLE),
    **dict.fromkeys((".xls", ".xlsx", ".ods", ".parquet", ".feather"), SHEET),
    **dict.fromkeys((".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz"), PACKED),
}
"""By their suffix in small letters."""
