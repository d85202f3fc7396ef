"""The other recipes of the documentation, run as their readers run them; nginx and Caddy have tests of their own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gate.house import Gate, House, answers, end, free_port, waited
from tests.gate.proxies import recipe

Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def service(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The FastAPI application of the documentation, served by uvicorn."""
    folder, port = tmp_path_factory.mktemp("service"), free_port()
    (folder / "service.py").write_text(recipe("python"))
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port), "--log-level", "error"]
    with (folder / "talk").open("wb") as talk:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | house.environ, stdout=talk, stderr=talk)
    try:
        waited(lambda: process.poll() is not None or answers(port), "the service")
        assert process.poll() is None, (folder / "talk").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


@pytest.fixture
def run(house: House, needs: Callable[[str], None], tmp_path: Path) -> Callable[..., Ran]:
    """Run a script of the documentation in a shell, with botdesk on the path."""
    needs("curl")

    def script(text: str, *, shell: str = "sh", stdin: str = "", **environ: str) -> Ran:
        path = tmp_path / "script"
        path.write_text(text)
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [*shell.split(), path],
            env={**os.environ, **house.environ, "PATH": tools, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return script


def test_a_script_calls_the_application_with_a_token_from_a_file(
    run: Callable[..., Ran], service: str, house: House, tmp_path: Path
) -> None:
    for fate, code, said in (("valid", 0, '{"bot":"nightly-build"}'), ("revoked", 22, '{"error": "unauthorized"')):
        (tmp_path / "token").write_text(house.held[fate] + "\n")
        done = run(recipe("sh", "TOKEN_FILE"), TOKEN_FILE=str(tmp_path / "token"), SERVICE=service)
        assert (done.returncode, said in done.stdout) == (code, True), done.stderr
    done = run('curl --silent --fail "$SERVICE/healthz"', SERVICE=service)
    assert done.stdout == '"ok"'


def test_a_script_verifies_what_comes_on_its_stdin(run: Callable[..., Ran], house: House) -> None:
    done = run(recipe("sh", "token verify"), stdin=house.held["valid"] + "\n")
    assert (done.returncode, done.stdout) == (0, "deploying for: nightly-build\n"), done.stderr
    for fate in ("narrow", "forged"):
        done = run(recipe("sh", "token verify"), stdin=house.held[fate] + "\n")
        assert (done.returncode, "deploying" in done.stdout) == (6, False)
        assert house.held[fate] not in done.stdout + done.stderr


def test_a_run_of_ci_uses_its_token_and_ends_it(
    run: Callable[..., Ran], service: str, gate: Gate, house: House
) -> None:
    job = yaml.safe_load(recipe("yaml"))["jobs"]["deploy"]
    known = {"secrets.BOT_TOKEN": house.issue("one-run"), "vars.SERVICE": service, "vars.GATE": gate.place}
    deploy, finish = job["steps"]
    environ = filled(job["env"], known)
    done = run(deploy["run"], shell="bash -eo pipefail", **environ)
    assert (done.returncode, done.stdout) == (0, '{"deployed by":"nightly-build"}'), done.stderr
    assert run(finish["run"], shell="bash -eo pipefail", **environ).returncode == 0
    assert run(deploy["run"], shell="bash -eo pipefail", **environ).returncode == 22
    actions = [event.action for event in house.events("one-run")]
    assert actions.index("token:used") < actions.index("token:revoked") < actions.index("token:refused")


def filled(environ: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """Put in what CI knows, as it does with `${{ … }}`."""
    return {
        name: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], str(value)) for name, value in environ.items()
    }


def test_a_service_in_any_language_asks_what_a_token_is_worth(
    run: Callable[..., Ran], gate: Gate, house: House
) -> None:
    script = recipe("sh", "OWN_TOKEN")
    done = run(script, OWN_TOKEN=house.held["asker"], PRESENTED=house.held["valid"], GATE=gate.place)
    assert '"username": "nightly-build"' in done.stdout, done.stderr
    done = run(script, OWN_TOKEN=house.held["asker"], PRESENTED=house.held["revoked"], GATE=gate.place)
    assert done.stdout == '{"active": false}'
