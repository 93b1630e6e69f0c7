"""An index of vectors on disk, what lies nearest to a query in it, and near-duplicates.

Everything here is exact and blockwise: memory holds a few thousand vectors and a few numbers per row, never all vectors
and never all pairs.
"""
