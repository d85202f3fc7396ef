"""Advice: what is not as it should be, the worst first, with the key that mends it."""

import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from botdesk import wording
from botdesk.tui import flows, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.filter import FilterBar
from botdesk.tui.widgets.listing import MEASURED, whole
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from botdesk.advice import Advice

COLUMNS: Final = (
    Column("severity", "HOW BAD", 7),
    Column("account", "ACCOUNT", 15, grow=1, most=40),
    Column("what", "WHAT", 30, grow=4, most=140),
    Column("mend", "MENDED BY", 13, above=90),
)
SLOW_SECONDS: Final = 1.0
"""If the desk is so large that reading all advice takes longer, it is read again when asked for alone."""


class AdviceScreen(DeskScreen):
    """The list of advice, and below it why a line matters and what mends it."""

    NAME = "advice"
    TITLED = "advice"
    FIRST = "advice-list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "mend", "Mend", tooltip="Do what mends it: rotate, revoke, extend, drop the scope, …"),
        Binding("x", "hide", "Dismiss", tooltip="Hide it from everybody until a date, with a reason"),
        Binding("u", "recall", "Recall", show=False, tooltip="Show a dismissed line again"),
        Binding("h", "dismissed", "Dismissed", tooltip="Show or fold what was dismissed"),
        Binding("slash", "filter", "Filter", tooltip="Filter as you type"),
        Binding("y", "copy", "Copy command", show=False, tooltip="Copy the command that mends it"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._dismissed = False
        self._took = 0.0
        self._wanted = True
        self._all: list[Advice] = []
        self._filtered = ""

    def body(self) -> ComposeResult:
        """The filter, the list, the line in full."""
        yield FilterBar("words in account, what, kind; account:ci-bot")
        yield Window(
            COLUMNS,
            cells=render.advice_line,
            key=lambda found: str(found.id),
            opens="Open account",
            fit=MEASURED,
            id="advice-list",
        )
        yield Static(id="advice-text", markup=False)

    @property
    def window(self) -> Window:
        """The list."""
        return self.query_one("#advice-list", Window)

    @property
    def found(self) -> "Advice | None":
        """The line under the cursor."""
        row: Advice | None = self.window.row
        return row

    async def reload(self) -> None:
        """Read all advice; of a large desk only when that is asked for."""
        from botdesk import advice

        filtered, self._filtered = self._filtered, self.filter_text
        if self._took <= SLOW_SECONDS or self._wanted:
            await self._read()
        elif filtered == self.filter_text:
            self.say("the desk changed meanwhile: r reads it again")
        words = self.filter_text.lower().split()
        shown = [one for one in self._all if _says(one, words)]
        self.window.empty = "nothing matches: esc empties the filter" if words else "all is well"
        await self.window.show(whole(shown))
        told = [f"{sum(one.finding.severity == each for one in shown)} {each}" for each in advice.Severity]
        self.facts(" · ".join([wording.plural(len(shown), "line"), *told]))
        self.refresh_bindings()

    async def _read(self) -> None:
        from botdesk import advice

        begun, self._wanted = time.monotonic(), False
        self._all = await self.desk_app.ask(advice.listed, dismissed=self._dismissed)
        self._took = time.monotonic() - begun

    def on_screen_resume(self) -> None:
        """Read again when one comes back."""
        self._wanted = True
        super().on_screen_resume()

    def action_refresh_now(self) -> None:
        """Read everything again."""
        self._wanted = True
        super().action_refresh_now()

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """Tell the line under the cursor in full."""
        self.query_one("#advice-text", Static).update(render.advice_in_full(self.found) if self.found else "")
        self.refresh_bindings()

    def on_window_opened(self, message: Window.Opened) -> None:
        """Open the account that it is about; people are on a screen of their own."""
        self._open()

    @flow
    async def _open(self) -> None:
        from botdesk import accounts
        from botdesk.tui.screens.account import AccountScreen

        if self.found is not None and self.found.finding.account_id:
            line = await self.desk_app.ask(accounts.line, self.found.finding.account_id)
            await self.app.push_screen(AccountScreen(line))
        elif self.found is not None:
            self.desk_app.action_go("people")

    def why_not(self, action: str) -> str:
        """What the line lacks for the action; empty when nothing."""
        if action not in ("mend", "hide", "recall", "copy"):
            return ""
        if self.found is None:
            return "there is nothing under the cursor"
        return "it was not dismissed" if action == "recall" and self.found.dismissal is None else ""

    @flow
    async def action_mend(self) -> None:
        """Do what mends the line."""
        if self.found is not None:
            self._wanted = True
            await flows.advice.mend(self.desk_app, self.found)

    @flow
    async def action_hide(self) -> None:
        """Dismiss the line."""
        if self.found is not None:
            self._wanted = True
            await flows.advice.dismiss(self.desk_app, self.found)

    @flow
    async def action_recall(self) -> None:
        """Show a dismissed line again."""
        if self.found is not None:
            self._wanted = True
            await flows.advice.recall(self.desk_app, self.found)

    def action_dismissed(self) -> None:
        """Show or fold what was dismissed."""
        self._dismissed, self._wanted = not self._dismissed, True
        self.refresh_soon()

    def action_copy(self) -> None:
        """Copy the command."""
        if self.found is not None:
            self.copy(self.found.command)


def _says(found: Any, words: list[str]) -> bool:
    finding = found.finding
    text = f"{finding.account} {finding.what} {finding.kind} {finding.severity} {finding.mend}".lower()
    account = f"account:{finding.account}".lower()
    return all(word == account if word.startswith("account:") else word in text for word in words)
