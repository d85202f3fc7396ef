"""Migrations: from somebody's personal token to a service account's own, in four steps that are proved.

To run one takes `manage` on the account. The owner of the old token may see it, register that token, and end it,
whatever they have on the account. What the gate does with a registered token is in `botdesk.personal`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, select

from botdesk import accounts, audit, bearer, people, stages, tokens, wording
from botdesk.access import Action
from botdesk.bearer import Secret
from botdesk.errors import Conflict, InvalidInput
from botdesk.recipes import Platform
from botdesk.store.tables import Account, Token
from botdesk.store.tables import Migration as Migration
from botdesk.store.transaction import Transaction
from botdesk.underway import PREFIX as PREFIX
from botdesk.underway import Line as Line
from botdesk.underway import View as View
from botdesk.underway import facts_of, find_for, latest, least
from botdesk.underway import line as line
from botdesk.underway import listed as listed
from botdesk.underway import view as view

ACCEPTED_FOR: Final = timedelta(days=14)
LONGEST_ACCEPTANCE: Final = timedelta(days=90)


def destination(tx: Transaction, name: str) -> Account | None:
    """The account of this name in the actor's reach; None when there is none, and one may be made."""
    found = tx.session.exec(select(Account).where(Account.name == name, col(Account.removed_at).is_(None))).first()
    return found if found is not None and audit.may(tx, Action.ACCOUNT_VIEWED, found) else None


def start(
    tx: Transaction, account_id: str, what: str, *, owner: str, place: str = "", platform: Platform = Platform.OTHER
) -> Migration:
    """Begin to move an integration to a service account.

    Args:
        tx: The transaction.
        account_id: The account's id or name.
        what: What the integration is.
        owner: The name of the person whose personal token it runs on.
        place: Where it is: a repository, a host, a job.
        platform: Where it runs.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: The account is disabled or removed.
        InvalidInput: A text cannot be taken.
        NotFound: There is no such account in reach, or no such person.
    """
    account = accounts.find(tx, account_id)
    audit.require(tx, Action.MIGRATION_STARTED, account, what=what[:64], owner=owner[:64])
    tokens.refuse_idle(account)
    person = people.find(tx, owner)
    row = Migration(
        id=tx.new_id("mig"),
        account_id=account.id,
        owner_id=person.id,
        what=wording.clean(what, "integration", longest=80, required=True),
        place=wording.clean(place, "place", longest=200),
        platform=Platform(platform),
        started_at=tx.now,
        started_by=tx.actor.id,
        run_by=tx.actor.id,
    )
    audit.record(tx, Action.MIGRATION_STARTED, row, account=account, what=row.what, owner=person.name)
    return row


def issue(
    tx: Transaction,
    migration_id: str,
    *,
    label: str | None = None,
    lifetime: timedelta | None = None,
    never: bool = False,
    scopes: str | Iterable[str] | None = None,
) -> tokens.Issued:
    """Issue the new token, as `tokens.issue` does; the label is by default what the integration is.

    Its scopes are by default the least: what the uses of the old token asked for. While none is known to have asked for
    any, they are all of the account's.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: There is a new token that works, or the migration is paused or over.
        InvalidInput: A value cannot be taken.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.MIGRATION_EQUIPPED)
    before = latest(tx, tx.session.get(Token, row.token_id) if row.token_id else None)
    if before is not None and tokens.state(before, tx.now) in tokens.LIVE:
        raise Conflict(f"the new token {before.label!r} works already", hint="rotate it, or revoke it first")
    if before is not None and tokens.state(before, tx.now) is tokens.TokenState.PENDING:
        tokens.end_now(tx, account, before, "never handed over")
    fitting = (least(tx, row, account) or None) if scopes is None else scopes
    how: dict[str, Any] = {"lifetime": lifetime, "never": never, "scopes": fitting}
    issued = tokens.issue(tx, account.id, row.what if label is None else label, **how)
    row.token_id = issued.token.id
    _record(tx, Action.MIGRATION_EQUIPPED, row, account, label=issued.token.label)
    return issued


def register(tx: Transaction, migration_id: str, secret: Secret) -> Migration:
    """Have the desk know the old personal token: only a keyed digest is kept, and it is not accepted by that.

    Raises:
        AccessDenied: The actor neither owns it nor may manage the account.
        Conflict: It is registered already, or the migration is paused or over.
        InvalidInput: It cannot be a personal token.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.PERSONAL_TOKEN_REGISTERED)
    if wrong := bearer.unlike_personal(secret):
        raise InvalidInput(f"that is not taken for a personal token: {wrong}", hint="paste it whole, and nothing else")
    known = bearer.known_by(secret, tokens.mint_key(tx))
    if tx.session.exec(select(Migration.id).where(Migration.digest == known)).first():
        raise Conflict("that personal token is registered already", hint="'botdesk migration list' shows which are")
    row.digest, row.registered_at, row.registered_by, row.accept_until = known, tx.now, tx.actor.id, None
    _record(tx, Action.PERSONAL_TOKEN_REGISTERED, row, account)
    return row


def accept(tx: Transaction, migration_id: str, *, until: datetime | None = None) -> Migration:
    """Let the registered token count as the account's until a date, in `ACCEPTED_FOR` by default.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: No token is registered, or the migration is paused or over.
        InvalidInput: The date is not ahead, or further than `LONGEST_ACCEPTANCE`.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.MIGRATION_OPENED)
    if row.digest is None:
        raise Conflict("the desk does not know the old token", hint=f"botdesk migration register {row.id}")
    until = tx.now + ACCEPTED_FOR if until is None else until
    if not tx.now < until <= tx.now + LONGEST_ACCEPTANCE:
        raise InvalidInput("the date is not ahead, or too far", hint="use at most 90d, as in 14d or 2027-01-31")
    row.accept_until = until
    _record(tx, Action.MIGRATION_OPENED, row, account, until=until.isoformat(timespec="minutes"))
    return row


def close(tx: Transaction, migration_id: str) -> Migration:
    """Let the registered token count as the account's no more; it stays known.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: It is not accepted, or the migration is over.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.MIGRATION_CLOSED, paused=True)
    if row.accept_until is None:
        raise Conflict("the old token is not accepted", hint="there is nothing to do")
    row.accept_until = None
    _record(tx, Action.MIGRATION_CLOSED, row, account)
    return row


def revoke(tx: Transaction, migration_id: str, *, anyway: bool = False) -> Migration:
    """End the registered token: the gate refuses it from the next request on, and records each further try.

    Args:
        tx: The transaction.
        migration_id: The migration's id.
        anyway: Even if the new token was not seen yet, or the old one was used lately.

    Raises:
        AccessDenied: The actor neither owns it nor may manage the account.
        Conflict: It is not registered, it is too early, or the migration is paused or over.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.PERSONAL_TOKEN_REVOKED)
    if row.digest is None:
        raise Conflict(
            "the desk does not know the old token",
            hint=f"revoke it where it is from, then: botdesk migration confirm {row.id} --how …",
        )
    _refuse_early(tx, row, account, anyway=anyway)
    row.ended_at, row.ended_by = tx.now, tx.actor.id
    _record(tx, Action.PERSONAL_TOKEN_REVOKED, row, account)
    return row


def confirm(tx: Transaction, migration_id: str, *, how: str, anyway: bool = False) -> Migration:
    """Confirm by hand that the old token was ended where it is from.

    Args:
        tx: The transaction.
        migration_id: The migration's id.
        how: Where and how it was ended.
        anyway: Even if the new token was not seen yet, or the old one was used lately.

    Raises:
        AccessDenied: The actor neither owns it nor may manage the account.
        Conflict: It is too early, or the migration is paused or over.
        InvalidInput: It is not said how.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.PERSONAL_TOKEN_CONFIRMED)
    how = wording.clean(how, "way it was ended", longest=200, required=True)
    _refuse_early(tx, row, account, anyway=anyway)
    row.ended_at, row.ended_by, row.ended_how = tx.now, tx.actor.id, how
    _record(tx, Action.PERSONAL_TOKEN_CONFIRMED, row, account, reason=how)
    return row


def _refuse_early(tx: Transaction, row: Migration, account: Account, *, anyway: bool) -> None:
    if not anyway and (why := stages.unready(facts_of(tx, row, account), tx.now)):
        raise Conflict(why, hint="wait, look where it is used, or end it anyway: --force")


def pause(tx: Transaction, migration_id: str) -> Migration:
    """Let a migration rest: what is accepted stays accepted until its date, and nothing else is done.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: It is paused or over.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.MIGRATION_PAUSED)
    row.paused_at = tx.now
    _record(tx, Action.MIGRATION_PAUSED, row, account)
    return row


def resume(tx: Transaction, migration_id: str) -> Migration:
    """Go on with a paused migration; whoever resumes it runs it from then on.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: It is not paused, or over.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.MIGRATION_RESUMED, paused=True)
    if row.paused_at is None:
        raise Conflict("the migration is not paused", hint="there is nothing to do")
    row.paused_at, row.run_by = None, tx.actor.id
    _record(tx, Action.MIGRATION_RESUMED, row, account)
    return row


def cancel(tx: Transaction, migration_id: str) -> Migration:
    """Give a migration up: account and new token stay as they are, and the desk forgets the old token.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: It is over.
        NotFound: There is no such migration in reach.
    """
    row, account = _going(tx, migration_id, Action.MIGRATION_CANCELLED, paused=True)
    row.cancelled_at, row.digest, row.accept_until = tx.now, None, None
    _record(tx, Action.MIGRATION_CANCELLED, row, account)
    return row


def _record(tx: Transaction, action: Action, row: Migration, account: Account, **detail: Any) -> None:
    owner = people.names(tx).get(row.owner_id)
    audit.record(tx, action, row, account=account, what=row.what, owner=owner, **detail)


def _going(tx: Transaction, migration_id: str, action: Action, *, paused: bool = False) -> tuple[Migration, Account]:
    """Find a migration that is not over, nor paused unless that does not matter."""
    row, account = find_for(tx, migration_id, action)
    if row.ended_at or row.cancelled_at:
        raise Conflict(f"the migration of {row.what!r} is over", hint="start another, if there is more to move")
    if row.paused_at and not paused:
        raise Conflict(f"the migration of {row.what!r} is paused", hint=f"botdesk migration resume {row.id}")
    return row, account
