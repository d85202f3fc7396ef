"""One service account: its tokens, who may handle it, and what happened."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static, TabbedContent, TabPane

from botdesk import wording
from botdesk.access import Action, Level
from botdesk.errors import NotFound
from botdesk.tui import flows, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.bars import AlarmLine
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.listing import MEASURED, Slice, whole
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from botdesk import accounts, grants, tokens
    from botdesk.bulk import Verb

TOKENS: Final = (
    Column("label", "LABEL", 20, grow=1, most=80),
    Column("state", "STATE", 8),
    Column("id", "ID", 10, above=76),
    Column("created", "MADE", 5, right=True),
    Column("issuer", "BY", 8),
    Column("expiry", "EXPIRES", 7, right=True),
    Column("used", "USED", 5, right=True),
)
GRANTS: Final = (
    Column("grantee", "GIVEN TO", 20, grow=1),
    Column("level", "LEVEL", 8),
    Column("by", "BY", 10, grow=1, most=20, above=50),
    Column("when", "WHEN", 14, above=60),
)
REACHES: Final = (
    Column("who", "WHO CAN REACH IT", 16, grow=1),
    Column("level", "LEVEL", 8),
    Column("why", "WHY", 26, grow=2, above=56),
)
EVENTS: Final = (
    Column("when", "TIME", 5),
    Column("outcome", "", 1),
    Column("what", "WHAT", 30, grow=1, most=200),
    Column("source", "FROM", 15, above=90),
)
TABS: Final = ("tokens", "access", "activity")
DAYS: Final = 14
TO_MARKED: Final = frozenset({"many", "rotate", "revoke"})
"""The actions that are done to all marked tokens."""

ENDED: Final = frozenset({"expired", "revoked"})


class AccountScreen(DeskScreen):
    """One account."""

    FIRST = "token-list"
    TITLED = "one account"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn(1)", "Next tab", tooltip="Tokens, access, activity", priority=True),
        Binding("shift+tab", "turn(-1)", "Tab before", show=False, priority=True, tooltip="The other way round"),
        Binding("i", "issue", "Issue", tooltip="Issue a token and hand it over"),
        Binding("o", "rotate", "Rotate", tooltip="Issue the token's successor; the old one ends after the overlap"),
        Binding("x", "revoke", "Revoke", tooltip="Revoke the marked tokens, or this one, at once"),
        Binding("b", "many", "Bulk", show=False, tooltip="Revoke, rotate or extend the marked tokens, or this one"),
        Binding("a", "give", "Grant", tooltip="Give a role or a person access"),
        Binding("w", "withdraw", "Withdraw", tooltip="Withdraw the grant under the cursor"),
        Binding("H", "hand_over", "Hand over", show=False, tooltip="Put it into the hands of another person"),
        Binding("e", "modify", "Modify", tooltip="Change name, purpose, scopes, rotation"),
        Binding("d", "switch", "Disable", tooltip="Disable the account, or enable it again"),
        Binding("h", "ended", "Ended", tooltip="Show or fold the tokens that have ended"),
        Binding("D,delete", "remove", "Remove", tooltip="Remove the account; its name has to be typed"),
        Binding("u", "restore", "Restore", tooltip="Take its removal back: its grants return, its tokens stay revoked"),
        Binding("U", "uses", "Uses", show=False, tooltip="From where this token was presented, and how often"),
        Binding("c", "cutover", "Cutover", show=False, tooltip="How the rotation of this token stands"),
        Binding("t", "todo", "To do", show=False, tooltip="The advice on the account"),
        Binding("y", "copy", "Copy id", show=False, tooltip="Copy the token's id, or the account's"),
    ]

    def __init__(self, line: "accounts.Line") -> None:
        super().__init__()
        self._line = line
        self._account_id = line.account.id
        self._seen = line.version
        self._held: list[tokens.Line] = []
        self._ended = False

    def body(self) -> ComposeResult:
        """The facts, then a tab each for tokens, access and activity."""
        yield AlarmLine("news")
        yield Static(render.head(self._line), id="facts", markup=False)
        yield Static(id="knocks", markup=False)
        with TabbedContent(id="tabs"):
            with TabPane("Tokens", id="tokens"), Horizontal():
                yield Window(
                    TOKENS,
                    cells=lambda line: render.token(line, self.now),
                    key=lambda line: str(line.token.id),
                    markable=True,
                    opens="Detail",
                    fit=MEASURED,
                    id="token-list",
                )
                with VerticalScroll(id="token-detail", can_focus=False):
                    yield Static(id="token-text", markup=False)
            with TabPane("Access", id="access"):
                yield Window(
                    GRANTS,
                    cells=lambda line: render.grant(line, self.now),
                    key=lambda line: str(line.grant.id),
                    fit=MEASURED,
                    id="grant-list",
                )
                yield Window(
                    REACHES,
                    cells=render.reach,
                    key=lambda line: line.key,
                    passive=True,
                    fit=MEASURED,
                    id="reach-list",
                )
            with TabPane("Activity", id="activity"):
                yield Static(id="chart", markup=False)
                yield Window(
                    EVENTS,
                    cells=_event_cells,
                    key=lambda event: str(event.sequence),
                    heading=lambda event: wording.day(event.at),
                    opens="Detail",
                    id="event-list",
                )

    async def reload(self) -> None:
        """Read the account and all its tabs."""
        from botdesk import accounts, grants, tokens, versions

        try:
            line = self._line = await self.desk_app.ask(accounts.line, self._account_id)
        except NotFound:
            self._gone()
            raise NotFound(
                f"{self._line.account.name} is out of your reach by now",
                hint="whoever manages it may give access again",
            ) from None
        held = await self.desk_app.ask(tokens.listed, self._account_id)
        granted = await self.desk_app.ask(grants.listed, self._account_id)
        reached = await self.desk_app.ask(grants.who_reaches, self._account_id)
        decided = versions.of_decisions()
        news = await self.desk_app.ask(versions.news, self._seen, line.account, decided, by_others=True)
        self.query_one("#news", AlarmLine).warn(f"r: seen · {news}" if news else "")
        self.query_one("#facts", Static).update(render.head(line))
        await self._show_knocks(line)
        await self._show_tokens(held)
        self.query_one("#grant-list", Window).empty = "no grants: a gives a role or a person access"
        await self.query_one("#grant-list", Window).show(whole(granted))
        await self.query_one("#reach-list", Window).show(whole(render.whys(reached)))
        await self._show_activity()
        self._held = held
        self._say_what_is_shown()
        self.refresh_bindings()

    async def _show_knocks(self, line: "accounts.Line") -> None:
        """Tell of a disabled account who still presents its tokens."""
        from botdesk import uses

        told = self.query_one("#knocks", Static)
        told.display = line.state == "disabled"
        if told.display:
            told.update(render.knocks(await self.desk_app.ask(uses.knocks, line.account.id), self.now))

    def _gone(self) -> None:
        """Leave an account that is out of reach by now."""
        if self.app.screen is self:
            self.app.pop_screen()

    async def _show_tokens(self, held: "list[tokens.Line]") -> None:
        shown = held if self._ended else [line for line in held if line.state not in ENDED]
        window = self.query_one("#token-list", Window)
        window.empty = "no live token: i issues one"
        await window.show(whole(shown))

    def _say_what_is_shown(self) -> None:
        told = {"tokens": self._tokens_told, "access": self._access_told, "activity": self._activity_told}
        self.facts(" · ".join([*told[self.tab](), self._account_id]))

    def _tokens_told(self) -> list[str]:
        live = sum(line.state not in ENDED for line in self._held)
        ended = len(self._held) - live
        folded = [f"{ended} ended, h {'folds' if self._ended else 'shows'} them"] if ended else []
        refused = ["refused while it is disabled"] if any(line.suspended for line in self._held) else []
        marked = [f"{self._marked:,} marked"] if self._marked else []
        return [wording.plural(live, "token"), *marked, *refused, *folded]

    def _access_told(self) -> list[str]:
        reached = {line.found.person.id for line in self.query_one("#reach-list", Window).rows}
        given = self.query_one("#grant-list", Window).total
        return [wording.plural(given, "grant"), f"{wording.plural(len(reached), 'person', 'people')} can reach it"]

    def _activity_told(self) -> list[str]:
        return [wording.plural(self.query_one("#event-list", Window).total, "event")]

    async def _show_activity(self) -> None:
        from botdesk import audit

        wanted, now = audit.Filter(account=self._account_id), self.now

        async def fetch(after: Any, limit: int, backward: bool) -> Slice:
            place: dict[str, Any] = {"before": after, "limit": limit, "oldest_first": backward}
            found = await self.desk_app.ask(audit.page, wanted, **place)
            return Slice(found.rows, found.next, found.total)

        await self.query_one("#event-list", Window).show(fetch)
        spans: dict[str, Any] = {"since": now - timedelta(days=DAYS), "until": now, "buckets": DAYS}
        used, refused = [
            await self.desk_app.ask(audit.counts, each, **spans)
            for each in (replace(wanted, action="token:used"), replace(wanted, outcome=audit.Outcome.DENIED))
        ]
        self.query_one("#chart", Static).update(render.chart({"uses": used, "refused": refused}, DAYS))

    @property
    def tab(self) -> str:
        """The tab that is open."""
        return self.query_one("#tabs", TabbedContent).active or TABS[0]

    @property
    def token(self) -> "tokens.Line | None":
        """The token under the cursor, on its tab."""
        found: tokens.Line | None = self.query_one("#token-list", Window).row if self.tab == "tokens" else None
        return found

    @property
    def _grant(self) -> "grants.Line | None":
        found: grants.Line | None = self.query_one("#grant-list", Window).row
        return found

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """What may be done depends on the row; a token shows in full beside the list, where there is room."""
        self.refresh_bindings()
        if message.window.id == "token-list":
            from botdesk.tui import panes

            row = message.row
            self._say_what_is_shown()
            self.query_one("#token-text", Static).update(panes.token(row, self.now) if row is not None else "")

    def on_window_opened(self, message: Window.Opened) -> None:
        """Show a token or an event in full."""
        from botdesk.tui.dialogs.event import EventDialog
        from botdesk.tui.dialogs.token import TokenDialog

        is_event = message.window.id == "event-list"
        self.app.push_screen(EventDialog(message.row) if is_event else TokenDialog(message.row, self.now))

    def on_tabbed_content_tab_activated(self) -> None:
        """Put the keys to the list of the tab, and say what it shows."""
        self.query_one(f"#{self.tab} Window").focus()
        self._say_what_is_shown()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what this account, token or operator does not allow."""
        if action == "restore":
            return self._line.state == "removed" and (None if self.why_not(action) else True)
        return super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """What the account, the token or the operator lacks for the action; empty when nothing."""
        if action not in _NEEDS:
            return ""
        if action in TO_MARKED and self._marked:
            return self.desk_app.refusal(Action.BULK_BEGUN)
        refusal = render.refusal(self._line, *_NEEDS[action])
        if not refusal and action in _TOKEN_STATES:
            refusal = self._token_refusal(_TOKEN_STATES[action])
        if not refusal and action == "withdraw" and (self.tab != "access" or self._grant is None):
            refusal = "put the cursor on a grant, on the tab Access"
        if not refusal and action == "hand_over":
            refusal = self.desk_app.refusal(Action.ACCOUNT_HANDED_OVER)
        if not refusal and action == "restore":
            from botdesk import removal

            refusal = removal.too_late(self._line.account, self.now)
        return refusal

    def _token_refusal(self, states: tuple[str, ...]) -> str:
        if self.token is None:
            return "put the cursor on a token, on the tab Tokens"
        if self.token.state in states:
            return ""
        told = f"'{self.token.token.label}' is {self.token.state}"
        return f"{told}, and this is for one that is {states[0]}" if len(states) == 1 else told

    def title_of(self, binding: Binding) -> str:
        """Enable is what Disable is for a disabled account; of marked tokens their number is told."""
        if binding.action in TO_MARKED and self._marked:
            return f"{binding.description} {self._marked:,}"
        disabled = self._line.state == "disabled"
        return "Enable" if binding.action == "switch" and disabled else binding.description

    @property
    def _marked(self) -> int:
        """How many tokens are marked, on their tab."""
        return len(self.query_one("#token-list", Window).marked) if self.tab == "tokens" else 0

    @property
    def told_first(self) -> frozenset[str]:
        """The key to many, while there are marks; to the rotation that is under way, on the token that it is of."""
        if self._marked:
            return frozenset({"many"})
        retiring = self.token is not None and self.token.state == "retiring"
        return frozenset({"cutover"}) if retiring else frozenset()

    def action_refresh_now(self) -> None:
        """Read everything again; what others changed before counts as seen."""
        self._seen = self._line.version
        super().action_refresh_now()

    def action_turn(self, step: int) -> None:
        """Open the next tab."""
        self.say("")
        place = (TABS.index(self.tab) + step) % len(TABS)
        self.query_one("#tabs", TabbedContent).active = TABS[place]

    def action_ended(self) -> None:
        """Show or fold the tokens that have ended."""
        self._ended = not self._ended
        self.refresh_soon()

    @flow
    async def action_issue(self) -> None:
        """Issue a token."""
        await flows.token.issue(self.desk_app, self._line.account)

    @flow
    async def action_rotate(self) -> None:
        """Rotate the marked tokens, each secret straight to a command, or the one under the cursor."""
        from botdesk.bulk import Verb

        if self._marked:
            await self._to_marked(Verb.ROTATE)
        elif self.token is not None:
            await flows.token.rotate(self.desk_app, self.token, self._line.account)

    @flow
    async def action_revoke(self) -> None:
        """Revoke the marked tokens, or the one under the cursor."""
        from botdesk.bulk import Verb

        if self._marked:
            await self._to_marked(Verb.REVOKE)
        elif self.token is not None:
            await flows.token.revoke(self.desk_app, self.token)

    @flow
    async def action_many(self) -> None:
        """Ask what is to be done to the marked tokens or to this one, and do it."""
        await self._to_marked(None)

    async def _to_marked(self, verb: "Verb | None") -> None:
        """Do something to the marked tokens, or to this one; the marks stay when nothing was done."""
        window = self.query_one("#token-list", Window)
        if await flows.bulk.on_tokens(self.desk_app, window.chosen, verb):
            window.unmark()

    def action_cutover(self) -> None:
        """Show how the rotation of the token stands."""
        from botdesk.tui.screens.cutover import CutoverScreen

        if self.token is not None:
            self.app.push_screen(CutoverScreen(self.token.token.id))

    @flow
    async def action_uses(self) -> None:
        """Show from where the token was presented."""
        if self.token is not None:
            await flows.token.show_uses(self.desk_app, self.token.token.id, self.token.token.label)

    @flow
    async def action_restore(self) -> None:
        """Take the removal of the account back."""
        await flows.account.restore(self.desk_app, self._line)

    @flow
    async def action_give(self) -> None:
        """Give access."""
        await flows.access.give(self.desk_app, self._line)

    @flow
    async def action_withdraw(self) -> None:
        """Withdraw the grant under the cursor."""
        if self._grant is not None:
            await flows.access.withdraw(self.desk_app, self._line.account, self._grant)

    @flow
    async def action_hand_over(self) -> None:
        """Hand the account over."""
        await flows.access.hand_over(self.desk_app, self._line.account)

    @flow
    async def action_modify(self) -> None:
        """Modify the account."""
        await flows.account.modify(self.desk_app, self._line)

    @flow
    async def action_switch(self) -> None:
        """Disable or enable the account."""
        await flows.account.switch(self.desk_app, self._line)

    @flow
    async def action_remove(self) -> None:
        """Remove the account, and leave."""
        if await flows.account.remove(self.desk_app, self._line):
            self._gone()
            self.desk_app.say(f"removed {self._line.account.name}; {flows.account.REMOVED}")

    def action_todo(self) -> None:
        """Go to the advice on the account."""
        self.desk_app.show_advice(self._line.account.name)

    def action_copy(self) -> None:
        """Copy the token's id, or on the other tabs the account's."""
        self.copy(self.token.token.id if self.token is not None else self._account_id)

    def action_back(self) -> None:
        """Take back the marks, then leave."""
        window = self.query_one("#token-list", Window)
        if window.marked:
            window.unmark()
            self._say_what_is_shown()
            self.refresh_bindings()
        else:
            super().action_back()


_NEEDS: Final = {
    "issue": (Level.OPERATE, ("active",)),
    "rotate": (Level.OPERATE, ("active",)),
    "cutover": (Level.VIEW, render.PRESENT),
    "uses": (Level.VIEW, (*render.PRESENT, "removed")),
    "revoke": (Level.OPERATE, render.PRESENT),
    "many": (Level.OPERATE, render.PRESENT),
    "give": (Level.MANAGE, render.PRESENT),
    "withdraw": (Level.MANAGE, render.PRESENT),
    "hand_over": (Level.MANAGE, render.PRESENT),
    "modify": (Level.MANAGE, render.PRESENT),
    "switch": (Level.MANAGE, render.PRESENT),
    "remove": (Level.MANAGE, render.PRESENT),
    "restore": (Level.MANAGE, ("removed",)),
}
_TOKEN_STATES: Final = {
    "rotate": ("active",),
    "cutover": ("retiring",),
    "uses": ("active", "retiring", "pending", "expired", "revoked"),
    "revoke": ("active", "retiring", "pending", "expired"),
    "many": ("active", "retiring", "pending", "expired"),
}


def _event_cells(event: Any) -> Any:
    from botdesk import audit

    return render.event(event, audit.detail_of(event))
