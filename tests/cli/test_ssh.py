"""`botdesk ssh` and `person key`, without sshd: what runs for whom, and what is withheld."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from botdesk import accounts, people
from botdesk.__main__ import start
from botdesk.access import Standing
from botdesk.cli import confinement
from botdesk.cli.app import app
from botdesk.cli.context import Visit
from botdesk.cli.ssh import answer
from botdesk.desk import Desk
from botdesk.remote import Entry
from tests.public_keys import ADAS, BENS
from tests.terminal import Terminal

from .conftest import Ran, Run, clean_env

Ask = Callable[..., Ran]


@pytest.fixture
def ask(desk: Run, capsys: pytest.CaptureFixture[str]) -> Ask:
    """What somebody who came in over SSH gets for a wish; ada is an admin, ben a member who made bens-bot."""
    with Desk.open() as opened:
        opened.run(people.add, "ada", standing=Standing.ADMIN)
        opened.run(people.add, "ben")
        with opened.begin(actor="ben") as tx:
            accounts.create(tx, "bens-bot")

    def run(wish: str | None, person: str = "ada") -> Ran:
        try:
            code = answer(Visit(entry=Entry(person, None, "ssh 203.0.113.7 SHA256:x", True)), wish)
        except BaseException as error:
            from botdesk.cli import output

            code = output.report(error)
        return Ran(code, *capsys.readouterr())

    return run


def last_event(desk: Run) -> dict[str, object]:
    found: dict[str, object] = desk("audit", "list", "--limit", "1", "--json").json[0]
    return found


def test_a_wish_runs_as_who_came_in_and_says_so(ask: Ask, desk: Run) -> None:
    assert [line["name"] for line in ask("account list --json", "ben").json] == ["bens-bot"]
    assert ask("botdesk account create 'web-hook' --description \"it's mine; $(id) | cat\"").code == 0
    event = last_event(desk)
    assert (event["actor"], event["source"]) == ("ada", "ssh 203.0.113.7 SHA256:x")
    assert desk("account", "show", "web-hook", "--json").json["description"] == "it's mine; $(id) | cat"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ("account show nobodys-bot", 3),
        ("account disable nightly-build", 3),
        ("person add mallory", 4),
        ("account create bens-bot", 5),
        ("account create 'x", 2),
        ("frobnicate", 2),
        ("--version", 0),
        ("--help", 0),
    ],
)
def test_exit_codes_are_those_of_the_command_line(ask: Ask, wish: str, code: int) -> None:
    assert ask(wish, "ben").code == code


FOREIGN = (
    *("bash", "sh -c id", "/bin/sh", "scp -t /tmp", "rsync --server", "/usr/lib/openssh/sftp-server", "internal-sftp"),
    *(
        "git-upload-pack x",
        "account list; id",
        "account list && id",
        "account list | sh",
        "$(id)",
        "`id`",
        "; rm -rf /",
    ),
    *("account list > /tmp/x", "python -c 1", "botdesk botdesk", "\x1b]0;x\x07", "--install-completion", "!!"),
    *("--show-completion", "account list --install-completion", "-c id", "@/etc/passwd", "\x00", "account\nlist\nid"),
    "account --as ben list",
)


@pytest.mark.parametrize("wish", FOREIGN)
def test_what_is_no_botdesk_command_is_refused_as_such(ask: Ask, wish: str) -> None:
    refused = ask(wish)
    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.startswith("botdesk: ")
    assert "uid=" not in refused.err
    assert "\x1b" not in refused.err


HELD_BACK = {
    "--as": ("account list --as ben", "--as ben account list", "account list --as=ben"),
    "--store": ("account list --store /tmp/x.db", "--store=/tmp/x.db account list", "--store '' person list"),
    "--to file": ("token issue nightly-build --label x --to file:/tmp/held-back",),
    "--to command": ("token issue nightly-build --label x --to 'command:touch /tmp/held-back'",),
    "a file of the host": (
        "audit export --output /tmp/held-back",
        "token verify --file /etc/passwd",
        "incident /etc/passwd",
    ),
    "database backup": ("database backup", "database backup /tmp/held-back"),
    "database upgrade": ("database upgrade",),
    "demo": ("demo",),
    "gate": ("gate", "gate --listen 0.0.0.0:1"),
    "ssh": ("ssh", "ssh --as ben", "ssh --as ben --key SHA256:x"),
    "ssh authorized-keys": ("ssh authorized-keys",),
}


@pytest.mark.parametrize(("what", "wish"), [(what, wish) for what, wishes in HELD_BACK.items() for wish in wishes])
def test_what_is_for_the_host_is_refused_and_recorded(ask: Ask, desk: Run, what: str, wish: str) -> None:
    refused = ask(wish)
    assert (refused.code, refused.out) == (4, "")
    assert f"'{what}' is not offered over ssh" in refused.err
    assert "hint:" in refused.err
    event = last_event(desk)
    assert (event["action"], event["outcome"], event["actor"]) == ("ssh:used", "denied", "ada")
    assert event["detail"] == {"what": what}
    assert not Path("/tmp/held-back").exists()
    assert desk("token", "list", "--json").json == []


def test_every_command_is_offered_or_withheld() -> None:
    def named(command: object, path: tuple[str, ...] = ()) -> set[str]:
        inner = getattr(command, "commands", None)
        here = {" ".join(path)} if not inner or getattr(command, "invoke_without_command", False) else set()
        return here | {name for word, one in (inner or {}).items() for name in named(one, (*path, word))}

    known = named(get_command(app)) - {""}
    assert known == confinement.OFFERED | confinement.WITHHELD
    assert not confinement.OFFERED & confinement.WITHHELD


def test_what_names_a_file_of_the_host_is_a_path() -> None:
    """So that the one check, on the type, finds it."""

    def parameters(command: Any) -> Iterator[tuple[str, Any]]:
        yield from ((param.name, param) for param in command.params)
        for inner in getattr(command, "commands", {}).values():
            yield from parameters(inner)

    found = list(parameters(get_command(app)))
    named = {name: one for name, one in found if name in ("file", "path", "output") or "FILE" in (one.metavar or "")}
    assert {"file", "path"} <= set(named)
    assert {name for name, one in named.items() if one.type_descriptor.annotation not in (Path, list[Path])} == set()


def test_without_a_terminal_the_desk_does_not_open(ask: Ask) -> None:
    for wish in (None, "", "botdesk"):
        refused = ask(wish)
        assert refused.code == 2
        assert "ssh -t" in refused.err


def test_a_disabled_person_gets_nothing(ask: Ask, desk: Run) -> None:
    desk("person", "disable", "ben")
    assert ask("account list", "ben").code == 4
    assert last_event(desk)["action"] == "desk:opened"
    assert ask("account list", "nobody").code == 4


def test_people_keep_their_own_memory_of_the_screens(ask: Ask) -> None:
    def state(person: str) -> Path:
        return Visit(entry=Entry(person, None, "ssh", True)).settings.state_dir

    assert state("ada") != state("ben")
    assert state("ada").name == "ada"
    assert Visit(entry=Entry("ada", None, "ssh", True)).settings.confined
    assert not Visit().settings.confined


def test_no_file_and_no_variable_makes_a_desk_confined(desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTDESK_CONFINED", "1")
    assert not Visit().settings.confined
    Path(os.environ["BOTDESK_CONFIG"]).write_text("confined = true\n")
    assert desk("account", "list").code == 2


def test_a_key_is_added_listed_and_removed(desk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    def add(person: str, line: str) -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(line))
        return desk("person", "key", "add", person, "--json")

    desk("person", "add", "ben")
    made = add("ben", BENS).json
    assert (made["person"], made["comment"], made["type"]) == ("ben", "ben@desk", "ssh-ed25519")
    assert add("ben", BENS).code == 5
    assert add("ben", "nothing").code == 2
    assert add("nobody", ADAS).code == 3
    assert desk("person", "key", "list", "ben", "--json").json == [made]
    assert made["fingerprint"] in desk("person", "key", "list").out
    assert desk("person", "key", "remove", made["fingerprint"][:20], "--json").json == made
    assert desk("person", "key", "list", "--json").json == []
    assert desk("person", "key", "remove", "SHA256:x").code == 3


def test_at_a_terminal_a_key_is_asked_for(desk: Run, terminal: Callable[..., Terminal]) -> None:
    desk("person", "add", "ben")
    asked = terminal("person", "key", "add", "ben")
    asked.wait_for("paste the public key")
    asked.send(f"{BENS}\n")
    assert asked.wait_exit() == 0
    assert len(desk("person", "key", "list", "ben", "--json").json) == 1


@pytest.fixture
def keyed(desk: Run, store: Path) -> Run:
    from botdesk import keys

    with Desk.open() as opened:
        for name, line in (("ada", ADAS), ("ben", BENS)):
            opened.run(people.add, name)
            opened.run(keys.add, name, line)
    return desk


def test_the_lines_let_everybody_in_as_themselves_and_nothing_else(keyed: Run, store: Path) -> None:
    lines = keyed("ssh", "authorized-keys").out.splitlines()
    fingerprints = {one["person"]: one["fingerprint"] for one in keyed("person", "key", "list", "--json").json}
    assert lines == [
        f'command="{sys.executable} -I -m botdesk ssh --as {name} --key {fingerprints[name]} --store {store}"'
        f",restrict,pty {line}"
        for name, line in (("ada", ADAS), ("ben", BENS))
    ]
    own = keyed("ssh", "authorized-keys", "--program", "/usr/local/bin/botdesk", "--fingerprint", fingerprints["ben"])
    assert own.out.startswith('command="/usr/local/bin/botdesk ssh --as ben')
    assert len(own.out.splitlines()) == 1


def test_the_lines_are_of_active_people_for_the_stores_own_user(keyed: Run) -> None:
    from botdesk.desk import system_user

    keyed("person", "disable", "ben")
    assert "--as ben" not in keyed("ssh", "authorized-keys").out
    assert "--as ada" in keyed("ssh", "authorized-keys", "--user", system_user()).out
    other = keyed("ssh", "authorized-keys", "--user", "somebody-else")
    assert (other.code, other.out) == (0, "")
    assert keyed("ssh", "authorized-keys", "--fingerprint", "SHA256:x").out == ""
    assert keyed("ssh", "authorized-keys", "--as", "ada").code == 4


@pytest.mark.parametrize("program", ['x" y', "$(id)", "`id`", "a;b", "a\nb", "a'b", "a\\b", ""])
def test_a_program_that_a_line_cannot_hold_is_refused(keyed: Run, program: str) -> None:
    refused = keyed("ssh", "authorized-keys", "--program", program)
    if program:
        assert (refused.code, refused.out) == (2, "")
    else:
        assert "botdesk ssh --as" in refused.out


@pytest.mark.parametrize(
    "words",
    [
        ("ssh",),
        ("ssh", "--as", "ada"),
        ("ssh", "--as", "ada", "--key", "x"),
        ("ssh", "--as", "../ada"),
        ("ssh", "--as", "ada", "account", "list"),
    ],
)
def test_the_entry_is_no_command_for_who_is_at_the_host(keyed: Run, words: tuple[str, ...]) -> None:
    refused = keyed(*words)
    assert refused.code == 2
    assert refused.err.startswith("botdesk: ")


TRICKS = {
    "BOTDESK_STORE": "/tmp/elsewhere.db",
    "BOTDESK_CONFIG": "/tmp/elsewhere.toml",
    "_BOTDESK_COMPLETE": "source_bash",
    "PYTHONPATH": "{tricks}",
    "PYTHONSTARTUP": "{tricks}/sitecustomize.py",
    "PYTHONINSPECT": "1",
    "PYTHONVERBOSE": "1",
    "PYTHONWARNINGS": "error",
    "TEXTUAL_LOG": "{tricks}/log",
    "HOME": "{tricks}",
    "PATH": "{tricks}",
    "LD_DEBUG": "libs",
    "LC_ALL": "../../tricks",
    "TERM": "$(id)",
    "SSH_CONNECTION": "203.0.113.7 1 127.0.0.1 22",
    "SSH_TTY": "/etc/passwd",
}


def test_the_environment_is_left_behind_before_anything_else(keyed: Run, store: Path, tmp_path: Path) -> None:
    """The entry as a process: whoever starts it, is not sshd, and therefore the operator in ada's stead."""
    tricks = tmp_path / "tricks"
    tricks.mkdir()
    for name in ("sitecustomize.py", "usercustomize.py", "typer.py", "botdesk.py"):
        (tricks / name).write_text(f"open({str(tricks / 'canary')!r}, 'w').close()\n")
    environ = {name: value.format(tricks=tricks) for name, value in TRICKS.items()}
    words = ["ssh", "--as", "ada", "--store", str(store)]
    done = subprocess.run(
        [sys.executable, "-I", "-m", "botdesk", *words],
        env=clean_env({**environ, "SSH_ORIGINAL_COMMAND": "account create adas-bot --json"}),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tricks,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "adas-bot"
    assert not (tricks / "canary").exists()
    assert {path.name for path in tricks.iterdir()} == {
        "sitecustomize.py",
        "usercustomize.py",
        "typer.py",
        "botdesk.py",
    }
    event = last_event(keyed)
    assert str(event["actor"]).endswith(" as ada")
    assert event["source"] == "ssh entry at the host"


def test_the_entry_isolates_itself_when_the_line_forgot_to(store: Path, keyed: Run) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "botdesk", "ssh", "--as", "ada", "--store", str(store)],
        env=clean_env(
            {"PYTHONINSPECT": "1", "SSH_ORIGINAL_COMMAND": "account create adas-bot --json", "BOTDESK_STORE": "/x"}
        ),
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "adas-bot"


def test_a_noun_alone_shows_its_help(desk: Run) -> None:
    for words in (("ssh", "--help"), ("person", "key", "--help")):
        assert start(list(words)) == 0
