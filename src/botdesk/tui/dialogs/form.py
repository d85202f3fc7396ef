"""The form that most dialogs are: fields with their names beside them and hints below."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from botdesk import wording
from botdesk.errors import AccessDenied, BotdeskError, Conflict, InvalidInput, NotFound
from botdesk.tui.dialogs.base import Body, Dialog, told
from botdesk.tui.widgets.choice import Choice, Chosen, Pick, chooser
from botdesk.tui.widgets.filter import Line

if TYPE_CHECKING:
    from botdesk.tui.app import BotdeskApp

T = TypeVar("T")

SLOW_SECONDS: Final = 0.5
MOST: Final = 6
LOOK_AGAIN: Final = "ctrl+r looks again"


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a form.

    Attributes:
        key: Its name among the values.
        label: What stands before it.
        value: What it starts with.
        hint: What stands below it.
        options: (value, text) pairs of a choice; none for a text.
        check: Makes of what is typed or chosen what the answer is made of; it raises `InvalidInput` for what cannot be
            taken.
    """

    key: str
    label: str
    value: str = ""
    hint: str = ""
    options: Sequence[tuple[str, str]] = ()
    check: Callable[[str], Any] = str


@dataclass(frozen=True, slots=True)
class Look:
    """How what a form is about is now.

    Attributes:
        version: When that is.
        news: What was done to it since the version that was seen before; empty when nothing.
        fields: The form's fields as they would be now; none when they do not depend on it.
    """

    version: int
    news: str
    fields: Sequence[Field] = ()


async def _given(filled: T) -> T:
    return filled


class Wrong(InvalidInput):
    """Values that cannot be taken.

    Attributes:
        errors: Why, by field.
    """

    def __init__(self, errors: Mapping[str, InvalidInput]) -> None:
        super().__init__(f"{wording.plural(len(errors), 'field')} cannot be taken")
        self.errors = errors


class Form(Dialog[Any], Generic[T]):
    """A dialog of fields; enter goes on to the next and submits from the last.

    It stays open, with all that was typed, until what it is for has succeeded.

    Attributes:
        attempt: What to do with what was filled in; the dialog answers with what it returns.
        seen: The version of what it is about that the person sees; None when it is about something new.
        look: Looks again, given the version that was seen.
        what_if: Tells line by line what would come of what is filled in; None for nothing to tell.
    """

    KEYS = "tab next · [@click=screen.submit]ctrl+s or enter at the end: do it[/] · [@click=screen.leave]esc leaves[/]"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Do it", show=False),
        Binding("enter", "next", "Next", show=False),
        Binding("ctrl+r", "look", "Look again", show=False),
        Binding("tab,down", "go(1)", "Next field", show=False),
        Binding("shift+tab,up", "go(-1)", "Field before", show=False),
    ]

    def __init__(self, title: str, fields: Sequence[Field], *, said: str = "") -> None:
        super().__init__(title)
        self._fields = list(fields)
        self.attempt: Callable[[T], Awaitable[Any]] = _given
        self.seen: int | None = None
        self.look: Callable[[int], Awaitable[Look]] | None = None
        self.what_if: Callable[[T], Awaitable[Sequence[str]]] | None = None
        self._said = wording.visible(said, lines=True)
        self._armed = False
        self._busy = False
        self._blamed = False
        self._refused = False

    def body(self) -> ComposeResult:
        """The text, then each field with its name before it and its hint below."""
        if self._said:
            yield Static(self._said, id="dialog-said", markup=False)
        for field in self._fields:
            with Horizontal(classes="field"):
                yield Static(wording.visible(field.label), classes="label", markup=False)
                yield self._entry(field)
            yield Static(wording.visible(field.hint), classes="hint", id=f"{field.key}-hint", markup=False)
            yield Static(classes="wrong", id=f"{field.key}-wrong", markup=False)
        if self.what_if is not None:
            yield Static(id="dialog-what-if", markup=False)

    def on_mount(self) -> None:
        """Follow what others do meanwhile."""
        if self.look is not None:
            cast("BotdeskApp", self.app).changed.subscribe(self, lambda _: self._glance())
        self._rehearse()

    @work(exclusive=True, group="glance")
    async def _glance(self) -> None:
        """Tell what others did; not again once it was refused, since a refusal is on record, and so a change."""
        if not (self._busy or self._refused) and (news := await self._news()):
            self.warn(f"{news} — {LOOK_AGAIN}")

    async def _news(self) -> str:
        if self.look is None or self.seen is None:
            return ""
        try:
            return (await self.look(self.seen)).news
        except BotdeskError as error:
            self._refused = isinstance(error, AccessDenied | NotFound)
            return error.message

    @work(exclusive=True, group="glance")
    async def action_look(self) -> None:
        """Take what is so now; what was typed stays, and where that differs from what is so now it is told."""
        if self.look is None or self.seen is None or self._busy:
            return
        try:
            found = await self.look(self.seen)
        except BotdeskError as error:
            self.complain(error)
            return
        typed, before = self.values, {field.key: field.value for field in self._fields}
        news = [field for field in found.fields if field.value != before[field.key]]
        for field in news:
            if typed[field.key] == before[field.key]:
                self._put(field)
        differing = [
            f"{each.label} is now '{each.value}'"
            for each in news
            if typed[each.key] not in (before[each.key], each.value)
        ]
        self.seen, self._fields = found.version, list(found.fields) or self._fields
        self.warn("; ".join(differing) or "this is how it is now", good=not differing)

    def _put(self, field: Field) -> None:
        widget = self.query_one(f"#{field.key}")
        if isinstance(widget, Input):
            widget.value = field.value
        elif isinstance(widget, Choice):
            widget.choose(field.value)

    def _entry(self, field: Field) -> Line | Choice | Pick:
        if field.options:
            return chooser(field.options, value=field.value, id=field.key)
        return Line(field.value, id=field.key)

    @property
    def values(self) -> dict[str, str]:
        """What is typed and chosen now, by field."""
        found: dict[str, str] = {}
        for field in self._fields:
            widget = self.query_one(f"#{field.key}")
            found[field.key] = widget.value if isinstance(widget, (Input, Choice, Pick)) else ""
        return found

    def result(self, values: dict[str, Any]) -> T:
        """Make the answer of what the fields' checks made."""
        raise NotImplementedError

    def _filled(self) -> T:
        """The answer, once every field is checked.

        Raises:
            Wrong: Some values cannot be taken.
        """
        typed = self.values
        found: dict[str, Any] = {}
        errors: dict[str, InvalidInput] = {}
        for field in self._fields:
            try:
                found[field.key] = field.check(typed[field.key])
            except InvalidInput as error:
                errors[field.key] = error
        if errors:
            raise Wrong(errors)
        return self.result(found)

    def action_submit(self) -> None:
        """Do what was filled in, or say at each field what is wrong there and go to the first."""
        if self._busy:
            return
        try:
            filled = self._filled()
        except Wrong as wrong:
            self._say_wrong(wrong.errors)
            return
        self._busy = True
        self._try(filled)

    def _say_wrong(self, errors: Mapping[str, InvalidInput]) -> None:
        """Say below each field what is wrong there, in its hint's place."""
        self.warn(f"{len(errors)} fields cannot be taken" if len(errors) > 1 else "")
        self._blamed = len(errors) > 1
        for field in self._fields:
            self._say_at(field.key, told(errors[field.key]) if field.key in errors else "")
        self.query_one(f"#{next(iter(errors))}").focus()
        self.query_one(Body).show_focused()

    def _say_at(self, key: str, text: str) -> None:
        wrong = self.query_one(f"#{key}-wrong", Static)
        if text:
            wrong.update(wording.visible(text))
        wrong.display, self.query_one(f"#{key}-hint").display = bool(text), not text

    @work(exclusive=True, group="attempt")
    async def _try(self, filled: T) -> None:
        slow = self.set_timer(SLOW_SECONDS, lambda: self.warn("saving …"))
        try:
            answer = await self.attempt(filled)
        except Conflict as error:
            if await self._news():
                self.warn(f"{error.message} — {LOOK_AGAIN}")
            else:
                self._blame(error)
            return
        except BotdeskError as error:
            self._blame(error)
            return
        finally:
            slow.stop()
            self._busy = False
        self.dismiss(answer)

    def _blame(self, error: BotdeskError) -> None:
        """Complain about what was filled in, until some of it is another."""
        self.complain(error)
        self._blamed = True

    def _absolve(self, key: str) -> None:
        self._say_at(key, "")
        if self._blamed:
            self._blamed = False
            self.warn("")

    def action_next(self) -> None:
        """Go on to the next field, or submit from the last."""
        last = self._fields[-1].key if self._fields else ""
        if self.focused is None or self.focused.id == last:
            self.action_submit()
        else:
            self.action_go(1)

    def action_go(self, step: int) -> None:
        """Go to the next field or the one before; what is typed there takes the place of what it holds."""
        found = self.focus_next() if step > 0 else self.focus_previous()
        if isinstance(found, Input):
            found.select_all()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Ask anew before what was typed meanwhile is thrown away; take back what is said of a field as it was."""
        if self._armed:
            self._armed = False
            self.warn("")
        self._absolve(event.input.id or "")
        self._rehearse()

    def on_chosen(self, event: Chosen) -> None:
        """Take back what is said of a choice as it was, and tell what would come of it as it is."""
        self._absolve(event.key)
        self._rehearse()

    @work(exclusive=True, group="what-if")
    async def _rehearse(self) -> None:
        if self.what_if is None:
            return
        try:
            would = await self.what_if(self._filled())
        except Conflict as error:
            would = [error.message]
        except BotdeskError:
            would = []
        self.query_one("#dialog-what-if", Static).update(rehearsed(would))

    def on_input_submitted(self, event: events.Event) -> None:
        """Treat enter in a text as in any field."""
        event.stop()
        self.action_next()

    def action_leave(self) -> None:
        """Leave; when something was typed only by a second esc."""
        if self._busy:
            return
        typed = any(field.value != self.values[field.key] for field in self._fields if not field.options)
        if typed and not self._armed:
            self._armed = True
            self.warn("esc again throws away what you typed")
            return
        self.dismiss(None)


def rehearsed(lines: Sequence[str]) -> str:
    """Lines about what would be, the first of them when there are many."""
    more = [f"… and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return "\n".join([*(wording.visible(line) for line in lines[:MOST]), *more])


def text_of(what: str, *, longest: int, required: bool = False) -> Callable[[str], str]:
    """The check of a field for a text; see `wording.clean`."""
    return lambda typed: wording.clean(typed, what, longest=longest, required=required)


def reason_field(value: str = "", hint: str = "", *, required: bool = False) -> Field:
    """The field for a reason that is kept in the audit."""
    return Field("reason", "Reason", value, hint, check=text_of("reason", longest=200, required=required))
