"""The ledger of a batch of verdicts: an event for each, and what it changes on the token's row."""

import re
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import bindparam, update

from botdesk import audit, bearer, seen, wording
from botdesk import scopes as scope_words
from botdesk.access import Action, ActorKind
from botdesk.store.digest import digest, table_of
from botdesk.store.lookup import Row
from botdesk.store.tables import Outcome, Token, to_text
from botdesk.store.transaction import Transaction
from botdesk.verdict import Answer, Asked, Refusal, Use


class Ledger:
    """The events of one batch and the tokens that it changes."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._at = to_text(tx.now)
        self._events: list[dict[str, Any]] = []
        self._rows: dict[str, dict[str, Any]] = {}
        self._digests: dict[str, str] = {}
        self._touched: set[str] = set()

    def note(self, row: Row, answer: Answer, use: Use) -> None:
        """Note a verdict, and on the token's row what it was like."""
        before = self._digest(row)
        source = cleaned(use.asked.address, 64) or self._tx.source
        accepted = answer.refusal is None
        self._touch(row, self._changed(self._rows[row.id], answer, use, source))
        self._events.append(
            {
                "at": self._at,
                "actor_kind": ActorKind.ACCOUNT.value,
                "actor_id": row.account_id,
                "actor": row.account,
                "action": (Action.TOKEN_USED if accepted else Action.TOKEN_REFUSED).value,
                "account_id": row.account_id,
                "account": row.account,
                "outcome": (Outcome.DONE if accepted else Outcome.DENIED).value,
                "source": source,
                "detail": _detail(row.label, answer.refusal, answer.missing, use.asked, use.count, use.at),
                "subject_kind": "token",
                "subject_id": row.id,
                "before": before,
                "after": self._digests[row.id],
            }
        )

    def _digest(self, row: Row) -> str:
        if row.id not in self._digests:
            self._rows[row.id] = row.token()
            self._digests[row.id] = digest("token", self._rows[row.id])
        return self._digests[row.id]

    def _changed(self, values: dict[str, Any], answer: Answer, use: Use, source: str) -> dict[str, str]:
        """What a verdict changes on the token's row."""
        at = use.at or self._at
        day = at[:10]
        if answer.refusal is None:
            first = values["first_used_at"] or at
            like = seen.used(values["seen"], day, source, use.asked.scopes)
            last = {"last_used_at": at, "last_used_from": source} if at >= (values["last_used_at"] or "") else {}
            return {**last, "first_used_at": first, "seen": like}
        refused = {
            "last_refused_at": self._at,
            "last_refused_from": source,
            "last_refused_reason": answer.refusal.value,
        }
        return refused | ({"seen": seen.lacked(values["seen"], day, answer.missing)} if answer.missing else {})

    def _touch(self, row: Row, changed: dict[str, str]) -> None:
        values = self._rows[row.id]
        if any(values[name] != value for name, value in changed.items()):
            values |= changed
            self._digests[row.id] = digest("token", values)
            self._touched.add(row.id)

    def write(self) -> None:
        """Write the rows and their events."""
        connection = self._tx.session.connection()
        if self._touched:
            connection.execute(_TOUCH, [_touch_of(self._rows[token_id]) for token_id in sorted(self._touched)])
        if self._events:
            audit.append(self._tx, self._events)


_TOKEN: Final = table_of(Token)
_TOUCHED: Final = (
    *("last_used_at", "last_used_from", "first_used_at"),
    *("last_refused_at", "last_refused_from", "last_refused_reason", "seen"),
)
"""The columns of a token that its uses change."""

_TOUCH: Final = (
    update(_TOKEN)
    .where(_TOKEN.c.id == bindparam("token_id"))
    .values({name: bindparam(f"new_{name}", type_=_TOKEN.c.id.type) for name in _TOUCHED})
)


def _touch_of(values: dict[str, Any]) -> dict[str, Any]:
    return {"token_id": values["id"], **{f"new_{name}": values[name] for name in _TOUCHED}}


@lru_cache(maxsize=4096)
def _detail(
    label: str, refusal: Refusal | None, missing: frozenset[str], asked: Asked, count: int, last_at: str | None
) -> str:
    return audit.written(
        {
            "label": label,
            "reason": None if refusal is None else refusal.value,
            **told(asked, missing),
            "count": count if count > 1 and refusal is None else None,
            "last_at": last_at,
        }
    )


def told(asked: Asked, missing: frozenset[str]) -> dict[str, str | None]:
    """What an event says of what a token was presented for, and of the scopes that it lacks."""
    return {
        "method": cleaned(asked.method, 16) if asked.method else None,
        "path": cleaned(asked.path, 200) if asked.path else None,
        "scopes": scope_words.format(asked.scopes) if asked.scopes else None,
        "missing": scope_words.format(missing) if missing else None,
        "by": asked.by,
    }


@lru_cache(maxsize=4096)
def cleaned(text: str, longest: int) -> str:
    """What a client said, made fit for the record: no query, no token, nothing unseen, not longer than that."""
    return wording.visible(bearer.redacted(_QUERY.sub("", text)))[:longest]


_QUERY: Final = re.compile(r"[?#].*", re.DOTALL)
