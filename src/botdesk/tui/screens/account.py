"""One service account: its tokens, who may handle it, and what happened."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static, TabbedContent, TabPane

from botdesk import wording
from botdesk.access import Level
from botdesk.tui import flows, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.window import Column, Slice, Window

if TYPE_CHECKING:
    from botdesk import accounts, grants, tokens

TOKENS: Final = (
    Column("label", "LABEL"),
    Column("state", "STATE", 8),
    Column("id", "ID", 10),
    Column("created", "MADE", 5, right=True),
    Column("issuer", "BY", 8),
    Column("expiry", "EXPIRES", 7, right=True),
    Column("used", "USED", 5, right=True),
)
GRANTS: Final = (
    Column("grantee", "GIVEN TO"),
    Column("level", "LEVEL", 8),
    Column("by", "BY", 12),
    Column("when", "WHEN", 14, above=60),
)
EVENTS: Final = (
    Column("when", "TIME", 5),
    Column("outcome", "", 1),
    Column("what", "WHAT"),
    Column("source", "FROM", 15, above=90),
)
TABS: Final = ("tokens", "access", "activity")
DAYS: Final = 14
ENDED: Final = frozenset({"expired", "revoked"})


class AccountScreen(DeskScreen):
    """One account."""

    FIRST = "token-list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn(1)", "Next tab", tooltip="Tokens, access, activity", priority=True),
        Binding("shift+tab", "turn(-1)", "Previous tab", show=False, priority=True),
        Binding("i", "issue", "Issue", tooltip="Issue a token and hand it over"),
        Binding("o", "rotate", "Rotate", tooltip="Issue the token's successor; the old one ends after the overlap"),
        Binding("x", "revoke", "Revoke", tooltip="Revoke the marked tokens, or this one, at once"),
        Binding("a", "give", "Give access", tooltip="Give a role or a person access"),
        Binding("w", "withdraw", "Withdraw", tooltip="Withdraw the grant under the cursor"),
        Binding("e", "modify", "Modify", tooltip="Change name, purpose, scopes, rotation"),
        Binding("d", "switch", "Disable", tooltip="Disable the account, or enable it again"),
        Binding("D,delete", "remove", "Remove", show=False, tooltip="Remove the account; its name has to be typed"),
        Binding("h", "ended", "Ended", show=False, tooltip="Show or fold the tokens that have ended"),
        Binding("y", "copy", "Copy id", show=False, tooltip="Copy the token's id"),
    ]

    def __init__(self, account_id: str) -> None:
        super().__init__()
        self._account_id = account_id
        self._line: accounts.Line | None = None
        self._ended = False

    def body(self) -> ComposeResult:
        """The facts, then a tab each for tokens, access and activity."""
        yield Static(id="facts", markup=False)
        with TabbedContent(id="tabs"):
            with TabPane("Tokens", id="tokens"):
                yield Window(
                    TOKENS,
                    cells=lambda line: render.token(line, self.now),
                    key=lambda line: str(line.token.id),
                    markable=True,
                    id="token-list",
                )
                yield Static(id="folded", markup=False)
            with TabPane("Access", id="access"):
                yield Static(id="reached-by", markup=False)
                yield Window(
                    GRANTS,
                    cells=lambda line: render.grant(line, self.now),
                    key=lambda line: str(line.grant.id),
                    id="grant-list",
                )
            with TabPane("Activity", id="activity"):
                yield Static(id="chart", markup=False)
                yield Window(
                    EVENTS,
                    cells=_event_cells,
                    key=lambda event: str(event.sequence),
                    heading=lambda event: wording.day(event.at),
                    id="event-list",
                )

    async def reload(self) -> None:
        """Read the account and all its tabs."""
        from botdesk import accounts, audit, grants, tokens

        line = self._line = await self.desk_app.ask(accounts.line, self._account_id)
        held = await self.desk_app.ask(tokens.listed, self._account_id)
        granted = await self.desk_app.ask(grants.listed, self._account_id)
        reached = await self.desk_app.ask(grants.who_reaches, self._account_id)
        self.query_one("#facts", Static).update(_facts(line))
        await self._show_tokens(held)
        await self._show_access(granted, reached)
        wanted = audit.Filter(account=self._account_id)
        now = self.now

        async def fetch(after: Any, limit: int) -> Slice:
            found = await self.desk_app.ask(audit.page, wanted, before=after, limit=limit)
            return Slice(found.rows, found.next, found.total)

        await self.query_one("#event-list", Window).show(fetch)
        spans: dict[str, Any] = {"since": now - timedelta(days=DAYS), "until": now, "buckets": DAYS}
        used = await self.desk_app.ask(
            audit.counts, audit.Filter(account=self._account_id, action="token:used"), **spans
        )
        refused = await self.desk_app.ask(
            audit.counts, audit.Filter(account=self._account_id, outcome=audit.Outcome.DENIED), **spans
        )
        self.query_one("#chart", Static).update(_chart(used, refused))
        self.facts(f"{wording.visible(line.account.name)} · {line.account.id}")
        self.refresh_bindings()

    async def _show_tokens(self, held: "list[tokens.Line]") -> None:
        folded = [line for line in held if line.state in ENDED]
        shown = held if self._ended else [line for line in held if line.state not in ENDED]
        window = self.query_one("#token-list", Window)
        window.empty = "no live token: i issues one"
        await window.show(_all(shown))
        words = f"{wording.plural(len(folded), 'ended token')} · h {'folds them' if self._ended else 'shows them'}"
        self.query_one("#folded", Static).update(f" {words}" if folded else "")

    async def _show_access(self, granted: "list[grants.Line]", reached: "list[grants.Reach]") -> None:
        window = self.query_one("#grant-list", Window)
        window.empty = "no grants: a gives a role or a person access"
        await window.show(_all(granted))
        names = [f"{found.person.name} ({found.level})" for found in reached]
        self.query_one("#reached-by", Static).update(wording.visible(f" Within reach of {', '.join(names)}"))

    @property
    def tab(self) -> str:
        """The tab that is open."""
        return self.query_one("#tabs", TabbedContent).active

    @property
    def token(self) -> "tokens.Line | None":
        """The token under the cursor, while the tokens are shown."""
        found: tokens.Line | None = self.query_one("#token-list", Window).row if self.tab == "tokens" else None
        return found

    @property
    def _grant(self) -> "grants.Line | None":
        found: grants.Line | None = self.query_one("#grant-list", Window).row
        return found

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """What may be done depends on the row."""
        self.refresh_bindings()

    def on_window_opened(self, message: Window.Opened) -> None:
        """Show an event in full."""
        if message.window.id == "event-list":
            from botdesk.tui.dialogs.event import EventDialog

            self.app.push_screen(EventDialog(message.row))

    def on_tabbed_content_tab_activated(self) -> None:
        """Put the keys to the list of the tab."""
        self.query_one(f"#{self.tab} Window").focus()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what this account, token or operator does not allow."""
        return None if self.is_mounted and self.why_not(action) else True

    def why_not(self, action: str) -> str:
        """What the account, the token or the operator lacks for the action; empty when nothing."""
        if action not in _NEEDS:
            return ""
        refusal = render.refusal(self._line, *_NEEDS[action])
        if not refusal and action in _TOKEN_STATES:
            refusal = self._token_refusal(_TOKEN_STATES[action])
        if not refusal and action == "withdraw" and (self.tab != "access" or self._grant is None):
            refusal = "put the cursor on a grant, on the tab Access"
        return refusal

    def _token_refusal(self, states: tuple[str, ...]) -> str:
        if self.token is None:
            return "put the cursor on a token, on the tab Tokens"
        label = wording.visible(self.token.token.label)
        return "" if self.token.state in states else f"'{label}' is {self.token.state}"

    def action_turn(self, step: int) -> None:
        """Open the next tab."""
        place = (TABS.index(self.tab) + step) % len(TABS)
        self.query_one("#tabs", TabbedContent).active = TABS[place]

    def action_ended(self) -> None:
        """Show or fold the tokens that have ended."""
        self._ended = not self._ended
        self.refresh_soon()

    @flow
    async def action_issue(self) -> None:
        """Issue a token."""
        if self._line is not None:
            await flows.issue(self.desk_app, self._line.account)

    @flow
    async def action_rotate(self) -> None:
        """Rotate the token under the cursor."""
        if self._line is not None and self.token is not None:
            await flows.rotate(self.desk_app, self.token, self._line.account)

    @flow
    async def action_revoke(self) -> None:
        """Revoke the marked tokens, or the one under the cursor."""
        window = self.query_one("#token-list", Window)
        lines = [line for line in window.chosen if line.state != "revoked"]
        if lines:
            await flows.revoke(self.desk_app, lines)
            window.marked.clear()

    @flow
    async def action_give(self) -> None:
        """Give access."""
        if self._line is not None:
            await flows.give_access(self.desk_app, self._line.account)

    @flow
    async def action_withdraw(self) -> None:
        """Withdraw the grant under the cursor."""
        line = self._grant
        if self._line is not None and line is not None:
            await flows.withdraw_access(self.desk_app, self._account_id, self._line.account.name, line.grantee)

    @flow
    async def action_modify(self) -> None:
        """Modify the account."""
        if self._line is not None:
            await flows.modify(self.desk_app, self._line.account)

    @flow
    async def action_switch(self) -> None:
        """Disable or enable the account."""
        if self._line is not None:
            await flows.switch(self.desk_app, [self._line])

    @flow
    async def action_remove(self) -> None:
        """Remove the account, and leave."""
        if self._line is not None and await flows.remove(self.desk_app, self._line):
            self.app.pop_screen()

    def action_copy(self) -> None:
        """Copy the token's id."""
        if self.token is not None:
            self.copy(self.token.token.id)


_LIVE: Final = ("active", "disabled")
_NEEDS: Final = {
    "issue": (Level.OPERATE, ("active",)),
    "rotate": (Level.OPERATE, ("active",)),
    "revoke": (Level.OPERATE, _LIVE),
    "give": (Level.MANAGE, _LIVE),
    "withdraw": (Level.MANAGE, _LIVE),
    "modify": (Level.MANAGE, _LIVE),
    "switch": (Level.MANAGE, _LIVE),
    "remove": (Level.MANAGE, _LIVE),
}
_TOKEN_STATES: Final = {"rotate": ("active",), "revoke": ("active", "retiring", "pending", "expired")}


def _all(rows: Any) -> Any:
    async def fetch(after: Any, limit: int) -> Slice:
        return Slice(rows, None, len(rows))

    return fetch


def _event_cells(event: Any) -> Any:
    from botdesk import audit

    return render.event(event, audit.detail_of(event))


def _facts(line: "accounts.Line") -> Text:
    from botdesk import accounts

    account = line.account
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" {wording.visible(account.name)}", style="bold")
    text.append(f"  {line.state} · {accounts.PURPOSES[account.purpose]} · every {account.rotation_days}d")
    text.append(f" · by {wording.visible(line.creator)}\n")
    reason = f"disabled: {account.disabled_reason}" if account.disabled_reason else account.description
    text.append(f" {wording.visible(reason or 'no description')}\n")
    text.append(f" scopes {account.scopes or 'none'}", style="dim")
    return text


def _chart(used: list[int], refused: list[int]) -> str:
    total, wrong = sum(used), sum(refused)
    lines = [f" uses     {wording.sparkline(used)}  {total:,} in {DAYS} days"]
    lines += [f" refused  {wording.sparkline(refused)}  {wrong:,}"] if wrong else []
    return "\n".join(lines)
