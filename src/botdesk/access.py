"""Who may do what: one pure rule that every front door obeys.

The level of a person on an account is the highest of what was granted to them by name, what was
granted to their roles, and `manage` if they created it. Their standing decides the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """What a person is on the whole desk (NIST SP 800-53 AC-5)."""

    ADMIN = "admin"
    MEMBER = "member"
    AUDITOR = "auditor"


class Level(StrEnum):
    """What a person may do with one account: view < operate < manage."""

    VIEW = "view"
    OPERATE = "operate"
    MANAGE = "manage"

    @property
    def rank(self) -> int:
        """The place in the order of levels; a higher level includes the lower ones."""
        return _RANKS[self]


_RANKS = {Level.VIEW: 1, Level.OPERATE: 2, Level.MANAGE: 3}


class ActorKind(StrEnum):
    """What kind of actor does a thing (RFC 8693)."""

    PERSON = "person"
    ACCOUNT = "account"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: a person, a service account or the system itself.

    Attributes:
        kind: What kind of actor it is.
        id: The row id of the person or account; `"system"` for the system.
        name: Its name at this time.
        standing: The person's standing; None for accounts and the system.
        active: False once the person or the account is disabled.
        by: The actor who acts in this one's stead, as `ada` in `ada as ben`; None normally.
    """

    kind: ActorKind
    id: str
    name: str
    standing: Standing | None = None
    active: bool = True
    by: "Actor | None" = None

    @property
    def title(self) -> str:
        """The name that the audit shows: `ada`, or `ada as ben`."""
        return f"{self.by.name} as {self.name}" if self.by else self.name


SYSTEM = Actor(ActorKind.SYSTEM, "system", "system")


class Action(StrEnum):
    """Everything that can be done, in the words of the audit."""

    DESK_FOUNDED = "desk:founded"
    DESK_SET = "desk:set"
    DESK_BACKED_UP = "desk:backed-up"
    DESK_OPENED = "desk:opened"
    SSH_USED = "ssh:used"
    PERSON_ADDED = "person:added"
    PERSON_MODIFIED = "person:modified"
    PERSON_DISABLED = "person:disabled"
    PERSON_ENABLED = "person:enabled"
    PERSON_IMPERSONATED = "person:impersonated"
    KEY_ADDED = "key:added"
    KEY_REMOVED = "key:removed"
    KEY_VIEWED = "key:viewed"
    ROLE_CREATED = "role:created"
    ROLE_MODIFIED = "role:modified"
    ROLE_REMOVED = "role:removed"
    ROLE_MEMBER_ADDED = "role:member-added"
    ROLE_MEMBER_DROPPED = "role:member-dropped"
    ACCOUNT_VIEWED = "account:viewed"
    ACCOUNT_CREATED = "account:created"
    ACCOUNT_MODIFIED = "account:modified"
    ACCOUNT_DISABLED = "account:disabled"
    ACCOUNT_ENABLED = "account:enabled"
    ACCOUNT_REMOVED = "account:removed"
    ACCOUNT_RESTORED = "account:restored"
    ACCOUNT_HANDED_OVER = "account:handed-over"
    GRANT_GIVEN = "grant:given"
    GRANT_WITHDRAWN = "grant:withdrawn"
    TOKEN_ISSUED = "token:issued"
    TOKEN_DELIVERED = "token:delivered"
    TOKEN_ROTATED = "token:rotated"
    TOKEN_EXTENDED = "token:extended"
    TOKEN_RETIRED = "token:retired"
    TOKEN_REINSTATED = "token:reinstated"
    TOKEN_REVOKED = "token:revoked"
    TOKEN_USED = "token:used"
    TOKEN_REFUSED = "token:refused"
    TOKEN_UNKNOWN = "token:unknown"
    TOKEN_REHASHED = "token:rehashed"
    ADVICE_DISMISSED = "advice:dismissed"
    ADVICE_RECALLED = "advice:recalled"
    BULK_BEGUN = "bulk:begun"
    BULK_RESUMED = "bulk:resumed"
    BULK_ENDED = "bulk:ended"
    NOTIFY_CLAIMED = "notify:claimed"
    NOTIFY_TOLD = "notify:told"
    NOTIFY_GAVE_UP = "notify:gave-up"
    MIGRATION_STARTED = "migration:started"
    MIGRATION_EQUIPPED = "migration:equipped"
    MIGRATION_OPENED = "migration:opened"
    MIGRATION_CLOSED = "migration:closed"
    MIGRATION_PAUSED = "migration:paused"
    MIGRATION_RESUMED = "migration:resumed"
    MIGRATION_CANCELLED = "migration:cancelled"
    PERSONAL_TOKEN_REGISTERED = "personal-token:registered"
    PERSONAL_TOKEN_REVOKED = "personal-token:revoked"
    PERSONAL_TOKEN_CONFIRMED = "personal-token:confirmed"
    PERSONAL_TOKEN_USED = "personal-token:used"
    PERSONAL_TOKEN_REFUSED = "personal-token:refused"
    AUDIT_VIEWED = "audit:viewed"
    AUDIT_EXPORTED = "audit:exported"
    AUDIT_ARCHIVED = "audit:archived"


ON_ACCOUNT = {
    Action.ACCOUNT_VIEWED: Level.VIEW,
    Action.ACCOUNT_MODIFIED: Level.MANAGE,
    Action.ACCOUNT_DISABLED: Level.MANAGE,
    Action.ACCOUNT_ENABLED: Level.MANAGE,
    Action.ACCOUNT_REMOVED: Level.MANAGE,
    Action.ACCOUNT_RESTORED: Level.MANAGE,
    Action.ADVICE_DISMISSED: Level.MANAGE,
    Action.ADVICE_RECALLED: Level.MANAGE,
    Action.GRANT_GIVEN: Level.MANAGE,
    Action.GRANT_WITHDRAWN: Level.MANAGE,
    Action.MIGRATION_STARTED: Level.MANAGE,
    Action.MIGRATION_EQUIPPED: Level.MANAGE,
    Action.MIGRATION_OPENED: Level.MANAGE,
    Action.MIGRATION_CLOSED: Level.MANAGE,
    Action.MIGRATION_PAUSED: Level.MANAGE,
    Action.MIGRATION_RESUMED: Level.MANAGE,
    Action.MIGRATION_CANCELLED: Level.MANAGE,
    Action.PERSONAL_TOKEN_REGISTERED: Level.MANAGE,
    Action.PERSONAL_TOKEN_REVOKED: Level.MANAGE,
    Action.PERSONAL_TOKEN_CONFIRMED: Level.MANAGE,
    Action.TOKEN_ISSUED: Level.OPERATE,
    Action.TOKEN_DELIVERED: Level.OPERATE,
    Action.TOKEN_ROTATED: Level.OPERATE,
    Action.TOKEN_EXTENDED: Level.OPERATE,
    Action.TOKEN_RETIRED: Level.OPERATE,
    Action.TOKEN_REINSTATED: Level.OPERATE,
    Action.TOKEN_REVOKED: Level.OPERATE,
}
"""The level on the account that each action on an account needs."""

BY_STANDING = {
    Action.DESK_OPENED: frozenset({Standing.MEMBER, Standing.AUDITOR}),
    Action.ACCOUNT_CREATED: frozenset({Standing.MEMBER}),
    Action.BULK_BEGUN: frozenset({Standing.MEMBER}),
    Action.BULK_RESUMED: frozenset({Standing.MEMBER}),
    Action.BULK_ENDED: frozenset({Standing.MEMBER}),
    Action.AUDIT_VIEWED: frozenset({Standing.MEMBER, Standing.AUDITOR}),
    Action.AUDIT_EXPORTED: frozenset({Standing.AUDITOR}),
    Action.KEY_VIEWED: frozenset({Standing.AUDITOR}),
}
"""The standings, besides admin, that an action of the whole desk is open to; any other is for admins."""

BY_ACCOUNTS = frozenset(
    {Action.TOKEN_USED, Action.TOKEN_REFUSED, Action.PERSONAL_TOKEN_USED, Action.PERSONAL_TOKEN_REFUSED}
)
"""What a service account does itself."""

ON_OWN_PERSONAL_TOKENS = frozenset(
    {Action.PERSONAL_TOKEN_REGISTERED, Action.PERSONAL_TOKEN_REVOKED, Action.PERSONAL_TOKEN_CONFIRMED}
)
"""What a person, but no auditor, does with a personal token of their own, whatever they have on the account."""

ON_OWN_TOKENS = frozenset(
    {
        Action.ACCOUNT_VIEWED,
        Action.TOKEN_ISSUED,
        Action.TOKEN_DELIVERED,
        Action.TOKEN_ROTATED,
        Action.TOKEN_REINSTATED,
        Action.TOKEN_REVOKED,
    }
)
"""What a service account does with a token of its own: end it (RFC 7009), and rotate it."""


def allows(actor: Actor, action: Action, level: Level | None = None, *, own: bool = False) -> bool:
    """Decide whether the actor may do the action.

    Args:
        actor: Who asks.
        action: What is asked.
        level: The actor's level on the account that the action is about, from `highest`; None when
            they have none, or when the action is about no account.
        own: Whether it is about a personal token of the actor's own.
    """
    if actor.kind is ActorKind.SYSTEM:
        return True
    if not actor.active:
        return False
    if actor.kind is ActorKind.ACCOUNT:
        return action in BY_ACCOUNTS or (action in ON_OWN_TOKENS and level is not None)
    if actor.standing is Standing.ADMIN:
        return action not in BY_ACCOUNTS
    needed = ON_ACCOUNT.get(action)
    if needed is None:
        return actor.standing in BY_STANDING.get(action, frozenset())
    if actor.standing is Standing.AUDITOR:
        return needed is Level.VIEW
    if own and action in ON_OWN_PERSONAL_TOKENS:
        return True
    return level is not None and level.rank >= needed.rank


def highest(levels: Iterable[Level], *, owner: bool) -> Level | None:
    """Combine what was granted by name and by role; the owner, who is its creator at first, always has `manage`."""
    if owner:
        return Level.MANAGE
    return max(levels, key=lambda level: level.rank, default=None)


def unopened(actor: Actor, wanted: Iterable[str], opened: Iterable[str]) -> frozenset[str]:
    """The scopes out of `wanted` that the actor may not put on an account.

    Args:
        actor: Who asks; an admin and the system may put any.
        wanted: The scopes that the account does not have yet.
        opened: What admins opened to the actor's roles.
    """
    if actor.kind is ActorKind.SYSTEM or actor.standing is Standing.ADMIN:
        return frozenset()
    return frozenset(wanted) - frozenset(opened)
