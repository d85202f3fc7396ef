"""`botdesk advice` and `botdesk due`: what they say, how they end, and that each command which they name mends."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from botdesk import accounts, cutover, grants, migration, people, roles, tokens, verification
from botdesk.access import Level
from botdesk.advice import Kind
from botdesk.bearer import Secret
from botdesk.desk import Desk, system_clock, system_user
from botdesk.testing import Clock, open_desk
from botdesk.verification import Asked

from .conftest import Run

DAY = timedelta(days=1)
SOMETHING = 9


@dataclass
class House:
    """A desk with a past: what is done `ago` days is done by its clock then."""

    desk: Desk
    clock: Clock

    def ago(self, days: float) -> None:
        self.clock.now = max(self.clock.now, system_clock() - days * DAY)

    def account(self, scopes: str = "catalog:read", name: str = "nightly-build") -> str:
        return self.desk.run(accounts.create, name, scopes=scopes, rotation=365 * DAY).id

    def token(self, label: str = "runner", **how: Any) -> str:
        issued = self.desk.run(tokens.issue, "nightly-build", label, **(how or {"never": True})).token.id
        return self.deliver(issued)

    def deliver(self, token_id: str) -> str:
        return self.desk.run(tokens.deliver, token_id, to="clipboard").id

    def use(self, token_id: str, *scopes: str, address: str = "10.0.0.7") -> None:
        self.desk.run(verification.note, token_id, Asked(scopes=frozenset(scopes), address=address))


@pytest.fixture
def house(store: Path) -> Iterator[House]:
    clock = Clock(system_clock() - 400 * DAY)
    with open_desk(store, operator=system_user(), clock=clock) as desk:
        for name in ("ben", "cleo"):
            desk.run(people.add, name)
        yield House(desk, clock)


def expiring(house: House) -> None:
    house.ago(60)
    house.account()
    token = house.token(lifetime=70 * DAY)
    house.ago(1)
    house.use(token)


def rotation_due(house: House, days: int = 80) -> None:
    house.ago(days)
    house.desk.run(accounts.create, "nightly-build", rotation=90 * DAY)
    token = house.token()
    house.ago(1)
    house.use(token)


def rotation_overdue(house: House) -> None:
    rotation_due(house, 95)


def retiring_used(house: House) -> None:
    house.ago(2)
    house.account()
    token = house.token()
    house.ago(0.9)
    house.deliver(house.desk.run(tokens.rotate, token, overlap=DAY).token.id)
    house.ago(0.5)
    house.use(token)


def pending(house: House) -> None:
    house.ago(1)
    house.account()
    house.desk.run(tokens.issue, "nightly-build", "runner")


def expired(house: House) -> None:
    house.ago(40)
    house.account()
    token = house.token(lifetime=10 * DAY)
    house.ago(1)
    house.use(token)


def disabled(house: House) -> None:
    house.ago(3)
    house.account()
    token = house.token()
    house.desk.run(accounts.disable, "nightly-build")
    house.ago(1)
    house.use(token)


def never_used(house: House) -> None:
    house.ago(8)
    house.account()
    house.token()


def unused(house: House) -> None:
    house.ago(100)
    house.account()
    house.use(house.token())


def surplus(house: House) -> None:
    house.ago(40)
    house.account()
    first, second = house.token("first"), house.token("second")
    house.use(first)
    house.ago(1)
    house.use(second)


def scope_unused(house: House) -> None:
    house.ago(40)
    house.account("catalog:read deploy:write")
    token = house.token()
    house.ago(1)
    house.use(token, "catalog:read")


def scope_lacking(house: House) -> None:
    house.ago(5)
    house.account()
    token = house.token()
    house.ago(2)
    house.use(token, "catalog:read")
    house.use(token, "deploy:write")


def narrow_token(house: House) -> None:
    house.ago(5)
    house.account("catalog:read deploy:write")
    token = house.token(never=True, scopes="catalog:read")
    house.ago(2)
    house.use(token, "catalog:read")
    house.use(token, "deploy:write")


def orphaned(house: House) -> None:
    house.ago(2)
    with house.desk.begin(actor="ben") as tx:
        accounts.create(tx, "nightly-build")
    house.desk.run(people.disable, "ben")


def left(house: House) -> None:
    house.ago(2)
    house.account()
    house.desk.run(grants.give, "nightly-build", "person:ben", Level.VIEW)
    house.desk.run(people.disable, "ben")


def left_in_role(house: House) -> None:
    house.ago(2)
    house.desk.run(roles.create, "platform")
    house.desk.run(roles.add_member, "platform", "ben")
    house.desk.run(people.disable, "ben")


def vague(house: House) -> None:
    house.ago(2)
    house.account(name="test")


def personal_overdue(house: House, ends: float = -2) -> None:
    house.ago(20)
    house.account()
    began = house.desk.run(migration.start, "nightly-build", "shop build", owner="ben").id
    house.desk.run(migration.register, began, Secret("ghp_16C7e42F292c6912E7710c838347Ae178B4a"))
    house.desk.run(migration.accept, began, until=system_clock() + ends * DAY)


MENDED: list[tuple[Kind, Callable[[House], None], str, str]] = [
    (Kind.EXPIRING, expiring, "", "--to file:{secret}"),
    (Kind.ROTATION_DUE, rotation_due, "", "--to file:{secret}"),
    (Kind.ROTATION_OVERDUE, rotation_overdue, "", "--to file:{secret}"),
    (Kind.RETIRING_USED, retiring_used, "", ""),
    (Kind.PERSONAL_OVERDUE, personal_overdue, "", "--yes"),
    (Kind.PENDING, pending, "unneeded", ""),
    (Kind.LOCKED_OUT, expired, "fresh", "--to file:{secret}"),
    (Kind.LOCKED_OUT, disabled, "", ""),
    (Kind.NEVER_USED, never_used, "unneeded", ""),
    (Kind.UNUSED, unused, "unneeded", ""),
    (Kind.SURPLUS, surplus, "unneeded", ""),
    (Kind.SCOPE_UNUSED, scope_unused, "", ""),
    (Kind.SCOPE_REFUSED, scope_lacking, "", ""),
    (Kind.SCOPE_REFUSED, narrow_token, "fresh", "--to file:{secret}"),
    (Kind.ORPHANED, orphaned, "--person cleo", ""),
    (Kind.LEFT, left, "", ""),
    (Kind.LEFT_IN_ROLE, left_in_role, "", ""),
    (Kind.VAGUE_NAME, vague, "nightly-build", ""),
]


@pytest.mark.parametrize(
    ("kind", "happened", "said", "more"), MENDED, ids=[f"{mend[0]}-{mend[1].__name__}" for mend in MENDED]
)
def test_the_command_that_a_line_names_mends_it(
    botdesk: Run, house: House, tmp_path: Path, kind: Kind, happened: Callable[[House], None], said: str, more: str
) -> None:
    happened(house)
    told = botdesk("advice", "--json")
    assert told.code == SOMETHING
    found = next(one for one in told.json if one["kind"] == kind)
    command = f"{found['command']} {more}".replace("…", said).format(secret=tmp_path / "secret")
    program, *words = shlex.split(command)
    assert program == "botdesk"
    done = botdesk(*words)
    assert done.code == 0, done.err
    assert found["id"] not in [one["id"] for one in botdesk("advice", "--json").json]


def test_a_straggler_is_looked_at_and_done_with(botdesk: Run, house: House) -> None:
    house.ago(2)
    house.account()
    token = house.token()
    house.deliver(house.desk.run(tokens.rotate, token, overlap=10 * DAY).token.id)
    house.ago(1)
    house.use(token)
    (found,) = botdesk("advice", "--json").json
    assert found["command"] == f"botdesk token cutover {token}"
    assert "10.0.0.7" in botdesk(*found["command"].split()[1:]).out
    house.ago(0)
    house.desk.run(cutover.finish, token, anyway=True)
    assert botdesk("advice").code == 0


@pytest.mark.parametrize("kind", [Kind.REUSED, Kind.NEW_SOURCE])
def test_what_only_a_look_can_tell_is_looked_at_and_dismissed(botdesk: Run, house: House, kind: Kind) -> None:
    house.ago(30)
    house.account()
    token = house.token()
    house.use(token)
    house.ago(2)
    if kind is Kind.REUSED:
        house.desk.run(tokens.revoke, token, reason="leaked")
    house.use(token, address="203.0.113.9")
    (found,) = botdesk("advice", "--json").json
    assert (found["kind"], "203.0.113.9" in found["what"]) == (kind, True)
    looked = botdesk(*shlex.split(found["command"])[1:])
    assert (looked.code, "203.0.113.9" in looked.out) == (0, True)
    assert botdesk("advice", "dismiss", found["id"], "--reason", "it moved", "--until", "7d").code == 0
    well = botdesk("advice")
    assert (well.code, well.out, well.err) == (0, "", "all is well\n")
    (hidden,) = botdesk("advice", "--dismissed", "--json").json
    assert hidden["dismissed_reason"] == "it moved"
    assert botdesk("advice", "recall", found["id"]).code == 0
    assert botdesk("advice").code == SOMETHING


def test_a_line_says_what_why_and_what_mends_it(botdesk: Run, house: House) -> None:
    never_used(house)
    told = botdesk("advice", "--account", "nightly-build")
    assert told.code == SOMETHING
    what, why, mend = told.out.splitlines()
    assert re.fullmatch(r"NOTICE  nightly-build: 'runner' was handed over 8 days ago and never used  \[\w{12}\]", what)
    assert why == "  why:  a token that nobody needs can only be lost"
    assert re.fullmatch(r"  mend: botdesk token revoke \w{10} --reason …", mend)
    assert botdesk("advice", "--severity", "warning").code == 0
    assert botdesk("advice", "--account", "nobody-here").code == 3
    assert botdesk("advice", "dismiss", "nothing", "--reason", "x").code == 3
    assert botdesk("advice", "dismiss", what[-13:-1], "--reason", "x", "--until", "yesterday").code == 2


def test_options_before_the_noun_and_after_it_reach_the_verb(botdesk: Run, house: House, tmp_path: Path) -> None:
    never_used(house)
    found = botdesk("advice", "--json").json[0]["id"]
    assert botdesk("--as", "ben", "advice").code == 0
    assert botdesk("advice", "--as", "ben").code == 0
    assert botdesk("advice", "--as", "ben", "dismiss", found, "--reason", "spare").code == 3


@pytest.fixture
def due(house: House) -> House:
    """Of two tokens one expires in ten days and one should have been rotated five days ago."""
    house.ago(95)
    house.desk.run(accounts.create, "nightly-build", rotation=90 * DAY)
    house.desk.run(grants.give, "nightly-build", "person:ben", Level.MANAGE)
    house.token('say "hi", then; go\\on', never=True)
    house.ago(20)
    house.token("farm", lifetime=30 * DAY + timedelta(hours=1))
    return house


def test_what_is_due_is_told_and_ends_with_nine(botdesk: Run, due: House) -> None:
    told = botdesk("due", "--within", "30d")
    assert told.code == SOMETHING
    first, second = told.out.splitlines()[1:]
    assert re.search(r"5 days ago +rotate +nightly-build", first)
    assert re.search(r"in 10 days +expires +nightly-build +farm", second)
    assert "ben" in second
    assert [one["overdue"] for one in botdesk("due", "--format", "json").json] == [True, False]
    assert len(botdesk("due", "--within", "9d", "--json").json) == 1
    assert len(botdesk("due", "--manager", "ben", "--format", "json").json) == 2
    nothing = botdesk("due", "--manager", "cleo")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing is due\n")
    assert botdesk("due", "--within", "soon").code == 2


def test_a_personal_token_is_due_at_its_end_date_until_it_is_ended(botdesk: Run, house: House) -> None:
    personal_overdue(house, ends=2.5)
    assert botdesk("due", "--within", "2d").code == 0
    (found,) = botdesk("due", "--within", "3d", "--format", "json").json
    assert (found["what"], found["label"], found["overdue"]) == ("personal", "ben's token of shop build", False)
    assert re.search(r"in 2 days +move off +nightly-build +ben's token of shop build", botdesk("due").out)
    assert 'botdesk_due_tokens{what="personal"} 1' in botdesk("due", "--format", "prom").out
    assert f"botdesk migration show {found['token_id']}" in botdesk("due", "--format", "ics").out.replace("\r\n ", "")
    assert botdesk("migration", "show", found["token_id"]).code == 0
    assert botdesk("migration", "revoke", found["token_id"], "--force", "--yes").code == 0
    assert botdesk("due").code == 0


def test_a_rotated_token_is_not_due(botdesk: Run, due: House) -> None:
    due.ago(0)
    late = next(one for one in botdesk("due", "--format", "json").json if one["overdue"])
    due.deliver(due.desk.run(tokens.rotate, late["token_id"]).token.id)
    assert [one["label"] for one in botdesk("due", "--format", "json").json] == ["farm"]


def test_figures_are_of_the_form_that_prometheus_reads(botdesk: Run, due: House) -> None:
    told = botdesk("due", "--format", "prom")
    assert told.code == SOMETHING
    label = r'"(?:[^"\\\n]|\\[\\"n])*"'
    sample = re.compile(rf"[a-z_]+(\{{[a-z]+={label}(,[a-z]+={label})*\}})? \d+")
    assert all(line.startswith("# ") or sample.fullmatch(line) for line in told.out.splitlines())
    assert r'label="say \"hi\", then; go\\on"' in told.out
    assert 'botdesk_due_tokens{what="rotation"} 1' in told.out


def test_a_calendar_is_of_the_form_that_calendars_read(botdesk: Run, due: House) -> None:
    told = botdesk("due", "--format", "ics")
    assert told.code == SOMETHING
    lines = told.out.removesuffix("\r\n").split("\r\n")
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    assert not any("\n" in line or len(line.encode()) > 75 for line in lines)
    whole = told.out.replace("\r\n ", "")
    assert whole.count("BEGIN:VEVENT") == whole.count("END:VEVENT") == 2
    assert 'SUMMARY:nightly-build: the token say "hi"\\, then\\; go\\\\on should be rotated' in whole
    assert re.search(r"DTSTART:\d{8}T\d{6}Z", whole)
    again = botdesk("due", "--format", "ics").out
    assert re.findall(r"UID:.*", again) == re.findall(r"UID:.*", told.out)
