"""What a speech synthesiser, eSpeak NG, says of one word: its samples, and which phone begins where.

`python synthesizer.py VOICE PITCH SPEED WORD` prints JSON, see `Spoken`. One word for each process: what the library
says depends a little on what it said before.
"""

import ctypes
import ctypes.util
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, final

LIBRARY = "espeak-ng"
SYNCHRONOUS = 2
"""Samples are given to a function of ours, and none is played."""
WITH_PHONES = 0b11
"""That function is told of every phone, in letters of the International Phonetic Alphabet."""
SPEED, PITCH = 1, 3
"""Numbers of the library's settings."""
END, PHONE = 0, 7
"""Kinds of events: the list is over, a phone begins."""


@final
@dataclass(frozen=True)
class Spoken:
    """A word.

    Attributes:
        samples: 16 bit.
        rate: samples per second.
        phones: the first sample of every phone, and its letters; a pause has none.
    """

    samples: Sequence[int]
    rate: int
    phones: Sequence[tuple[int, str]]


@final
class _Name(ctypes.Union):
    _fields_: ClassVar[Any] = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


@final
class _Event(ctypes.Structure):
    _fields_: ClassVar[Any] = [
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("id", _Name),
    ]


_Told = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def spoken(voice: str, pitch: int, speed: int, word: str) -> Spoken:
    """A word as `espeak-ng -z` speaks it, sample by sample.

    Raises:
        FileNotFoundError: if the library is not installed.
    """
    path = ctypes.util.find_library(LIBRARY)
    if path is None:
        raise FileNotFoundError(
            f"the words are spoken by the library of {LIBRARY}, which is not installed; install it (Debian's "
            "libespeak-ng1), or use what ships"
        )
    library = ctypes.CDLL(path)
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, None, WITH_PHONES)
    samples, phones = list[int](), list[tuple[int, str]]()

    def told(wave: Any, count: int, events: Any) -> int:
        if wave:
            samples.extend(wave[:count])
        number = 0
        while events[number].type != END:
            if events[number].type == PHONE:
                phones.append((events[number].sample, bytes(events[number].id.string).decode()))
            number += 1
        return 0

    function = _Told(told)  # it must live for as long as the library may call it
    library.espeak_SetSynthCallback(function)
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_SetParameter(PITCH, pitch, 0)
    library.espeak_SetParameter(SPEED, speed, 0)
    text = word.encode()
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, 0, None, None)
    library.espeak_Synchronize()
    return Spoken(samples, rate, phones)


if __name__ == "__main__":
    print(json.dumps(asdict(spoken(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))))
