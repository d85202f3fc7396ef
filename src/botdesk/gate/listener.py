"""Where the gate listens: `HOST:PORT`, or a Unix socket."""

import contextlib
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botdesk.errors import Conflict, InvalidInput

UNIX: Final = "unix:"
SOCKET_MODE: Final = 0o660
"""Who may connect to a Unix socket: the gate's user and group, of which the proxy must be one."""

BACKLOG: Final = 2048


@dataclass(frozen=True, slots=True)
class Place:
    """A place to listen at.

    Attributes:
        host: A host name or address; empty for a Unix socket.
        port: A port; 0 for any that is free.
        path: The path of a Unix socket; None for a port.
    """

    host: str = ""
    port: int = 0
    path: Path | None = None


def place(text: str) -> Place:
    """Read where to listen.

    Raises:
        InvalidInput: It is neither `HOST:PORT` nor `unix:/path`.
    """
    if text.startswith(UNIX):
        path = Path(text.removeprefix(UNIX))
        if path.is_absolute() and hasattr(socket, "AF_UNIX"):
            return Place(path=path)
    else:
        host, _, port = text.rpartition(":")
        if host and port.isascii() and port.isdigit() and int(port) < 65536:
            return Place(host.removeprefix("[").removesuffix("]"), int(port))
    raise InvalidInput(
        f"the gate cannot listen at {text[:120]!r}", hint="as in 127.0.0.1:8420, or unix:/run/botdesk.sock"
    )


def listen(where: Place) -> socket.socket:
    """Take the place.

    Raises:
        Conflict: Something listens there already, or something else lies at the path.
        InvalidInput: There is no such place on this machine, or it may not be taken.
    """
    try:
        return _listen_unix(where.path) if where.path else _listen_tcp(where)
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        if "in use" in words:
            raise _taken(where) from None
        raise InvalidInput(
            f"the gate cannot listen at {told(where)}: {words}", hint="name another place with --listen"
        ) from None


def _taken(where: Place) -> Conflict:
    return Conflict(f"something listens at {told(where)} already", hint="name another place with --listen")


def _listen_tcp(where: Place) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[:2], family=family, backlog=BACKLOG)


def _listen_unix(path: Path) -> socket.socket:
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(SOCKET_MODE)
    listening.listen(BACKLOG)
    return listening


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens at any more.

    Raises:
        Conflict: Somebody does, or it is no socket.
    """
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise Conflict(f"'{path}' is there already and is no socket", hint="name another place with --listen")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        try:
            knocking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise _taken(Place(path=path))


def leave(where: Place) -> None:
    """Remove the Unix socket, if it is one."""
    if where.path:
        with contextlib.suppress(OSError):
            where.path.unlink()


def told(where: Place, listening: socket.socket | None = None) -> str:
    """The place in words; with the port that was free when any would do."""
    if where.path:
        return f"unix:{where.path}"
    port = listening.getsockname()[1] if listening else where.port
    return f"http://[{where.host}]:{port}" if ":" in where.host else f"http://{where.host}:{port}"


def exposed(listening: socket.socket) -> bool:
    """Tell whether other machines can reach it, where a bearer token would cross the network in the clear."""
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    from ipaddress import ip_address

    return not ip_address(listening.getsockname()[0]).is_loopback
