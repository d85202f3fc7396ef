"""The handoff: the one moment at which a secret leaves botdesk.

The dialog names the token, shows its masked form alone, offers the targets, and says what happened in plain words. Once
something took the secret the dialog lets go of it; from then on only a keyed digest is left, to check what is pasted.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from botdesk import bearer, handoff, tokens, wording
from botdesk.errors import BotdeskError, InvalidInput
from botdesk.handoff import Cleared, Clearing, Receipt, Target
from botdesk.tui.dialogs.base import Dialog
from botdesk.tui.widgets.filter import Line

Give = Callable[[bearer.Secret, Target], Receipt]
Deliver = Callable[[Receipt], Awaitable[None]]
Clear = Callable[[Clearing], Awaitable[Cleared]]

TOKEN_LENGTH = len(bearer.PREFIX) + bearer.ID_LENGTH + 1 + bearer.SECRET_LENGTH + bearer.CHECK_LENGTH


_OF_THE_HOST = "\nf  file       a new file, mode 0600\nx  command    its stdin, as in vault kv put secret/ci token=-"
"""The targets that are not there for who came in over SSH."""


class Quiet(Line):
    """A masked field whose text is never kept: nothing of it is copied, and it is empty after each look."""

    def on_paste(self) -> None:
        """Let what is pasted take the place of what is there: the key for the field may have been pressed in it."""
        self.value = ""

    def action_copy(self) -> None:
        """Copy nothing."""

    def action_cut(self) -> None:
        """Cut nothing."""


class HandoffDialog(Dialog[Receipt]):
    """Hand a secret over, once."""

    AUTO_FOCUS = ""
    KEYS = (
        "[@click=screen.clipboard]c clipboard[/] · [@click=screen.file]f file[/] · "
        "[@click=screen.command]x command[/] · [@click=screen.leave]esc gives up[/]"
    )
    CONFINED_KEYS = "[@click=screen.clipboard]c clipboard[/] · [@click=screen.leave]esc gives up[/]"
    WHERE_KEYS = "enter hands it over · [@click=screen.leave]esc goes back[/]"
    RECORD_KEYS = "[@click=screen.record]r records it again[/] · [@click=screen.leave]esc gives up[/]"
    ARMED = ("esc gives up", "esc again: it is revoked")
    DONE_KEYS = "[@click=screen.paste]p paste to check[/] · [@click=screen.leave]enter or esc: done[/]"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "clipboard", "Clipboard", show=False),
        Binding("f", "file", "File", show=False),
        Binding("x", "command", "Command", show=False),
        Binding("r", "record", "Record again", show=False),
        Binding("p", "paste", "Paste to check", show=False),
        Binding("enter", "done", "Done", show=False),
    ]

    def __init__(
        self,
        issued: tokens.Issued,
        *,
        give: Give,
        deliver: Deliver,
        clear: Clear,
        seconds: int,
        way: str,
        confined: bool,
        clock: Callable[[], float],
        offer: str = "",
    ) -> None:
        """Make the dialog.

        Args:
            issued: The pending token with its secret.
            give: Gives a secret to a target; called in a thread.
            deliver: Notes in the store that it was handed over.
            clear: Clears the clipboard, and tells what became of it.
            seconds: After how many seconds the clipboard is cleared.
            way: How the clipboard is reached: `native` or `osc52`.
            confined: Whether neither a file nor a command of this machine takes it.
            clock: Gives seconds that only go forward.
            offer: A target that suits where the token will be used; it stands in the field for its kind.
        """
        super().__init__("Hand the secret over")
        self._secret: bearer.Secret | None = issued.secret
        self._token = wording.visible(f"'{issued.token.label}' of {issued.account.name}")
        self._masked = bearer.masked(issued.token.id)
        self._give = give
        self._deliver = deliver
        self._clear = clear
        self._seconds = seconds
        self._way = way
        self._confined = confined
        self._clock = clock
        self._offer = "" if confined else offer
        self._given: Receipt | None = None
        self._receipt: Receipt | None = None
        self._ends = 0.0
        self._cleared = ""
        self._busy = False
        self._armed = False
        self._kind = ""

    def body(self) -> ComposeResult:
        """The token, the targets, and what became of it."""
        native = "the clipboard of this machine" if self._way == "native" else "your terminal's clipboard (OSC 52)"
        yield Static(f"Token   {self._token}\nShown   {self._masked}", id="handoff-token", markup=False)
        yield Static(
            f"c  clipboard  {native}, cleared after {self._seconds} s{self._others}",
            id="handoff-targets",
            markup=False,
        )
        yield Line(id="handoff-where")
        yield Static("The secret is handed over once and never shown.", id="handoff-said", markup=False)
        yield Quiet(id="handoff-paste", hint="paste here to check", masked=True)

    @property
    def _others(self) -> str:
        if self._confined:
            return ""
        key = "x" if self._offer.startswith("command:") else "f"
        fitting = wording.visible(self._offer.partition(":")[2])
        return _OF_THE_HOST + (f"\nthe recipe: {key} offers {fitting}" if fitting else "")

    def on_mount(self) -> None:
        """Offer the targets; the fields come when they are asked for."""
        self._keys(self._offers)
        self.query_one("#handoff-where").display = False
        self.query_one("#handoff-paste").display = False
        self.set_interval(0.5, self._tick)

    def _say(self, text: str) -> None:
        self.query_one("#handoff-said", Static).update(wording.visible(text, lines=True))

    def _keys(self, text: str) -> None:
        self.query_one("#dialog-keys", Static).update(text)

    @property
    def _offers(self) -> str:
        return self.CONFINED_KEYS if self._confined else self.KEYS

    @property
    def _open(self) -> bool:
        return self._secret is not None and not self._busy

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
        if not self._open or self._confined:
            return
        where = self.query_one("#handoff-where", Input)
        if kind != self._kind:
            where.value = self._offer.removeprefix(kind) if self._offer.startswith(kind) else ""
        self._kind, self._armed = kind, False
        where.placeholder, where.display = hint, True
        self.warn("")
        self._keys(self.WHERE_KEYS)
        where.focus()
        where.select_all()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand over to what was named, or compare what was typed; where nothing was, it is done."""
        event.stop()
        if event.input.id == "handoff-where" and self._open:
            self._hand_over(f"{self._kind}{event.value}")
        elif event.input.id == "handoff-paste" and event.value:
            self._compare(event.input)
        else:
            self.action_done()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Compare as soon as something as long as a token was pasted."""
        if event.input.id == "handoff-paste" and len(event.value) >= TOKEN_LENGTH:
            self._compare(event.input)

    def _compare(self, field: Input) -> None:
        same = self._receipt is not None and self._receipt.matches(field.value)
        with self.prevent(Input.Changed):
            field.value = ""
        self.warn("yes: that is the secret" if same else "no: that is something else", good=same)

    def _hand_over(self, target: str) -> None:
        try:
            chosen = handoff.parse_target(target)
        except InvalidInput as error:
            self.complain(error)
            return
        self._busy, self._armed = True, False
        self.warn("")
        self._say("working …")
        self._work(chosen)

    @work(exclusive=True, group="handoff")
    async def _work(self, target: Target) -> None:
        secret = self._secret
        assert secret is not None
        try:
            self._given = await asyncio.to_thread(self._give, secret, target)
        except BotdeskError as error:
            self._say("Nothing took the secret; choose another target.")
            self.complain(error)
            return
        finally:
            del secret
            self._busy = False
        self._secret, self._ends = None, self._clock() + self._seconds
        self.set_focus(None)
        self.query_one("#handoff-where").display = False
        self.query_one("#handoff-targets").display = False
        await self._record()

    def action_record(self) -> None:
        """Try again to record that the secret was handed over."""
        if self._given is not None and self._receipt is None and not self._busy:
            self._record_again()

    @work(exclusive=True, group="handoff")
    async def _record_again(self) -> None:
        await self._record()

    async def _record(self) -> None:
        assert self._given is not None
        self._busy = True
        try:
            await self._deliver(self._given)
        except BotdeskError as error:
            self._say(f"The secret was {self._given.words}, but that could not be recorded: it does not work yet.")
            self.complain(error)
            self._keys(self.RECORD_KEYS)
            return
        finally:
            self._busy = False
        self._receipt = self._given
        self.warn("")
        self._keys(self.DONE_KEYS)
        self._tell(self._receipt)

    def _tell(self, receipt: Receipt) -> None:
        lines = [f"The secret was {receipt.words}."]
        if receipt.hint:
            lines.append(f"If it does not arrive: {receipt.hint}.")
        if receipt.clearing is not None:
            lines.append(self._cleared or f"The clipboard clears in {self._left} s.")
        lines.append("The token works now. Nothing can show the secret again.")
        self._say("\n".join(lines))

    @property
    def _left(self) -> int:
        return max(0, math.ceil(self._ends - self._clock()))

    def _tick(self) -> None:
        receipt = self._receipt
        if receipt is None or receipt.clearing is None or self._cleared:
            return
        if self._left == 0:
            self._cleared = "The clipboard is being cleared."
            self._end_countdown(receipt.clearing)
        self._tell(receipt)

    @work(exclusive=True, group="clear")
    async def _end_countdown(self, clearing: Clearing) -> None:
        cleared = await self._clear(clearing)
        self._cleared = f"{cleared[0].upper()}{cleared[1:]}."
        if self._receipt is not None:
            self._tell(self._receipt)

    def action_paste(self) -> None:
        """Offer the field to paste into."""
        if self._receipt is not None:
            field = self.query_one("#handoff-paste", Quiet)
            field.display = True
            field.focus()

    def action_done(self) -> None:
        """Leave once the secret was handed over; before that, enter is no answer."""
        if self._receipt is not None:
            self.action_leave()

    def action_leave(self) -> None:
        """Leave; before anything took the secret only by a second esc, for the token is revoked then."""
        where = self.query_one("#handoff-where", Input)
        if self._busy:
            return
        if where.display:
            where.display = False
            self.set_focus(None)
            self._keys(self._offers)
        elif self._receipt is None and not self._armed:
            self._armed = True
            self._keys((self._offers if self._given is None else self.RECORD_KEYS).replace(*self.ARMED))
            self.warn("the token does not work yet: esc again revokes it")
        else:
            self._secret = None
            self.dismiss(self._receipt)
