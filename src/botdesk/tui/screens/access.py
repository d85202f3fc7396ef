"""Who may reach what, and why, both ways round."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from botdesk import wording
from botdesk.access import Action, Level
from botdesk.tui import flows, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.render import Cell
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.filter import FilterBar
from botdesk.tui.widgets.listing import MEASURED, Slice, whole
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from botdesk import accounts

LEFT: Final = (Column("name", "ACCOUNT", 12, grow=1), Column("note", "", 8))
RIGHT: Final = (
    Column("who", "PERSON", 12, grow=1, most=40),
    Column("level", "LEVEL", 8),
    Column("why", "WHY", 18, grow=2, above=42),
)


class AccessScreen(DeskScreen):
    """Accounts and who reaches them; or people and what they reach."""

    NAME = "access"
    TITLED = "access"
    FIRST = "left"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "turn_round", "By person", tooltip="By account or by person: the other way round"),
        Binding("tab,shift+tab", "across", "Across", tooltip="To the other list", priority=True),
        Binding("a", "give", "Grant", tooltip="Give a role or a person access to the account"),
        Binding("w", "withdraw", "Withdraw", tooltip="Withdraw a grant on the account"),
        Binding("H", "hand_over", "Hand over", tooltip="Put the account into the hands of another person"),
        Binding("slash", "filter", "Filter", tooltip="Filter as you type"),
        Binding("y", "copy", "Copy name", show=False, tooltip="Copy the account's name"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._by_person = False

    def body(self) -> ComposeResult:
        """The list at the left, who or what at the right."""
        yield FilterBar("words in names")
        with Horizontal():
            yield Window(LEFT, cells=self._left_cells, key=_key, opens="Open", id="left")
            with Vertical(id="reach"):
                yield Static(id="question", markup=False)
                yield Window(
                    RIGHT,
                    cells=lambda line: render.reached(line) if self._by_person else render.reach(line),
                    key=lambda line: line.key,
                    opens="Open",
                    fit=MEASURED,
                    id="right",
                )

    @property
    def left(self) -> Window:
        """The list at the left."""
        return self.query_one("#left", Window)

    @property
    def right(self) -> Window:
        """The list at the right."""
        return self.query_one("#right", Window)

    def _left_cells(self, row: Any) -> list[Cell]:
        if hasattr(row, "person"):
            return [render.plain(row.person.name, "accent"), Cell(row.person.standing, "muted")]
        orphan = Cell("orphan", "bad") if not row.managers else Cell("")
        return [render.plain(row.account.name, "accent" if row.managers else "bad"), orphan]

    async def reload(self) -> None:
        """Read the list at the left; the right one follows its cursor."""
        by = "PERSON" if self._by_person else "ACCOUNT"
        self.left.columns = [Column("name", by, 12, grow=1), LEFT[1]]
        self.right.columns = [Column("who", "ACCOUNT" if self._by_person else "PERSON", 10, grow=1), *RIGHT[1:]]
        self.left.empty = "nothing matches" if self.filter_text else "no accounts yet"
        await (self._show_people() if self._by_person else self._show_accounts())
        noun, nouns = ("person", "people") if self._by_person else ("account", "accounts")
        self.facts(wording.plural(self.left.total, noun, nouns))
        self.refresh_bindings()

    async def _show_accounts(self) -> None:
        from botdesk import accounts

        wanted = accounts.Filter(text=self.filter_text)

        async def fetch(after: Any, limit: int, backward: bool) -> Slice:
            page = await self.desk_app.ask(accounts.page, wanted, after=after, limit=limit, descending=backward)
            return Slice(page.rows, page.next, page.total)

        await self.left.show(fetch)

    async def _show_people(self) -> None:
        from botdesk import people

        text = self.filter_text.lower()
        everybody = await self.desk_app.ask(people.listed, disabled=False)
        found = [line for line in everybody if text in f"{line.person.name} {line.person.full_name}".lower()]
        await self.left.show(whole(found))

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """Show who or what belongs to the row at the left."""
        if message.window.id == "left" and self.left.is_read:
            self._show_reach(message.row)
        self.refresh_bindings()

    @work(exclusive=True, group="reach")
    async def _show_reach(self, row: Any) -> None:
        from botdesk import grants

        found: list[grants.Reach] = []
        if row is not None and hasattr(row, "person"):
            found = await self.desk_app.ask(grants.what_reaches, row.person.name)
        elif row is not None:
            found = await self.desk_app.ask(grants.who_reaches, row.account.id)
        self.right.empty = "nothing" if self._by_person else "nobody"
        await self.right.show(whole(render.whys(found)))
        self.query_one("#question", Static).update(_question(row))

    @property
    def _account(self) -> str:
        """The id of the account that the cursor is on, at the left or at the right; empty when on none."""
        if self._by_person:
            why: render.Why | None = self.right.row
            return why.found.account_id if why is not None else ""
        line: accounts.Line | None = self.left.row
        return line.account.id if line is not None else ""

    def why_not(self, action: str) -> str:
        """What is lacking for the action; empty when nothing."""
        if action in ("give", "withdraw", "copy", "hand_over") and not self._account:
            return "there is no account under the cursor"
        if action == "hand_over":
            return self.desk_app.refusal(Action.ACCOUNT_HANDED_OVER)
        if action in ("give", "withdraw") and not self._by_person:
            return render.refusal(self.left.row, Level.MANAGE, render.PRESENT)
        return ""

    def title_of(self, binding: Binding) -> str:
        """Which way round comes next."""
        turned = binding.action == "turn_round" and self._by_person
        return "By account" if turned else binding.description

    def action_turn_round(self) -> None:
        """Turn it round: by account, or by person."""
        self._by_person = not self._by_person
        self.left.forget()
        self.right.forget()
        self.refresh_soon()

    def action_across(self) -> None:
        """Go to the other list."""
        self.say("")
        (self.right if self.left.has_focus else self.left).focus()

    @work(exclusive=True, group="opened")
    async def on_window_opened(self, message: Window.Opened) -> None:
        """Open the account of the row."""
        from botdesk import accounts
        from botdesk.tui.screens.account import AccountScreen

        if self._account:
            line = await self.desk_app.ask(accounts.line, self._account)
            await self.app.push_screen(AccountScreen(line))

    @flow
    async def action_give(self) -> None:
        """Give access to the account; to the person at the left, if people are there."""
        person = self.left.row.person.name if self._by_person else ""
        line = await self._managed()
        if line is not None:
            await flows.access.give(self.desk_app, line, to=f"person:{person}" if person else "")

    @flow
    async def action_withdraw(self) -> None:
        """Choose a grant on the account, and withdraw it."""
        line = await self._managed()
        if line is not None:
            await flows.access.withdraw(self.desk_app, line.account)

    async def _managed(self) -> "accounts.Line | None":
        """The account under the cursor; None, and why is said, when the operator does not manage it."""
        from botdesk import accounts

        line = await self.desk_app.ask(accounts.line, self._account)
        refusal = render.refusal(line, Level.MANAGE, render.PRESENT)
        if refusal:
            self.say(refusal)
        return None if refusal else line

    @flow
    async def action_hand_over(self) -> None:
        """Hand the account over."""
        from botdesk import accounts

        await flows.access.hand_over(self.desk_app, await self.desk_app.ask(accounts.find, self._account))

    def action_copy(self) -> None:
        """Copy the account's name."""
        row = self.right.row if self._by_person else self.left.row
        if row is not None:
            self.copy(row.found.account if self._by_person else row.account.name)


def _key(row: Any) -> str:
    return str(row.person.id if hasattr(row, "person") else row.account.id)


def _question(row: Any) -> str:
    if row is None:
        return ""
    if hasattr(row, "person"):
        return wording.visible(f" What can {row.person.name} reach, and why?")
    orphan = "" if row.managers else "\n Only admins can manage it: H hands it over."
    return wording.visible(f" Who can reach {row.account.name}, and why?") + orphan
