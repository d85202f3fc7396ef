"""Who may reach what, and why, both ways round."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from botdesk import wording
from botdesk.errors import BotdeskError, NotFound
from botdesk.tui import flows, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.render import Cell
from botdesk.tui.widgets.bars import FilterLine
from botdesk.tui.widgets.window import Column, Slice, Window

if TYPE_CHECKING:
    from botdesk import accounts, grants, people

LEFT: Final = (Column("name", "ACCOUNT"), Column("note", "", 8))
RIGHT: Final = (Column("who", "PERSON", 16), Column("level", "LEVEL", 8), Column("why", "WHY"))


class AccessScreen(DeskScreen):
    """Accounts and who reaches them; or people and what they reach."""

    NAME = "access"
    FIRST = "left"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "turn", "By person", tooltip="By account or by person: the other way round"),
        Binding("tab", "across", "Across", tooltip="To the other list", priority=True),
        Binding("enter", "open", "Open", show=False, tooltip="Open the account"),
        Binding("a", "give", "Give access", tooltip="Give a role or a person access to the account"),
        Binding("w", "withdraw", "Withdraw", tooltip="Withdraw a grant on the account"),
        Binding("slash", "filter", "Filter", tooltip="Filter as you type"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._by_person = False

    def body(self) -> ComposeResult:
        """The list at the left, who or what at the right."""
        yield FilterLine("filter by name")
        with Horizontal():
            yield Window(LEFT, cells=self._left_cells, key=_key, id="left")
            with Vertical(id="reach"):
                yield Static(id="question", markup=False)
                yield Window(
                    RIGHT,
                    cells=lambda found: render.reached(found) if self._by_person else render.reach(found),
                    key=lambda found: f"{found.account_id}/{found.person.id}",
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
        return [render.plain(row.account.name, "accent"), orphan]

    async def reload(self) -> None:
        """Read the list at the left; the right one follows its cursor."""
        from botdesk import accounts, people

        text = self.filter_text
        if self._by_person:
            found = [
                line
                for line in await self.desk_app.ask(people.listed, disabled=False)
                if text.lower() in line.person.name
            ]

            async def fetch(after: Any, limit: int) -> Slice:
                return Slice(found, None, len(found))
        else:
            wanted = accounts.Filter(text=text)

            async def fetch(after: Any, limit: int) -> Slice:
                page = await self.desk_app.ask(accounts.page, wanted, after=after, limit=limit)
                return Slice(page.rows, page.next, page.total)

        self.left.columns[0] = Column("name", "PERSON" if self._by_person else "ACCOUNT")
        self.right.columns[0] = Column("who", "ACCOUNT" if self._by_person else "PERSON", 22 if self._by_person else 12)
        self.left.empty = "nothing here"
        await self.left.show(fetch)
        noun, nouns = ("person", "people") if self._by_person else ("account", "accounts")
        self.facts(f"{wording.plural(self.left.total, noun, nouns)} · b turns it round")

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """Show who or what belongs to the row at the left."""
        if message.window.id == "left":
            self._show_reach(message.row)
        self.refresh_bindings()

    @work(exclusive=True, group="reach")
    async def _show_reach(self, row: Any) -> None:
        from botdesk import grants

        found: list[grants.Reach] = []
        try:
            if row is not None and hasattr(row, "person"):
                found = await self.desk_app.ask(grants.what_reaches, row.person.name)
            elif row is not None:
                found = await self.desk_app.ask(grants.who_reaches, row.account.id)
        except BotdeskError as error:
            self.desk_app.complain(error)

        async def fetch(after: Any, limit: int) -> Slice:
            return Slice(found, None, len(found))

        self.right.empty = "nothing" if self._by_person else "nobody"
        await self.right.show(fetch)
        self.query_one("#question", Static).update(_question(row))

    @property
    def _account(self) -> "tuple[str, str] | None":
        """The id and name of the account that the cursor is on, at the left or at the right."""
        if self._by_person:
            found: grants.Reach | None = self.right.row
            return None if found is None else (found.account_id, found.account)
        line: accounts.Line | None = self.left.row
        return None if line is None else (line.account.id, line.account.name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what needs an account where there is none."""
        if action in ("give", "withdraw", "open"):
            return True if self.is_mounted and self._account is not None else None
        return True

    def action_turn(self) -> None:
        """Turn it round: by account, or by person."""
        self._by_person = not self._by_person
        self.left.rows = []
        self.refresh_soon()

    def action_across(self) -> None:
        """Go to the other list."""
        (self.right if self.left.has_focus else self.left).focus()

    def on_window_opened(self, message: Window.Opened) -> None:
        """Open the account of the row."""
        self.action_open()

    def action_open(self) -> None:
        """Open the account."""
        if self._account is not None:
            from botdesk.tui.screens.account import AccountScreen

            self.app.push_screen(AccountScreen(self._account[0]))

    @flow
    async def action_give(self) -> None:
        """Give access to the account."""
        from botdesk import accounts as ops

        if self._account is not None:
            account = await self.desk_app.ask(ops.find, self._account[0])
            person: people.PersonLine | None = self.left.row if self._by_person else None
            await flows.give_access(self.desk_app, account, to=f"person:{person.person.name}" if person else "")

    @flow
    async def action_withdraw(self) -> None:
        """Choose a grant on the account, and withdraw it."""
        from botdesk import grants as ops
        from botdesk.tui.dialogs.forms import PickDialog

        if self._account is None:
            return
        account_id, name = self._account
        given = [line.grantee for line in await self.desk_app.ask(ops.listed, account_id)]
        if not given:
            self.desk_app.complain(
                NotFound(f"there is no grant on {name}", hint="the creator and admins keep access by rule")
            )
            return
        grantee = await self.desk_app.prompt(PickDialog(f"Withdraw whose access to {name}", given))
        if grantee is not None:
            await flows.withdraw_access(self.desk_app, account_id, name, grantee)


def _key(row: Any) -> str:
    return str(row.person.id if hasattr(row, "person") else row.account.id)


def _question(row: Any) -> str:
    if row is None:
        return ""
    if hasattr(row, "person"):
        return wording.visible(f" What can {row.person.name} reach, and why?")
    orphan = "" if row.managers else " Only admins can manage it: give it to somebody."
    return wording.visible(f" Who can reach {row.account.name}, and why?{orphan}")
