"""A real PostgreSQL server of the tests' own, in a folder of its own, as a user who is not root."""

import contextlib
import fcntl
import itertools
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

import psycopg

OWNER = "desk"
"""The role that owns the databases of desks; no superuser."""

PASSWORD = "open-sesame"
"""What that role gives over the network; through the socket nobody is asked."""

PATIENCE = 60
_HBA = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 reject\n"


@cache
def programs() -> Path | None:
    """The folder of the server's programs; None when it is not installed."""
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    return next((path for path in found if (path / "initdb").exists() and (path / "postgres").exists()), None)


@dataclass(frozen=True)
class Server:
    """A server.

    Attributes:
        folder: Where it lives: data, socket, certificate, log.
        port: Its port, also on the loopback interface.
    """

    folder: str
    port: int

    def url(self, database: str, *, user: str = OWNER, **query: str) -> str:
        """A store's name, through the socket."""
        given = "".join(f"&{name}={value}" for name, value in query.items())
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}&port={self.port}{given}"

    def connect(self, database: str = "postgres", *, user: str = "postgres") -> psycopg.Connection[Any]:
        """A connection of the superuser, in which each statement is a transaction of its own."""
        return psycopg.connect(
            host=self.folder, port=self.port, dbname=database, user=user, autocommit=True, connect_timeout=PATIENCE
        )

    def control(self, *words: str) -> None:
        """Start, stop or restart it, and wait until that is done."""
        given = ("-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-t", str(PATIENCE))
        run("pg_ctl", *given, *words)

    def log(self) -> str:
        return Path(self.folder, "log").read_text("utf-8", "replace")


def run(program: str, *words: str) -> None:
    """Run one of the server's programs, not as root."""
    found = programs()
    assert found
    done = subprocess.run(
        [*_not_as_root(), str(found / program), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * PATIENCE,
        cwd="/",
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stdout


def _not_as_root() -> list[str]:
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


def make(*, durable: bool) -> Server:
    """Make a server in a new folder and start it.

    Args:
        durable: Whether it waits for the disk; what is thrown away at the end anyway need not.
    """
    memory = "/dev/shm" if not durable and os.access("/dev/shm", os.W_OK) else None
    server = Server(tempfile.mkdtemp(prefix="botdesk-pg-", dir=memory), _free_port())
    folder = Path(server.folder)
    if os.geteuid() == 0:
        postgres = pwd.getpwnam("postgres")
        os.chown(folder, postgres.pw_uid, postgres.pw_gid)
    run("initdb", "-D", f"{folder}/data", "-U", "postgres", "--no-sync", "-E", "UTF8", *LINGUISTIC)
    _write(folder / "data" / "pg_hba.conf", _HBA)
    _write(folder / "data" / "postgresql.auto.conf", _configuration(server, durable=durable))
    _certify(folder)
    server.control("start")
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}'")
    return server


LINGUISTIC = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
"""An order of texts that is not that of their bytes, unless a column says so."""


def _configuration(server: Server, *, durable: bool) -> str:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": server.port,
        "unix_socket_directories": server.folder,
        "max_connections": 100,
        "shared_buffers": "32MB",
        "fsync": "on" if durable else "off",
        "autovacuum": "off",
        "ssl": "on",
        "ssl_cert_file": f"{server.folder}/server.crt",
        "ssl_key_file": f"{server.folder}/server.key",
    }
    return "".join(f"{name} = '{value}'\n" for name, value in settings.items())


def _certify(folder: Path) -> None:
    """Make a certificate for localhost that vouches for itself."""
    key, certificate = folder / "server.key", folder / "server.crt"
    given = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *given, *names, *made], check=True, capture_output=True, timeout=PATIENCE)
    _own(key)
    _own(certificate)


def _write(path: Path, content: str) -> None:
    path.write_text(content, "utf-8")
    _own(path)


def _own(path: Path) -> None:
    owner = path.parent.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
    path.chmod(0o600)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def unmake(server: Server) -> None:
    """Stop a server and remove it."""
    try:
        server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[Server]:
    """One server for all processes that test; the first starts it, the last stops it.

    Args:
        folder: A folder that those processes have in common.
    """
    with (folder / "postgresql.users").open("w") as users, (folder / "postgresql.turn").open("w") as turn:
        note = folder / "postgresql.json"
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not note.exists():
            note.write_text(json.dumps(asdict(make(durable=False))), "utf-8")
        server = Server(**json.loads(note.read_text("utf-8")))
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_UN)
        try:
            yield server
        finally:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if _is_last(users):
                note.unlink()
                unmake(server)


def _is_last(users: Any) -> bool:
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Databases:
    """Databases on a server, for one process that tests."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._numbers = itertools.count()
        self._connection = server.connect()

    def create(self, template: str = "template0") -> str:
        """Create a database, empty or as a copy, and give its name."""
        name = f"desk_{os.getpid()}_{next(self._numbers)}"
        self._do(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def allow(self, name: str, whether: LiteralString) -> None:
        """Let a database take connections or not; those that there are end."""
        self._do(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {whether}")
        self._connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    def _do(self, statement: LiteralString) -> None:
        self._connection.execute(statement)

    def close(self) -> None:
        self._connection.close()
