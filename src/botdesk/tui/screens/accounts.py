"""All service accounts, with a preview beside them where there is room."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from botdesk import wording
from botdesk.access import Level
from botdesk.errors import BotdeskError
from botdesk.tui import flows, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.bars import FilterLine
from botdesk.tui.widgets.window import Column, Slice, Window

if TYPE_CHECKING:
    from botdesk import accounts

COLUMNS: Final = (
    Column("name", "NAME", sort=True),
    Column("purpose", "PURPOSE", 8, sort=True),
    Column("state", "STATE", 8, sort=True),
    Column("live", "LIVE", 4, right=True, sort=True),
    Column("expiry", "EXPIRES", 7, right=True, sort=True),
    Column("used", "USED", 4, right=True, sort=True),
    Column("managers", "MANAGED BY", 14),
)
SHOWN: Final = ("", "disabled", "all")


class AccountsScreen(DeskScreen):
    """The list of accounts."""

    NAME = "accounts"
    FIRST = "accounts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", tooltip="Its tokens, access and activity"),
        Binding("n", "create", "New", tooltip="Create a service account"),
        Binding("i", "issue", "Issue", tooltip="Issue a token to it and hand it over"),
        Binding("e", "modify", "Modify", tooltip="Change name, purpose, scopes, rotation"),
        Binding("d", "switch", "Disable", tooltip="Disable the marked ones, or enable them"),
        Binding("D,delete", "remove", "Remove", tooltip="Remove it; its name has to be typed"),
        Binding("a", "give", "Access", tooltip="Give a role or a person access to it"),
        Binding("slash", "filter", "Filter", tooltip="Filter as you type"),
        Binding("s", "sort", "Sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "Reverse", show=False, tooltip="Sort the other way round"),
        Binding("f", "states", "States", show=False, tooltip="Live ones, disabled ones, or all with removed ones"),
        Binding("y", "copy", "Copy name", show=False, tooltip="Copy its name"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sort = "name"
        self._descending = False
        self._shown = ""

    def body(self) -> ComposeResult:
        """The filter, the list, the preview."""
        yield FilterLine("filter: words in name, purpose, scopes, description")
        with Horizontal():
            yield Window(
                COLUMNS,
                cells=lambda line: render.account(line, self.now),
                key=lambda line: str(line.account.id),
                markable=True,
                id="accounts",
            )
            with Vertical(id="preview"):
                yield Static(id="preview-text", markup=False)

    @property
    def window(self) -> Window:
        """The list."""
        return self.query_one("#accounts", Window)

    @property
    def line(self) -> "accounts.Line | None":
        """The account under the cursor."""
        found: accounts.Line | None = self.window.row
        return found

    async def reload(self) -> None:
        """Read the list with its filter and order."""
        from botdesk import accounts

        text = self.filter_text
        state = accounts.AccountState.DISABLED if self._shown == "disabled" else None
        wanted = accounts.Filter(text=text, state=state, removed=self._shown == "all")
        sort, descending = accounts.Sort(self._sort), self._descending

        async def fetch(after: Any, limit: int) -> Slice:
            found = await self.desk_app.ask(
                accounts.page, wanted, sort=sort, descending=descending, after=after, limit=limit
            )
            return Slice(found.rows, found.next, found.total)

        window = self.window
        window.empty = "nothing matches; esc empties the filter" if text else _teach()
        window.sorted_by = (self._sort, descending)
        await window.show(fetch)
        self._tell(text)

    def _tell(self, text: str) -> None:
        window = self.window
        facts = [wording.plural(window.total, "account"), f"by {self._sort}"]
        facts += [f"filter '{wording.visible(text)}'"] if text else []
        facts += [f"showing {self._shown}"] if self._shown else []
        facts += [f"{len(window.marked)} marked"] if window.marked else []
        self.facts(" · ".join(facts))

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """Show the preview of the row under the cursor."""
        self._tell(self.filter_text)
        self.refresh_bindings()
        self._preview(message.row)

    def on_window_opened(self, message: Window.Opened) -> None:
        """Open the account."""
        self.action_open()

    def on_window_sorted(self, message: Window.Sorted) -> None:
        """Sort by the clicked column, or the other way round."""
        if message.key == self._sort:
            self._descending = not self._descending
        self._sort = message.key
        self.refresh_soon()

    @work(exclusive=True, group="preview")
    async def _preview(self, line: "accounts.Line | None") -> None:
        panel = self.query_one("#preview-text", Static)
        if line is None or not self.query_one("#preview").display:
            panel.update("")
            return
        from botdesk import audit, grants, tokens

        try:
            held = await self.desk_app.ask(tokens.listed, line.account.id)
            granted = await self.desk_app.ask(grants.listed, line.account.id)
            events = await self.desk_app.ask(audit.page, audit.Filter(account=line.account.id), limit=6)
        except BotdeskError as error:
            panel.update(error.message)
            return
        panel.update(_preview_text(line, held, granted, events.rows, self.now))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what this account or this operator does not allow."""
        return None if self.is_mounted and self.why_not(action) else True

    def why_not(self, action: str) -> str:
        """What this account or this operator lacks for the action; empty when nothing."""
        return render.refusal(self.line, *_NEEDS[action]) if action in _NEEDS else ""

    def action_open(self) -> None:
        """Open the account under the cursor."""
        if self.line is not None:
            from botdesk.tui.screens.account import AccountScreen

            self.app.push_screen(AccountScreen(self.line.account.id))

    @flow
    async def action_create(self) -> None:
        """Create an account and put the cursor on it."""
        made = await flows.create(self.desk_app)
        if made is not None:
            await self.reload()
            self.window.move_to(made.id)
            self.say(f"created {made.name}; i issues its first token")

    @flow
    async def action_issue(self) -> None:
        """Issue a token to the account."""
        if self.line is not None:
            await flows.issue(self.desk_app, self.line.account)

    @flow
    async def action_modify(self) -> None:
        """Modify the account."""
        if self.line is not None:
            await flows.modify(self.desk_app, self.line.account)

    @flow
    async def action_switch(self) -> None:
        """Disable or enable the marked accounts, or this one."""
        await flows.switch(self.desk_app, self.window.chosen)
        self.window.marked.clear()

    @flow
    async def action_remove(self) -> None:
        """Remove the account."""
        if self.line is not None:
            await flows.remove(self.desk_app, self.line)

    @flow
    async def action_give(self) -> None:
        """Give access to the account."""
        if self.line is not None:
            await flows.give_access(self.desk_app, self.line.account)

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._turn("_sort", [column.key for column in COLUMNS if column.sort])

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._descending = not self._descending
        self.refresh_soon()

    def action_states(self) -> None:
        """Show live ones, disabled ones, or all."""
        self._turn("_shown", list(SHOWN))

    def _turn(self, name: str, values: list[str]) -> None:
        setattr(self, name, values[(values.index(getattr(self, name)) + 1) % len(values)])
        self.refresh_soon()

    def action_copy(self) -> None:
        """Copy the account's name."""
        if self.line is not None:
            self.copy(self.line.account.name)

    def action_back(self) -> None:
        """Take back the marks, then the filter."""
        if self.window.marked:
            self.window.marked.clear()
            self.window.refresh()
            self._tell(self.filter_text)
        else:
            super().action_back()


_LIVE: Final = ("active", "disabled")
_NEEDS: Final = {
    "open": (Level.VIEW, (*_LIVE, "removed")),
    "copy": (Level.VIEW, (*_LIVE, "removed")),
    "issue": (Level.OPERATE, ("active",)),
    "modify": (Level.MANAGE, _LIVE),
    "switch": (Level.MANAGE, _LIVE),
    "remove": (Level.MANAGE, _LIVE),
    "give": (Level.MANAGE, _LIVE),
}
"""The level, and the states of the account, that an action needs."""


def _teach() -> str:
    return (
        "no service accounts yet\n\n"
        "n        creates the first one: a name, a purpose, scopes, a rotation period\n"
        "i        then issues a token to it, and hands its secret over, once\n"
        "q        leaves; 'botdesk demo' opens a desk to look around in\n"
        "?        shows every key"
    )


def _preview_text(line: "accounts.Line", held: Any, granted: Any, events: Any, now: Any) -> Text:
    from botdesk import audit

    account = line.account
    text = Text()
    text.append(f"{wording.visible(account.name)}\n", style="bold")
    text.append(f"{wording.visible(account.description) or 'no description'}\n\n")
    _fact(text, "scopes", account.scopes or "none")
    _fact(text, "rotation", f"every {account.rotation_days}d")
    _fact(text, "creator", line.creator)
    if account.disabled_reason:
        _fact(text, "disabled", account.disabled_reason)
    _heading(text, "tokens")
    for each in [each for each in held if each.state in ("active", "retiring", "pending")][:6]:
        ends = wording.until(each.token.expires_at, now)
        text.append(f"{each.state:<9}", style="dim").append(f"{wording.visible(each.token.label)}, ends {ends}\n")
    _heading(text, "access")
    for grant in granted[:6]:
        text.append(f"{grant.level:<9}", style="dim").append(f"{wording.visible(grant.grantee.replace(':', ' '))}\n")
    _heading(text, "lately")
    for event in events:
        text.append(f"{wording.ago_short(event.at, now):<9}", style="dim")
        told = Text(f"{render.sentence(event, audit.detail_of(event))}")
        told.truncate(33, overflow="ellipsis")
        text.append_text(told).append("\n")
    return text


def _fact(text: Text, name: str, value: str) -> None:
    text.append(f"{name:<9}", style="dim").append(f"{wording.visible(value)}\n")


def _heading(text: Text, title: str) -> None:
    text.append(f"\n{title}\n", style="bold")
