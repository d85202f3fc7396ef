"""The page about PostgreSQL, done by its reader from top to bottom."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_server import PASSWORD, Server, programs
from tests.raw import raw

PAGE = Path(__file__).parents[2] / "docs" / "postgresql.md"
ROLES = ("botdesk_owner", "botdesk")


@pytest.fixture
def blocks(server: Server) -> Iterator[list[tuple[str, str]]]:
    """The blocks of the page, with this server's own name and certificate; what they make is removed at the end."""
    page = PAGE.read_text("utf-8").replace("db.example", "localhost")
    page = page.replace("/etc/botdesk/db-ca.crt", f"{server.folder}/server.crt")
    yield re.findall(r"```(sql|sh)\n(.*?)```", page, re.DOTALL)
    with server.connect() as connection:
        for name in ("botdesk", "restored"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        for name in ROLES:
            connection.execute(f"DROP ROLE IF EXISTS {name}")


def test_the_page_leads_to_a_desk_that_works_is_dumped_and_restored(
    server: Server, blocks: list[tuple[str, str]], tmp_path: Path
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text(f"localhost:{server.port}:*:*:{PASSWORD}\n")
    passwords.chmod(0o600)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), str(programs()), os.environ["PATH"])),
        "PGPASSFILE": str(passwords),
        "PGPORT": str(server.port),
        "BOTDESK_CONFIG": str(tmp_path / "config.toml"),
    }
    environ |= {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": f"{server.folder}/server.crt"}

    def shell(script: str) -> str:
        done = subprocess.run(["sh", "-e", "-c", script], env=environ, cwd=tmp_path, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    (install, *_), done = blocks, []
    assert "botdesk[postgres]" in install[1]
    for kind, block in blocks[1:]:
        if "restored" in block:
            _as_superuser(server, "CREATE DATABASE restored OWNER botdesk_owner ENCODING 'UTF8' TEMPLATE template0")
        if kind == "sh":
            done.append(shell(block))
        elif "CREATE ROLE" in block:
            _as_superuser(server, block)
            _as_superuser(server, *(f"ALTER ROLE {name} PASSWORD '{PASSWORD}'" for name in ROLES))
        else:
            with server.connect("botdesk", user="botdesk_owner") as connection:
                connection.execute(block)
    assert [said.count("the chain holds") for said in done] == [0, 1, 0, 1, 0]
    with raw(server.url("restored")) as restored:
        guards = restored.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'A'").fetchone()
        assert guards == (4,)
    daily = "postgresql+psycopg://botdesk@localhost/botdesk"
    told = re.search("pg_dump .*", shell(f"botdesk --store {daily} database backup 2>&1 || true"))
    assert told
    shell(told[0])


def _as_superuser(server: Server, *statements: str) -> None:
    with server.connect() as connection:
        for statement in statements:
            for one in filter(str.strip, statement.split(";")):
                connection.execute(one)
