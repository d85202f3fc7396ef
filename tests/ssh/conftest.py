"""One host for all tests of this folder, and the sshds that it runs."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ssh import host as hosts
from tests.ssh.host import Host, Server


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    _see_to_it("root", os.geteuid() == 0)
    for program in ("sshd", "ssh", "ssh-keygen", "useradd", "userdel"):
        _see_to_it(program, shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None)
    with hosts.built() as made:
        yield made


def _see_to_it(what: str, there: bool) -> None:
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(f"the tests over SSH need {what}, and CI must have it")
    pytest.skip(f"the tests over SSH need {what}")


@pytest.fixture(scope="session")
def server(host: Host) -> Iterator[Server]:
    """sshd as the documents have it: it asks the desk for keys."""
    with hosts.serving(host, "command", hosts.recipe(0)) as running, running.held("ada"), running.held("ben"):
        yield running


@pytest.fixture(scope="session")
def filed(host: Host) -> Iterator[Server]:
    """sshd as the documents have it, with a key file."""
    with hosts.serving(host, "file", hosts.recipe(1)) as running:
        _write_keys(host, running)
        yield running


def _write_keys(host: Host, running: Server) -> None:
    lines = host.must("ssh", "authorized-keys")
    (running.log.parent / "keys").write_text(lines)


@pytest.fixture(scope="session")
def careless(host: Host) -> Iterator[Server]:
    """sshd that takes whatever environment a client sends, and lets people set their own."""
    with hosts.serving(host, "careless", hosts.recipe(0), loose="AcceptEnv *\nPermitUserEnvironment yes") as running:
        yield running


@pytest.fixture
def canaries(host: Host) -> Iterator[Path]:
    """A folder that the host's user may write to, to see who did."""
    folder = host.folder / "canaries"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)
