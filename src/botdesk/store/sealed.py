"""An archive: a sealed file of events that stands for itself, and fits to what comes before and after it.

It is JSON Lines: a line that says after which place it begins, the events as an export has them, and a last line with
the place that it ends at. So it verifies without a store, and without botdesk.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

from botdesk.access import Action
from botdesk.errors import AuditBroken, Conflict, InvalidInput, StoreError
from botdesk.store import stretch
from botdesk.store.chain import Finding, Footing
from botdesk.store.digest import BOUND, event_text
from botdesk.store.floor import Archived
from botdesk.store.stretch import Stretch
from botdesk.store.tables import Outcome

Progress = Callable[[int, int], None]
"""Called with the number of events so far and that of all."""

FORM: Final = "botdesk audit archive 1"
_LONGEST: Final = 1 << 22
"""How many bytes a line has at the most; what is longer is no event."""

_WIDTH: Final = len(BOUND)
_ACTION, _OUTCOME, _DETAIL, _SEQUENCE = map(stretch.COLUMNS.index, ("action", "outcome", "detail", "sequence"))
_HASH: Final = stretch.COLUMNS.index("hash")


@dataclass(slots=True)
class Sealed:
    """An archive that was read.

    Attributes:
        path: Its file.
        begin: The place after which it begins.
        end: The place that it was sealed at.
        digest: The SHA-256 of the whole file.
        findings: What in it does not verify.
        hashes: The hashes of the events that were asked for.
        archives: What its events tell of archives before it.
    """

    path: Path
    begin: Footing = field(default_factory=Footing)
    end: Footing = field(default_factory=Footing)
    digest: str = ""
    findings: list[Finding] = field(default_factory=list)
    hashes: dict[int, str] = field(default_factory=dict)
    archives: list[Archived] = field(default_factory=list)

    def told(self) -> list[Finding]:
        """Its findings, with the name of the file."""
        return [Finding(finding.sequence, f"'{self.path}': {finding.what}") for finding in self.findings]


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a private file to write to, which is at `path` when all of it is on the disk, and not before.

    Raises:
        Conflict: The file is there already.
        InvalidInput: It cannot be made there.
        StoreError: It cannot be written.
    """
    refuse_present(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(beside, flags, 0o600)
    except OSError as error:
        raise InvalidInput(f"'{path}' cannot be written: {error.strerror}", hint="name another file") from None
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as opened:
            os.fchmod(descriptor, 0o600)
            yield opened
            opened.flush()
            os.fsync(descriptor)
        _name(beside, path)
    except OSError as error:
        hint = "nothing was moved; make room, or name a file elsewhere"
        raise StoreError(f"'{path}' cannot be written: {error.strerror}", hint=hint) from None
    finally:
        beside.unlink(missing_ok=True)


def refuse_present(path: Path) -> None:
    """Refuse a path at which there is something.

    Raises:
        Conflict: There is.
    """
    if os.path.lexists(path):
        raise Conflict(f"'{path}' is there already", hint="name a new file; nothing is written over")


def _name(beside: Path, path: Path) -> None:
    """Give the whole file its name; what came there meanwhile stays."""
    try:
        os.link(beside, path)
    except FileExistsError:
        refuse_present(path)
    except OSError:
        refuse_present(path)
        beside.rename(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have the folder's entries on the disk, where a folder can be synced."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write(
    opened: IO[bytes], rows: Iterable[Sequence[Any]], begin: Footing, last: int, progress: Progress | None = None
) -> Archived:
    """Write the events after a place, and verify them meanwhile.

    Args:
        opened: The file.
        rows: The events, as `stretch.read` gives them.
        begin: The place.
        last: The sequence of the last event.
        progress: Told how far it is.

    Raises:
        AuditBroken: They do not verify.
    """
    found, total = Stretch(begin.head, whole=begin == Footing()), last - begin.head.sequence
    out = _Writer(opened)
    out.line(_text({"archive": FORM, "after": str(begin), "last": last}))
    found.walk(out.events(rows), (lambda events: progress(events, total)) if progress else None)
    if found.findings or found.last.sequence != last:
        what = found.findings[0].what if found.findings else f"the history ends at {found.last.sequence}"
        raise AuditBroken(f"the audit does not verify: {what}", hint="nothing was moved; see 'botdesk audit verify'")
    end = begin.moved(found.last, found.first, found.end)
    out.line(_text({"sealed": str(end), "events": total}))
    return Archived(begin.head.sequence + 1, end, out.digest.hexdigest())


class _Writer:
    """Writes lines, and digests what it writes."""

    def __init__(self, opened: IO[bytes]) -> None:
        self.digest = sha256()
        self._write = opened.write

    def line(self, text: str) -> None:
        line = f"{text}\n".encode("utf-8", "surrogatepass")
        self.digest.update(line)
        self._write(line)

    def events(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        for row in rows:
            told = event_text(row[:_WIDTH])
            self.line(f'{told[:-1]},"previous":"{row[_WIDTH]}","hash":"{row[_WIDTH + 1]}"}}')
            yield row


def _text(values: dict[str, Any]) -> str:
    return json.dumps(values, separators=(",", ":"))


def read(path: Path, *, wanted: Set[int] = frozenset(), progress: Progress | None = None) -> Sealed:
    """Read an archive through, and hold it against itself.

    Args:
        path: The file.
        wanted: The sequences of the events whose hashes are asked for.
        progress: Told how far it is; it may raise, to end it.

    Raises:
        InvalidInput: The file cannot be read.
    """
    sealed = Sealed(path)
    try:
        with path.open("rb") as opened:
            _Reader(opened, sealed, wanted, progress).read()
    except OSError as error:
        raise InvalidInput(f"'{path}' cannot be read: {error.strerror}", hint="name the file of an archive") from None
    return sealed


class _Reader:
    """Reads one archive."""

    def __init__(self, opened: IO[bytes], sealed: Sealed, wanted: Set[int], progress: Progress | None) -> None:
        self.opened = opened
        self.sealed = sealed
        self.wanted = wanted
        self.progress = progress
        self.hash = sha256()
        self.seal: dict[str, Any] = {}
        self.damaged = False

    def read(self) -> None:
        """Read the first line, the events, and the seal."""
        begin = self._line()
        try:
            if begin["archive"] != FORM:
                raise KeyError
            self.sealed.begin, last = Footing.parse(begin["after"]), int(begin["last"])
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError, InvalidInput):
            self._find("it is no archive of botdesk's audit")
            return
        begun = self.sealed.begin
        found, total = Stretch(begun.head, whole=begun == Footing()), last - begun.head.sequence
        found.walk(self._events(), (lambda events: self._tell(events, total)) if self.progress else None)
        self.sealed.findings += found.findings
        self._hold(found, total)
        self.sealed.digest = self.hash.hexdigest()

    def _tell(self, done: int, of: int) -> None:
        if self.progress is not None:
            self.progress(done, of)

    def _hold(self, found: Stretch, total: int) -> None:
        """Hold what was read against the seal."""
        if self.damaged:
            return
        end = self.sealed.begin.moved(found.last, found.first, found.end)
        if not self.seal:
            self._find(f"it was cut short: it ends at event {found.last.sequence}, without a seal")
        elif self.seal != {"sealed": str(end), "events": total} or found.events != total:
            self._find("its events are not those that it was sealed with")
        elif self.opened.read(1):
            self._find("there is something after its seal")
        self.sealed.end = end

    def _line(self) -> Any:
        """The next line; None after the last one, and for what is none."""
        line = self.opened.readline(_LONGEST)
        self.hash.update(line)
        try:
            return json.loads(line) if line else None
        except (ValueError, RecursionError):
            return None

    def _events(self) -> Iterator[Sequence[Any]]:
        """The events, as `stretch.read` gives them; what is no event ends them."""
        number, columns = 1, stretch.COLUMNS
        while (found := self._line()) is not None:
            number += 1
            if not isinstance(found, dict) or (len(found) != len(columns) and "sealed" not in found):
                break
            if "sealed" in found:
                self.seal = found
                return
            try:
                row = [found[name] for name in columns]
            except KeyError:
                break
            self._note(row)
            yield row
        else:
            if not self.opened.read(1):
                return
        self.damaged = True
        self._find(f"line {number} is no event")

    def _note(self, row: Sequence[Any]) -> None:
        sequence = row[_SEQUENCE]
        if isinstance(sequence, int) and sequence in self.wanted:
            self.sealed.hashes[sequence] = str(row[_HASH])
        if row[_ACTION] == Action.AUDIT_ARCHIVED and row[_OUTCOME] == Outcome.DONE:
            with contextlib.suppress(AuditBroken):
                self.sealed.archives.append(Archived.told(str(row[_DETAIL])))

    def _find(self, what: str) -> None:
        self.sealed.findings.append(Finding(None, what))


def held(archives: Sequence[Sealed], recorded: Iterable[Archived]) -> Iterator[Finding]:
    """Hold archives against what is on record of them, in a chain that verifies or in each other.

    Args:
        archives: What was read.
        recorded: What the store's events tell of archives.
    """
    known = {archive.footing: archive for archive in recorded}
    for archive in archives:
        known |= {earlier.footing: earlier for earlier in archive.archives}
    for archive in archives:
        yield from archive.told()
        if archive.findings:
            continue
        if archive.end not in known:
            what = "nothing that is known here records it; if there are archives that come after it, give them, too"
            yield Finding(None, f"'{archive.path}': {what}")
        elif known[archive.end].digest != archive.digest:
            yield Finding(None, f"'{archive.path}' is not the file that was sealed, to the last byte")
