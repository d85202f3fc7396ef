"""The dialogs about a migration: begin one, register the old token, let it count until a date, say how it was ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from textual.widgets import Input

from botdesk import accounts, migration, naming, wording
from botdesk.bearer import Secret
from botdesk.errors import InvalidInput
from botdesk.recipes import Platform
from botdesk.tui.dialogs.account import scope_words
from botdesk.tui.dialogs.form import Field, Form, text_of
from botdesk.tui.dialogs.handoff import Quiet
from botdesk.tui.widgets.choice import Choice, Pick
from botdesk.tui.widgets.filter import Line

PLATFORMS: Final = {
    Platform.GITHUB_ACTIONS: "GitHub Actions",
    Platform.GITLAB_CI: "GitLab CI",
    Platform.KUBERNETES: "Kubernetes",
    Platform.SYSTEMD: "systemd",
    Platform.CRON: "cron",
    Platform.DOTENV: ".env file",
    Platform.CLAUDE: "Claude or another agent",
    Platform.OTHER: "elsewhere",
}
"""Where integrations run, as people call it."""

FLAT: Final = 20
"""How many can be chosen from in one line, so that the whole form is seen at once."""

ACCOUNT_HINT: Final = "one that is there, or the name of a new one"

NEVER: Final = "no"
"""What is typed where a date is asked for, when there is to be none."""


@dataclass(frozen=True, slots=True)
class StartDraft:
    """What was filled in about an integration that is to move."""

    what: str
    place: str
    owner: str
    platform: Platform
    account: str
    scopes: str


class StartDialog(Form[StartDraft]):
    """Begin to move an integration to an account that is there, or to one that is made."""

    def __init__(self, people: Sequence[str], *, owner: str) -> None:
        super().__init__(
            "Off a personal token",
            [
                Field("what", "What", hint="the integration: shop nightly build", check=_what),
                Field("owner", "Token of", owner, options=[(name, name) for name in people], check=_owner),
                Field("place", "Where", hint="a repository, a host, a job: acme/shop, ci-1", check=_place),
                Field("platform", "Runs on", Platform.OTHER, options=list(PLATFORMS.items()), check=Platform),
                Field("account", "To account", hint=ACCOUNT_HINT, check=accounts.check_name),
                Field("scopes", "Scopes", hint="of a new account, as in catalog:read deploy:write", check=scope_words),
            ],
        )
        self._suggested = ""

    def _entry(self, field: Field) -> Line | Choice | Pick:
        if 0 < len(field.options) <= FLAT:
            return Choice(field.options, value=field.value, id=field.key)
        return super()._entry(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Suggest a name for the account, as long as nobody typed one."""
        account = self.query_one("#account", Input)
        if event.input.id == "what" and account.value == self._suggested:
            self._suggested = account.value = naming.suggested(event.value)
        super().on_input_changed(event)

    def result(self, values: dict[str, Any]) -> StartDraft:
        """Make the draft."""
        return StartDraft(**values)


_what = text_of("integration", longest=80, required=True)
_place = text_of("place", longest=200)


def _owner(name: str) -> str:
    if not name:
        raise InvalidInput("nobody is chosen", hint="on whose token does it run?")
    return name


class RegisterDialog(Form[Secret]):
    """Take the old personal token: it is masked, and gone from the field once it is tried."""

    def __init__(self, line: migration.Line) -> None:
        super().__init__(
            f"Register {line.owner}'s token of '{line.migration.what}'",
            [Field("token", "Old token", hint="paste or type it; it is not shown", check=self._take_out)],
            said="Only a keyed digest of it is kept. The gate refuses it until it is accepted, and tells who tries.",
        )

    def _entry(self, field: Field) -> Line:
        return Quiet(id=field.key, masked=True)

    def _take_out(self, typed: str) -> Secret:
        """Take the token out of the field."""
        with self.prevent(Input.Changed):
            self.query_one("#token", Quiet).value = ""
        if not typed.strip():
            raise InvalidInput("nothing was pasted", hint="or leave, and confirm its end by hand later")
        return Secret(typed.strip())

    def result(self, values: dict[str, Any]) -> Secret:
        """Take the token."""
        token: Secret = values["token"]
        return token


@dataclass(frozen=True, slots=True)
class AcceptDraft:
    """Until when the old token counts as the account's; None for no longer."""

    until: datetime | None


class AcceptDialog(Form[AcceptDraft]):
    """Let the registered token count as the account's until a date, or no longer."""

    def __init__(self, line: migration.Line, now: datetime) -> None:
        already = line.facts.accept_until
        days = f"{migration.ACCEPTED_FOR.days}d"
        hint = f"as in {days} or 2027-01-31, at most {migration.LONGEST_ACCEPTANCE.days}d"
        super().__init__(
            f"Let {line.owner}'s token count as {line.account}",
            [Field("until", "Until", days, f"{hint}; '{NEVER}': no longer" if already else hint, check=self._read)],
            said=f"It counts until {wording.when(already)}."
            if already
            else "The switch has no outage then, and the gate tells by address who still uses the old token.",
        )
        self._now = now

    def _read(self, typed: str) -> datetime | None:
        text = typed.strip().lower()
        return None if text == NEVER else wording.ahead(text, self._now)

    def result(self, values: dict[str, Any]) -> AcceptDraft:
        """Take the date."""
        return AcceptDraft(**values)


class EndedDialog(Form[str]):
    """Confirm that the old token was ended where it is from: the answer is how."""

    def __init__(self, line: migration.Line, against: str) -> None:
        known = "botdesk refuses it from then on." if line.facts.registered else "botdesk does not know that token."
        said = f"{known} Your word is kept, with your name and the time."
        super().__init__(
            f"{line.owner}'s token of '{line.migration.what}' is ended",
            [Field("how", "How", hint="where and how: deleted in the forge's settings", check=_how)],
            said=f"{said}\nToo early? {against}." if against else said,
        )

    def result(self, values: dict[str, Any]) -> str:
        """Take how."""
        return str(values["how"])


_how = text_of("way it was ended", longest=200, required=True)
