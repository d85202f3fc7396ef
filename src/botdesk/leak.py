"""Find tokens in a text of any size, in constant memory: whole ones, and what is left of others."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from botdesk import bearer

CHUNK: Final = 256 * 1024
_PREFIX: Final = bearer.PREFIX.encode()
_LONGEST: Final = 65
"""A token, and the character after it that tells whether it ends there."""

_SHAPE: Final = re.compile(rb"bdk_([0-9A-Za-z]{10})(?![0-9A-Za-z])(?:_([0-9A-Za-z]{49}))?")
_ID: Final = re.compile(rb"\s*([0-9A-Za-z]{10})\s*")


class Extent(StrEnum):
    """How much of a token was seen."""

    WHOLE = "whole"
    NAMED = "named"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A token that was seen in a text; its secret is not kept.

    Attributes:
        id: The lookup id.
        extent: `whole`, with its secret; `named`, when the text is nothing but the id; else `part`: masked, cut off or
            garbled.
        place: At which byte of which text.
    """

    id: str
    extent: Extent
    place: tuple[str, int]


class Readable(Protocol):
    """What can be read into a buffer, as every binary file can."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer and return how many bytes that were; 0 at the end."""


def sightings(text: Readable, key: bytes, *, name: str = "") -> Iterator[Sighting]:
    """Go through a text and yield every token in it, minted by this desk or not.

    Args:
        text: What to go through.
        key: The desk's mint key, which tells a whole token from what only looks like one.
        name: What the text is called.
    """
    buffer = bytearray(CHUNK + _LONGEST)
    kept = passed = found = 0
    while True:
        count = text.readinto(memoryview(buffer)[kept:]) or 0
        end = kept + count
        searched = end if not count else max(0, end - _LONGEST)
        place, done = buffer.find(_PREFIX, 0, end), 0
        while 0 <= place < searched:
            match = _SHAPE.match(buffer, place, end)
            if match:
                found += 1
                yield Sighting(match[1].decode(), _extent(match, key), (name, passed + place))
            done = match.end() if match else place + len(_PREFIX)
            place = buffer.find(_PREFIX, done, end)
        if not count:
            break
        rest = place if place >= 0 else max(searched, done)
        kept, passed = end - rest, passed + rest
        buffer[:kept] = buffer[rest:end]
    if not (found or passed) and (match := _ID.fullmatch(buffer, 0, kept)):
        yield Sighting(match[1].decode(), Extent.NAMED, (name, match.start(1)))


def _extent(match: re.Match[bytes], key: bytes) -> Extent:
    return Extent.WHOLE if match[2] and bearer.parse(match[0].decode(), key) else Extent.PART
