"""The dialogs about a leak: paste what has leaked, and end what was found in it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from botdesk import wording
from botdesk.errors import InvalidInput
from botdesk.incident import Leaked, Traces
from botdesk.leak import Extent
from botdesk.tui.dialogs.base import Dialog
from botdesk.tui.dialogs.form import Field, Form, reason_field
from botdesk.tui.widgets.choice import Chosen
from botdesk.tui.widgets.filter import Line

SHOWN: Final = 50
"""How many tokens are told one by one."""

SOURCES: Final = 4
"""How many places are told from which a token was used."""

PASTED: Final = "a token, its id or a whole text; it is not shown"


@dataclass(frozen=True, slots=True)
class LeakDraft:
    """What has leaked: a text, or a file that it is in."""

    text: str
    file: Path | None


@dataclass(frozen=True, slots=True)
class EndDraft:
    """Why the tokens are revoked, and whether those of which a part was seen are, too."""

    reason: str
    partial: bool


class Pasted(Line):
    """A masked line that takes a paste of many lines, and shows only how long it is."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, masked=True)
        self._taken: list[str] = []

    @property
    def text(self) -> str:
        """What was pasted and typed."""
        return "\n".join([*self._taken, self.value])

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._taken.append(event.text)
        count = sum(len(text) for text in self._taken)
        self.screen.query_one(f"#{self.id}-hint", Static).update(f"pasted: {wording.plural(count, 'character')}")
        self.post_message(Chosen(self.id or ""))


class LeakDialog(Form[LeakDraft]):
    """Ask for what has leaked."""

    def __init__(self, *, confined: bool) -> None:
        file = [] if confined else [Field("file", "File", hint="or the path of a log on this host, of any size")]
        super().__init__("A token has leaked", [Field("text", "Paste", hint=PASTED, check=self._insist), *file])

    def _entry(self, field: Field) -> Line:
        return Pasted(id=field.key) if field.key == "text" else Line(id=field.key)

    def _insist(self, _: str) -> str:
        """Insist on something to look through: all that was pasted, or a file."""
        pasted = self.query_one("#text", Pasted).text
        if not pasted.strip() and not self.values.get("file", "").strip():
            raise InvalidInput("there is nothing to look through", hint="paste what has leaked")
        return pasted

    def result(self, values: dict[str, Any]) -> LeakDraft:
        """Make the draft."""
        file = values.get("file", "").strip()
        return LeakDraft(values["text"], Path(file).expanduser() if file else None)


class EndDialog(Form[EndDraft]):
    """Say whose the tokens are that were found, and revoke them all at once."""

    def __init__(self, found: Sequence[Leaked], traces: Traces, now: datetime) -> None:
        partial = any(one.revocable and one.trace.extent is Extent.PART for one in found)
        parts = [("", "leave them: a masked form is no leak"), ("yes", "revoke them, too")]
        super().__init__(
            f"Revoke {wording.plural(sum(one.revocable for one in found), 'leaked token')}?",
            [
                reason_field("leaked", "kept in the audit", required=True),
                *([Field("partial", "Seen in part", "", options=parts)] if partial else []),
            ],
            said="\n".join([*told(found, traces, now), "", "Refused at the very next request. It cannot be undone."]),
        )

    def result(self, values: dict[str, Any]) -> EndDraft:
        """Make the draft."""
        return EndDraft(values["reason"], values.get("partial") == "yes")


class FoundDialog(Dialog[None]):
    """Say what was found, when there is nothing to revoke."""

    def __init__(self, found: Sequence[Leaked], traces: Traces, now: datetime) -> None:
        super().__init__("Nothing has to be revoked")
        self._told = wording.visible("\n".join(told(found, traces, now)), lines=True)

    def body(self) -> ComposeResult:
        """What was found."""
        yield Static(self._told, markup=False)


def told(found: Sequence[Leaked], traces: Traces, now: datetime) -> list[str]:
    """What was found, in words: each token with where it was used, and how much looked like one."""
    lines = [line for one in found[:SHOWN] for line in _token(one, now)]
    lines += [f"and {len(found) - SHOWN:,} more"] if len(found) > SHOWN else []
    lines += ["no token of this desk is in it"] if not found else []
    if traces.unrecorded:
        minted = wording.plural(traces.unrecorded, "token")
        lines.append(f"{minted} of this desk's minting not on record in your reach: an admin should look")
    if strangers := traces.strangers - traces.unrecorded:
        lines.append(f"{wording.plural(strangers, 'string')} that looked like tokens, but none of this desk's")
    return lines


def _token(one: Leaked, now: datetime) -> list[str]:
    token = one.token
    seen = f"{one.trace.extent.value}{f', {one.trace.times:,} times' if one.trace.times > 1 else ''}"
    used = wording.ago(token.last_used_at, now)
    used += f" from {token.last_used_from or 'somewhere'}" if token.last_used_at else ""
    spans = sorted(one.sources.items(), key=lambda item: item[1].last, reverse=True)
    places = [f"  {source}: {span.first} to {span.last}" for source, span in spans[:SOURCES]] if len(spans) > 1 else []
    places += [f"  and {len(spans) - SOURCES} more places"] if len(spans) > SOURCES else []
    about = f"{wording.visible(one.account)} '{wording.shortened(wording.visible(token.label), 30)}' {token.id}"
    return [f"{about} · {one.state.value} · seen {seen}", f"  last used {wording.visible(used)}", *places]


def text_of(draft: LeakDraft) -> io.BytesIO | io.FileIO:
    """Open what has leaked.

    Raises:
        InvalidInput: The file cannot be read.
    """
    if draft.file is None:
        return io.BytesIO(draft.text.strip().encode("utf-8", "replace"))
    named = wording.visible(str(draft.file))[:200]
    if not draft.file.is_file():
        raise InvalidInput(f"there is no file {named!a}", hint="name one that is there, or paste the text")
    try:
        return io.FileIO(draft.file)
    except OSError as error:
        raise InvalidInput(f"the file {named!a} cannot be read: {error.strerror}", hint="paste the text") from None
