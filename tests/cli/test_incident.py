"""`botdesk incident`: from a log to the end of what leaked in it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from botdesk import incident
from botdesk.leak import Extent, Sighting
from tests.terminal import Terminal

from .conftest import Ran, Run, clean_env, command

SOMETHING = 9
OTHERS = "bdk_AAAAAAAAAA_" + "0" * 49


@pytest.fixture
def secrets(desk: Run, tmp_path: Path) -> list[str]:
    """The tokens `farm`, which was used, and `spare`."""
    made = []
    for label in ("farm", "spare"):
        file = tmp_path / label
        assert desk("token", "issue", "nightly-build", "--label", label, "--to", f"file:{file}").code == 0
        made.append(file.read_text().strip())
    assert desk("token", "verify", "--file", tmp_path / "farm").code == 0
    return made


@pytest.fixture
def log(secrets: list[str], tmp_path: Path) -> Path:
    farm, spare = secrets
    file = tmp_path / "app.log"
    lines = [f"GET / Bearer {farm}", "nothing", f"retry {farm}", OTHERS, f"shown as bdk_{spare[4:14]}_••••"]
    file.write_text("\n".join(lines))
    return file


def piped(text: str, *words: str) -> Ran:
    done = subprocess.run(
        command("incident", *words), input=text, capture_output=True, text=True, timeout=60, env=clean_env()
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def states(desk: Run) -> dict[str, str]:
    return {one["label"]: one["state"] for one in desk("token", "list", "--all", "--json").json}


def test_a_log_tells_whose_tokens_are_in_it_and_no_secret(desk: Run, log: Path, secrets: list[str]) -> None:
    told = desk("incident", log)
    assert told.code == SOMETHING
    farm, spare = told.out.splitlines()[1:3]
    assert all(word in farm for word in ("active", "nightly-build", "farm", "whole, 2 times", "just now", "cli"))
    assert all(word in spare for word in ("spare", "part", "never"))
    assert "1 string that looked like tokens" in told.err
    assert "say --yes" in told.err
    assert not any(secret[15:] in told.out + told.err for secret in secrets)
    assert states(desk) == {"farm": "active", "spare": "active"}


def test_one_yes_revokes_all_that_leaked_and_not_what_was_masked(desk: Run, log: Path, tmp_path: Path) -> None:
    assert desk("incident", log, "--yes", "--reason", "in a ticket").code == 0
    assert states(desk) == {"farm": "revoked", "spare": "active"}
    assert desk("token", "verify", "--file", tmp_path / "farm").code == 6
    assert desk("audit", "list", "--action", "token:revoked", "--json").json[0]["detail"]["reason"] == "in a ticket"
    assert desk("incident", log).code == 0
    assert desk("incident", log, "--partial").code == SOMETHING
    assert desk("incident", log, "--partial", "--yes").code == 0
    assert states(desk) == {"farm": "revoked", "spare": "revoked"}


def test_a_log_on_stdin_is_read_and_json_tells_where(desk: Run, log: Path, secrets: list[str]) -> None:
    told = piped(log.read_text(), "--json")
    assert told.code == SOMETHING
    assert (told.json["strangers"], told.json["unrecorded"], told.json["revoked"]) == (1, 0, 0)
    farm = next(one for one in told.json["tokens"] if one["label"] == "farm")
    assert (farm["extent"], farm["times"], farm["first_seen_at_byte"]) == ("whole", 2, len("GET / Bearer "))
    assert (farm["state"], farm["to_be_revoked"], list(farm["sources"])) == ("active", True, ["cli"])
    revoked = piped(log.read_text(), "-", "--json", "--yes")
    assert (revoked.code, revoked.json["revoked"]) == (0, 1)


def test_an_id_alone_is_enough(desk: Run, secrets: list[str]) -> None:
    farm, spare = (secret[4:14] for secret in secrets)
    assert piped(f"{farm}\n", "--yes").code == 0
    assert desk("incident", "--id", spare, "--yes").code == 0
    assert set(states(desk).values()) == {"revoked"}


def test_where_there_is_no_token_all_is_well(desk: Run, secrets: list[str], tmp_path: Path) -> None:
    none = piped("nothing here\n")
    assert (none.code, none.out, none.err) == (0, "", "no token of this desk is in it\n")
    assert desk("incident", tmp_path / "missing.log").code == 2


def test_others_tokens_are_strangers_to_who_cannot_reach_them(desk: Run, log: Path) -> None:
    desk("person", "add", "ben")
    told = desk("incident", log, "--as", "ben", "--json")
    assert (told.code, told.json["tokens"], told.json["unrecorded"]) == (0, [], 1)
    desk("grant", "give", "nightly-build", "--person", "ben", "--level", "view")
    told = desk("incident", log, "--as", "ben", "--yes", "--json")
    assert (told.code, told.json["revoked"]) == (0, 0)
    assert [one["to_be_revoked"] for one in told.json["tokens"]] == [False, False]


def test_at_a_terminal_what_is_pasted_is_not_shown_and_one_answer_revokes(
    desk: Run, secrets: list[str], terminal: Callable[..., Terminal]
) -> None:
    screen = terminal("incident")
    screen.wait_for("paste the token")
    screen.send(f"{secrets[0]}\n\x04")
    screen.wait_for("revoke 1 token now?")
    screen.send("y\n")
    assert screen.wait_exit() == 0, screen.text
    assert secrets[0][15:] not in screen.text
    assert states(desk) == {"farm": "revoked", "spare": "active"}


def test_what_nobody_knows_is_forgotten_on_the_way() -> None:
    asked: list[int] = []

    def known(ids: object) -> set[str]:
        asked.append(len(list(ids)))  # type: ignore[call-overload]
        return {"known00000"}

    count = incident.MOST_HELD * 2
    seen = [Sighting(f"{number:010}", Extent.PART, ("", number)) for number in range(count)]
    seen.insert(7, Sighting("known00000", Extent.PART, ("", 7)))
    seen.append(Sighting("known00000", Extent.WHOLE, ("", 9)))
    traces = incident.gathered(seen, known)
    assert max(asked) == incident.MOST_HELD
    assert (traces.strangers, list(traces.known)) == (count, ["known00000"])
    assert (traces.known["known00000"].times, traces.known["known00000"].extent) == (2, Extent.WHOLE)
