"""A real sshd, real keys, a real terminal: what people get, and what gets nowhere."""

import base64
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ssh.host import Host, Ran, Server, run
from tests.terminal import Terminal

pytestmark = pytest.mark.xdist_group("sshd")

DENIED = 4
SOON = 20
"""Within how many seconds somebody is out; it is one or two, but on a machine that does much else."""

OSC52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")


def opened(server: Server, who: str, *words: str, options: tuple[str, ...] = (), columns: int = 80) -> Terminal:
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm-256color"}
    return Terminal([*server.argv(who, "-tt", *options), server.address, *words], environ, columns=columns)


def events(host: Host) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(host.must("audit", "list", "--limit", "20", "--json"))
    return found


def test_adas_key_gets_adas_desk_in_a_real_terminal(server: Server) -> None:
    with opened(server, "ada") as terminal:
        terminal.wait_for("hidden-bot")
        terminal.wait_for("ada ·")
        terminal.send("q")
        assert terminal.wait_exit() == 0


def test_bens_key_gets_what_is_bens(server: Server) -> None:
    with opened(server, "ben", columns=120) as terminal:
        terminal.wait_for("ci-bot")
        assert "hidden-bot" not in terminal.text
        terminal.send("q")
        assert terminal.wait_exit() == 0


def test_a_command_answers_json_and_its_exit_code(server: Server) -> None:
    listed = server.ssh("ben", "account", "list", "--json")
    assert (listed.code, listed.err) == (0, "")
    assert [line["name"] for line in json.loads(listed.out)] == ["ci-bot"]
    assert server.ssh("ben", "account show hidden-bot").code == 3
    assert server.ssh("ben", "account disable ci-bot").code == 4
    assert server.ssh("ben", "'").code == 2


def test_each_event_tells_the_address_and_the_key(server: Server, host: Host) -> None:
    assert server.ssh("ada", "role create night-shift").code == 0
    last = events(host)[0]
    key = json.loads(host.must("person", "key", "list", "ada", "--json"))[0]["fingerprint"]
    assert (last["actor"], last["action"], last["source"]) == ("ada", "role:created", f"ssh 127.0.0.1 {key}")


def test_a_secret_goes_through_the_pipe_to_the_client(server: Server, host: Host) -> None:
    issued = server.ssh("ben", "token issue ci-bot --label piped --to stdout")
    assert issued.code == 0, issued.err
    assert re.fullmatch(r"bdk_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}\n", issued.out)
    assert host.desk("token", "verify", stdin=issued.out).code == 0


def test_a_public_key_is_added_over_ssh(server: Server, host: Host) -> None:
    spare = host.make_key("spare")
    added = server.ssh("ada", "person key add ben --json", stdin=spare.with_suffix(".pub").read_text())
    assert added.code == 0, added.err
    assert server.ssh("spare", "account list --json").code == 0
    assert server.ssh("ada", f"person key remove {json.loads(added.out)['fingerprint']}").code == 0
    assert "Permission denied (publickey)" in server.ssh("spare", "account list").err


def test_who_has_no_key_here_is_turned_away(server: Server) -> None:
    refused = server.ssh("mallory", "account list")
    assert refused.code == 255
    assert "Permission denied (publickey)" in refused.err


def test_the_key_file_lets_the_same_people_in_and_the_desk_has_the_last_word(filed: Server, host: Host) -> None:
    assert filed.ssh("ada", "account list --json").code == 0
    host.must("person", "disable", "ben", "--yes")
    try:
        refused = filed.ssh("ben", "account list")
        assert (refused.code, refused.out) == (4, "")
        last = events(host)[0]
        assert (last["action"], last["outcome"], last["actor"]) == ("desk:opened", "denied", "ben")
    finally:
        host.must("person", "enable", "ben")


def test_a_disabled_person_is_turned_away_by_sshd_itself(server: Server, host: Host) -> None:
    host.must("person", "disable", "ben", "--yes")
    try:
        assert "Permission denied (publickey)" in server.ssh("ben", "account list", anew=True).err
    finally:
        host.must("person", "enable", "ben")


def test_whose_desk_is_open_when_an_admin_disables_them_is_told_and_out(server: Server, host: Host) -> None:
    with opened(server, "ben") as terminal:
        terminal.wait_for("ci-bot")
        assert server.ssh("ada", "person disable ben --yes").code == 0
        try:
            assert terminal.wait_exit(seconds=SOON) == DENIED
            assert "'ben' is no active person of this desk" in terminal.text
            assert "person enable NAME" in terminal.text
        finally:
            host.must("person", "enable", "ben")


def test_whose_key_is_removed_while_a_form_is_open_is_told_and_out(server: Server, host: Host) -> None:
    spare = host.make_key("passing")
    added = server.ssh("ada", "person key add ben --json", stdin=spare.with_suffix(".pub").read_text())
    with opened(server, "passing") as terminal:
        terminal.wait_for("ci-bot")
        terminal.send("n")
        terminal.wait_for("New service account")
        assert server.ssh("ada", f"person key remove {json.loads(added.out)['fingerprint']}").code == 0
        assert terminal.wait_exit(seconds=SOON) == DENIED
        assert "that key does not let 'ben' in" in terminal.text


def test_without_a_terminal_one_is_told_how_to_get_one(server: Server) -> None:
    refused = server.ssh("ada", options=("-T",))
    assert refused.code == 2
    assert "ssh -t" in refused.err


NOWHERE = (
    *("bash", "; rm -rf {canaries}", "account list | tee {canary}", "account show $(touch {canary})"),
    *("account show `touch {canary}`", "account list\ntouch {canary}", "account list --as ben"),
    *("--store /tmp/x.db account list", "token issue ci-bot --label x --to 'command:touch {canary}'"),
    *("audit export --output {canary}", "/usr/lib/openssh/sftp-server"),
)
"""A sample: what else is refused is held without sshd, in tests/cli/test_ssh.py."""


@pytest.mark.parametrize("wish", NOWHERE)
def test_a_wish_that_is_not_for_people_gets_nowhere(server: Server, canaries: Path, wish: str) -> None:
    (canaries / "stays").touch()
    refused = server.ssh("ada", wish.format(canary=canaries / "canary", canaries=canaries))
    assert refused.code in (2, 3, 4), refused
    assert refused.out == ""
    assert refused.err.startswith("botdesk: ")
    assert [path.name for path in canaries.iterdir()] == ["stays"]


def test_scp_and_sftp_get_nothing_and_bring_nothing(server: Server, canaries: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("x")
    target, there = f"{server.address}:{canaries}/brought", f"{server.address}:/etc/passwd"
    assert run([*server.argv("ada", "-O", program="scp"), str(mine), target]).code != 0
    assert run([*server.argv("ada", program="scp"), there, str(tmp_path / "got")]).code != 0
    sftp = run(
        [*server.argv("ada", "-b", "-", program="sftp"), server.address], stdin=f"put {mine} {canaries}/brought\n"
    )
    assert sftp.code != 0
    assert list(canaries.iterdir()) == []
    assert not (tmp_path / "got").exists()


@pytest.fixture
def listening() -> Iterator[int]:
    """Something at the host that somebody would like to reach."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        found.listen()
        found.settimeout(2)
        yield found.getsockname()[1]


def test_forwarding_gets_nowhere(server: Server, listening: int, tmp_path: Path) -> None:
    direct = server.ssh("ada", options=("-W", f"127.0.0.1:{listening}"), stdin="x", anew=True)
    assert direct.code != 0
    assert "prohibited" in direct.err + direct.out
    fails = ("-N", "-o", "ExitOnForwardFailure=yes")
    back = server.ssh("ada", options=(*fails, "-R", f"0:127.0.0.1:{listening}"), anew=True)
    assert back.code == 255
    assert "forwarding failed" in back.err
    sock = server.ssh("ada", options=(*fails, "-R", f"{server.host.folder}/home/sock:127.0.0.1:{listening}"), anew=True)
    assert sock.code == 255


@pytest.fixture
def planted(host: Host, canaries: Path) -> Iterator[None]:
    """What sshd and shells read in a home, if they are let."""
    owner = pwd.getpwnam(host.user)
    (host.home / ".ssh").mkdir()
    for name in (".ssh/rc", ".profile", ".bashrc", ".bash_profile", ".shrc", ".kshrc", ".zshenv", ".pythonrc.py"):
        (host.home / name).write_text(f"touch {canaries / 'read'}\n")
        os.chown(host.home / name, owner.pw_uid, owner.pw_gid)
    (host.home / ".ssh" / "environment").write_text("BOTDESK_STORE=/tmp/elsewhere.db\nLD_DEBUG=libs\n")
    yield
    shutil.rmtree(host.home / ".ssh")


@pytest.mark.usefixtures("planted")
def test_no_start_up_file_of_the_home_is_read(server: Server, canaries: Path) -> None:
    listed = server.ssh("ada", "account list --json")
    assert listed.err == ""
    assert json.loads(listed.out)
    with opened(server, "ada") as terminal:
        terminal.wait_for("hidden-bot")
        terminal.send("q")
        assert terminal.wait_exit() == 0
    assert list(canaries.iterdir()) == []


TRICKS = {
    "LD_PRELOAD": "/nonexistent/canary.so",
    "LD_DEBUG": "libs",
    "PYTHONPATH": "{tricks}",
    "PYTHONHOME": "{tricks}",
    "PYTHONSTARTUP": "{tricks}/sitecustomize.py",
    "PYTHONINSPECT": "1",
    "PYTHONVERBOSE": "1",
    "BOTDESK_STORE": "/tmp/elsewhere.db",
    "BOTDESK_CONFIG": "/tmp/elsewhere.toml",
    "BOTDESK_STATE_DIR": "{tricks}",
    "_BOTDESK_COMPLETE": "source_bash",
    "TEXTUAL_LOG": "{tricks}/log",
    "XDG_DATA_HOME": "{tricks}",
    "ENV": "{tricks}/shell",
    "BASH_ENV": "{tricks}/shell",
    "HOME": "{tricks}",
    "PATH": "{tricks}",
    "LC_ALL": "../../tricks",
    "TERM": "../../tricks",
    "SSH_ORIGINAL_COMMAND": "account show hidden-bot",
    "SSH_CONNECTION": "203.0.113.99 1 127.0.0.1 22",
}
LOADERS = ("LD_PRELOAD", "LD_DEBUG")
"""What no program can refuse once sshd has taken it: the documents say not to take it."""


@pytest.fixture
def sent(canaries: Path) -> Iterator[Callable[[Server, dict[str, str]], Ran]]:
    """Send an environment along, and see that nothing became of it."""
    tricks = canaries / "tricks"
    tricks.mkdir()
    for name in ("sitecustomize.py", "usercustomize.py", "typer.py"):
        (tricks / name).write_text(f"open({str(canaries / 'canary')!r}, 'w').close()\n")
    (tricks / "shell").write_text(f"touch {canaries / 'canary'}\n")
    planted = {path.name for path in tricks.iterdir()}

    def send(server: Server, tricky: dict[str, str]) -> Ran:
        environ = {name: value.format(tricks=tricks) for name, value in tricky.items()}
        pairs = " ".join(f'"{name}={value}"' for name, value in environ.items())
        return server.ssh("ben", "account list --json", options=("-o", f"SetEnv={pairs}"), anew=True)

    yield send
    assert {path.name for path in canaries.iterdir()} == {"tricks"}
    assert {path.name for path in tricks.iterdir()} == planted


@pytest.mark.parametrize("names", [list(TRICKS), ["LD_PRELOAD"], ["SSH_ORIGINAL_COMMAND"]], ids=["all", "LD", "wish"])
def test_environment_tricks_get_nowhere(
    server: Server, sent: Callable[[Server, dict[str, str]], Ran], names: list[str]
) -> None:
    done = sent(server, {name: TRICKS[name] for name in names})
    assert (done.code, done.err) == (0, "")
    assert [line["name"] for line in json.loads(done.out)] == ["ci-bot"]


def test_tricks_that_a_careless_sshd_takes_get_nowhere_and_the_event_tells_the_truth(
    careless: Server, host: Host, sent: Callable[[Server, dict[str, str]], Ran]
) -> None:
    done = sent(careless, {name: value for name, value in TRICKS.items() if name not in LOADERS})
    assert (done.code, done.err) == (0, "")
    assert [line["name"] for line in json.loads(done.out)] == ["ci-bot"]
    careless.ssh("ben", "account disable ci-bot", options=("-o", 'SetEnv="SSH_CONNECTION=203.0.113.99 1 ::1 22"'))
    last = events(host)[0]
    assert (last["actor"], last["outcome"]) == ("ben", "denied")
    assert str(last["source"]).startswith("ssh 127.0.0.1 SHA256:")


def test_what_sshd_did_not_start_is_recorded_as_the_owner_in_somebodys_stead(host: Host) -> None:
    environ = {"SSH_CONNECTION": "203.0.113.7 1 127.0.0.1 22", "SSH_ORIGINAL_COMMAND": "role create day-shift"}
    done = host.desk("ssh", "--as", "ada", environ=environ)
    assert done.code == 0, done.err
    last = events(host)[0]
    assert last["actor"] in (f"{host.user} as ada", "ada")
    if last["actor"] != "ada":
        assert last["source"] == "ssh entry at the host"


def secret_in(raw: bytes) -> str | None:
    found = OSC52.search(raw)
    return base64.b64decode(found[1]).decode() if found else None


def wait_for_secret(terminal: Terminal, *, seconds: float = 30) -> str:
    end = time.monotonic() + seconds
    while (found := secret_in(terminal.raw)) is None:
        going = terminal.pump() and time.monotonic() < end
        assert going, f"no OSC 52 came; the screen is:\n{terminal.text}"
    return found


def test_osc_52_reaches_the_clients_terminal(server: Server, host: Host) -> None:
    with opened(server, "ben", "token issue ci-bot --label clip --no-wait") as terminal:
        secret = wait_for_secret(terminal)
        assert terminal.wait_exit() == 0
        assert "sent to your terminal" in terminal.text
        assert secret not in terminal.text
    assert host.desk("token", "verify", stdin=secret).code == 0


def test_osc_52_reaches_the_clients_terminal_through_tmux(
    server: Server, host: Host, tmp_path: Path, needs: Callable[[str], None]
) -> None:
    needs("tmux")
    shell = subprocess.list2cmdline([*server.argv("ben", "-tt"), server.address, "token issue ci-bot --label mux"])
    config = tmp_path / "tmux.conf"
    config.write_text("set -g set-clipboard on\nset -g allow-passthrough on\nset -g default-terminal tmux-256color\n")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    socket_ = str(tmp_path / "tmux.sock")
    argv = ["tmux", "-S", socket_, "-f", str(config), "new-session", "-x", "80", "-y", "24", shell]
    try:
        with Terminal(argv, environ) as terminal:
            secret = wait_for_secret(terminal)
            assert host.desk("token", "verify", stdin=secret).code == 0
    finally:
        subprocess.run(["tmux", "-S", socket_, "kill-server"], capture_output=True, env=environ)


def test_the_documents_are_what_was_tested(server: Server) -> None:
    text = (server.log.parent / "sshd_config").read_text()
    for wanted in ("AuthenticationMethods publickey", "PermitUserRC no", "DisableForwarding yes"):
        assert wanted in text
    assert shutil.which("sshd", path="/usr/sbin:/usr/bin") is not None
