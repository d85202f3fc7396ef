"""How dear is it to verify a token? Warm against the bare read of its row and the peers, cold against bare argon2."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pysqlite3
from argon2 import PasswordHasher

from benchmarks import peers
from benchmarks.measure import FULL, Line, medians, table
from botdesk import accounts, tokens
from botdesk.desk import Desk
from botdesk.settings import Settings
from botdesk.verification import Asked

TOKENS = 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = measured(Path(folder))
    table("verification, in-process", lines)


def measured(folder: Path) -> list[Line]:
    settings = Settings(
        store=str(folder / "desk.db"), state_dir=folder, config_file=folder / "none", record_uses="coalesced"
    )
    with Desk.open(settings=settings) as desk:
        token = furnished(desk)
        return [*warm(desk, folder, token), *cold(desk)]


def furnished(desk: Desk) -> str:
    """A store with a thousand tokens; returns one of them, whole."""
    with desk.begin() as tx:
        account = accounts.create(tx, "nightly-build", scopes="catalog:read")
        issued = tokens.issue(tx, account.id, "measured")
        tokens.deliver(tx, issued.token.id, to="clipboard")
        hashed = issued.token.hash
        for number in range(TOKENS):
            other = tokens.Token(
                **{**issued.token.model_dump(), "id": f"{number:010}", "label": f"other {number}", "hash": hashed}
            )
            tx.session.add(other)
        tx.session.flush()
    return issued.secret.reveal()


def warm(desk: Desk, folder: Path, token: str) -> list[Line]:
    bare = pysqlite3.connect(str(folder / "desk.db"), isolation_level=None)
    token_id = token[4:14]
    asked = Asked(scopes=frozenset({"catalog:read"}), address="127.0.0.1")

    def read() -> object:
        return bare.execute("SELECT * FROM token WHERE id = ?", (token_id,)).fetchone()

    with desk.verifier() as verifier:
        found = medians(
            {"botdesk": lambda: verifier.introspect(token, asked), "read": read},
            rounds=31 if FULL else 15,
            number=2000,
        )
    ours = found["botdesk"] * 1e6
    lines = [Line("warm, recorded once a minute", ours, "bare read of the row", found["read"] * 1e6, "≤3")]
    for name, theirs in others():
        lines.append(Line("warm, recorded once a minute", ours, name, theirs, ""))
    return lines


def others() -> list[tuple[str, float | None]]:
    """Microseconds of a check by each peer, measured in a process of its own; None for one that cannot be measured."""
    try:
        programs = peers.environment("django", ["djangorestframework-api-key==3.1.0", "django-rest-knox==5.0.2"])
        argv = [programs / "python", Path(__file__).with_name("django_peers.py")]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"the peers could not be measured: {error}", file=sys.stderr)
        return [(name, None) for name in ("djangorestframework-api-key", "django-rest-knox")]
    return list(json.loads(done.stdout).items())


def cold(desk: Desk) -> list[Line]:
    """Tokens that the verifier has not seen yet, against argon2 alone on the same hashes."""
    rounds = 60 if FULL else 30
    issued = []
    for number in range(rounds):
        with desk.begin() as tx:
            issued.append(tokens.issue(tx, "nightly-build", f"cold {number}"))
            tokens.deliver(tx, issued[-1].token.id, to="clipboard")
    whole = [each.secret.reveal() for each in issued]
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    ours, theirs = iter(whole), iter(zip((each.token.hash for each in issued), whole, strict=True))

    def bare() -> None:
        stored, token = next(theirs)
        hasher.verify(stored, token[15:58])

    with desk.verifier() as verifier:
        found = medians(
            {"botdesk": lambda: verifier.introspect(next(ours)), "argon2": bare}, rounds=rounds - 1, number=1
        )
    return [Line("cold, recorded", found["botdesk"] * 1e3, "bare argon2", found["argon2"] * 1e3, "≤1.05", "ms")]


if __name__ == "__main__":
    main()
