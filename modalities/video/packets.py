"""Where a video really ends, and how fast its frames come: from its packets, whatever its header says."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

TAIL = 1.0  # seconds before the stated end, from where packets are read
WITHOUT_INDEX = frozenset(("mpegts", "mpeg"))
"""Formats in which a wanted time is searched for: where their clock begins anew, anything may be found."""
IN_PACKETS = frozenset(("mov", "matroska", "avi", "flv"))
"""Formats that say how long each packet is; others are cut into packets by what is found in them."""
WHOLE = 2**28  # bytes; files of these formats up to so many are read through
FEW = 3  # packets, of which fewer tell no rate


@final
@dataclass(frozen=True)
class Packets:
    """The last packets of a stream.

    Attributes:
        seconds: when the last of them ends, counted from the first of the stream.
        count: how many there are.
        apart: the mean distance between them; 0 for fewer than three.
        torn: the last of them is incomplete.
    """

    seconds: float
    count: int
    apart: float
    torn: bool = False

    def rate_of(self, mean: float, guessed: float) -> float:
        """Frames per second: what the file says, unless it gives the ticks of its clock for frames.

        Example:
            >>> Packets(5.0, 10, 0.1).rate_of(1000.0, 10.0), Packets(5.0, 10, 0.1).rate_of(12.0, 25.0)
            (10.0, 12.0)
        """
        said = mean or guessed or 25.0
        if not self.apart or said * self.apart < 2.0:
            return said
        return guessed if guessed and 0.5 < guessed * self.apart < 2.0 else 1 / self.apart


def last_packets(container: "InputContainer", stream: "VideoStream", length: float) -> Packets:
    """Those from shortly before the stated end on; where that leads nowhere, all.

    Raises:
        ValueError: if the clock begins anew, as where videos are joined.
    """
    from av.error import FFmpegError

    base = float(stream.time_base or 0)
    origin = (stream.start_time or 0) * base
    near_end = max(0.0, origin + length - TAIL)
    searched = container.format.name in WITHOUT_INDEX and container.size <= WHOLE
    in_packets = container.format.name.split(",")[0] in IN_PACKETS
    most = 0
    for place in (None,) if searched else (near_end, None):
        count, first, last, end, torn = 0, math.inf, -math.inf, -math.inf, False
        clock = -math.inf  # of decoding: frames that are shown later than ones that follow them go back in no other
        try:
            if place is not None and base and stream.start_time is not None:
                container.seek(min(int(place / base), 2**62), stream=stream)
            elif place is None and stream.start_time is not None:
                container.seek(0)
            for packet in container.demux(stream):
                stamp = packet.pts if packet.pts is not None else packet.dts
                count += packet.size > 0
                torn = (packet.is_corrupt and in_packets) if packet.size else torn
                if stamp is None:
                    continue
                time = stamp * base - origin
                before, clock = clock, clock if packet.dts is None else packet.dts * base
                if clock < before - TAIL:
                    raise ValueError(f"several videos are joined in it: the clock begins anew after {last:.1f} s")
                first, last = min(first, time), max(last, time)
                end = max(end, time + (packet.duration or 0) * base)
        except FFmpegError:
            pass  # a damaged end: what came before counts
        most = max(most, count)
        if last > -math.inf:
            return Packets(max(end, 0.0), count, (last - first) / (count - 1) if count >= FEW else 0.0, torn)
    # A bare stream without a clock: its frames are counted.
    return Packets(most / float(stream.average_rate or stream.guessed_rate or 25), most, 0.0)
