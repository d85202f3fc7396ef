"""The messenger: tells a command and a webhook of the host what is to be told, in order, each at least once.

How far each of the two was told is kept in the state folder of the operating-system user whose settings name them, and
so is a lock: of all that user's programs one tells at a time. Of several users or hosts that name the same, one tells
each note (`telling`). What does not arrive is tried again after a while, and after some tries it is recorded that it
never did.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botdesk import notify, statefile, telling
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, StoreError
from botdesk.notify import Kind, Note
from botdesk.settings import Settings
from botdesk.store.tables import from_text, to_text

FILE: Final = "notify.json"
LOCK: Final = "notify.lock"
WAITS: Final = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
"""How long it is waited after each try; after one more it is given up."""

EVERY_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 60
WEBHOOK_SECONDS: Final = 10
LOOK_FOR_OVERDUE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Command:
    """A command that gets each note on its stdin, as JSON; no shell reads it."""

    argv: tuple[str, ...]
    name = "command"

    @property
    def to(self) -> telling.To:
        """What the audit knows it by."""
        return telling.To(self.name, json.dumps(self.argv))

    @property
    def words(self) -> str:
        """What it is called; its arguments may be sensitive."""
        return f"the command {Path(self.argv[0]).name}"

    def send(self, note: Note, patience: float = COMMAND_SECONDS) -> str:
        """Tell it; gives why it did not arrive, or nothing."""
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            process = subprocess.Popen(self.argv, start_new_session=True, **pipes)
        except (OSError, ValueError) as error:
            return f"it cannot be started: {getattr(error, 'strerror', None) or 'no program has such a name'}"
        with process:
            try:
                process.communicate((json.dumps(note.as_event) + "\n").encode(), timeout=patience)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                return f"it took longer than {patience:g} s"
        return f"it ended with {process.returncode}" if process.returncode else ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that gets each note as Slack takes it; whoever knows the URL can write there, so it is shown nowhere."""

    url: str = field(repr=False)
    name = "webhook"

    @property
    def to(self) -> telling.To:
        """What the audit knows it by."""
        return telling.To(self.name, self.url)

    @property
    def words(self) -> str:
        """Its host alone."""
        return f"the webhook at {urlsplit(self.url).hostname}"

    def send(self, note: Note, patience: float = WEBHOOK_SECONDS) -> str:
        """Tell it; gives why it did not arrive, or nothing. It is not followed elsewhere."""
        import http.client
        import urllib.error
        import urllib.request

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        body = json.dumps({"text": _plain(note.text)}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "botdesk"}
        asked = urllib.request.Request(self.url, body, headers)  # noqa: S310 - the settings take http(s) alone
        try:
            with urllib.request.build_opener(Stay).open(asked, timeout=patience):
                return ""
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answered {error.code}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            return f"no answer: {type(cause).__name__}"


def _plain(text: str) -> str:
    """A text that Slack takes as it is: no mention, no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


Target = Command | Webhook


def targets(settings: Settings) -> list[Target]:
    """Whom the settings name; nobody for who came in over SSH, for those are the host's."""
    if settings.confined:
        return []
    found: list[Target] = [Command(settings.notify)] if settings.notify else []
    return found + ([Webhook(settings.notify_webhook)] if settings.notify_webhook else [])


@dataclass(slots=True)
class Progress:
    """How far one target was told.

    Attributes:
        position: The event up to which it was; None before it was told anything.
        tries: How often the note after that was tried in vain.
        next_at: Not to be tried before.
        last_at: When it was tried last.
        failure: Why that did not arrive; empty when it did.
        told: When what is not to be told again at once was told, by its name.
        looked_at: When it was looked for overdue rotations.
        by: Who tells, as the audit has it: each state folder is another one.
    """

    position: int | None = None
    tries: int = 0
    next_at: str = ""
    last_at: str = ""
    failure: str = ""
    told: dict[str, str] = field(default_factory=dict)
    looked_at: str = ""
    by: str = field(default_factory=lambda: secrets.token_hex(6))

    @property
    def last(self) -> datetime | None:
        """When it was tried last; None for never."""
        return from_text(self.last_at) if self.last_at else None


def progress(desk: Desk, target: Target) -> Progress:
    """How far a target was told, as it is kept."""
    kept = statefile.read(desk.settings.state_dir / FILE).get(f"{target.name} {desk.location}", {})
    known = {name: kept[name] for name in Progress.__slots__ if isinstance(kept, dict) and name in kept}
    return Progress(**known)


def _keep(desk: Desk, target: Target, found: Progress) -> None:
    path = desk.settings.state_dir / FILE
    values = {name: getattr(found, name) for name in Progress.__slots__}
    statefile.write(path, statefile.read(path) | {f"{target.name} {desk.location}": values})


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[bool]:
    """Be the one who tells, of all programs of this user; False when another is."""
    try:
        import fcntl
    except ImportError:
        yield True
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def tell_all(desk: Desk, *, stopped: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Tell everybody what there is to tell now; how many notes arrived, by target.

    Raises:
        AccessDenied: The operator does not see everything.
        StoreError: The store fails.
    """
    return {target.name: _tell(desk, target, stopped) for target in targets(desk.settings)}


def _tell(desk: Desk, target: Target, stopped: Callable[[], bool]) -> int:
    found, sent = progress(desk, target), 0
    head = desk.head().sequence
    if found.position is None or found.position > head:
        found.position = head
        _keep(desk, target, found)
    if _is_waiting(found, desk.clock()):
        return 0
    while not stopped():
        notes, place = desk.ask(notify.news, desk.settings.notify_on, after=found.position)
        for note in notes:
            arrived = None if stopped() else _pass_on(desk, target, found, note)
            if arrived is None:
                return sent
            sent += arrived
        if found.position != place:
            found.position = place
            _keep(desk, target, found)
        if place >= head:
            break
    return sent + _tell_overdue(desk, target, found)


def _tell_overdue(desk: Desk, target: Target, found: Progress) -> int:
    now = desk.clock()
    looked = from_text(found.looked_at) if found.looked_at else None
    if Kind.OVERDUE not in desk.settings.notify_on or (looked is not None and now - looked < LOOK_FOR_OVERDUE):
        return 0
    sent = 0
    for note in desk.ask(notify.overdue):
        arrived = _pass_on(desk, target, found, note)
        if arrived is None:
            return sent
        sent += arrived
    found.looked_at = to_text(now)
    _keep(desk, target, found)
    return sent


def _is_waiting(found: Progress, now: datetime) -> bool:
    return bool(found.next_at) and now < from_text(found.next_at)


def _pass_on(desk: Desk, target: Target, found: Progress, note: Note) -> int | None:
    """Tell one note unless it was told lately; None when it is to be tried again, so that nothing overtakes it."""
    now, arrived = desk.clock(), 0
    found.told = {once: at for once, at in found.told.items() if now - from_text(at) < _pause(once)}
    if note.once not in found.told:
        turn = desk.run(telling.begin, target.to, note, by=found.by)
        sent = _sent(desk, target, found, note) if turn.mine else 0
        if sent is None or (not turn.mine and turn.told_at is None):
            return None
        arrived = sent
        if note.once:
            found.told[note.once] = to_text(turn.told_at or now)
    found.tries, found.next_at, found.position = 0, "", max(found.position or 0, note.sequence)
    _keep(desk, target, found)
    return arrived


def _sent(desk: Desk, target: Target, found: Progress, note: Note) -> int | None:
    """Send one note: whether it arrived, or was given up; None when it is to be tried again."""
    now, failure = desk.clock(), target.send(note)
    found.last_at, found.failure = to_text(now), failure
    if failure and found.tries < len(WAITS):
        found.next_at, found.tries = to_text(now + WAITS[found.tries]), found.tries + 1
        _keep(desk, target, found)
        return None
    if failure:
        desk.run(telling.give_up, target.to, note, tries=found.tries + 1)
    else:
        desk.run(telling.end, target.to, note)
    return int(not failure)


def _pause(once: str) -> timedelta:
    """How long what goes by this name is not told again."""
    return notify.PAUSES[Kind(once.partition(" ")[0])]


def run(desk: Desk, stop: threading.Event, *, every: float = EVERY_SECONDS) -> None:
    """Tell what there is to tell until it is to stop; while another program of this user does so, wait.

    Raises:
        AccessDenied: The operator does not see everything; it is not asked again, for each refusal is recorded.
    """
    while not stop.is_set():
        with contextlib.suppress(StoreError, OSError), holding(desk.settings.state_dir) as held:
            while held and not stop.is_set():
                tell_all(desk, stopped=stop.is_set)
                stop.wait(every)
        stop.wait(every)


@contextlib.contextmanager
def beside(desk: Desk) -> Iterator[None]:
    """Tell in a thread beside other work, if the settings name anybody."""
    if not targets(desk.settings):
        yield
        return
    stop = threading.Event()

    def work() -> None:
        with contextlib.suppress(AccessDenied):
            run(desk, stop)

    threading.Thread(target=work, name="messenger", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
