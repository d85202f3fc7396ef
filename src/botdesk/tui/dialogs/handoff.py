"""The handoff: the one moment at which a secret leaves botdesk.

The dialog names the token, shows its masked form alone, offers the targets, and says what happened in plain words. Once
something took the secret the dialog lets go of it; from then on only a keyed digest is left, to check what is pasted.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from botdesk import bearer, handoff, tokens, wording
from botdesk.errors import BotdeskError, InvalidInput
from botdesk.handoff import Clearing, Receipt, Target
from botdesk.tui.dialogs.base import Dialog

Give = Callable[[bearer.Secret, Target], Receipt]
Deliver = Callable[[Receipt], Awaitable[None]]
Clear = Callable[[Clearing], Awaitable[bool]]


class Quiet(Input):
    """A field whose text is never kept: nothing of it is copied, and it is empty after each look."""

    def action_copy(self) -> None:
        """Copy nothing."""

    def action_cut(self) -> None:
        """Cut nothing."""


class HandoffDialog(Dialog[Receipt]):
    """Hand a secret over, once."""

    AUTO_FOCUS = ""
    KEYS = (
        "[@click=screen.clipboard]c clipboard[/] · [@click=screen.file]f file[/] · "
        "[@click=screen.command]x command[/] · [@click=screen.leave]esc leaves[/]"
    )
    DONE_KEYS = "[@click=screen.paste]p paste to check[/] · [@click=screen.leave]enter or esc: done[/]"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "clipboard", "Clipboard", show=False),
        Binding("f", "file", "File", show=False),
        Binding("x", "command", "Command", show=False),
        Binding("p", "paste", "Paste to check", show=False),
        Binding("enter", "leave", "Done", show=False),
    ]

    def __init__(
        self, issued: tokens.Issued, *, give: Give, deliver: Deliver, clear: Clear, seconds: int, way: str
    ) -> None:
        """Make the dialog.

        Args:
            issued: The pending token with its secret.
            give: Gives a secret to a target; called in a thread.
            deliver: Notes in the store that it was handed over.
            clear: Clears the clipboard; False when it held something else.
            seconds: After how many seconds the clipboard is cleared.
            way: How the clipboard is reached: `native` or `osc52`.
        """
        super().__init__("Hand the secret over")
        self._secret: bearer.Secret | None = issued.secret
        self._label = wording.visible(f"'{issued.token.label}' of {issued.account.name}")
        self._masked = bearer.masked(issued.token.id)
        self._give = give
        self._deliver = deliver
        self._clear = clear
        self._left = seconds
        self._way = way
        self._receipt: Receipt | None = None
        self._busy = False
        self._armed = False
        self._kind = ""
        self._cleared = ""

    def body(self) -> ComposeResult:
        """The token, the targets, and what became of it."""
        native = (
            "to the clipboard of this machine" if self._way == "native" else "to your terminal's clipboard (OSC 52)"
        )
        yield Static(f"Token   {self._label}\nShown   {self._masked}", id="handoff-token", markup=False)
        yield Static(
            f"c  clipboard  {native}\n"
            "f  file       a new file, mode 0600\n"
            "x  command    its stdin, as in vault kv put secret/ci token=-",
            id="handoff-targets",
            markup=False,
        )
        yield Input(id="handoff-where", compact=True, placeholder="")
        yield Static("The secret is handed over once and never shown.", id="handoff-said", markup=False)
        yield Quiet(id="handoff-paste", compact=True, password=True, placeholder="paste here to check")

    def on_mount(self) -> None:
        """Offer the targets; the fields come when they are asked for."""
        self.query_one("#handoff-where").display = False
        self.query_one("#handoff-paste").display = False
        self.set_interval(1, self._tick)

    def _say(self, text: str) -> None:
        self.query_one("#handoff-said", Static).update(wording.visible(text, lines=True))

    def _fail(self, text: str) -> None:
        self.query_one("#dialog-error", Static).update(wording.visible(text))

    @property
    def _open(self) -> bool:
        return self._secret is not None and not self._busy and self._receipt is None

    def action_clipboard(self) -> None:
        """Hand over to the clipboard."""
        if self._open:
            self._hand_over("clipboard")

    def action_file(self) -> None:
        """Ask for the file."""
        self._ask_where("file:", "path of a new file")

    def action_command(self) -> None:
        """Ask for the command."""
        self._ask_where("command:", "command that reads the secret on its stdin")

    def _ask_where(self, kind: str, hint: str) -> None:
        if not self._open:
            return
        where = self.query_one("#handoff-where", Input)
        self._kind = kind
        where.placeholder, where.value, where.display = hint, "", True
        where.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand over to what was named, or compare what was pasted."""
        event.stop()
        if event.input.id == "handoff-where" and self._open:
            self._hand_over(f"{self._kind}{event.value}")
        elif event.input.id == "handoff-paste":
            self._compare(event.input)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Compare as soon as something as long as a token was pasted."""
        if event.input.id == "handoff-paste" and len(event.value) >= 64:
            self._compare(event.input)

    def _compare(self, field: Input) -> None:
        same = self._receipt is not None and self._receipt.matches(field.value)
        with self.prevent(Input.Changed):
            field.value = ""
        self._fail("yes: that is the secret" if same else "no: that is something else")

    def _hand_over(self, target: str) -> None:
        try:
            chosen = handoff.parse_target(target)
        except InvalidInput as error:
            self._fail(f"{error.message} — {error.hint}")
            return
        self._busy = True
        self._fail("")
        self._say("working …")
        self._work(chosen)

    @work(exclusive=True, group="handoff")
    async def _work(self, target: Target) -> None:
        secret = self._secret
        assert secret is not None
        try:
            receipt = await asyncio.to_thread(self._give, secret, target)
        except BotdeskError as error:
            self._say("Nothing took the secret; choose another target.")
            self._fail(f"{error.message} — {error.hint}")
            self._busy = False
            return
        self._secret = None
        try:
            await self._deliver(receipt)
        except BotdeskError as error:
            self._say(f"The secret was {receipt.words}, but the token does not work: it could not be recorded.")
            self._fail(f"{error.message} — {error.hint}")
            return
        finally:
            self._busy = False
        self._receipt = receipt
        self._show_done()

    def _show_done(self) -> None:
        assert self._receipt is not None
        self.query_one("#handoff-where").display = False
        self.query_one("#handoff-targets").display = False
        self.set_focus(None)
        self.query_one("#dialog-keys", Static).update(self.DONE_KEYS)
        self._tell()

    def _tell(self) -> None:
        assert self._receipt is not None
        lines = [f"The secret was {self._receipt.words}."]
        if self._receipt.hint:
            lines.append(f"If it does not arrive: {self._receipt.hint}.")
        if self._receipt.clearing is not None:
            lines.append(f"The clipboard clears in {self._left} s." if self._left > 0 else self._cleared)
        lines.append("The token works now. Nothing can show the secret again.")
        self._say("\n".join(lines))

    def _tick(self) -> None:
        if self._receipt is None or self._receipt.clearing is None or self._left <= 0:
            return
        self._left -= 1
        if self._left == 0:
            self._end_countdown()
        else:
            self._tell()

    @work(exclusive=True, group="clear")
    async def _end_countdown(self) -> None:
        clearing = self._receipt.clearing if self._receipt else None
        cleared = clearing is not None and await self._clear(clearing)
        self._cleared = (
            "The clipboard was cleared." if cleared else "The clipboard held something else and was left alone."
        )
        self._tell()

    def action_paste(self) -> None:
        """Offer the field to paste into."""
        if self._receipt is not None:
            field = self.query_one("#handoff-paste", Quiet)
            field.display = True
            field.focus()

    def action_leave(self) -> None:
        """Leave; before anything took the secret only by a second esc, for the token is revoked then."""
        where = self.query_one("#handoff-where", Input)
        if self._busy:
            return
        if where.display:
            where.display = False
            self.set_focus(None)
        elif self._secret is not None and not self._armed:
            self._armed = True
            self._fail("nobody has the secret yet: esc again revokes the token")
        else:
            self._secret = None
            self.dismiss(self._receipt)
