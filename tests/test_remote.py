"""What is kept of an environment that came over SSH, and whether sshd let somebody in."""

import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botdesk import remote
from botdesk.remote import Process

HOME = "/var/lib/botdesk"

GOOD = {
    "TERM": ["xterm-256color", "screen.xterm-new", "dumb", "foot"],
    "COLORTERM": ["truecolor", "24bit"],
    "LANG": ["C.UTF-8", "en_US.UTF-8", "de_DE@euro", "C"],
    "LC_ALL": ["POSIX", "sr_RS.UTF-8@latin"],
    "SSH_CONNECTION": ["203.0.113.7 51234 10.0.0.1 22", "fe80::1%eth0 1 ::1 22"],
    "SSH_TTY": ["/dev/pts/3", "/dev/ttyp0"],
    "SSH_ORIGINAL_COMMAND": ["account list --json", "bash -c 'x; y'", ""],
}
BAD = {
    "TERM": ["", "../../tmp/x", "/tmp/x", "xterm\n", "x" * 65, "$(id)"],
    "COLORTERM": ["a b", "\x1b[0m"],
    "LANG": ["../../../tmp/locale", "/tmp/locale", "x" * 40, "en_US.UTF-8\x00"],
    "LC_ALL": ["%s%n", "C;id"],
    "SSH_CONNECTION": ["1.2.3.4", "here there", "1.2.3.4 1 5.6.7.8 22 more", "1.2.3.4 1 5.6.7.8 22\n"],
    "SSH_TTY": ["/etc/passwd", "/dev/../etc/passwd", "/dev/pts/3 x"],
}
TRICKS = {
    "LD_PRELOAD": "/tmp/x.so",
    "LD_LIBRARY_PATH": "/tmp",
    "PYTHONPATH": "/tmp",
    "PYTHONSTARTUP": "/tmp/x.py",
    "PYTHONINSPECT": "1",
    "BOTDESK_STORE": "/tmp/other.db",
    "BOTDESK_CONFIG": "/tmp/config.toml",
    "BOTDESK_STATE_DIR": "/tmp",
    "_BOTDESK_COMPLETE": "source_bash",
    "TEXTUAL_LOG": "/tmp/log",
    "XDG_DATA_HOME": "/tmp",
    "PAGER": "sh",
    "EDITOR": "sh",
    "BROWSER": "sh",
    "DISPLAY": ":0",
    "HOME": "/tmp",
    "PATH": "/tmp",
    "LC_CTYPE": "/tmp/x",
    "TMUX": "/tmp/tmux",
    "NO_COLOR": "1",
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in GOOD for value in GOOD[name]])
def test_what_has_its_proper_form_is_kept(name: str, value: str) -> None:
    assert remote.checked({name: value}, HOME)[name] == value


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in BAD for value in BAD[name]])
def test_what_has_not_is_left_behind(name: str, value: str) -> None:
    assert remote.checked({name: value}, HOME).get(name) in (None, remote.UTF8)


def test_everything_else_is_left_behind_or_made_anew() -> None:
    assert remote.checked(TRICKS, HOME) == {"HOME": HOME, "PATH": remote.PATH, "LANG": "C.UTF-8"}
    for name, value in TRICKS.items():
        assert not remote.is_clean({**remote.checked({}, HOME), name: value}, HOME), name


@given(st.dictionaries(st.sampled_from([*GOOD, *TRICKS]), st.text(max_size=20), max_size=6))
def test_a_checked_environment_is_clean_and_stays_as_it_is(environ: dict[str, str]) -> None:
    checked = remote.checked(environ, HOME)
    assert remote.checked(checked, HOME) == checked
    assert remote.is_clean(checked, HOME)
    assert remote.is_clean({**checked, "LC_CTYPE": "C.UTF-8"}, HOME)


def test_the_address_is_that_of_the_client_or_none() -> None:
    assert remote.client({"SSH_CONNECTION": "2001:db8::7 51234 ::1 22"}) == "2001:db8::7"
    assert remote.client({"SSH_CONNECTION": "here 1 there 2"}) is None
    assert remote.client({}) is None


def test_the_source_says_who_let_them_in() -> None:
    environ = {"SSH_CONNECTION": "203.0.113.7 51234 10.0.0.1 22"}
    assert remote.entry(environ, "ada", "SHA256:x", proven=True).source == "ssh 203.0.113.7 SHA256:x"
    assert remote.entry(environ, "ada", None, proven=False).source == "ssh entry at the host"
    assert remote.entry({}, "ada", None, proven=True).source == "ssh from an unknown address"


MINE = os.geteuid() or 1000
"""Whose processes these are; what root does is sshd's business only if it is called so."""

CHAINS = {
    "sshd, its session and a shell": (["sh", "sshd"], "sshd", True),
    "sshd of today": (["sshd-session"], "sshd-session", True),
    "a shell within the session": (["bash", "bash", "sshd"], "sshd", True),
    "sudo": (["bash"], "sudo", False),
    "su": ([], "su", False),
    "cron": (["sh"], "cron", False),
    "a service": ([], "systemd", False),
    "one's own program called so": (["sshd", "sshd-session"], "init", False),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_sshd_is_known_by_the_nearest_process_of_roots(chain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own, roots, proven = CHAINS[chain]
    monkeypatch.setattr(os, "geteuid", lambda: MINE)
    names = ["python", *own]
    processes = {os.getpid() + place: Process(os.getpid() + place + 1, MINE, name) for place, name in enumerate(names)}
    processes[os.getpid() + len(names)] = Process(1, 0, roots)
    assert remote.came_through_sshd(processes.get) is proven


def test_where_processes_cannot_be_seen_nothing_is_proven() -> None:
    assert not remote.came_through_sshd(lambda _: None)
    endless = Process(os.getpid(), os.geteuid(), "loop")
    assert not remote.came_through_sshd(lambda _: endless)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_a_process_is_found_with_its_parent_and_its_user() -> None:
    found = remote.process(os.getpid())
    assert found is not None
    assert (found.parent, found.user) == (os.getppid(), os.geteuid())
    assert remote.process(2**30) is None
