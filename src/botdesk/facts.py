"""Who can reach what, and why, as plain facts; and who gains and who loses when one of the facts changes.

Everything here is pure: the store hands the facts in, and a change gives new facts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from botdesk.access import Level, Standing, highest


@dataclass(frozen=True, slots=True)
class Who:
    """A person: what they are on the whole desk, and whether they may use it."""

    id: str
    name: str
    standing: Standing
    active: bool = True

    @property
    def everywhere(self) -> Level | None:
        """The level that their standing gives them on every account."""
        return {Standing.ADMIN: Level.MANAGE, Standing.AUDITOR: Level.VIEW}.get(self.standing) if self.active else None


@dataclass(frozen=True, slots=True)
class What:
    """An account, the id of the person who owns it, and whether that is who created it."""

    id: str
    name: str
    owner: str
    by_creation: bool = True


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody has a level: `creator`, `owner`, `admin`, `auditor`, `role platform` or `by name`."""

    level: Level
    why: str


@dataclass(frozen=True, slots=True)
class Reach:
    """One person's access to one account: the level that counts, and every reason, the one that counts first."""

    person: Who
    account_id: str
    account: str
    level: Level
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What access is made of, for the accounts in question.

    Attributes:
        people: People by id.
        roles: Names of roles by id.
        members: Pairs of a role's and a person's id.
        accounts: Accounts by id.
        granted: The level by the ids of an account and of its grantee, a role or a person.
    """

    people: Mapping[str, Who] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    members: frozenset[tuple[str, str]] = frozenset()
    accounts: Mapping[str, What] = field(default_factory=dict)
    granted: Mapping[tuple[str, str], Level] = field(default_factory=dict)

    def giving(self, account: str, grantee: str, level: Level | None) -> "Facts":
        """The facts once a grantee has that level on an account; None withdraws it."""
        others = {key: given for key, given in self.granted.items() if key != (account, grantee)}
        return replace(self, granted=others | ({(account, grantee): level} if level else {}))

    def joining(self, role: str, person: str) -> "Facts":
        """The facts once a person is in a role."""
        return replace(self, members=self.members | {(role, person)})

    def leaving(self, role: str, person: str) -> "Facts":
        """The facts once a person is not in a role."""
        return replace(self, members=self.members - {(role, person)})

    def without(self, role: str) -> "Facts":
        """The facts once a role is gone, and its grants with it."""
        return replace(self, granted={key: level for key, level in self.granted.items() if key[1] != role})

    def being(self, person: str, *, standing: Standing | None = None, active: bool | None = None) -> "Facts":
        """The facts once a person has another standing, or may or may not use the desk; None leaves it."""
        who = self.people[person]
        changed = replace(who, standing=standing or who.standing, active=who.active if active is None else active)
        return replace(self, people={**self.people, person: changed})

    def handing(self, account: str, person: str) -> "Facts":
        """The facts once an account is in another owner's hands."""
        handed = replace(self.accounts[account], owner=person, by_creation=False)
        return replace(self, accounts={**self.accounts, account: handed})


@dataclass(frozen=True, slots=True)
class Shift:
    """What becomes of one person's access.

    Attributes:
        person: Their name.
        account: The account's name; None for all that they reach by their standing alone.
        before: The level that they have now, if any.
        after: The level that they would have, if any.
    """

    person: str
    account: str | None
    before: Level | None
    after: Level | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Who gains, who loses, and what becomes of the accounts, by name.

    Attributes:
        gains: Whose level would be higher.
        losses: Whose level would be lower.
        orphaned: The accounts that nobody active could manage any more, but for the admins.
        adopted: The accounts that somebody active could manage again.
    """

    gains: tuple[Shift, ...] = ()
    losses: tuple[Shift, ...] = ()
    orphaned: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anybody's access changes at all."""
        return bool(self.gains or self.losses or self.orphaned or self.adopted)


def reaches(facts: Facts, person: str | None = None) -> list[Reach]:
    """Every person's access to every account in question, by account, highest level first, then by person.

    Args:
        facts: The facts.
        person: The id of the only person who matters; all by default.
    """
    granted = _granted(facts)
    everywhere = [who.id for who in facts.people.values() if who.everywhere]
    found = (
        _reach(who, account, granted[account.id].get(who.id, ()))
        for account in facts.accounts.values()
        for who in _people(facts, dict.fromkeys(chain(everywhere, granted[account.id])))
        if person in (None, who.id)
    )
    order = [reach for reach in found if reach is not None]
    return sorted(order, key=lambda reach: (reach.account, reach.account_id, -reach.level.rank, reach.person.name))


def unmanaged(facts: Facts) -> set[str]:
    """The ids of the accounts that nobody can manage by creation or grant; admins do not count."""
    return {account for account, found in _granted(facts).items() if not _managed(facts, found)}


def difference(before: Facts, after: Facts) -> Difference:
    """Who gains and who loses between two states of the same accounts."""
    shifts = [*_everywhere(before, after), *_on_accounts(before, after)]
    orphans, orphans_then = unmanaged(before), unmanaged(after)
    names = {account.id: account.name for account in before.accounts.values()}
    return Difference(
        gains=tuple(shift for shift in shifts if _rank(shift.after) > _rank(shift.before)),
        losses=tuple(shift for shift in shifts if _rank(shift.after) < _rank(shift.before)),
        orphaned=tuple(sorted(names[account] for account in orphans_then - orphans)),
        adopted=tuple(sorted(names[account] for account in orphans - orphans_then)),
    )


_Reasons = dict[str, list[Reason]]


def _granted(facts: Facts) -> dict[str, _Reasons]:
    """By account, by person: the reasons that creation and grants give."""
    found: dict[str, _Reasons] = {account: {} for account in facts.accounts}
    teams: dict[str, list[str]] = {}
    for role, person in sorted(facts.members):
        teams.setdefault(role, []).append(person)
    for (account, grantee), level in sorted(facts.granted.items(), key=lambda item: facts.roles.get(item[0][1], "~")):
        reason = Reason(level, f"role {facts.roles[grantee]}" if grantee in facts.roles else "by name")
        for person in teams.get(grantee, []) if grantee in facts.roles else [grantee]:
            found[account].setdefault(person, []).append(reason)
    for made in facts.accounts.values():
        why = "creator" if made.by_creation else "owner"
        found[made.id].setdefault(made.owner, []).append(Reason(Level.MANAGE, why))
    return found


def _people(facts: Facts, found: Iterable[str]) -> Iterator[Who]:
    return (facts.people[person] for person in found if person in facts.people)


def _reach(who: Who, account: What, granted: Iterable[Reason]) -> Reach | None:
    level = _level(who, granted)
    if level is None:
        return None
    standing = [Reason(who.everywhere, who.standing.value)] if who.everywhere else []
    reasons = sorted([*granted, *standing], key=lambda reason: (reason.level is not level, -reason.level.rank))
    return Reach(who, account.id, account.name, level, tuple(reasons))


def _level(who: Who, granted: Iterable[Reason]) -> Level | None:
    if who.everywhere or not who.active:
        return who.everywhere
    return highest((reason.level for reason in granted), owner=False)


def _managed(facts: Facts, found: _Reasons) -> bool:
    return any(
        who.active
        and who.standing is not Standing.AUDITOR
        and any(reason.level is Level.MANAGE for reason in found[who.id])
        for who in _people(facts, found)
    )


def _everywhere(before: Facts, after: Facts) -> Iterator[Shift]:
    for person, then in sorted(after.people.items(), key=lambda item: item[1].name):
        now = before.people[person]
        if now.everywhere is not then.everywhere:
            yield Shift(now.name, None, now.everywhere, then.everywhere)


def _on_accounts(before: Facts, after: Facts) -> Iterator[Shift]:
    now, then = _granted(before), _granted(after)
    for account in sorted(before.accounts.values(), key=lambda account: account.name):
        people = _people(before, now[account.id] | then[account.id])
        for who in sorted(people, key=lambda who: who.name):
            other = after.people[who.id]
            levels = _level(who, now[account.id].get(who.id, ())), _level(other, then[account.id].get(who.id, ()))
            if levels[0] is not levels[1] and levels != (who.everywhere, other.everywhere):
                yield Shift(who.name, account.name, *levels)


def _rank(level: Level | None) -> int:
    return level.rank if level else 0


def told(found: Difference) -> list[str]:
    """A difference in words, a line for each thing that becomes other."""
    lines = [f"{shift.person} gains {_words(shift)}" for shift in found.gains]
    lines += [f"{shift.person} loses {_words(shift)}" for shift in found.losses]
    lines += [f"{account} can be managed by nobody any more, but for the admins" for account in found.orphaned]
    return lines + [f"{account} can be managed by somebody again" for account in found.adopted]


def _words(shift: Shift) -> str:
    where = shift.account or "every account"
    if shift.before is None or shift.after is None:
        return f"{shift.after or shift.before} on {where}"
    return f"access to {where}: {shift.before} → {shift.after}"
