"""All service accounts, with a preview beside them where there is room."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from botdesk import wording
from botdesk.access import Action, Level
from botdesk.errors import BotdeskError
from botdesk.tui import flows, render
from botdesk.tui.base import DEMO, DeskScreen, flow
from botdesk.tui.render import Cell
from botdesk.tui.widgets import listing
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.filter import FilterBar
from botdesk.tui.widgets.listing import Slice
from botdesk.tui.widgets.sheet import Foretold
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from botdesk import accounts, advice
    from botdesk.bulk import Verb
    from botdesk.desk import Transaction
    from botdesk.tui.scout import Found

COLUMNS: Final = (
    Column("name", "NAME", 15, grow=1, most=40, sort=True),
    Column("purpose", "PURPOSE", 8, sort=True),
    Column("state", "STATE", 8, sort=True),
    Column("advice", "TODO", 4, right=True),
    Column("live", "LIVE", 4, right=True, sort=True),
    Column("expiry", "ENDS", 5, right=True, sort=True),
    Column("used", "USED", 4, right=True, sort=True),
    Column("managers", "MANAGED BY", 10, grow=4, most=50, above=64),
)
FIRST_SORT: Final = "name"
SHOWN: Final = ("", "disabled", "removed", "all")
TO_MARKED: Final = frozenset({"many", "switch", "give"})
"""The actions that are done to all marked accounts."""

REPEAT_SECONDS: Final = 0.15
"""Keys that follow each other more quickly are repeated: nobody reads what the preview would show for each."""

BADGE_SECONDS: Final = 0.1
"""For so long rows are to be in view before the advice on them is read: first they are painted, and keys repeat."""

LATELY: Final = 60
"""How many events are read to tell what happened lately; repetitions are told once."""


class AccountsScreen(DeskScreen):
    """The list of accounts.

    Attributes:
        patience: Seconds that the preview waits for keys to pause, once they follow each other as quickly.
    """

    NAME = "accounts"
    TITLED = "accounts"
    FIRST = "accounts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "create", "New", tooltip="Create a service account"),
        Binding("o", "demo", "Demo", tooltip="Leave this empty desk for a throw-away one with data to look around in"),
        Binding("u", "restore", "Restore", tooltip="Take its removal back: its grants return, its tokens stay revoked"),
        Binding("i", "issue", "Issue", tooltip="Issue a token to it and hand it over"),
        Binding("t", "todo", "To do", tooltip="The advice on it: what is not as it should be, and what mends it"),
        Binding("e", "modify", "Modify", tooltip="Change name, purpose, scopes, rotation"),
        Binding("d", "switch", "Disable", tooltip="Disable the marked ones or this one, or enable them again"),
        Binding("slash", "filter", "Filter", tooltip="Filter as you type"),
        Binding("a", "give", "Grant", tooltip="Give a role or a person access to the marked ones or this one"),
        Binding("b", "many", "Bulk", show=False, tooltip="Do something to the marked ones, or their tokens, at once"),
        Binding("s", "sort", "Sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "Reverse", show=False, tooltip="Sort the other way round"),
        Binding("D,delete", "remove", "Remove", tooltip="Remove it; its name has to be typed"),
        Binding("f", "states", "States", show=False, tooltip="Live ones, disabled ones, removed ones, or all"),
        Binding("y", "copy", "Copy name", show=False, tooltip="Copy its name"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sort = FIRST_SORT
        self._shown = ""
        self._badges: dict[str, advice.Badge] = {}
        self._badged: set[str] = set()
        self._moved_at = 0.0
        self.patience = REPEAT_SECONDS
        self._is_ready = False

    def body(self) -> ComposeResult:
        """The filter, the list, the preview."""
        yield FilterBar("words in name, purpose, scopes, description; state:removed")
        with Horizontal():
            yield Window(
                COLUMNS,
                cells=lambda line: render.account(line, self.now, self._badges.get(line.account.id)),
                key=lambda line: str(line.account.id),
                markable=True,
                opens="Open",
                fit=listing.FIRST,
                id="accounts",
            )
            with VerticalScroll(id="preview", can_focus=False):
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

        text, window = self.filter_text, self.window
        wanted = _wanted(text, self._shown)
        sort, descending = accounts.Sort(self._sort), self._descending

        async def fetch(after: Any, limit: int, backward: bool) -> Slice:
            place: dict[str, Any] = {"sort": sort, "descending": descending ^ backward, "after": after, "limit": limit}
            told = window.size.height if window.is_read and after is None else 0
            near = self.line.account.id if self.line else ""
            found, asked, badges = await self.desk_app.ask(_page, wanted, told, near, **place)
            self._take(asked, badges)
            return Slice(found.rows, found.next, found.total)

        self._badged.clear()
        window.empty = _nothing(text, self._shown, demo=not self.desk_app.desk.settings.confined)
        window.sorted_by = (self._sort, descending)
        await window.show(fetch, about=(wanted, sort, descending))
        self._say_what_is_shown()
        self._badge()

    def foretell(self, found: "Found") -> None:
        """Show the rows that a scout found, unless a filter, the order or the states are no longer what it went by."""
        if not (self.filter_text or self._shown or self._descending) and self._sort == FIRST_SORT:
            self.window.sorted_by = (self._sort, self._descending)
            rows = [Foretold(key, [Cell(*cell) for cell in cells]) for key, cells in found.rows]
            self.window.foretell(rows, found.total)

    @work(exclusive=True, group="badge")
    async def _badge(self) -> None:
        """Tell beside each account in view how much advice there is on it."""
        fresh = [line.account.id for line in self.window.in_view if line.account.id not in self._badged]
        if not fresh:
            return
        await asyncio.sleep(BADGE_SECONDS)
        from botdesk import advice

        try:
            found = await self.desk_app.ask(advice.badges, fresh)
        except BotdeskError:
            return
        self._take(fresh, found)
        self.window.refresh()
        self.refresh_bindings()

    def _take(self, asked: "Sequence[str]", found: "dict[str, advice.Badge]") -> None:
        """Keep the advice on the accounts that it was asked for."""
        self._badges = {known: badge for known, badge in self._badges.items() if known not in asked} | found
        self._badged.update(asked)

    def _say_what_is_shown(self) -> None:
        window, text = self.window, self.filter_text
        facts = [wording.plural(window.total, "account"), f"by {self._sort}"]
        facts += [f"filter '{text}'"] if text else []
        facts += [f"showing {self._shown}"] if self._shown else []
        facts += [f"{len(window.marked)} marked"] if window.marked else []
        self.facts(" · ".join(facts))

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """Show the preview of the row under the cursor."""
        if self.window.is_read:
            self._say_what_is_shown()
        self.refresh_bindings()
        before, self._moved_at = self._moved_at, self.desk_app.clock()
        self._preview(message.row, pause=self._moved_at - before < self.patience)

    def on_window_scrolled(self) -> None:
        """Read the advice on what came into view."""
        if self.desk_app.is_open:
            self._badge()

    def on_window_opened(self, message: Window.Opened) -> None:
        """Open the account."""
        from botdesk.tui.screens.account import AccountScreen

        self.app.push_screen(AccountScreen(message.row))

    def on_resize(self) -> None:
        """The preview may have become visible."""
        if self.desk_app.is_open:
            self._preview(self.line)

    @work(exclusive=True, group="preview")
    async def _preview(self, line: "accounts.Line | None", *, pause: bool = False) -> None:
        pane, panel = self.query_one("#preview"), self.query_one("#preview-text", Static)
        pane.set_class(line is None, "-empty")
        if line is None or not pane.display:
            if panel.content:
                panel.update("")
            return
        if pause:
            await asyncio.sleep(self.patience)
        from botdesk import audit, grants, tokens
        from botdesk.tui import panes

        try:
            held = await self.desk_app.ask(tokens.listed, line.account.id)
            granted = await self.desk_app.ask(grants.listed, line.account.id)
            events = await self.desk_app.ask(audit.page, audit.Filter(account=line.account.id), limit=LATELY)
        except BotdeskError as error:
            panel.update(error.message)
            return
        panel.update(panes.account(line, held, granted, events.rows, self.now))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what this account or this operator does not allow; the demo is for an empty desk."""
        if action == "demo":
            return self.is_mounted and self._is_new
        if action == "restore":
            removed = self.is_mounted and self.line is not None and self.line.state == "removed"
            return removed and (None if self.why_not(action) else True)
        return super().check_action(action, parameters)

    def why_not(self, action: str) -> str:
        """What this account or this operator lacks for the action; empty when nothing."""
        if action == "create":
            return self.desk_app.refusal(Action.ACCOUNT_CREATED)
        if action in TO_MARKED and self.window.marked:
            return self.desk_app.refusal(Action.BULK_BEGUN)
        refusal = render.refusal(self.line, *_NEEDS[action]) if action in _NEEDS else ""
        if not refusal and action == "todo" and self.line is not None:
            account = self.line.account
            known = account.id in self._badged and account.id not in self._badges
            return f"there is no advice on {account.name}" if known else ""
        if not refusal and action == "restore" and self.line is not None:
            from botdesk import removal

            refusal = removal.too_late(self.line.account, self.now)
        return refusal

    def title_of(self, binding: Binding) -> str:
        """Enable is what Disable is for disabled accounts; of marked ones their number is told."""
        enables = binding.action == "switch" and not any(line.state == "active" for line in self.window.chosen)
        title = "Enable" if enables and self.line is not None else binding.description
        count = len(self.window.marked)
        return f"{title} {count:,}" if count and binding.action in TO_MARKED else title

    @property
    def told_first(self) -> frozenset[str]:
        """The key to many, while there are marks."""
        return frozenset({"many"}) if self.window.marked else frozenset()

    @property
    def _is_new(self) -> bool:
        return self.desk_app.is_open and not (
            self.desk_app.desk.settings.confined or self.window.total or self.filter_text or self._shown
        )

    def action_demo(self) -> None:
        """Open the demo desk instead."""
        self.app.exit(DEMO)

    @flow
    async def action_create(self) -> None:
        """Create an account and open it: its first token comes next."""
        from botdesk import accounts
        from botdesk.tui.screens.account import AccountScreen

        made = await flows.account.create(self.desk_app)
        if made is not None:
            self.window.seek(made.id)
            line = await self.desk_app.ask(accounts.line, made.id)
            await self.app.push_screen(AccountScreen(line))
            self.desk_app.say(f"created {made.name}; i issues its first token")

    @flow
    async def action_issue(self) -> None:
        """Issue a token to the account."""
        if self.line is not None:
            await flows.token.issue(self.desk_app, self.line.account)

    @flow
    async def action_modify(self) -> None:
        """Modify the account."""
        if self.line is not None:
            await flows.account.modify(self.desk_app, self.line)

    @flow
    async def action_switch(self) -> None:
        """Disable or enable the marked accounts, or this one."""
        from botdesk.bulk import Verb

        if self.window.marked:
            active = any(line.state == "active" for line in self.window.chosen)
            await self._to_marked(Verb.DISABLE if active else Verb.ENABLE)
        elif self.line is not None:
            await flows.account.switch(self.desk_app, self.line)

    async def _to_marked(self, verb: "Verb | None") -> None:
        """Do something to the marked accounts, or to this one; the marks stay when nothing was done."""
        if await flows.bulk.on_accounts(self.desk_app, self.window.chosen, verb):
            self.window.unmark()

    @flow
    async def action_many(self) -> None:
        """Ask what is to be done to the marked accounts or to this one, and do it."""
        await self._to_marked(None)

    @flow
    async def action_remove(self) -> None:
        """Remove the account."""
        if self.line is not None:
            await flows.account.remove(self.desk_app, self.line)

    @flow
    async def action_restore(self) -> None:
        """Take the removal of the account back."""
        if self.line is not None:
            await flows.account.restore(self.desk_app, self.line)

    @flow
    async def action_give(self) -> None:
        """Give access to the marked accounts, or to this one."""
        from botdesk.bulk import Verb

        if self.window.marked:
            await self._to_marked(Verb.GRANT)
        elif self.line is not None:
            await flows.access.give(self.desk_app, self.line)

    def action_todo(self) -> None:
        """Go to the advice on the account."""
        if self.line is not None:
            self.desk_app.show_advice(self.line.account.name)

    def action_filter(self) -> None:
        """Open the line to filter in; the first time, the question that a letter asks is made ready meanwhile."""
        super().action_filter()
        if self.desk_app.is_open and not self._is_ready:
            self._is_ready = True
            self._make_ready()

    @work(exclusive=True, group="make-ready")
    async def _make_ready(self) -> None:
        """Search for what many have: it takes a moment to put a question into SQL for the first time."""
        letter = self.line.account.name[0] if self.line else "a"
        with contextlib.suppress(BotdeskError):
            await self.desk_app.ask(_page, _wanted(letter, self._shown), 1, "", limit=1)

    def action_states(self) -> None:
        """Show live ones, disabled ones, or all."""
        self._shown = SHOWN[(SHOWN.index(self._shown) + 1) % len(SHOWN)]
        self.refresh_soon()

    def action_copy(self) -> None:
        """Copy the account's name."""
        if self.line is not None:
            self.copy(self.line.account.name)

    def action_back(self) -> None:
        """Take back the marks, then the filter."""
        if self.window.marked:
            self.window.unmark()
            self._say_what_is_shown()
            self.refresh_bindings()
        else:
            super().action_back()


_NEEDS: Final = {
    "copy": (Level.VIEW, (*render.PRESENT, "removed")),
    "todo": (Level.VIEW, (*render.PRESENT, "removed")),
    "issue": (Level.OPERATE, ("active",)),
    "modify": (Level.MANAGE, render.PRESENT),
    "switch": (Level.MANAGE, render.PRESENT),
    "remove": (Level.MANAGE, render.PRESENT),
    "restore": (Level.MANAGE, ("removed",)),
    "give": (Level.MANAGE, render.PRESENT),
    "many": (Level.OPERATE, render.PRESENT),
}
"""The level, and the states of the account, that an action needs."""


def _page(
    tx: "Transaction", /, wanted: "accounts.Filter", told: int, near: str, **place: Any
) -> "tuple[accounts.Page[accounts.Line], Sequence[str], dict[str, advice.Badge]]":
    """A page, the ids of its rows that will be in view, and the advice on them: all drawn at once."""
    from botdesk import accounts

    page = accounts.page(tx, wanted, **place)
    if not told:
        return page, (), {}
    from botdesk import advice

    asked = [line.account.id for line in _near(page.rows, near, told)]
    return page, asked, advice.badges(tx, asked)


def _near(rows: "Sequence[accounts.Line]", near: str, told: int) -> "Sequence[accounts.Line]":
    """The rows that may be in view, of which there are so many at the most, when the cursor stays on an account."""
    at = next((place for place, line in enumerate(rows) if line.account.id == near), 0)
    return rows[max(0, at - told) : at + told]


def _wanted(text: str, shown: str) -> "accounts.Filter":
    """Which accounts are asked for: by the words that are typed, `state:removed` among them, and by the key."""
    from botdesk import accounts

    words = text.split()
    named = next((word.lower().removeprefix("state:") for word in words if word.lower().startswith("state:")), shown)
    found = next((state for state in accounts.AccountState if named and state.startswith(named)), None)
    said = " ".join(word for word in words if not word.lower().startswith("state:"))
    return accounts.Filter(text=said, state=found, removed=named == "all")


def _nothing(text: str, shown: str, *, demo: bool) -> str:
    if text or shown:
        hints = ["esc empties the filter"] * bool(text) + ["f shows the others"] * bool(shown)
        return f"nothing matches: {', '.join(hints)}"
    return (
        "no service accounts yet\n\n"
        "n   creates the first one: a name, a purpose, scopes, a rotation period\n"
        "i   then issues a token to it, and hands its secret over, once\n"
        + ("o   opens a throw-away demo desk instead, to look around in\n" if demo else "")
        + "?   shows every key"
    )
