"""One migration off a personal token: its four steps, the recipe, and who uses the old token still."""

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static, TabbedContent, TabPane

from botdesk import wording
from botdesk.errors import NotFound
from botdesk.stages import Stage
from botdesk.tui import flows, moving, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.listing import whole
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from botdesk import migration

SEEN: Final = (
    Column("source", "ADDRESS", 24, grow=1, most=64),
    Column("count", "TIMES", 8, right=True),
    Column("last", "LAST", 16),
)
LINES: Final = (Column("line", "RECIPE", 76, grow=1, most=200),)
TABS: Final = ("recipe", "seen")


class MigrationScreen(DeskScreen):
    """One migration."""

    FIRST = "recipe-list"
    TITLED = "one migration"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn", "Next tab", tooltip="The recipe, or who uses the old token", priority=True),
        Binding("shift+tab", "turn", "Tab before", show=False, priority=True),
        Binding("m", "next", "Next step", tooltip="Do what comes next"),
        Binding("i", "issue", "Issue", tooltip="Issue the new token and hand it over by the recipe"),
        Binding("o", "register", "Old token", tooltip="Register the old token, unseen, so that the gate knows it"),
        Binding("a", "accept", "Accept", tooltip="Let the old token count as the account until a date, or no longer"),
        Binding("x", "revoke", "End old", tooltip="End the old token here: it is refused from the next request on"),
        Binding("c", "confirm", "Confirm", tooltip="Confirm that the old token was ended where it is from"),
        Binding("p", "rest", "Pause", tooltip="Let it rest, or go on with it when it is paused: you run it then"),
        Binding("e", "enable", "Enable", show=False, tooltip="Enable the account that it leads to"),
        Binding("D,delete", "cancel", "Give up", show=False, tooltip="Give it up; the account stays as it is"),
        Binding("v", "account", "Account", show=False, tooltip="View the account that it leads to"),
        Binding("y", "copy", "Copy recipe", show=False, tooltip="Copy the recipe"),
        Binding("Y", "copy_id", "Copy id", show=False, tooltip="Copy its id"),
    ]

    def __init__(self, migration_id: str, *, tab: str = TABS[0]) -> None:
        """Make the screen.

        Args:
            migration_id: The migration's id.
            tab: Which of `TABS` is open at first.
        """
        super().__init__()
        self._migration_id = migration_id
        self._found: migration.View | None = None
        self._tab = tab

    def body(self) -> ComposeResult:
        """The steps, then a tab each for the recipe and for who uses the old token."""
        yield Static(id="migration", markup=False)
        with TabbedContent(initial=self._tab, id="tabs"):
            with TabPane("Recipe", id="recipe"):
                yield Window(
                    LINES,
                    cells=lambda line: (render.plain(line[1]),),
                    key=lambda line: str(line[0]),
                    id="recipe-list",
                )
            with TabPane("Old token", id="seen"):
                yield Window(
                    SEEN,
                    cells=lambda found: moving.seen_cells(found, self.now),
                    key=lambda found: str(found.key),
                    heading=self._heading,
                    id="seen-list",
                )

    def _heading(self, found: moving.Seen) -> str:
        switched = self._found is not None and self._found.line.facts.first_used_at is not None
        return moving.heading(found, switched=switched)

    async def reload(self) -> None:
        """Read how it stands; tell when its new token was seen meanwhile."""
        from botdesk import migration

        before = self._found
        try:
            found = self._found = await self.desk_app.ask(migration.view, self._migration_id)
        except NotFound:
            if self.app.screen is self:
                self.app.pop_screen()
            raise
        self.query_one("#migration", Static).update(moving.page(found, self.now))
        await self.query_one("#recipe-list", Window).show(whole(list(enumerate(moving.recipe(found.line)))))
        seen = self.query_one("#seen-list", Window)
        seen.empty = "nobody was seen with the old token" if found.line.facts.registered else moving.UNKNOWN
        await seen.show(whole(moving.seen(found)))
        self._say_what_is_shown()
        self.refresh_bindings()
        if before is not None and before.line.stage is Stage.SWITCH and found.line.facts.first_used_at:
            self.say(f"seen: the new token was used first, from {moving.last_from(found.line)}")

    def _say_what_is_shown(self) -> None:
        if self._found is not None:
            used, tried = len(self._found.stragglers), len(self._found.tries)
            told = [f"used from {wording.plural(used, 'place')}"] if used else []
            told += [f"refused from {wording.plural(tried, 'place')}"] if tried else []
            self.facts(" · ".join([f"step {self._found.line.stage}", *told, self._migration_id]))

    @property
    def tab(self) -> str:
        """The tab that is open."""
        return self.query_one("#tabs", TabbedContent).active or self._tab

    def action_turn(self) -> None:
        """Open the other tab."""
        self.say("")
        self.query_one("#tabs", TabbedContent).active = TABS[1 - TABS.index(self.tab)]

    def on_tabbed_content_tab_activated(self) -> None:
        """Put the keys to the list of the tab."""
        self.query_one(f"#{self.tab} Window").focus()
        self.refresh_bindings()

    def why_not(self, action: str) -> str:
        """What speaks against an action now; empty when nothing."""
        if action not in moving.DECIDED:
            return ""
        if self._found is None:
            return "it is still being read"
        if action == "next":
            return moving.over(self._found.line)
        return moving.refusal(self._found, action)

    def title_of(self, binding: Binding) -> str:
        """Resume is what Pause is for a paused one."""
        return moving.title(binding, self._found.line if self._found else None)

    @flow
    async def action_next(self) -> None:
        """Do what comes next."""
        await flows.migration.go_on(self.desk_app, self._migration_id)

    @flow
    async def action_issue(self) -> None:
        """Issue the new token."""
        if self._found is not None:
            await flows.migration.issue(self.desk_app, self._found)

    @flow
    async def action_register(self) -> None:
        """Register the old token."""
        if self._found is not None:
            await flows.migration.register(self.desk_app, self._found.line)

    @flow
    async def action_accept(self) -> None:
        """Let the old token count as the account's, or no longer."""
        if self._found is not None:
            await flows.migration.accept(self.desk_app, self._found.line)

    @flow
    async def action_revoke(self) -> None:
        """End the old token here."""
        await flows.migration.revoke(self.desk_app, self._migration_id)

    @flow
    async def action_confirm(self) -> None:
        """Confirm that the old token was ended."""
        if self._found is not None:
            await flows.migration.confirm(self.desk_app, self._found.line)

    @flow
    async def action_rest(self) -> None:
        """Pause it, or go on with it."""
        if self._found is not None:
            await flows.migration.rest(self.desk_app, self._found.line)

    @flow
    async def action_enable(self) -> None:
        """Enable the account."""
        if self._found is not None:
            await flows.migration.enable(self.desk_app, self._found.line)

    @flow
    async def action_cancel(self) -> None:
        """Give it up."""
        if self._found is not None:
            await flows.migration.cancel(self.desk_app, self._found.line)

    @flow
    async def action_account(self) -> None:
        """View the account."""
        from botdesk import accounts
        from botdesk.tui.screens.account import AccountScreen

        if self._found is not None:
            line = await self.desk_app.ask(accounts.line, self._found.line.migration.account_id)
            await self.app.push_screen(AccountScreen(line))

    def action_copy(self) -> None:
        """Copy the recipe."""
        if self._found is not None:
            self.app.copy_to_clipboard("\n".join(moving.recipe(self._found.line)))
            self.say("sent the recipe to your terminal for its clipboard")

    def action_copy_id(self) -> None:
        """Copy its id."""
        self.copy(self._migration_id)
