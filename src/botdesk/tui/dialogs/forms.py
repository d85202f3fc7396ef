"""The forms: what people fill in to create, issue, rotate, revoke, grant and remove."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from textual.widgets import Input, Static

from botdesk import accounts, bearer, scopes, tokens, wording
from botdesk.access import Level, Standing
from botdesk.errors import InvalidInput
from botdesk.tui.dialogs.base import Field, Form, Wrong, taken


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """What was filled in about an account."""

    name: str
    purpose: accounts.Purpose
    description: str
    scopes: str
    rotation: timedelta


class AccountDialog(Form[AccountDraft]):
    """Create an account, or modify one."""

    def __init__(self, existing: accounts.Account | None = None) -> None:
        found = existing
        super().__init__(
            f"Modify {found.name}" if found else "New service account",
            [
                Field(
                    "name", "Name", found.name if found else "", "lower-case words joined by '-', as in nightly-build"
                ),
                Field(
                    "purpose",
                    "Purpose",
                    found.purpose if found else accounts.Purpose.CI,
                    options=[(purpose, title) for purpose, title in accounts.PURPOSES.items()],
                ),
                Field("description", "Description", found.description if found else "", "what it does, in a sentence"),
                Field(
                    "scopes", "Scopes", found.scopes if found else "", "separated by spaces: catalog:read deploy:write"
                ),
                Field("rotation", "Rotation", f"{found.rotation_days}d" if found else "90d", "a new token every 90d"),
            ],
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once whether the name is clear."""
        if event.input.id != "name":
            return
        hint = self.query_one("#name-hint", Static)
        try:
            name = accounts.check_name(event.value)
        except InvalidInput as error:
            hint.update(f"{error.message} — {error.hint}" if event.value else error.hint)
        else:
            hint.update(accounts.vague(name) or "a good name")

    def result(self, values: dict[str, str]) -> AccountDraft:
        """Check everything once more."""
        return AccountDraft(
            name=taken("name", lambda: accounts.check_name(values["name"])),
            purpose=accounts.Purpose(values["purpose"]),
            description=taken("description", lambda: wording.clean(values["description"], "description", longest=500)),
            scopes=taken("scopes", lambda: scopes.format(scopes.parse(values["scopes"]))),
            rotation=taken("rotation", lambda: wording.duration(values["rotation"])),
        )


@dataclass(frozen=True, slots=True)
class IssueDraft:
    """What was filled in about a new token."""

    label: str
    lifetime: timedelta | None
    never: bool
    scopes: str


class IssueDialog(Form[IssueDraft]):
    """Issue a token to an account."""

    def __init__(self, account: accounts.Account) -> None:
        super().__init__(
            f"Issue a token to {account.name}",
            [
                Field("label", "Label", hint="where it will be used, as in GitHub Actions or vault"),
                Field(
                    "lifetime",
                    "Lifetime",
                    f"{account.rotation_days}d",
                    "as in 90d or 12h; 'never' if it must not expire",
                ),
                Field("scopes", "Scopes", account.scopes, "all of the account's, or fewer"),
            ],
        )

    def result(self, values: dict[str, str]) -> IssueDraft:
        """Check everything once more."""
        lifetime, never = _lifetime(values["lifetime"])
        return IssueDraft(_label(values["label"]), lifetime, never, _scopes(values["scopes"]))


@dataclass(frozen=True, slots=True)
class RotateDraft:
    """What was filled in about a rotation."""

    overlap: timedelta
    lifetime: timedelta | None
    never: bool
    label: str


class RotateDialog(Form[RotateDraft]):
    """Rotate a token."""

    def __init__(self, line: tokens.Line, account: accounts.Account) -> None:
        super().__init__(
            f"Rotate '{line.token.label}' of {line.account}",
            [
                Field("overlap", "Overlap", "24h", "how long the old one works on, once the new one is handed over"),
                Field(
                    "lifetime", "Lifetime", f"{account.rotation_days}d", "of the new one; 'never' if it must not expire"
                ),
                Field("label", "Label", line.token.label),
            ],
            said=f"{bearer.masked(line.token.id)} gets a successor. The old one dies by itself after the overlap.",
        )

    def result(self, values: dict[str, str]) -> RotateDraft:
        """Check everything once more."""
        overlap = timedelta() if values["overlap"].strip() in ("0", "") else None
        lifetime, never = _lifetime(values["lifetime"])
        return RotateDraft(
            taken("overlap", lambda: wording.duration(values["overlap"])) if overlap is None else overlap,
            lifetime,
            never,
            _label(values["label"]),
        )


class RevokeDialog(Form[str]):
    """Revoke tokens: the answer is the reason."""

    def __init__(self, lines: Sequence[tokens.Line]) -> None:
        named = f"'{lines[0].token.label}' of {lines[0].account}" if len(lines) == 1 else f"{len(lines)} tokens"
        super().__init__(
            f"Revoke {named}",
            [Field("reason", "Reason", hint="kept in the audit: leaked, no longer used, owner left")],
            said="It is refused at the very next request, everywhere. This cannot be undone.",
        )

    def result(self, values: dict[str, str]) -> str:
        """Insist on a reason."""
        return _reason(values["reason"], required=True)


class DisableDialog(Form[str]):
    """Disable accounts: the answer is the reason, which may be empty."""

    def __init__(self, names: Sequence[str]) -> None:
        named = names[0] if len(names) == 1 else f"{len(names)} accounts"
        super().__init__(
            f"Disable {named}",
            [Field("reason", "Reason", hint="kept in the audit; may be empty")],
            said="All tokens are refused from the next request on, until it is enabled again.",
        )

    def result(self, values: dict[str, str]) -> str:
        """Take the reason."""
        return _reason(values["reason"])


class RemoveDialog(Form[str]):
    """Remove an account: its name must be typed; the answer is the reason."""

    def __init__(self, line: accounts.Line) -> None:
        super().__init__(
            f"Remove {line.account.name}",
            [
                Field("name", f"Type {line.account.name} to go on"),
                Field("reason", "Reason", hint="kept in the audit; may be empty"),
            ],
            said=f"{wording.plural(line.live, 'live token')} end at once and the grants go. The history stays.",
        )
        self._account_name = line.account.name

    def result(self, values: dict[str, str]) -> str:
        """Insist on the name."""
        if values["name"].strip() != self._account_name:
            raise Wrong(
                "name", InvalidInput("that is not the name", hint=f"type {self._account_name}, or leave by esc")
            )
        return _reason(values["reason"])


@dataclass(frozen=True, slots=True)
class GrantDraft:
    """Who is to get which level; `grantee` reads `role:platform` or `person:ben`."""

    grantee: str
    level: Level


class GrantDialog(Form[GrantDraft]):
    """Give a role or a person access to an account."""

    def __init__(self, account: str, roles: Sequence[str], people: Sequence[str], *, value: str = "") -> None:
        options = [(f"role:{name}", f"role {name}") for name in roles]
        options += [(f"person:{name}", f"person {name}") for name in people]
        super().__init__(
            f"Give access to {account}",
            [
                Field("grantee", "Who", value, options=options),
                Field("level", "Level", Level.OPERATE, options=[(level, _LEVELS[level]) for level in Level]),
            ],
            said="left and right choose",
        )

    def result(self, values: dict[str, str]) -> GrantDraft:
        """Take what was chosen."""
        return GrantDraft(values["grantee"], Level(values["level"]))


_LEVELS = {
    Level.VIEW: "view: see it and its history",
    Level.OPERATE: "operate: issue, rotate, revoke tokens",
    Level.MANAGE: "manage: also modify, grant, remove",
}


@dataclass(frozen=True, slots=True)
class PersonDraft:
    """What was filled in about a person."""

    name: str
    full_name: str
    standing: Standing


class PersonDialog(Form[PersonDraft]):
    """Let a person in, or modify one."""

    def __init__(self, name: str = "", full_name: str = "", standing: Standing = Standing.MEMBER) -> None:
        named = [] if name else [Field("name", "Name", hint="the operating-system login, as in ada")]
        super().__init__(
            f"Modify {name}" if name else "Let a person in",
            [
                *named,
                Field("full_name", "Full name", full_name),
                Field("standing", "Standing", standing, options=[(each, _STANDINGS[each]) for each in Standing]),
            ],
        )
        self._person = name

    def result(self, values: dict[str, str]) -> PersonDraft:
        """Check everything once more."""
        name = self._person or taken("name", lambda: wording.clean(values["name"], "name", longest=64, required=True))
        full_name = taken("full_name", lambda: wording.clean(values["full_name"], "full name", longest=80))
        return PersonDraft(name, full_name, Standing(values["standing"]))


_STANDINGS = {
    Standing.ADMIN: "admin: everything",
    Standing.MEMBER: "member: what grants give",
    Standing.AUDITOR: "auditor: sees all, changes nothing",
}


@dataclass(frozen=True, slots=True)
class RoleDraft:
    """What was filled in about a role."""

    name: str
    description: str


class RoleDialog(Form[RoleDraft]):
    """Create a role, or modify one."""

    def __init__(self, name: str = "", description: str = "") -> None:
        super().__init__(
            f"Modify the role {name}" if name else "New role",
            [
                Field("name", "Name", name, "lower-case words joined by '-', as in platform"),
                Field("description", "Description", description, "what the team does"),
            ],
        )

    def result(self, values: dict[str, str]) -> RoleDraft:
        """Check everything once more."""
        return RoleDraft(
            taken("name", lambda: wording.clean(values["name"], "name", longest=40, required=True)),
            taken("description", lambda: wording.clean(values["description"], "description", longest=200)),
        )


class PickDialog(Form[str]):
    """Pick one name out of several."""

    def __init__(self, title: str, names: Sequence[str]) -> None:
        super().__init__(
            title, [Field("name", "Who", options=[(name, name) for name in names])], said="left and right choose"
        )

    def result(self, values: dict[str, str]) -> str:
        """Take what was chosen."""
        return values["name"]


def _label(text: str) -> str:
    return taken("label", lambda: wording.clean(text, "label", longest=80, required=True))


def _scopes(text: str) -> str:
    return taken("scopes", lambda: scopes.format(scopes.parse(text)))


def _reason(text: str, *, required: bool = False) -> str:
    return taken("reason", lambda: wording.clean(text, "reason", longest=200, required=required))


def _lifetime(text: str) -> tuple[timedelta | None, bool]:
    if text.strip().lower() == "never":
        return None, True
    return taken("lifetime", lambda: wording.duration(text)), False
