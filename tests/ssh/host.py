"""A host as docs/ssh.md describes it: a system user of its own, a root-owned botdesk, a real sshd on loopback.

Everything lies in one folder of root's, since sshd insists on paths that nobody else may write to; it and the user are
gone at the end.
"""

import contextlib
import fcntl
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "ssh.md"
USED = 8
"""What userdel ends with while a process of the user runs."""

PATIENCE = 60
"""After how many seconds nobody waits any longer."""


@dataclass(frozen=True)
class Ran:
    """What a program did: its exit code, and what it said."""

    code: int
    out: str
    err: str


@dataclass
class Host:
    """The host: its folder, its user, how its botdesk is started."""

    folder: Path
    user: str
    python: Path
    keys: dict[str, Path] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def command(self) -> str:
        """How botdesk is started here, as in the lines of sshd's configuration."""
        return f"{self.python} -I -m botdesk"

    def desk(self, *words: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> Ran:
        """Run a botdesk command at the host, as the user that owns the store."""
        return self.run([*self.command.split(), *words], stdin=stdin, environ=environ)

    def run(self, argv: list[str], *, stdin: str = "", environ: Mapping[str, str] | None = None) -> Ran:
        """Run a program as the user that owns the store."""
        found = pwd.getpwnam(self.user)
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            user=found.pw_uid,
            group=found.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **(environ or {})},
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str, stdin: str = "") -> str:
        done = self.desk(*words, stdin=stdin)
        assert done.code == 0, done.err
        return done.out

    def make_key(self, name: str) -> Path:
        """Make a key pair at the client's side."""
        path = self.folder / "clients" / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@laptop", "-f", path], check=True)
        self.keys[name] = path
        return path


@dataclass
class Server:
    """A running sshd of the host."""

    host: Host
    port: int
    log: Path

    def argv(self, who: str, *options: str, program: str = "ssh") -> list[str]:
        """The client's command line up to the host: no configuration, one key, a known server."""
        client = self.host.folder / "clients"
        port = ["-P" if program in ("scp", "sftp") else "-p", str(self.port)]
        fixed = ("IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=30")
        own = (*fixed, f"UserKnownHostsFile={client / 'known_hosts'}")
        named = [part for option in own for part in ("-o", option)]
        return [program, "-F", "none", "-i", str(self.host.keys[who]), *port, *named, *options]

    @property
    def address(self) -> str:
        return f"{self.host.user}@127.0.0.1"

    def ssh(self, who: str, *words: str, options: tuple[str, ...] = (), stdin: str = "", anew: bool = False) -> Ran:
        """Ask for something over SSH; over the line that is held, if there is one and not `anew`."""
        held = ("-o", f"ControlPath={path}") if (path := self._line_of(who)).exists() and not anew else ()
        return run([*self.argv(who, *held, *options), self.address, *(("--", *words) if words else ())], stdin=stdin)

    def _line_of(self, who: str) -> Path:
        return self.host.folder / "clients" / f"{who}-{self.port}"

    @contextlib.contextmanager
    def held(self, who: str):  # type: ignore[no-untyped-def]
        """Hold a line open, for sessions that need no login of their own."""
        path = self._line_of(who)
        argv = [*self.argv(who, "-M", "-N", "-o", f"ControlPath={path}"), self.address]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + PATIENCE
            while not path.exists():
                assert process.poll() is None, self.log.read_text()
                assert time.monotonic() < end, self.log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)


def run(argv: list[str], *, stdin: str = "", environ: Mapping[str, str] | None = None) -> Ran:
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm-256color", **(environ or {})}
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=PATIENCE, env=env)
    return Ran(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def built():  # type: ignore[no-untyped-def]
    """Build a host, and take it away again."""
    Path("/opt").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="botdesk-test-", dir="/opt"))
    folder.chmod(0o755)
    user = f"bdk{os.getpid()}"
    made = ["useradd", "--system", "--create-home", "--home-dir", str(folder / "home"), "--shell", "/bin/sh"]
    try:
        with _alone():
            subprocess.run([*made, "--password", "*", user], check=True, capture_output=True)
        (folder / "home").chmod(0o700)
        (folder / "clients").mkdir(mode=0o700)
        yield _furnished(Host(folder, user, _installed(folder)))
    finally:
        _remove_user(user)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_user(user: str) -> None:
    """Take the user away, once the last of their sessions has ended."""
    end = time.monotonic() + PATIENCE
    while _userdel(user) == USED and time.monotonic() < end:
        time.sleep(0.1)


def _userdel(user: str) -> int:
    with _alone():
        return subprocess.run(["userdel", user], capture_output=True).returncode


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One process of the run at a time: the list of users can be locked by one alone."""
    with (Path(tempfile.gettempdir()) / "botdesk-test-users.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _installed(folder: Path) -> Path:
    """A Python that everybody may run, with this botdesk and what it needs."""
    base = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not _open_to_all(base / "bin" / version):
        shutil.copytree(base / "bin", folder / "base" / "bin", symlinks=True, copy_function=_link)
        shutil.copytree(base / "lib" / version, folder / "base" / "lib" / version, copy_function=_link, ignore=_unused)
        base = folder / "base"
    subprocess.run([base / "bin" / version, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    paths = [_shared(folder, Path(sysconfig.get_path("purelib"))), _shared(folder, DOCS.parents[1] / "src")]
    styles = _shared(folder, DOCS.parents[1] / "styles")
    assert styles.exists()
    site = folder / "venv" / "lib" / version / "site-packages"
    (site / "botdesk.pth").write_text("".join(f"{path}\n" for path in paths))
    return folder / "venv" / "bin" / "python"


def _unused(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in ("test", "site-packages", "idlelib", "tkinter")}


def _shared(folder: Path, path: Path) -> Path:
    """The path itself if everybody may read it, else a copy for everybody."""
    if _open_to_all(path):
        return path
    copy = folder / "shared" / path.name
    shutil.copytree(path, copy, symlinks=True, copy_function=_link)
    return copy


def _open_to_all(path: Path) -> bool:
    path = path.resolve()
    return all(part.stat().st_mode & (0o001 if part.is_dir() else 0o004) for part in (path, *path.parents))


def _link(source: str, target: str) -> None:
    """A hard link costs nothing; across file systems it takes a copy."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _furnished(host: Host) -> Host:
    """ada is an admin, ben a member who may operate ci-bot; mallory has a key that nobody let in."""
    owner = pwd.getpwnam(host.user)
    config = host.home / ".config" / "botdesk" / "config.toml"
    for part in (config.parents[1], config.parent):
        part.mkdir(mode=0o700)
        os.chown(part, owner.pw_uid, owner.pw_gid)
    config.write_text("argon2_memory_kib = 8\nargon2_passes = 1\n")
    public = {name: host.make_key(name).with_suffix(".pub").read_text() for name in ("ada", "ben", "mallory")}
    done = host.run([str(host.python), "-I", "-c", _FURNISHING], stdin=json.dumps(public))
    assert done.code == 0, done.err
    return host


_FURNISHING = """
import json, sys
from botdesk import Desk, accounts, grants, keys, people
from botdesk.access import Level, Standing
public = json.load(sys.stdin)
with Desk.open() as desk, desk.begin() as tx:
    people.add(tx, "ada", standing=Standing.ADMIN)
    people.add(tx, "ben")
    accounts.create(tx, "ci-bot", scopes="deploy:write")
    accounts.create(tx, "hidden-bot")
    grants.give(tx, "ci-bot", "person:ben", Level.OPERATE)
    for name in ("ada", "ben"):
        keys.add(tx, name, public[name])
"""


def recipe(number: int) -> str:
    """One of the configurations of docs/ssh.md, as it stands there."""
    found: list[str] = re.findall(r"```sshd_config\n(.*?)```", DOCS.read_text(), re.S)
    return found[number]


@contextlib.contextmanager
def serving(host: Host, name: str, block: str, *, loose: str = ""):  # type: ignore[no-untyped-def]
    """Run sshd with a block of the documents, for this host's user, paths and Python.

    Args:
        host: The host.
        name: What tells this sshd from others.
        block: The block for the user.
        loose: What else is configured, before it.
    """
    etc = host.folder / f"etc-{name}"
    etc.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", etc / "host_key"], check=True)
    port = _free_port()
    mine = block.replace("/opt/botdesk/bin/python", str(host.python)).replace(
        "/etc/ssh/botdesk_keys", str(etc / "keys")
    )
    mine = re.sub(r"(User|AuthorizedKeysCommandUser) botdesk\b", rf"\1 {host.user}", mine)
    fixed = f"Port {port}\nListenAddress 127.0.0.1\nHostKey {etc / 'host_key'}\nPidFile none\nUsePAM no\n"
    (etc / "sshd_config").write_text(f"{fixed}LogLevel VERBOSE\nMaxStartups 100\n{loose}\n{mine}")
    known = (etc / "host_key.pub").read_text()
    with (host.folder / "clients" / "known_hosts").open("a") as hosts:
        hosts.write(f"[127.0.0.1]:{port} {known}")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    log = etc / "log"
    with log.open("wb") as opened:
        process = subprocess.Popen([_sshd(), "-D", "-e", "-f", etc / "sshd_config"], stderr=opened)
    try:
        _wait_for(port, process, log)
        yield Server(host, port, log)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _sshd() -> str:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "/usr/sbin/sshd"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"sshd never listened: {log.read_text()}")
