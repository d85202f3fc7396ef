r"""Scopes: the permission words of a token (RFC 6749 §3.3).

A scope is one or more of the printable ASCII characters except space, `"` and `\`; scopes are
case-sensitive and separated by spaces.
"""

import re
from collections.abc import Iterable

from botdesk.errors import InvalidInput

LONGEST = 128
MOST = 64

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")


def parse(text: str | Iterable[str]) -> frozenset[str]:
    """Read scopes from a space-delimited text, or from several such texts.

    Args:
        text: `"catalog:read deploy:write"`, or an iterable of such texts. Commas between scopes
            are refused with a hint, since RFC 6749 would take them for a part of the scope.

    Raises:
        InvalidInput: A scope has a character that RFC 6749 §3.3 does not allow, is longer than
            `LONGEST` characters, or there are more than `MOST` scopes.
    """
    texts = [text] if isinstance(text, str) else list(text)
    words = frozenset(word for part in texts for word in part.split(" ") if word)
    for word in words:
        _check(word)
    if len(words) > MOST:
        raise InvalidInput(f"{len(words)} scopes are too many", hint=f"keep to {MOST} at most")
    return words


def _check(word: str) -> None:
    if "," in word:
        raise InvalidInput(
            f"the scope {word[:40]!a} has a comma", hint="separate scopes with spaces: catalog:read deploy:write"
        )
    if not _SCOPE.fullmatch(word):
        raise InvalidInput(
            f"the scope {word[:40]!a} has a character that scopes may not have",
            hint="use printable ASCII without quotes and backslashes, as in catalog:read",
        )
    if len(word) > LONGEST:
        raise InvalidInput(f"the scope {word[:20]!a}… is too long", hint=f"keep to {LONGEST} characters")


def format(scopes: Iterable[str]) -> str:
    """Write scopes as one space-delimited text, sorted, so that equal sets are equal texts."""
    return " ".join(sorted(scopes))


def covers(granted: Iterable[str], required: Iterable[str]) -> bool:
    """Tell whether every required scope is granted, letter by letter."""
    return frozenset(required) <= frozenset(granted)
