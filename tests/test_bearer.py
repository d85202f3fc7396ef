"""The token string and its secret: mint, parse, hash, and what no accident may show."""

import ast
import copy
import json
import logging
import os
import pickle
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import botdesk
from botdesk import bearer
from botdesk.bearer import LEAKED, Argon2id, Fingerprint, Secret
from botdesk.errors import StoreError
from botdesk.testing import light_hasher, seeded
from tests.frames import secrets_in

KEY = bytes(range(32))
B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750 §2.1."""


def mint(seed: int = 1, key: bytes = KEY) -> bearer.Minted:
    return bearer.mint(key, seeded(seed))


@given(st.integers(), st.binary(min_size=32, max_size=32))
def test_a_minted_token_is_known_to_its_desk_and_to_no_other(seed: int, key: bytes) -> None:
    minted = mint(seed, key)
    text = minted.token.reveal()
    assert re.fullmatch(r"bdk_[0-9A-Za-z]{10}_[0-9A-Za-z]{43}[0-9A-Za-z]{6}", text)
    assert B64TOKEN.fullmatch(text)
    presented = bearer.parse(text, key)
    assert presented is not None
    assert presented.id == minted.id == text[4:14]
    assert presented.proof.reveal() == minted.proof.reveal() == text[15:58]
    assert bearer.parse(text, bytes(32) if any(key) else b"\x01" * 32) is None


@settings(max_examples=300)
@given(st.integers(0, 63), st.characters(), st.sampled_from(["replace", "insert", "drop"]))
def test_a_token_with_any_character_changed_was_never_minted(place: int, letter: str, how: str) -> None:
    text = mint().token.reveal()
    tail = {"replace": letter + text[place + 1 :], "insert": letter + text[place:], "drop": text[place + 1 :]}[how]
    changed = text[:place] + tail
    assert (bearer.parse(changed, KEY) is None) is (changed != text)


@given(st.text(max_size=80) | st.from_regex(LEAKED, fullmatch=True))
def test_whatever_is_presented_is_answered(presented: str) -> None:
    assert bearer.parse(presented, KEY) is None


@pytest.mark.parametrize("around", ["{}\n", " {}", "{} ", "Bearer {}", "{0}{0}", "\ufeff{}"])
def test_nothing_may_be_around_a_token(around: str) -> None:
    assert bearer.parse(around.format(mint().token.reveal()), KEY) is None


def test_letter_case_of_a_token_matters() -> None:
    text = mint().token.reveal()
    assert bearer.parse(text.swapcase(), KEY) is None


def test_a_leaked_token_is_found_in_any_text_and_a_masked_one_is_none() -> None:
    text = mint().token.reveal()
    for around in ("curl -H 'Authorization: Bearer {}' …", '{{"token":"{}"}}', "TOKEN={}\n", "({})", "key_{}_", "x{}x"):
        assert LEAKED.findall(around.format(text)) == [text]
    masked = bearer.masked(mint().id)
    assert masked == f"bdk_{mint().id}_••••"
    assert not LEAKED.search(masked)


def test_tokens_of_the_systems_chance_differ_and_use_every_letter_alike() -> None:
    minted = [bearer.mint(KEY, os.urandom) for _ in range(500)]
    assert len({one.id for one in minted}) == len({one.token.reveal() for one in minted}) == 500
    letters = Counter("".join(one.proof.reveal() for one in minted))
    expected = 500 * 43 / 62
    assert len(letters) == 62
    assert all(abs(count - expected) < 7 * expected**0.5 for count in letters.values())


def _always(byte: int, _: int) -> bytes:
    return bytes([byte])


def test_each_letter_of_base62_is_drawn_from_as_many_bytes() -> None:
    drawn = Counter(bearer.base62(1, partial(_always, byte)) for byte in range(248))
    assert set(drawn.values()) == {4}
    stream = iter([b"\xff" * 5, b"\xf8", bytes([61])])
    assert bearer.base62(1, lambda _: next(stream)) == "z"


ACCIDENTS: dict[str, Callable[[Secret], object]] = {
    "str": str,
    "format": "{}".format,
    "f-string": lambda secret: f"{secret:>10}",
    "percent": lambda secret: "%s" % secret,  # noqa: UP031
    "print": print,
    "equality": lambda secret: secret == secret,
    "equality to the text": lambda secret: secret == "x",
    "inequality": lambda secret: secret != "x",
    "hash": hash,
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "json": json.dumps,
    "vars": vars,
    "join": lambda secret: "".join([secret]),  # type: ignore[list-item]
    "add": lambda secret: "x" + secret,  # type: ignore[operator]
    "encode": lambda secret: secret.encode(),  # type: ignore[attr-defined]
    "asdict of what holds it": lambda secret: asdict(bearer.Presented("id", secret)),
}


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_a_secret_is_not_shown_by_accident(accident: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((TypeError, AttributeError)) as refused:
        ACCIDENTS[accident](Secret("hush-hush"))
    assert "hush" not in str(refused.value)
    assert "hush" not in "".join(capsys.readouterr())


def test_whatever_shows_a_secret_shows_dots(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret("hush-hush")
    minted = bearer.Minted("id", secret, secret)
    logging.getLogger("test").warning("%r", secret)
    for shown in (repr(secret), f"{secret!r}", repr([secret]), repr(minted), str(minted), caplog.text):
        assert "••••" in shown
        assert "hush" not in shown


def test_a_secret_is_revealed_in_three_modules_alone() -> None:
    source = Path(botdesk.__file__).parent
    revealing = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if getattr(node, "attr", None) == "reveal"
        or (isinstance(node, ast.Constant) and node.value == "reveal")
        or (getattr(node, "attr", None) == "_text" and getattr(getattr(node, "value", None), "id", "") != "self")
    }
    assert revealing == {"bearer.py", "clipboard.py", "handoff.py"}


def test_argon2id_takes_its_own_secret_and_no_other() -> None:
    hasher, minted = light_hasher(), mint()
    stored = hasher.hash(minted.proof, salt=bytes(16))
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert minted.proof.reveal() not in stored
    assert hasher.verify(stored, minted.proof)
    assert not hasher.verify(stored, mint(2).proof)
    assert stored != hasher.hash(minted.proof, salt=b"x" * 16)


def test_the_defaults_are_those_of_owasp() -> None:
    stored = Argon2id().hash(mint().proof, salt=bytes(16))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_hash_made_with_other_parameters_is_outdated() -> None:
    stored = light_hasher().hash(mint().proof, salt=bytes(16))
    assert not light_hasher().outdated(stored)
    assert Argon2id(memory_kib=16, passes=1).outdated(stored)
    assert Argon2id(memory_kib=8, passes=2).outdated(stored)


TAIL = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
UNUSABLE = {
    "nothing": "",
    "another text": "hunter2",
    "argon2i": f"$argon2i$v=19$m=8,t=1,p=1{TAIL}",
    "argon2d": f"$argon2d$v=19$m=8,t=1,p=1{TAIL}",
    "bcrypt": "$2b$12$abcdefghijklmnopqrstuu1234567890123456789012345678901",
    "a gigabyte": f"$argon2id$v=19$m=1048576,t=1,p=1{TAIL}",
    "more than the most memory": f"$argon2id$v=19$m={Argon2id.MOST_MEMORY_KIB + 1},t=1,p=1{TAIL}",
    "a thousand passes": f"$argon2id$v=19$m=8,t=1000,p=1{TAIL}",
    "a hundred lanes": f"$argon2id$v=19$m=800,t=1,p=100{TAIL}",
    "negative": f"$argon2id$v=19$m=-8,t=1,p=1{TAIL}",
    "no parameters": f"$argon2id$v=19$m=,t=,p={TAIL}",
    "too little memory": f"$argon2id$v=19$m=1,t=1,p=1{TAIL}",
    "no passes": f"$argon2id$v=19$m=8,t=0,p=1{TAIL}",
    "no base64": "$argon2id$v=19$m=8,t=1,p=1$\x00$\x00",
    "not ASCII": f"$argon2id$v=19$m=8,t=1,p=1{TAIL}é",
    "a lone surrogate": f"$argon2id$v=19$m=8,t=1,p=1{TAIL}\udcff",
}


@pytest.mark.parametrize("stored", UNUSABLE)
def test_a_tampered_hash_is_refused_and_not_computed(stored: str) -> None:
    with pytest.raises(StoreError) as refused:
        light_hasher().verify(UNUSABLE[stored], mint().proof)
    assert "audit verify" in refused.value.hint


class Bomb:
    """An entropy that fails."""

    def __call__(self, count: int) -> bytes:
        raise OSError("no more chance")


def test_no_error_that_leaves_bearer_has_the_secret_in_its_frames() -> None:
    minted = mint()
    text, proof = minted.token.reveal(), minted.proof.reveal()
    attempts: dict[str, Callable[[], object]] = {
        "hashing that argon2 refuses": lambda: Argon2id(passes=0).hash(minted.proof, salt=bytes(16)),
        "hashing with a bad salt": lambda: light_hasher().hash(minted.proof, salt=b"x"),
        "an unusable hash": lambda: light_hasher().verify("hunter2", minted.proof),
        "a hash that argon2 refuses": lambda: light_hasher().verify(UNUSABLE["too little memory"], minted.proof),
        "a hash that is no ASCII": lambda: light_hasher().verify(UNUSABLE["not ASCII"], minted.proof),
        "no chance": lambda: Fingerprint(minted.token, Bomb()),
        "str": lambda: str(minted.token),
    }
    for name, attempt in attempts.items():
        with pytest.raises(Exception) as raised:
            attempt()
        assert secrets_in(raised.value, text, proof) == [], name


def test_a_fingerprint_knows_its_secret_again_and_does_not_keep_it() -> None:
    text = mint().token.reveal()
    fingerprint = Fingerprint(mint().token, os.urandom)
    assert fingerprint.matches(text)
    assert not any(fingerprint.matches(other) for other in (text[:-1], "", "\udcff"))
    assert not any(text in repr(getattr(fingerprint, name)) for name in Fingerprint.__slots__)
