"""A furnished desk: every table has rows, every column that may be NULL is NULL in one row and set in another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlmodel import select

from botdesk import accounts, advice, grants, keys, migration, people, personal, roles, tokens, verification
from botdesk.access import Level, Standing
from botdesk.accounts import Purpose
from botdesk.advice import Kind
from botdesk.bearer import Secret
from botdesk.desk import Desk
from botdesk.errors import AccessDenied
from botdesk.recipes import Platform
from botdesk.store.digest import GENESIS, chained
from botdesk.store.tables import Migration
from botdesk.store.transaction import Transaction
from botdesk.testing import NOON, Clock, open_desk
from botdesk.tokens import Token
from botdesk.verification import Asked
from tests.public_keys import ADAS, BENS
from tests.raw import raw as raw

LATER = NOON + timedelta(days=30)
"""When the house is furnished and everybody has moved in."""

Row = tuple[Any, ...]

T = TypeVar("T")


def furnish(store: str | Path) -> None:
    """Make the store of a desk that has been in use for a month."""
    clock = Clock()
    with open_desk(store, clock=clock) as desk:
        _invite(desk, clock)
        _create(desk, clock)
        _issue(desk, clock)
        _share(desk, clock)
        _dismiss(desk, clock)
        _migrate(desk, clock)
        _try_in_vain(desk, clock)
        desk.run(use, "active")


def _invite(desk: Desk, clock: Clock) -> None:
    for name, standing in (("bea", "admin"), ("ben", "member"), ("cleo", "auditor"), ("dan", "member")):
        clock.forward(timedelta(hours=1))
        desk.run(people.add, name, full_name=f"{name.title()} Doe", standing=Standing(standing))
    desk.run(people.disable, "dan")
    desk.run(keys.add, "ben", BENS)
    with desk.begin(actor="bea") as tx:
        keys.add(tx, "dan", ADAS, comment="dan's \u2713")
    desk.run(roles.create, "platform", description="who runs the machines")
    desk.run(roles.create, "data-ops", scopes="catalog:read")
    desk.run(roles.create, "night-shift")
    desk.run(roles.modify, "platform", scopes="catalog:read deploy:write")
    desk.run(roles.add_member, "platform", "ben")
    desk.run(roles.add_member, "platform", "dan")
    clock.forward(timedelta(minutes=1))
    desk.run(roles.add_member, "night-shift", "ben")


def _create(desk: Desk, clock: Clock) -> None:
    clock.forward(timedelta(days=1))
    desk.run(accounts.create, "nightly-build", purpose=Purpose.CI, scopes="catalog:read deploy:write")
    desk.run(accounts.create, "metrics-ingest", purpose=Purpose.METRICS, description="CPU and memory, each minute")
    desk.run(accounts.create, "old-hook", purpose=Purpose.WEBHOOK)
    desk.run(accounts.create, "claude-bot", purpose=Purpose.AGENT)
    clock.forward(timedelta(days=1))
    desk.run(accounts.modify, "metrics-ingest", scopes="metrics:write", rotation=timedelta(days=30))
    desk.run(accounts.disable, "metrics-ingest", reason="too noisy")


def _issue(desk: Desk, clock: Clock) -> None:
    for label in ("active", "aged", "revoked", "replaced", "spare"):
        clock.forward(timedelta(hours=1))
        issue(desk, "nightly-build", label)
    issue(desk, "nightly-build", "expired", lifetime=timedelta(days=2))
    issue(desk, "nightly-build", "endless", never=True)
    issue(desk, "old-hook", "hook")
    desk.run(tokens.issue, "nightly-build", "pending")
    clock.forward(timedelta(days=5))
    desk.run(use, "active")
    desk.run(_revoke, "revoked")
    desk.run(use, "revoked")
    deliver(desk, desk.run(_rotate, "replaced", "replacement"))
    desk.run(_rotate, "aged", "waiting")
    desk.run(accounts.remove, "old-hook", reason="the integration is gone")


def _share(desk: Desk, clock: Clock) -> None:
    clock.forward(timedelta(days=1))
    desk.run(grants.give, "nightly-build", "role:platform", Level.OPERATE)
    desk.run(grants.give, "nightly-build", "role:night-shift", Level.VIEW)
    desk.run(grants.give, "nightly-build", "person:ben", Level.VIEW)
    desk.run(grants.give, "metrics-ingest", "person:ben", Level.VIEW)
    desk.run(grants.give, "metrics-ingest", "person:ben", Level.MANAGE)
    desk.run(grants.give, "claude-bot", "role:data-ops", Level.MANAGE)
    desk.run(grants.withdraw, "claude-bot", "role:data-ops")


def _dismiss(desk: Desk, clock: Clock) -> None:
    clock.forward(timedelta(days=1))
    for found in desk.ask(advice.listed):
        if found.finding.kind in (Kind.LEFT_IN_ROLE, Kind.PENDING):
            clock.forward(timedelta(minutes=1))
            desk.run(advice.dismiss, found.id, reason=f"not now: {found.finding.kind}")
    desk.run(dismiss_and_recall)


def dismiss_and_recall(tx: Transaction) -> None:
    found = next(advice.every(tx, "nightly-build"))
    advice.dismiss(tx, found.id, reason="a slip")
    advice.recall(tx, found.id)


def _migrate(desk: Desk, clock: Clock) -> None:
    """One migration in each state: `open` may be ended any moment, and `blank` is only begun."""
    clock.forward(timedelta(days=1))
    for what in ("revoked", "by hand", "resting", "given up", "open", "blank"):
        clock.forward(timedelta(minutes=1))
        desk.run(
            migration.start, "claude-bot", f"job {what}", owner="ben", place=f"host {what}", platform=Platform.CRON
        )
    for what in ("revoked", "open"):
        desk.run(register, f"job {what}", f"somebody-else's-token-{what}")
        desk.run(_migrating, migration.accept, f"job {what}", until=clock.now + timedelta(days=60))
        deliver(desk, desk.run(_migrating, migration.issue, f"job {what}").token.id)
        desk.run(show_old, f"job {what}")
    desk.run(_migrating, migration.revoke, "job revoked", anyway=True)
    desk.run(show_old, "job revoked")
    desk.run(_migrating, migration.confirm, "job by hand", how="deleted at the forge", anyway=True)
    desk.run(_migrating, migration.pause, "job resting")
    desk.run(_migrating, migration.cancel, "job given up")


def moving(tx: Transaction, what: str) -> Migration:
    """The migration of that integration."""
    return tx.session.exec(select(Migration).where(Migration.what == what)).one()


def _migrating(tx: Transaction, act: Callable[..., T], what: str, /, **how: Any) -> T:
    return act(tx, moving(tx, what).id, **how)


def register(tx: Transaction, what: str, secret: str) -> None:
    migration.register(tx, moving(tx, what).id, Secret(secret))


def show_old(tx: Transaction, what: str) -> None:
    """Let the integration present its old token."""
    personal.note(tx, moving(tx, what).id, Asked(address="10.0.0.8"))


def begin_moving(tx: Transaction) -> None:
    """Begin a migration, let the old token count, and take that back."""
    began = migration.start(tx, "claude-bot", "another job", owner="ben")
    migration.issue(tx, began.id)
    migration.register(tx, began.id, Secret("yet-another-token-0123"))
    migration.accept(tx, began.id)
    migration.close(tx, began.id)


def rest_and_give_up(tx: Transaction) -> None:
    """Pause a migration, resume it, and cancel it."""
    for act in (migration.pause, migration.resume, migration.cancel):
        act(tx, moving(tx, "job blank").id)


def end_old(tx: Transaction, end: Callable[..., Any], **how: Any) -> None:
    """End the old token of a migration, and have it presented again."""
    end(tx, moving(tx, "job open").id, anyway=True, **how)
    show_old(tx, "job open")


def _try_in_vain(desk: Desk, clock: Clock) -> None:
    clock.now = LATER
    try:
        with desk.begin(actor="ben") as tx:
            accounts.disable(tx, "nightly-build", reason="I want to")
    except AccessDenied:
        return
    raise AssertionError("ben was let through")


def issue(desk: Desk, account: str, label: str, **how: Any) -> str:
    """Issue a token and hand it over; gives its lookup id."""
    made = desk.run(tokens.issue, account, label, **how).token.id
    deliver(desk, made)
    return made


def deliver(desk: Desk, token_id: str) -> None:
    desk.run(tokens.deliver, token_id, to="file:/run/secret")


def token(tx: Transaction, label: str) -> Token:
    """The token with that label."""
    return tx.session.exec(select(Token).where(Token.label == label)).one()


def use(tx: Transaction, label: str) -> None:
    """Let a bot use its token."""
    used = token(tx, label)
    verification.note(tx, used.id, Asked(address="10.0.0.7"))


def _revoke(tx: Transaction, label: str) -> None:
    tokens.revoke(tx, token(tx, label).id, reason="seen in a log")


def _rotate(tx: Transaction, label: str, successor: str) -> str:
    return tokens.rotate(tx, token(tx, label).id, label=successor).token.id


def tables(store: str | Path) -> list[str]:
    """The names of all tables of a store."""
    with raw(store) as connection:
        return connection.tables()


def contents(store: str | Path) -> dict[str, list[Row]]:
    """Every row of every table, as the store keeps it."""
    with raw(store) as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(f'SELECT * FROM "{name}"')), key=repr)
            for name in connection.tables()
        }


@contextmanager
def tampering(store: str | Path) -> Iterator[Callable[..., Any]]:
    """Take the triggers out of force, hand out `execute`, and put the triggers back."""
    with raw(store) as connection, connection.unguarded():
        yield connection.execute


def rewrite(store: str | Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change events and chain them anew, as somebody who knows botdesk can."""
    with tampering(store) as sql:
        previous = GENESIS
        for sequence in range(1, sql("SELECT max(sequence) FROM event").fetchone()[0] + 1):
            event = change(as_mapping(sql, "event", f"sequence = {sequence}"))
            del event["hash"], event["previous"]
            link = chained(previous, event)
            new = event | {"previous": previous, "hash": link}
            to = ", ".join(f'"{name}" = ?' for name in new)
            sql(f"UPDATE event SET {to} WHERE sequence = {sequence}", tuple(new.values()))
            previous = link


def as_mapping(sql: Callable[..., Any], table: str, where: str) -> dict[str, Any]:
    """One row, by the names of its columns."""
    found = sql(f'SELECT * FROM "{table}" WHERE {where}')
    return dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))
