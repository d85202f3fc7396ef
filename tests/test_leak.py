"""Tokens in a text: all of them are found, whatever is around them, and nothing besides."""

import io
import os
import random
import tracemalloc
from collections.abc import Iterator

import pytest

from botdesk import bearer
from botdesk.leak import CHUNK, Extent, Readable, Sighting, sightings
from botdesk.testing import seeded

KEY = bytes(range(32))
MIB = 1024 * 1024
SIZE = int(os.environ.get("BOTDESK_SCAN_MIB", "24")) * MIB
"""How large the text is; 1024 is the size that is promised."""

PLANTED = 10_000


def minted(seed: int = 1, key: bytes = KEY) -> Iterator[tuple[str, bytes]]:
    entropy = seeded(seed)
    while True:
        made = bearer.mint(key, entropy)
        yield made.id, made.token.reveal().encode()


def found(text: bytes, key: bytes = KEY) -> list[Sighting]:
    return list(sightings(io.BytesIO(text), key))


TOKEN_ID, TOKEN = next(minted())
WRONG = TOKEN[:-1] + (b"0" if TOKEN[-1:] != b"0" else b"1")


@pytest.mark.parametrize(
    "before", [b"", b" ", b"Bearer ", b'"', b"\\n", b"u003d", b"\xff", b"bdk_", b"bdk_bdk_", b"\x00"]
)
@pytest.mark.parametrize("after", [b"", b"\n", b'"', b"&", b"...", b"\\n", b"\xff"])
def test_a_whole_token_is_found_whatever_is_around_it(before: bytes, after: bytes) -> None:
    assert found(before + TOKEN + after) == [Sighting(TOKEN_ID, Extent.WHOLE, ("", len(before)))]


@pytest.mark.parametrize(
    "text",
    [
        WRONG,
        TOKEN[:-1],
        TOKEN[:20],
        TOKEN[:14],
        TOKEN[:15],
        TOKEN.swapcase().replace(b"BDK_", b"bdk_")[:4] + TOKEN[4:14] + b"_" + TOKEN[15:].swapcase(),
        bearer.masked(TOKEN_ID).encode(),
        b"see " + bearer.masked(TOKEN_ID).encode() + b" there",
    ],
)
def test_what_is_left_of_a_token_is_a_part(text: bytes) -> None:
    (seen,) = found(text)
    assert (seen.id, seen.extent) == (TOKEN_ID, Extent.PART)


def test_a_token_of_another_desk_is_not_whole() -> None:
    assert [seen.extent for seen in found(TOKEN, key=bytes(32))] == [Extent.PART]


@pytest.mark.parametrize("text", [TOKEN_ID.encode(), b"  " + TOKEN_ID.encode() + b"\n"])
def test_an_id_alone_is_named(text: bytes) -> None:
    assert [(seen.id, seen.extent) for seen in found(text)] == [(TOKEN_ID, Extent.NAMED)]


@pytest.mark.parametrize(
    "text", [b"", b"bdk_", b"bdk_short", b"bdk_12345678901", b"BDK_" + TOKEN[4:], b"word1 word2", b"x"]
)
def test_what_is_no_token_is_none(text: bytes) -> None:
    assert found(text) == []


class Slow(io.RawIOBase):
    """A text that comes in pieces of odd sizes, as from a pipe."""

    def __init__(self, text: bytes, sizes: random.Random) -> None:
        self._text, self._sizes = io.BytesIO(text), sizes

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return self._text.readinto(buffer[: self._sizes.choice([1, 3, 64, 65, 66, 4096])])


@pytest.mark.parametrize("seed", range(4))
def test_a_token_is_found_across_the_ends_of_pieces(seed: int) -> None:
    sizes, makes = random.Random(seed), minted(seed)
    made = [next(makes) for _ in range(40)]
    text = b"".join(b"." * sizes.randint(0, 90) + token for _, token in made)
    seen = list(sightings(Slow(text, sizes), KEY))
    assert [(one.id, one.extent) for one in seen] == [(token_id, Extent.WHOLE) for token_id, _ in made]
    assert all(text[one.place[1] :].startswith(b"bdk_" + one.id.encode()) for one in seen)


def test_a_token_is_found_at_every_place_around_the_end_of_a_chunk() -> None:
    for start in range(CHUNK - 70, CHUNK + 70):
        (seen,) = found(b"." * start + TOKEN + b"\n")
        assert (seen.extent, seen.place[1]) == (Extent.WHOLE, start)


class Log(io.RawIOBase):
    """A text of a size that is made while it is read: noise with tokens planted at known places, and near misses."""

    def __init__(self, size: int, planted: int) -> None:
        chance, tokens = random.Random(7), minted(7)
        letters = "abcdefghijklmnopqrstuvwxyz0123456789 _:/.-bdk_\n"
        self._noise = "".join(chance.choices(letters, k=MIB)).encode().replace(b"bdk_", b"bdk-")
        misses = (b"bdk_", b"bdk_tooshort", b"bdk_12345678901", b"bdk-" + TOKEN[4:])
        places = sorted(chance.sample(range(size // 128), planted * 2))
        self.planted: list[Sighting] = []
        self._inserted: list[tuple[int, bytes]] = []
        for number, place in enumerate(places):
            text = misses[number % len(misses)]
            if number % 2:
                token_id, text = next(tokens)
                self.planted.append(Sighting(token_id, Extent.WHOLE, ("log", place * 128 + 1)))
            self._inserted.append((place * 128, b"\n" + text + b"\n"))
        self._size, self._at = size, 0

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        start = self._at % MIB
        count = min(len(buffer), MIB - start, self._size - self._at)
        buffer[:count] = self._noise[start : start + count]
        end = self._at + count
        while self._inserted and self._inserted[0][0] + len(self._inserted[0][1]) <= end:
            place, text = self._inserted.pop(0)
            buffer[place - self._at : place - self._at + len(text)] = text
        if self._inserted and self._inserted[0][0] < end:
            end = self._inserted[0][0]
        count, self._at = end - self._at, end
        return count


def test_all_planted_tokens_are_found_and_none_besides() -> None:
    log = Log(SIZE, PLANTED)
    assert len(log.planted) == PLANTED
    assert list(sightings(log, KEY, name="log")) == log.planted


def test_memory_does_not_grow_with_the_text() -> None:
    class Endless(io.RawIOBase):
        left = 64 * MIB

        def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
            count = min(len(buffer), self.left)
            buffer[:count] = bytes(count)
            self.left -= count
            return count

    text: Readable = Endless()
    tracemalloc.start()
    assert list(sightings(text, KEY)) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MIB
