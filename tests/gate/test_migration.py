"""A whole migration off a personal token, typed into a real terminal: a real gate, and shell loops that use curl."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from botdesk import people
from tests.gate import house as houses
from tests.gate.house import House, waited
from tests.terminal import Terminal

OLD = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
ANOTHER = "glpat-Zx81kQ7rTn4VbLw2YpEc"
LOOP = """while :; do
  printf 'header = "Authorization: Bearer %s"\\n' "$(cat "$1.token")" |
    curl --silent --output /dev/null --write-out '%{http_code}\\n' --interface "$2" --config - "$3" >> "$1.answers"
  sleep 0.1
done"""


@contextlib.contextmanager
def integration(folder: Path, name: str, address: str, url: str, old: str = OLD) -> Iterator[Path]:
    """A little integration: it asks again and again with the token in its file, and notes what it was answered."""
    (folder / f"{name}.token").write_text(f"{old}\n")
    process = subprocess.Popen(["sh", "-c", LOOP, "sh", name, address, url], cwd=folder)
    try:
        yield folder / f"{name}.answers"
    finally:
        process.kill()
        process.wait()


def answers(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def test_a_whole_migration_is_played_without_an_outage_and_stragglers_are_seen_and_then_refused(
    house: House, tmp_path: Path, needs: Callable[[str], None]
) -> None:
    needs("curl")
    house.do(people.add, "ben")
    environ = {**os.environ, **house.environ, "TERM": "xterm-256color", "PS1": "> ", "COLUMNS": "120", "LINES": "40"}
    with contextlib.ExitStack() as stack:
        gate = stack.enter_context(houses.gate(house, "--workers", "2"))
        url = f"http://127.0.0.1:{gate.port}/verify?scope=catalog:read"
        moved = stack.enter_context(integration(tmp_path, "moved", "127.0.0.1", url))
        left = stack.enter_context(integration(tmp_path, "left", "127.0.0.2", url))
        terminal = stack.enter_context(Terminal(["sh"], environ, columns=120, lines=40))

        def run(words: str, shown: str) -> None:
            terminal.send(f"clear; {sys.executable} -m botdesk migration {words}\r")
            terminal.wait_for(shown)

        waited(lambda: {*answers(moved), *answers(left)} == {"401"}, "a refusal of what nobody registered")
        run('start "shop nightly build" --owner ben --new shop-nightly-build --scope catalog:read', "next:")
        found = re.search(r"mig_\w{10}", terminal.text)
        assert found
        name = found[0]
        run(f"register {name}", "the old personal token:")
        terminal.send(f"{OLD}\r")
        terminal.wait_for("registered ben's token")
        run(f"accept {name}", "counts as 'shop-nightly-build'")
        waited(lambda: answers(moved)[-1] == answers(left)[-1] == "200", "the old token counting")
        since = len(answers(moved))

        run(f"issue {name} --to file:{tmp_path}/new.token", "next:")
        run(f"wait {name}", "the new token has not been used yet")
        (tmp_path / "new.token").replace(tmp_path / "moved.token")
        terminal.wait_for("seen: the new token was used first")

        waited(lambda: answers(left)[-1] == "200")
        run(f"show {name}", "asked for so far")
        assert re.search(r"3 switch +yes", terminal.text)
        assert re.search(r"is still used from:\s+127\.0\.0\.2: ", terminal.text), terminal.text

        run(f"revoke {name} --force --yes", "it is refused from now on")
        waited(lambda: answers(left)[-1] == "401", "the straggler's refusal")
        seen = len(answers(moved))
        waited(lambda: len(answers(moved)) > seen + 3)
        run(f"show {name}", "asked for so far")
        assert re.search(r"tried since it was ended, and refused, from:\s+127\.0\.0\.2: ", terminal.text), terminal.text
        assert re.search(r"4 revoke +yes", terminal.text)
        assert {*answers(moved)[since:]} == {"200"}
        assert OLD.encode() not in terminal.raw


def test_a_whole_migration_is_played_on_the_screen_which_turns_by_itself_at_the_first_use(
    house: House, tmp_path: Path, needs: Callable[[str], None]
) -> None:
    needs("curl")
    house.do(people.add, "cleo")
    environ = {**os.environ, **house.environ, "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "botdesk"]
    with contextlib.ExitStack() as stack:
        gate = stack.enter_context(houses.gate(house))
        url = f"http://127.0.0.1:{gate.port}/verify?scope=catalog:read"
        moved = stack.enter_context(integration(tmp_path, "moved", "127.0.0.1", url, ANOTHER))
        left = stack.enter_context(integration(tmp_path, "left", "127.0.0.2", url, ANOTHER))
        terminal = stack.enter_context(Terminal(command, environ))

        def press(keys: str, shown: str) -> None:
            terminal.send(keys)
            terminal.wait_for(shown)

        terminal.wait_for("nightly-build")
        press("6", "n   begins with one")
        press("n", "Off a personal token")
        press("shop build\tc\t\t\t", "shop-build")
        press("\tcatalog:read", "makes the account shop-build, with catalog:read")
        press("\x13", "1 account  done")
        press("o", "Register cleo's token")
        press(ANOTHER, "••••")
        press("\x13", "registered: cleo's token")
        press("a", "Until")
        press("\x13", "it is accepted until")
        waited(lambda: [*answers(moved)[-1:], *answers(left)[-1:]] == ["200", "200"], "the old token counting")
        since = len(answers(moved))
        press("m", "Issue a token to shop-build")
        press("\x13", "Hand the secret over")
        press("f", "shop-build.token ")
        press(f"{tmp_path}/new.token\r", "The token works now")
        press("\r", "3 switch   next  waiting for the first use")
        new = (tmp_path / "new.token").read_bytes().strip()
        (tmp_path / "new.token").replace(tmp_path / "moved.token")
        terminal.wait_for("3 switch   done")
        terminal.wait_for("seen: the new token was used first, from 127.0.0.1")
        press("\t", "used the old token since the new one was seen")
        terminal.wait_until(lambda: re.search(r"since the new one was seen\s+127\.0\.0\.2 ", terminal.text) is not None)
        press("x", "too early? the old token was used just now from 127.0.0.2")
        press("y", "4 revoke   done")
        waited(lambda: answers(left)[-1] == "401", "the straggler's refusal")
        terminal.wait_until(lambda: re.search(r"were refused\s+127\.0\.0\.2 ", terminal.text) is not None)
        seen = len(answers(moved))
        waited(lambda: len(answers(moved)) > seen + 2)
        assert {*answers(moved)[since:]} == {"200"}
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert ANOTHER.encode() not in terminal.raw
        assert new not in terminal.raw
