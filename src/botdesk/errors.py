"""What can go wrong, and what to try then.

    BotdeskError(message, *, hint="")
    ├── InvalidInput        a value that cannot be taken as it is
    ├── NotFound            not there, or not yours: the same answer
    ├── Conflict            it clashes with what is there now
    ├── AccessDenied        you may not; recorded in the audit
    ├── InvalidToken        RFC 6750 §3.1 invalid_token
    ├── InsufficientScope   RFC 6750 §3.1 insufficient_scope
    ├── HandoffFailed       nothing took the secret
    ├── AuditBroken         the chain does not verify
    └── StoreError          the store cannot be read or written
        ├── SchemaMismatch  the store is of another schema
        └── Overloaded      too much is asked at once; try again

Messages are lower case, without a full stop, with names quoted; the hint says what to try.
"""


class BotdeskError(Exception):
    """The root of every error that botdesk raises on purpose.

    Args:
        message: What went wrong, lower case, without a full stop.
        hint: What to try; empty when there is nothing to say.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(BotdeskError):
    """A value that cannot be taken as it is."""


class NotFound(BotdeskError):
    """It is not there, or it is out of the asker's reach: one answer for both."""


class Conflict(BotdeskError):
    """The work clashes with what is there now."""


class AccessDenied(BotdeskError):
    """The actor may not do this; the denial is in the audit."""


class InvalidToken(BotdeskError):
    """The presented token is expired, revoked, malformed or unknown (RFC 6750 §3.1)."""


class InsufficientScope(BotdeskError):
    """The presented token lacks a scope that the request needs (RFC 6750 §3.1)."""


class HandoffFailed(BotdeskError):
    """Nothing took the secret."""


class AuditBroken(BotdeskError):
    """The audit chain does not verify."""


class StoreError(BotdeskError):
    """The store cannot be read or written."""


class SchemaMismatch(StoreError):
    """The store is of a schema that this program does not know."""


class Overloaded(StoreError):
    """More is asked at once than this process takes on; the same will do a moment later."""
