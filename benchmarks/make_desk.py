"""Make a large desk with an honest chain: accounts, tokens, grants, and uses of the tokens.

    python -m benchmarks.make_desk --accounts 100000 --events 10000000 PATH

People and roles come through the public operations. What there is much of is written in bulk, with the digests and
hashes that the operations would have made; `botdesk audit verify` holds it. The triggers and the indexes of events are
made after the rows, so the file is as if every row had come by itself, but for its age.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pysqlite3

from benchmarks.measure import ACCOUNTS, EVENTS
from botdesk import people, roles
from botdesk.access import Level, Standing
from botdesk.desk import Desk
from botdesk.settings import Settings
from botdesk.store.digest import canonical, chained, digest, table_of
from botdesk.store.tables import Account, Event, Grant, Purpose, Token, to_text

PEOPLE, ROLES = 60, 12
LEAST_EVENTS = 200
"""How many events the founding, the people and the roles take, and some more."""

YEARS = timedelta(days=730)
HISTORY = 0.2
"""The part of the time in which the accounts come."""

TEAMS = ("build", "catalog", "metrics", "billing", "search", "orders", "edge", "ledger", "media", "fleet")
JOBS = ("nightly", "ingest", "sync", "deploy", "scrape", "export", "notify", "mirror", "index", "agent")
SCOPES = "catalog:read deploy:write metrics:write orders:read"
PATHS = ("/v1/catalog", "/v1/metrics", "/v1/orders", "/v1/deploy")
HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$" + "c2FsdHNhbHRzYWx0c2FsdA" + "$" + "bm90aGluZyBldmVyIGhhc2hlZCB0byB0aGlzIHZhbHU"
)
PLACES = tuple(f"10.{net}.{host}.7" for net in range(4) for host in range(32))


class Holder(NamedTuple):
    """What an event about a token says of its account."""

    id: str
    name: str


class Maker:
    """Appends rows and their events, in memory first, to a store that is known to nobody else."""

    BATCH = 20_000

    def __init__(self, connection: Any, *, seed: int, first: datetime) -> None:
        self.connection = connection
        self.chance = random.Random(seed)
        self.now, self.step = first, timedelta()
        self.sequence, self.previous = connection.execute(
            "SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        self.events: list[Sequence[Any]] = []
        self.rows: dict[str, list[Sequence[Any]]] = {}
        self.columns = {table_of(row).name: [c.name for c in table_of(row).columns] for row in TABLES}

    def add(self, action: str, row: Any, values: dict[str, Any], before: str | None = None, **event: Any) -> str:
        """Append the event of a row; the row itself is written by `keep`. Gives the row's digest."""
        found = digest(table_of(row).name, values)
        told = {
            "at": to_text(self.now),
            "action": action,
            "outcome": "done",
            "source": "cli",
            "subject_kind": table_of(row).name,
            "subject_id": values["id"],
            "before": before,
            "after": found,
            **event,
            "sequence": self.sequence + 1,
        }
        self.append(told)
        return found

    def append(self, told: dict[str, Any]) -> None:
        """Append an event whose values are all known."""
        link = chained(self.previous, told)
        whole = told | {"previous": self.previous, "hash": link}
        self.events.append([whole[name] for name in self.columns["event"]])
        self.sequence, self.previous = self.sequence + 1, link
        self.now += self.step
        if len(self.events) >= self.BATCH:
            self.flush()

    def keep(self, row: Any, values: dict[str, Any]) -> None:
        """Write a row as it is at the end."""
        name = table_of(row).name
        self.rows.setdefault(name, []).append([values[column] for column in self.columns[name]])

    def flush(self) -> None:
        """Write what is in memory."""
        for name, rows in (*self.rows.items(), ("event", self.events)):
            marks = ", ".join("?" * len(self.columns[name]))
            names = ", ".join(f'"{column}"' for column in self.columns[name])
            self.connection.executemany(f'INSERT INTO "{name}" ({names}) VALUES ({marks})', rows)
            rows.clear()


TABLES = (Account, Token, Grant, Event)


def kept(folder: Path, accounts: int = ACCOUNTS, events: int = EVENTS) -> Path:
    """The folder of a desk of this size that measurements share; made in this one when it is not there yet."""
    path = folder / f"{accounts}-accounts-{events}-events" / "desk.db"
    if not path.exists():
        print(f"making a desk of {accounts:,} accounts and {events:,} events", file=sys.stderr)
        made = path.with_name("making.db")
        made.unlink(missing_ok=True)
        make(made, accounts=accounts, events=events)
        made.rename(path)
    return path.parent


def make(path: Path, *, accounts: int, events: int, seed: int = 1) -> None:
    """Make the store.

    Args:
        path: Where; nothing may be there yet.
        accounts: How many accounts, each with one or two tokens and mostly a grant.
        events: How many events in all.
        seed: What its chance starts from.
    """
    begun = datetime.now(UTC) - YEARS
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    staff = _staffed(path, begun)
    with closing(pysqlite3.connect(str(path), isolation_level=None)) as connection:
        guards = _unguarded(connection)
        maker = Maker(connection, seed=seed, first=begun + timedelta(hours=1))
        connection.execute("BEGIN")
        tokens = _furnished(maker, accounts, events, staff)
        left = events - maker.sequence
        maker.step = (begun + YEARS - maker.now) / max(1, left + 1)
        _used(maker, tokens, left)
        maker.flush()
        connection.execute("COMMIT")
        for statement in guards:
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode=wal")


def _staffed(path: Path, begun: datetime) -> tuple[list[str], list[str]]:
    """Found the desk with its people and roles; gives their ids."""
    settings = Settings(store=str(path), state_dir=path.parent, config_file=path.parent / "none")
    with Desk.open(settings=settings, clock=lambda: begun, source="cli") as desk, desk.begin() as tx:
        persons = [
            people.add(tx, f"person-{number:02}", full_name=f"Person {number}", standing=_standing(number)).id
            for number in range(PEOPLE)
        ]
        teams = [roles.create(tx, f"team-{number:02}").id for number in range(ROLES)]
        for number in range(PEOPLE):
            roles.add_member(tx, f"team-{number % ROLES:02}", f"person-{number:02}")
    return persons, teams


def _standing(number: int) -> Standing:
    return Standing.ADMIN if number < 3 else Standing.AUDITOR if number < 5 else Standing.MEMBER


def _unguarded(connection: Any) -> list[str]:
    """Take the triggers and the indexes of events away while rows come in bulk; gives what makes them again."""
    for pragma in ("journal_mode=off", "synchronous=off", "locking_mode=exclusive", "cache_size=-262144"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'event' AND type <> 'table' AND sql IS NOT NULL"
    ).fetchall()
    for kind, name, _ in found:
        connection.execute(f"DROP {kind} {name}")
    return [statement for kind, _, statement in sorted(found)]


class Used(NamedTuple):
    """A token that is used: its holder, and its values but for what a use changes."""

    holder: Holder
    values: dict[str, Any]
    digest: str


def _furnished(maker: Maker, accounts: int, events: int, staff: tuple[list[str], list[str]]) -> list[Used]:
    """Make the accounts, and as many tokens and grants as the number of events allows."""
    maker.step = YEARS * HISTORY / max(1, min(events, 6 * accounts))
    used: list[Used] = []
    for number in range(accounts):
        owner = maker.chance.choice(staff[0])
        actor = {"actor_kind": "person", "actor_id": owner, "actor": f"person-{staff[0].index(owner):02}"}
        account = _account(maker, number, owner, actor)
        about = {**actor, "account_id": account.id, "account": account.name}
        left = (accounts - number) * 51 // 50 + 1  # an account takes one, and each fiftieth another one
        for _ in range(_tokens_of(number)):
            if events - maker.sequence > left + 2:
                used.append(_token(maker, account, owner, about, len(used)))
        if number % 3 and events - maker.sequence > left + 1:
            _granted(maker, account, owner, about, staff[1])
    return used


def _tokens_of(number: int) -> int:
    """How many tokens an account has; one in fifty was disabled before it got any."""
    return 0 if number % 50 == 7 else 1 + number % 2


def _account(maker: Maker, number: int, owner: str, actor: dict[str, Any]) -> Holder:
    purpose = list(Purpose)[number % len(Purpose)]
    values = {
        **dict.fromkeys(maker.columns["account"]),
        "id": f"acc_{number:010}",
        "name": f"{TEAMS[number % 10]}-{JOBS[number // 10 % 10]}-{number:06}",
        "purpose": purpose.value,
        "description": f"Keeps {JOBS[number // 10 % 10]} of {TEAMS[number % 10]} going in cell {number % 97}",
        "scopes": SCOPES,
        "rotation_days": 90,
        "created_at": to_text(maker.now),
        "created_by": owner,
        "owned_by": owner,
    }
    holder = Holder(str(values["id"]), str(values["name"]))
    about = {**actor, "account_id": holder.id, "account": holder.name}
    was = maker.add("account:created", Account, values, detail=canonical({"purpose": purpose.value}), **about)
    if not _tokens_of(number):
        values |= {"disabled_at": to_text(maker.now), "disabled_reason": "not needed now"}
        maker.add("account:disabled", Account, values, was, detail='{"reason":"not needed now"}', **about)
    maker.keep(Account, values)
    return holder


def _token(maker: Maker, account: Holder, owner: str, about: dict[str, Any], number: int) -> Used:
    label = f"runner {number % 9}"
    values: dict[str, Any] = {
        **dict.fromkeys(maker.columns["token"]),
        "id": f"{number:010}",
        "account_id": account.id,
        "label": label,
        "hash": HASH,
        "scopes": SCOPES,
        "issued_at": to_text(maker.now),
        "issued_by": owner,
        "expires_at": None if number % 20 == 3 else to_text(datetime.now(UTC) + timedelta(days=number % 400 - 10)),
    }
    was = maker.add("token:issued", Token, values, detail=canonical({"label": label}), **about)
    values |= {"delivered_at": to_text(maker.now), "delivered_to": "clipboard"}
    told = canonical({"label": label, "to": "clipboard"})
    return Used(account, values, maker.add("token:delivered", Token, values, was, detail=told, **about))


def _granted(maker: Maker, account: Holder, owner: str, about: dict[str, Any], roles: list[str]) -> None:
    number = maker.sequence
    level = list(Level)[number % 3].value
    values = {
        **dict.fromkeys(maker.columns["grant"]),
        "id": f"gra_{number:010}",
        "account_id": account.id,
        "role_id": roles[number % ROLES],
        "level": level,
        "given_at": to_text(maker.now),
        "given_by": owner,
    }
    told = canonical({"grantee": f"role team-{number % ROLES:02}", "level": level})
    maker.add("grant:given", Grant, values, detail=told, **about)
    maker.keep(Grant, values)


def _used(maker: Maker, tokens: list[Used], count: int) -> None:
    """Let the tokens be used that live to this day, a few of them most; each thirtieth use is refused for a scope.

    The loop that makes nearly all rows of a large desk: rows and events are written from templates, not from dicts.
    """
    maker.flush()
    every = [_State(token) for token in tokens]
    today = to_text(datetime.now(UTC))
    states = [state for state in every if (state.token.values["expires_at"] or "~") > today]
    chance, most = maker.chance.random, len(states)
    sequence, previous, at = maker.sequence, maker.previous, _ticks(maker.now, maker.step, count)
    for number in range(count if most else 0):
        state = states[int(most * chance() ** 3)]
        now, place = next(at), PLACES[number % 97]
        before, sequence = state.digest, sequence + 1
        kind, refused = (0, False) if number % 30 else (1, True)
        if not refused:
            state.at, state.place = now, place
            text = f'{state.head}{now}","last_used_from":"{place}{state.tail}'
            state.digest = sha256(text.encode()).hexdigest()
        one = state.told[kind]
        told = (
            f'{previous}{one.start}{state.digest}","at":"{now}","before":"{before}"{one.middle}'
            f'{sequence},"source":"{place}"{one.end}'
        )
        link = sha256(told.encode()).hexdigest()
        maker.events.append((sequence, now, *one.values, place, one.detail, before, state.digest, previous, link))
        previous = link
        if not number % Maker.BATCH:
            maker.sequence, maker.previous = sequence, previous
            maker.flush()
    maker.sequence, maker.previous = sequence, previous
    for state in every:
        maker.keep(Token, state.token.values | {"last_used_at": state.at, "last_used_from": state.place})


def _ticks(first: datetime, step: timedelta, count: int) -> Iterator[str]:
    """Instants as stored, `step` apart."""
    start, each = first.timestamp(), step.total_seconds()
    minute, text = -1, ""
    for number in range(count):
        instant = start + number * each
        now = int(instant // 60)
        if now != minute:
            minute, text = now, time.strftime("%Y-%m-%dT%H:%M:", time.gmtime(now * 60))
        yield f"{text}{instant - now * 60:09.6f}Z"


class _Told(NamedTuple):
    """The event of a use of one token, but for what is different each time."""

    start: str
    middle: str
    end: str
    values: tuple[str, ...]
    detail: str


class _State:
    """A token as it is now, and what its events look like."""

    __slots__ = ("at", "digest", "head", "place", "tail", "token", "told")

    def __init__(self, token: Used) -> None:
        self.at: str | None = None
        self.place: str | None = None
        self.digest = token.digest
        self.token = token
        present = {key: value for key, value in token.values.items() if value is not None}
        row = canonical(present | {"last_used_at": "\x00", "last_used_from": "\x01"}).split('"\\u0000"')
        self.head = f'token{row[0]}"'
        self.tail = row[1].split("\\u0001")[1]
        path = PATHS[int(token.values["id"]) % len(PATHS)]
        asked = {"label": token.values["label"], "path": path}
        missing = {**asked, "missing": "admin:all", "reason": "scope"}
        self.told = (
            _template(token, "token:used", "done", canonical(asked)),
            _template(token, "token:refused", "denied", canonical(missing)),
        )


def _template(token: Used, action: str, outcome: str, detail: str) -> _Told:
    holder, marks = token.holder, ("\x00", "\x01", "\x02", "\x03")
    values = ("account", holder.id, holder.name, action, holder.id, holder.name, "token", token.values["id"], outcome)
    names = ("actor_kind", "actor_id", "actor", "action", "account_id", "account", "subject_kind", "subject_id")
    told = dict(zip((*names, "outcome"), values, strict=True))
    whole = canonical(
        {
            **told,
            **dict(zip(("after", "at", "before", "source"), marks, strict=True)),
            "sequence": "\x04",
            "detail": detail,
        }
    )
    start, rest = whole.split("\\u0000")
    middle, rest = rest.split('"\\u0002"')[1].split('"\\u0004"')
    return _Told(start, middle, rest.split('"\\u0003"')[1], values, detail)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("path", type=Path)
    asked = parser.parse_args()
    if asked.path.exists():
        parser.error(f"'{asked.path}' is there already")
    if asked.events < asked.accounts + LEAST_EVENTS:
        parser.error(f"{asked.accounts} accounts take at least {asked.accounts + LEAST_EVENTS} events")
    begun = time.perf_counter()
    make(asked.path, accounts=asked.accounts, events=asked.events)
    size = asked.path.stat().st_size / 1e6
    print(
        f"{asked.accounts:,} accounts, {asked.events:,} events, {size:,.0f} MB in {time.perf_counter() - begun:.1f} s"
    )


if __name__ == "__main__":
    main()
