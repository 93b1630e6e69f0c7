"""LZF, the light compression of point clouds and of others: how it is unfolded."""


def unfolded(packed: bytes, size: int) -> bytes:
    """What LZF made smaller.

    Raises:
        ValueError: if it does not unfold to so many bytes.

    Example: three letters, then five that repeat what stands three before.

        >>> unfolded(bytes([2]) + b"abc" + bytes([3 << 5, 2]), 8)
        b'abcabcab'
    """
    made, at, end = bytearray(), 0, len(packed)
    while at < end and len(made) <= size:
        control = packed[at]
        at += 1
        if control < 32:
            made += packed[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if at + (length == 7) >= end:
            break
        if length == 7:
            length += packed[at]
            at += 1
        back = ((control & 31) << 8) + packed[at] + 1
        at += 1
        length += 2
        if back > len(made):
            raise ValueError("is compressed in a way that leads before its begin")
        piece = bytes(made[len(made) - back : len(made) - back + length])
        made += (piece * (length // len(piece) + 1))[:length]
    if len(made) != size:
        raise ValueError(f"unfolds to {len(made)} bytes, expected {size}")
    return bytes(made)
