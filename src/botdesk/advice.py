"""Advice: what is not as it should be on the desk, in one list with what mends each; a line can be dismissed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from sqlmodel import col, select

from botdesk import access, accounts, audit, condition, upkeep, wording
from botdesk.access import Action
from botdesk.errors import Conflict, InvalidInput, NotFound
from botdesk.finding import Finding as Finding
from botdesk.finding import Kind as Kind
from botdesk.finding import Mend as Mend
from botdesk.finding import Severity as Severity
from botdesk.finding import command, rank
from botdesk.store.tables import Account
from botdesk.store.tables import Dismissal as Dismissal
from botdesk.store.transaction import Transaction

DISMISSED_FOR: Final = timedelta(days=30)
LONGEST_DISMISSAL: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Advice:
    """A finding as a list shows it.

    Attributes:
        id: What it is called when it is dismissed; the same as long as it is about the same thing.
        finding: What was found.
        command: The command that mends it.
        dismissal: By whom, why and until when it was dismissed; None when it was not.
    """

    id: str
    finding: Finding
    command: str
    dismissal: Dismissal | None = None


@dataclass(frozen=True, slots=True)
class Badge:
    """How much advice there is on an account, and the worst of it."""

    count: int
    worst: Severity


def every(tx: Transaction, account: str | None = None, *, dismissed: bool = False) -> Iterator[Advice]:
    """Go through the advice on the accounts in the actor's reach, account by account in the order of their names.

    Args:
        tx: The transaction.
        account: The only account that matters, by name or id.
        dismissed: What was dismissed, too.

    Raises:
        NotFound: There is no such account in reach.
    """
    only = None if account is None else [accounts.find(tx, account).id]
    return _every(tx, only, dismissed=dismissed)


def _every(tx: Transaction, only: Sequence[str] | None, *, dismissed: bool) -> Iterator[Advice]:
    held = _dismissals(tx)
    for finding in _findings(tx, only):
        found = _advice(finding, held)
        if dismissed or found.dismissal is None:
            yield found


def _findings(tx: Transaction, only: Sequence[str] | None) -> Iterator[Finding]:
    for found in condition.every(tx, only):
        yield from upkeep.findings(found, tx.now)
    if only is None:
        yield from (upkeep.left_in_role(role, person) for role, person in condition.left_in_roles(tx))


def _advice(finding: Finding, held: dict[str, Dismissal]) -> Advice:
    name = identity(finding)
    return Advice(name, finding, command(finding), held.get(name))


def listed(tx: Transaction, account: str | None = None, *, dismissed: bool = False) -> list[Advice]:
    """The advice on the accounts in the actor's reach, the worst first.

    Args:
        tx: The transaction.
        account: The only account that matters, by name or id.
        dismissed: What was dismissed, too.

    Raises:
        NotFound: There is no such account in reach.
    """
    return sorted(every(tx, account, dismissed=dismissed), key=lambda advice: rank(advice.finding))


def badges(tx: Transaction, account_ids: Sequence[str]) -> dict[str, Badge]:
    """How much advice there is on each of a few accounts, by id; accounts without any are left out."""
    found: dict[str, list[Finding]] = {}
    for advice in _every(tx, account_ids, dismissed=False):
        found.setdefault(advice.finding.account_id, []).append(advice.finding)
    return {account: Badge(len(findings), min(findings, key=rank).severity) for account, findings in found.items()}


def identity(finding: Finding) -> str:
    """What a finding is called: the same as long as it is about the same thing."""
    told = (finding.kind.value, finding.mend.value, finding.account_id, finding.token_id, finding.about)
    return blake2b("\0".join(told).encode(), digest_size=6).hexdigest()


def dismiss(
    tx: Transaction, advice_id: str, *, reason: str, until: datetime | None = None, account: str | None = None
) -> Dismissal:
    """Hide a line of advice from everybody until a date.

    Args:
        tx: The transaction.
        advice_id: What the list calls it.
        reason: Why nothing is to be done about it.
        until: When it comes back; in `DISMISSED_FOR` by default.
        account: The account that it is about, when that is known: it is found sooner.

    Raises:
        AccessDenied: The actor may not manage the account; for advice about no account, is no admin.
        InvalidInput: There is no reason, or the date is not ahead or too far.
        NotFound: There is no such advice in reach.
    """
    finding = find(tx, advice_id, account=account).finding
    about = tx.session.get_one(Account, finding.account_id) if finding.account_id else None
    audit.require(tx, Action.ADVICE_DISMISSED, about, kind=finding.kind.value)
    row = tx.session.get(Dismissal, advice_id) or Dismissal(
        id=advice_id,
        kind=finding.kind.value,
        account_id=finding.account_id or None,
        token_id=finding.token_id or None,
        about=finding.about,
        **_said(tx, reason, until),
    )
    for name, value in _said(tx, reason, until).items():
        setattr(row, name, value)
    audit.record(
        tx,
        Action.ADVICE_DISMISSED,
        row,
        account=about,
        kind=finding.kind.value,
        label=finding.label or None,
        about=finding.about or None,
        reason=row.reason,
        until=row.until.isoformat(timespec="seconds"),
    )
    return row


def _said(tx: Transaction, reason: str, until: datetime | None) -> dict[str, Any]:
    until = tx.now + DISMISSED_FOR if until is None else until
    if not tx.now < until <= tx.now + LONGEST_DISMISSAL:
        raise InvalidInput("the date is not ahead, or too far", hint="use at most a year, as in 30d or 2027-01-31")
    return {
        "reason": wording.clean(reason, "reason", longest=200, required=True),
        "until": until,
        "dismissed_at": tx.now,
        "dismissed_by": tx.actor.id,
    }


def find(tx: Transaction, advice_id: str, *, account: str | None = None) -> Advice:
    """Find a line of advice by its id, dismissed or not.

    Raises:
        NotFound: There is no such advice in reach: it may have been mended.
    """
    found = next((advice for advice in every(tx, account, dismissed=True) if advice.id == advice_id), None)
    if found is None:
        if account is None:
            _deny_hidden(tx, advice_id)
        raise NotFound(f"there is no advice {advice_id[:20]!r}", hint="'botdesk advice' shows what there is")
    return found


def _deny_hidden(tx: Transaction, advice_id: str) -> None:
    """Leave word of it if there is such advice, out of the actor's reach."""
    everywhere = _findings(replace(tx, actor=access.SYSTEM), None)
    hidden = next((finding for finding in everywhere if identity(finding) == advice_id), None)
    if hidden is not None:
        about = tx.session.get_one(Account, hidden.account_id) if hidden.account_id else None
        audit.deny(tx, Action.ADVICE_DISMISSED, about, kind=hidden.kind.value)


def recall(tx: Transaction, advice_id: str) -> None:
    """Show a line of advice again that was dismissed.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: It was not dismissed.
        NotFound: There is no such dismissal in reach.
    """
    row = tx.session.get(Dismissal, advice_id)
    about = tx.session.get_one(Account, row.account_id) if row is not None and row.account_id else None
    hidden = about is not None and not audit.may(tx, Action.ACCOUNT_VIEWED, about)
    if row is None or hidden:
        if hidden:
            audit.deny(tx, Action.ACCOUNT_VIEWED, about)
        raise NotFound(
            f"no advice {advice_id[:20]!r} was dismissed", hint="'botdesk advice --dismissed' shows which was"
        )
    audit.require(tx, Action.ADVICE_RECALLED, about, kind=row.kind)
    if row.until <= tx.now:
        raise Conflict("it is shown again already", hint="there is nothing to do")
    audit.record(tx, Action.ADVICE_RECALLED, row, account=about, gone=True, kind=row.kind)


def _dismissals(tx: Transaction) -> dict[str, Dismissal]:
    rows = tx.session.exec(select(Dismissal).where(col(Dismissal.until) > tx.now)).all()
    return {row.id: row for row in rows}
