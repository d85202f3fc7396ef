"""The recipes of migrations as they are printed: a shell runs them, and the secret goes to the tool's stdin alone."""

import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from botdesk import handoff, recipes
from botdesk.bearer import Secret
from botdesk.recipes import Platform
from botdesk.target import Command, parse_target

from .conftest import Run

TOOL = """#!/bin/sh
# Takes down how it was called, and takes the secret.
there="$(dirname "$0")"
printf '%s\\n' "$@" > "$there/argv"
env > "$there/environ"
cat /dev/stdin > "$there/stdin"
"""
CALLS = {
    Platform.GITHUB_ACTIONS: ("gh", "secret set BOTDESK_TOKEN --repo acme/shop"),
    Platform.GITLAB_CI: ("glab", "variable set BOTDESK_TOKEN --masked --raw --repo acme/shop"),
    Platform.KUBERNETES: ("kubectl", "create secret generic nightly-build --from-file=token=/dev/stdin"),
    Platform.SYSTEMD: (
        "systemd-creds",
        "encrypt --name=token - /etc/credstore.encrypted/nightly-build.token",
    ),
}
FILES = {Platform.DOTENV: ".env.botdesk", Platform.CLAUDE: "nightly-build.env"}
SECRET = re.compile(r"bdk_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}")


@pytest.fixture
def bin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of botdesk and of tools that take down how they are called."""
    (folder := tmp_path / "bin").mkdir()
    botdesk = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m botdesk "$@"\n'
    tools = {name: TOOL for name, _ in CALLS.values()} | {"botdesk": botdesk}
    for name, script in tools.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def printed(desk: Run) -> Callable[[Platform], str]:
    """What is printed for a new migration to `nightly-build` on a platform."""

    def recipe(platform: Platform) -> str:
        words = ("--owner", "ben", "--account", "nightly-build", "--on", platform, "--place", "acme/shop", "--json")
        began = desk("migration", "start", f"job on {platform}", *words)
        return desk("migration", "recipe", began.json["id"]).out

    assert desk("person", "add", "ben").code == 0
    return recipe


@contextmanager
def listening() -> Iterator[tuple[str, list[str | None]]]:
    """A service on this host, and the authorizations that it was asked with."""
    heard: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Authorization"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", heard
        server.shutdown()
        thread.join()


def run(script: str, folder: Path) -> None:
    """Run a recipe as it is printed: it is a script, in which all that is for people is a comment."""
    ran = subprocess.run(["sh", "-eu"], input=script, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert not SECRET.search(ran.stdout + ran.stderr)


def test_a_tool_is_called_as_its_recipe_says_and_gets_the_secret_on_its_stdin_alone(
    printed: Callable[[Platform], str], desk: Run, bin: Path, tmp_path: Path
) -> None:
    for platform, (_, words) in CALLS.items():
        run(printed(platform), tmp_path)
        assert (bin / "argv").read_text().split("\n")[:-1] == words.split(" "), platform
        assert SECRET.fullmatch((bin / "stdin").read_text()), platform
        assert not SECRET.search((bin / "environ").read_text()), platform
    working = [line for line in desk("token", "list", "nightly-build", "--json").json if line["state"] == "active"]
    assert len(working) == len(CALLS)


def test_a_file_of_variables_is_written_in_the_folder_that_one_is_in(
    printed: Callable[[Platform], str], bin: Path, tmp_path: Path
) -> None:
    for platform, name in FILES.items():
        run(printed(platform), tmp_path)
        assert SECRET.fullmatch((tmp_path / name).read_text().strip().removeprefix("BOTDESK_TOKEN="))
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_cron_job_sends_its_token_by_curl_and_no_other_user_sees_it_among_the_processes(
    printed: Callable[[Platform], str], bin: Path, needs: Callable[[str], None], tmp_path: Path
) -> None:
    needs("curl")
    needs("strace")
    script = printed(Platform.CRON).replace("/etc/botdesk", str(tmp_path))
    run(script, tmp_path)
    kept = (tmp_path / "nightly-build.token").read_text().strip()
    assert SECRET.fullmatch(kept)
    lines = [line.removeprefix("# ") for line in script.splitlines() if line.startswith("#   ")]
    with listening() as (address, heard):
        job = "\n".join(lines).replace("https://…", f"-s {address}")
        traced = ["strace", "-f", "-qq", "-s", "4096", "-e", "trace=execve", "-o", "calls", "sh", "-euc", job]
        subprocess.run(traced, cwd=tmp_path, check=True, timeout=60)
    assert heard == [f"Bearer {kept}"]
    calls = (tmp_path / "calls").read_text()
    assert '"curl", "--config", "-"' in calls
    assert not SECRET.search(calls)


def test_the_real_systemd_creds_takes_the_secret_and_gives_it_back(
    needs: Callable[[str], None], tmp_path: Path
) -> None:
    needs("systemd-creds")
    target = parse_target(recipes.recipe(Platform.SYSTEMD, "nightly-build").target)
    assert isinstance(target, Command)
    *how, file = target.argv
    assert file == "/etc/credstore.encrypted/nightly-build.token"
    kept = tmp_path / "nightly-build.token"
    no_key_of_this_host = "--with-key=tpm2-absent"
    handoff.give(Secret("made-up"), Command((*how[:2], no_key_of_this_host, *how[2:], str(kept))))
    assert b"made-up" not in kept.read_bytes()
    said = ["systemd-creds", "decrypt", "--name=token", str(kept), "-"]
    assert subprocess.run(said, capture_output=True, timeout=60).stdout == b"made-up"
