"""Times turned into sequences, so that whatever finds events by sequence finds them by time as well.

Events come in the order of their times, but for a clock that was wrong. So the bounds are not taken from neighbours:
they are the first and the last sequence of all days that count, each day by one look into the index of days.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlmodel import Session

from botdesk.store.tables import to_text

_BOUND: Final = """
WITH RECURSIVE day(d) AS (
  SELECT (SELECT substr(at, 1, 10) FROM event WHERE substr(at, 1, 10) {first} :day ORDER BY 1 {order} LIMIT 1)
  UNION ALL
  SELECT (SELECT substr(at, 1, 10) FROM event WHERE substr(at, 1, 10) {beyond} d ORDER BY 1 {order} LIMIT 1)
  FROM day WHERE d IS NOT NULL
)
SELECT {most}((SELECT sequence FROM event WHERE substr(at, 1, 10) = d ORDER BY sequence {order} LIMIT 1))
FROM day WHERE d IS NOT NULL
"""
_LAST: Final = text(_BOUND.format(first="<=", beyond="<", order="DESC", most="max"))
_FIRST: Final = text(_BOUND.format(first=">=", beyond=">", order="ASC", most="min"))


def last_before(session: Session, until: datetime) -> int:
    """A sequence after which no event is from before an instant."""
    return _found(session, _LAST, until) or 0


def first_since(session: Session, since: datetime) -> int | None:
    """A sequence before which no event is from an instant on; None when there is no event since the day of it."""
    return _found(session, _FIRST, since)


def _found(session: Session, bound: object, instant: datetime) -> int | None:
    found: int | None = session.connection().execute(bound, {"day": to_text(instant)[:10]}).scalar()  # type: ignore[call-overload]
    return found
