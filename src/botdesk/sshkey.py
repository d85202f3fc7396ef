"""The public key of an SSH key pair, as a `.pub` file has it: read, checked, named by its fingerprint.

Read are the key types that OpenSSH makes today (RFC 4253 §6.6, RFC 5656, RFC 8709 and OpenSSH's PROTOCOL.u2f); anything
else is refused, so that a line of ours in an `authorized_keys` file is a key and nothing but a key.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from botdesk import wording
from botdesk.errors import InvalidInput

SMALLEST_RSA: Final = 2048
LONGEST_LINE: Final = 16 * 1024
LONGEST_COMMENT: Final = 80
FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
"""What a fingerprint looks like, as `ssh-keygen -l` prints it."""

_CURVES: Final = {"ecdsa-sha2-nistp256": 65, "ecdsa-sha2-nistp384": 97, "ecdsa-sha2-nistp521": 133}
_SECURITY_KEYS: Final = {"sk-ssh-ed25519@openssh.com": 32, "sk-ecdsa-sha2-nistp256@openssh.com": 65}
KINDS: Final = ("ssh-ed25519", *_SECURITY_KEYS, *_CURVES, "ssh-rsa")
"""The key types that are taken, the best first."""

_HINT: Final = "give the one line of a .pub file: botdesk person key add NAME < ~/.ssh/id_ed25519.pub"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A checked public key.

    Attributes:
        kind: Its type, as in `ssh-ed25519`.
        blob: The key itself, in base64.
        comment: What its owner calls it; may be empty.
        fingerprint: `SHA256:` and 43 characters.
    """

    kind: str
    blob: str
    comment: str
    fingerprint: str


def parse(line: str) -> PublicKey:
    """Read the one line of a `.pub` file.

    Raises:
        InvalidInput: It is no public key, or not of a type and size that is taken.
    """
    if "PRIVATE KEY" in line[:LONGEST_LINE]:
        raise InvalidInput("that is a private key: keep it to yourself", hint="give the .pub file that lies beside it")
    words = line.strip().split(maxsplit=2)
    if len(line) > LONGEST_LINE or len(line.strip().splitlines()) != 1 or len(words) < 2:
        raise InvalidInput("that is no public key", hint=_HINT)
    kind, blob = words[0], words[1]
    _check_kind(kind)
    raw = _decoded(blob)
    _check_parts(kind, _parts(raw))
    comment = wording.clean(words[2] if len(words) > 2 else "", "comment", longest=LONGEST_COMMENT)
    return PublicKey(kind, base64.b64encode(raw).decode(), comment, fingerprint(raw))


def fingerprint(raw: bytes) -> str:
    """The fingerprint of a key's bytes, as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _check_kind(kind: str) -> None:
    if kind in KINDS:
        return
    if "-cert-v01@" in kind:
        raise InvalidInput("that is a certificate, not a key", hint="give the key's own .pub file")
    if kind == "ssh-dss":
        raise InvalidInput("a DSA key is too weak", hint="make a new one: ssh-keygen -t ed25519")
    if "=" in kind or "," in kind or kind.startswith(("restrict", "no-")):
        raise InvalidInput("that line has options before the key", hint=_HINT)
    raise InvalidInput(f"the key type {kind[:40]!a} is not taken", hint=f"taken are: {', '.join(KINDS)}")


def _decoded(blob: str) -> bytes:
    try:
        return base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("the key is cut off or mistyped", hint=_HINT) from None


def _parts(raw: bytes) -> list[bytes]:
    """Take a key's bytes apart: strings, each after its length in four bytes (RFC 4251 §5)."""
    parts: list[bytes] = []
    while raw:
        length = int.from_bytes(raw[:4], "big")
        if len(raw) < 4 + length:
            raise InvalidInput("the key is cut off or mistyped", hint=_HINT)
        parts.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return parts


def _check_parts(kind: str, parts: list[bytes]) -> None:
    if not parts or parts[0] != kind.encode() or not _fits(kind, parts[1:]):
        raise InvalidInput(f"the key is no whole {kind} key", hint=_HINT)
    if kind == "ssh-rsa" and (bits := int.from_bytes(parts[2], "big").bit_length()) < SMALLEST_RSA:
        raise InvalidInput(f"an RSA key of {bits} bits is too weak", hint="make a new one: ssh-keygen -t ed25519")


def _fits(kind: str, parts: list[bytes]) -> bool:
    sizes = [len(part) for part in parts]
    if kind == "ssh-ed25519":
        return sizes == [32]
    if kind in _CURVES:
        return len(parts) == 2 and parts[0] == kind.removeprefix("ecdsa-sha2-").encode() and sizes[1] == _CURVES[kind]
    if kind == "sk-ssh-ed25519@openssh.com":
        return len(parts) == 2 and sizes[0] == _SECURITY_KEYS[kind] and sizes[1] > 0
    if kind == "sk-ecdsa-sha2-nistp256@openssh.com":
        return len(parts) == 3 and parts[0] == b"nistp256" and sizes[1] == _SECURITY_KEYS[kind] and sizes[2] > 0
    return len(parts) == 2 and all(sizes)
