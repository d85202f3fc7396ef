"""The bearer token: mint a string, take one apart, prove its secret.

A token reads `bdk_` + lookup id (10) + `_` + secret (43) + check (6), the last three in base62, so
that one double-click selects it and it is a valid b64token (RFC 6750 §2.1). The check is a keyed
BLAKE2b of all before it, under the desk's own mint key: a string that this desk did not mint is
refused before any row is read or any argon2 is run.
"""

import contextlib
import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol
from urllib.parse import unquote

from botdesk.errors import StoreError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

PREFIX: Final = "bdk_"
ID_LENGTH: Final = 10
SECRET_LENGTH: Final = 43
CHECK_LENGTH: Final = 6
MINT_KEY_BYTES: Final = 32
LEAKED: Final = re.compile(r"bdk_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}")
"""Finds a leaked token in any text, whatever stands around it."""

REDACTED: Final = "[redacted]"
_MOST_ENCODINGS: Final = 8

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE: Final = re.compile(r"bdk_([0-9A-Za-z]{10})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")

Entropy = Callable[[int], bytes]
"""A source of random bytes: `secrets.token_bytes`, or a seeded one for demos and tests."""


class Secret:
    """A confidential text that is hard to show by accident.

    It has no `str()`, a redacted `repr()`, no pickle, no copy and no `==`. Only `reveal` gives the
    text away, and only `handoff` and this module may call it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text away."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(••••)"

    def __str__(self) -> NoReturn:
        raise TypeError("a secret has no text form")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a secret has no text form")

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are not compared by ==")

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token string, before anything is stored.

    Attributes:
        id: The lookup id, which may be shown.
        token: The whole token string, for the handoff.
        proof: The confidential part alone, for the hasher.
    """

    id: str
    token: Secret
    proof: Secret


@dataclass(frozen=True, slots=True)
class Presented:
    """A presented string of the right shape and check: this desk minted it.

    Attributes:
        id: The lookup id.
        proof: The confidential part, not yet proved.
    """

    id: str
    proof: Secret


def base62(length: int, entropy: Entropy) -> str:
    """Draw `length` base62 characters, each equally likely."""
    drawn = ""
    while len(drawn) < length:
        drawn += "".join(_ALPHABET[byte % 62] for byte in entropy(length) if byte < 248)
    return drawn[:length]


def mint(key: bytes, entropy: Entropy) -> Minted:
    """Make a new token string under the desk's mint key.

    Args:
        key: The desk's mint key, `MINT_KEY_BYTES` bytes.
        entropy: Gives n random bytes; the secret has 43 base62 characters, 256 bits.
    """
    token_id = base62(ID_LENGTH, entropy)
    proof = Secret(base62(SECRET_LENGTH, entropy))
    return Minted(token_id, _assemble(key, token_id, proof), proof)


def _assemble(key: bytes, token_id: str, proof: Secret) -> Secret:
    return Secret(f"{PREFIX}{token_id}_{proof.reveal()}{_check(key, token_id, proof)}")


def parse(presented: str, key: bytes) -> Presented | None:
    """Take a presented string apart; None when this desk never minted it.

    Costs a microsecond, whatever is presented: no row is read and no argon2 is run.
    """
    match = _SHAPE.fullmatch(presented) if len(presented) == 64 else None
    if match is None:
        return None
    token_id, proof = match[1], Secret(match[2])
    return Presented(token_id, proof) if hmac.compare_digest(match[3], _check(key, token_id, proof)) else None


PERSONAL: Final = re.compile(r"[!-~]{16,4096}")
"""What is taken for a personal token of another system: nothing that is short, and nothing with a space in it."""


def known_by(secret: Secret, key: bytes) -> str:
    """The keyed digest by which a personal token of another system is known again, under the desk's mint key."""
    text = secret.reveal().encode("utf-8", "surrogatepass")
    return blake2b(text, key=key, digest_size=32, person=b"botdesk personal").hexdigest()


def unlike_personal(secret: Secret) -> str:
    """Why a secret cannot be a personal token of another system; empty when it can."""
    text = secret.reveal()
    if LEAKED.search(text):
        return "it is a token of this desk"
    if not PERSONAL.fullmatch(text):
        return "a personal token has 16 to 4,096 letters, digits and signs, and no space"
    return "" if len(set(text)) >= LEAST_LETTERS else "it is no random text: it could be guessed"


LEAST_LETTERS: Final = 8
"""How many different characters a personal token has at least; a random one of 16 has nearly always more."""


def redacted(text: str) -> str:
    """Take tokens out of a text; percent-encoded ones, too, however often they were encoded."""
    plain = text
    for _ in range(_MOST_ENCODINGS):
        further = unquote(plain)
        if further == plain:
            return LEAKED.sub(REDACTED, plain) if LEAKED.search(plain) else text
        plain = further
    return REDACTED


def _check(key: bytes, token_id: str, proof: Secret) -> str:
    before = f"{PREFIX}{token_id}_{proof.reveal()}".encode()
    drawn = blake2b(before, key=key, digest_size=16, person=b"botdesk check").digest()
    number = int.from_bytes(drawn, "big") % len(_ALPHABET) ** CHECK_LENGTH
    digits = ""
    for _ in range(CHECK_LENGTH):
        number, digit = divmod(number, 62)
        digits += _ALPHABET[digit]
    return digits


def masked(token_id: str) -> str:
    """The form of a token that may be shown: `bdk_7fQ2kLm9Xa_••••`."""
    return f"{PREFIX}{token_id}_••••"


class Hasher(Protocol):
    """Keeps and checks the confidential part of a token."""

    def hash(self, proof: Secret, *, salt: bytes) -> str:
        """Return a PHC string to store in the secret's place, salted with 16 random bytes."""

    def verify(self, stored: str, proof: Secret) -> bool:
        """Tell whether the stored PHC string is of this secret."""

    def outdated(self, stored: str) -> bool:
        """Tell whether the stored PHC string was made with other parameters than today's."""


class Argon2id:
    """argon2id with bounded parameters, a few computations at once (RFC 9106).

    Args:
        memory_kib: Memory for one computation in KiB; the default is OWASP's 19 MiB.
        passes: The number of passes.
        lanes: The degree of parallelism.
        at_once: How many computations may run at once in this process.
    """

    MOST_MEMORY_KIB: Final = 256 * 1024
    MOST_PASSES: Final = 16
    MOST_LANES: Final = 8

    def __init__(self, *, memory_kib: int = 19 * 1024, passes: int = 2, lanes: int = 1, at_once: int = 2) -> None:
        self._memory_kib, self._passes, self._lanes = memory_kib, passes, lanes
        self._turn = threading.BoundedSemaphore(at_once)

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        """What computes; who only looks at the desk does without."""
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=self._passes, memory_cost=self._memory_kib, parallelism=self._lanes)

    def hash(self, proof: Secret, *, salt: bytes) -> str:
        """Return a PHC string to store in the secret's place, salted with 16 random bytes.

        Raises:
            StoreError: argon2 failed, as for want of memory. Whatever it raises has the secret in its frames, so that
                is dropped before this one is raised; so does `verify`.
        """
        with self._turn, contextlib.suppress(Exception):
            return self._hasher.hash(proof.reveal(), salt=salt)
        raise StoreError("the secret could not be hashed", hint="there may be too little memory: 'botdesk doctor'")

    def verify(self, stored: str, proof: Secret) -> bool:
        """Tell whether the stored PHC string is of this secret.

        Raises:
            StoreError: The stored string is no argon2id hash, or its parameters are out of range: a
                tampered row may not make this machine compute for minutes.
        """
        from argon2.exceptions import VerifyMismatchError

        self._refuse_out_of_range(stored)
        with self._turn, contextlib.suppress(Exception):
            try:
                return self._hasher.verify(stored, proof.reveal())
            except VerifyMismatchError:
                return False
        raise _unusable_hash()

    def outdated(self, stored: str) -> bool:
        """Tell whether the stored PHC string was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _refuse_out_of_range(self, stored: str) -> None:
        from argon2 import Type, extract_parameters
        from argon2.exceptions import InvalidHashError

        try:
            found = extract_parameters(stored)
        except (InvalidHashError, ValueError):
            raise _unusable_hash() from None
        if (
            found.type is not Type.ID
            or found.memory_cost > self.MOST_MEMORY_KIB
            or found.time_cost > self.MOST_PASSES
            or found.parallelism > self.MOST_LANES
        ):
            raise _unusable_hash()


def _unusable_hash() -> StoreError:
    return StoreError("a token's stored hash is unusable", hint="run 'botdesk audit verify': the row may be tampered")


class Proofs:
    """Remembers what argon2 said yes to: the proof, never a verdict.

    Kept is a keyed BLAKE2b, under a random key of this process, of the stored hash and the secret. The least
    recently used one is forgotten first.
    """

    MOST: Final = 16_384

    def __init__(self, entropy: Entropy, *, most: int = MOST) -> None:
        self._key = entropy(32)
        self._most = most
        self._marks: OrderedDict[bytes, None] = OrderedDict()
        self._turn = threading.Lock()

    def mark(self, stored: str, proof: Secret) -> bytes:
        """What is kept of a secret and the stored hash that it is held against."""
        return blake2b(f"{stored}\0{proof.reveal()}".encode(), key=self._key, digest_size=32).digest()

    def known(self, stored: str, proof: Secret) -> bool:
        """Tell whether the secret was proved against this stored hash before."""
        mark = self.mark(stored, proof)
        with self._turn:
            if mark not in self._marks:
                return False
            self._marks.move_to_end(mark)
            return True

    def remember(self, stored: str, proof: Secret) -> None:
        """Remember that the secret was proved against this stored hash."""
        mark = self.mark(stored, proof)
        with self._turn:
            self._marks[mark] = None
            while len(self._marks) > self._most:
                self._marks.popitem(last=False)


class Fingerprint:
    """Recognises a secret again without keeping it: a keyed BLAKE2b under a random key of its own."""

    __slots__ = ("_digest", "_key")

    def __init__(self, secret: Secret, entropy: Entropy) -> None:
        self._key = entropy(32)
        self._digest = blake2b(secret.reveal().encode(), key=self._key).digest()

    def matches(self, text: str) -> bool:
        """Tell whether the text is that secret, in constant time."""
        return hmac.compare_digest(self._digest, blake2b(text.encode(errors="replace"), key=self._key).digest())
