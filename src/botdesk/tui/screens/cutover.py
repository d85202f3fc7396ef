"""A rotation that runs: is the successor seen, who uses the old token still, and how long has it got."""

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from botdesk import wording
from botdesk.access import Level
from botdesk.errors import BotdeskError
from botdesk.tui import flows, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.listing import whole
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from botdesk import accounts
    from botdesk.cutover import Cutover

SOURCES: Final = (
    Column("source", "STILL USES THE OLD ONE", 24, grow=1, most=64),
    Column("count", "TIMES", 8, right=True),
    Column("last", "LAST", 16),
)


class CutoverScreen(DeskScreen):
    """One rotation."""

    FIRST = "source-list"
    TITLED = "a rotation"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f", "finish", "Finish", tooltip="End the old token now; once the new one is seen and the old one quiet"
        ),
        Binding("e", "extend", "Extend", tooltip="Let the old token work longer"),
        Binding("u", "undo", "Undo", tooltip="Revoke the successor; the old token goes on as before"),
    ]

    def __init__(self, token_id: str) -> None:
        super().__init__()
        self._token_id = token_id
        self._found: Cutover | None = None
        self._line: accounts.Line | None = None

    def body(self) -> ComposeResult:
        """How it stands, and who uses the old token."""
        yield Static(id="cutover", markup=False)
        yield Window(
            SOURCES,
            cells=lambda source: render.source(source, self.now),
            key=lambda source: str(source.address),
            id="source-list",
        )

    async def reload(self) -> None:
        """Read how it stands; leave when it is over."""
        from botdesk import accounts, cutover

        try:
            found = await self.desk_app.ask(cutover.view, self._token_id)
            self._line = await self.desk_app.ask(accounts.line, found.old.account_id)
            self._found = found
        except BotdeskError as error:
            if self.app.screen is self:
                self._over(error.message)
            return
        why = cutover.unready(found, self.now)
        self.query_one("#cutover", Static).update(render.cutover(found, why, self.now))
        window = self.query_one("#source-list", Window)
        window.empty = "nobody has used the old token since"
        await window.show(whole(found.old_sources))
        self.facts(f"{wording.plural(len(found.old_sources), 'place')} · {'ready' if found.ready else 'not ready yet'}")
        self.refresh_bindings()

    def why_not(self, action: str) -> str:
        """Why the rotation cannot be finished or undone now; empty when it can."""
        if action not in ("finish", "extend", "undo"):
            return ""
        if self._found is None or self._line is None:
            return "it is still being read"
        from botdesk import cutover

        refusal = render.refusal(self._line, Level.OPERATE, render.PRESENT)
        if not refusal and action == "finish":
            refusal = cutover.unready(self._found, self.now)
        if not refusal and action == "undo" and not self._found.undoable:
            refusal = "the successor was rotated itself: undo that rotation first"
        return refusal

    @flow
    async def action_finish(self) -> None:
        """End the old token."""
        if self._found is not None:
            self._over(await flows.cutover.finish(self.desk_app, self._found))

    @flow
    async def action_extend(self) -> None:
        """Let the old token work longer."""
        if self._found is not None:
            await flows.cutover.extend(self.desk_app, self._found.old)

    @flow
    async def action_undo(self) -> None:
        """Take the rotation back."""
        if self._found is not None:
            self._over(await flows.cutover.undo(self.desk_app, self._found))

    def _over(self, told: str) -> None:
        """Leave, when the rotation is over, and say why."""
        if told:
            if self.app.screen is self:
                self.app.pop_screen()
            self.desk_app.say(told)
