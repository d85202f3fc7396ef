"""What a request to the gate says: who presents a token, for what, and from where.

Only the header lines named here are ever read. A proxy's word on where a request comes from is taken only
from a proxy that the settings trust.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from botdesk import scopes as scope_words
from botdesk.bearer import redacted
from botdesk.errors import InvalidInput

AUTHORIZATION: Final = b"authorization"
REQUIRED_SCOPE: Final = b"x-required-scope"
FORWARDED_FOR: Final = b"x-forwarded-for"
FORWARDED_METHOD: Final = b"x-forwarded-method"
FORWARDED_URI: Final = b"x-forwarded-uri"
FORWARDED_PROTO: Final = b"x-forwarded-proto"

UNIX: Final = "unix"
"""The address of a client that came in by a Unix socket."""

Address = IPv4Address | IPv6Address
Lines = Mapping[bytes, list[bytes]]
"""The header lines that matter, by name."""

_READ: Final = frozenset(
    {AUTHORIZATION, REQUIRED_SCOPE, FORWARDED_FOR, FORWARDED_METHOD, FORWARDED_URI, FORWARDED_PROTO}
)


class Origin(NamedTuple):
    """Where a request comes from, as far as it is known.

    Attributes:
        address: The client's address.
        trusted: Whether a trusted proxy asks.
        method: The method of the request that a proxy asks about.
        path: Its path, with its query.
    """

    address: str
    trusted: bool = False
    method: str | None = None
    path: str | None = None


def lines_of(headers: Iterable[tuple[bytes, bytes]]) -> Lines:
    """Pick the header lines that matter."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _READ:
            found.setdefault(name, []).append(value)
    return found


def credentials(lines: Lines) -> str | None:
    """The presented bearer token (RFC 6750 §2.1), whatever it looks like; None when no bearer token is presented.

    Raises:
        InvalidInput: There are two `Authorization` lines: nobody could tell which one counts.
    """
    found = lines.get(AUTHORIZATION)
    if found is None:
        return None
    if len(found) > 1:
        raise InvalidInput("there is more than one Authorization header", hint="send exactly one")
    scheme, _, rest = found[0].strip().partition(b" ")
    return rest.strip().decode("latin-1") if scheme.lower() == b"bearer" else None


def required_scopes(query: bytes, lines: Lines) -> frozenset[str]:
    """The scopes that the asking service requires: those of `?scope=` and of `X-Required-Scope` together.

    Since they add up, a client that gets one of them past a proxy can only ask more of itself.

    Raises:
        InvalidInput: They are not written as RFC 6749 §3.3 says, or a token is among them, which would be recorded.
    """
    return _scopes(query, b" ".join(lines.get(REQUIRED_SCOPE, ()))) if query or REQUIRED_SCOPE in lines else frozenset()


@lru_cache(maxsize=1024)
def _scopes(query: bytes, header: bytes) -> frozenset[str]:
    asked = [value for name, value in parse_qsl(query.decode("latin-1")) if name == "scope"]
    asked.append(header.decode("latin-1"))
    if any(redacted(text) != text for text in asked):
        raise InvalidInput("a token is in the place of a scope", hint="present it in the Authorization header alone")
    return scope_words.parse(asked)


class Proxies:
    """The proxies that are trusted: those in some networks, and whoever comes in by a Unix socket.

    Args:
        networks: The networks, as in `10.0.0.0/8`.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ip_network(network) for network in networks)
        self._trusts = lru_cache(maxsize=4096)(self._in_networks)
        self._client = lru_cache(maxsize=4096)(self._nearest)

    def trust(self, peer: str) -> bool:
        """Tell whether a peer's word is taken."""
        return peer == UNIX or self._trusts(peer)

    def _in_networks(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and any(address in network for network in self._networks)

    def origin(self, client: Any, lines: Lines) -> Origin:
        """Where a request comes from: as its trusted proxy says, or else just its peer.

        Args:
            client: `client` of the ASGI scope: host and port, or None.
            lines: The header lines that matter.
        """
        peer = client[0] if client else UNIX
        if not self.trust(peer):
            return Origin(peer)
        return Origin(
            self._client(peer, b",".join(lines.get(FORWARDED_FOR, ()))),
            True,
            _only(lines.get(FORWARDED_METHOD)),
            _only(lines.get(FORWARDED_URI)),
        )

    def private(self, scope: Mapping[str, Any], lines: Lines) -> bool:
        """Whether nobody on the way can read an answer: by TLS, as a trusted proxy may say, or by a Unix socket.

        Args:
            scope: The ASGI scope.
            lines: The header lines that matter.
        """
        client = scope["client"]
        peer = client[0] if client else UNIX
        said = lines.get(FORWARDED_PROTO)
        if said is not None and self.trust(peer):
            return [value.strip().lower() for value in said] == [b"https"]
        return peer == UNIX or scope.get("scheme") == "https"

    def _nearest(self, peer: str, forwarded: bytes) -> str:
        """The nearest address that is no trusted proxy's; what is written before it may be anybody's invention."""
        client = peer
        for hop in reversed(forwarded.split(b",")):
            address = _address(hop.decode("latin-1").strip())
            if address is None:
                return client
            client = str(address)
            if not self.trust(client):
                return client
        return client


def _only(values: list[bytes] | None) -> str | None:
    """The one value of a header; of two nobody can tell which one the proxy wrote."""
    return values[0].decode("latin-1") if values is not None and len(values) == 1 else None


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
