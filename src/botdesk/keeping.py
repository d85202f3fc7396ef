"""A desk's store as a whole: copied, moved, archived, looked over and verified."""

import contextlib
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botdesk import audit, retention, verified
from botdesk.access import Action
from botdesk.desk import Desk
from botdesk.errors import AuditBroken, BotdeskError
from botdesk.store import engine, files, schema
from botdesk.store.backend import Check as Check
from botdesk.store.transaction import Transaction

if TYPE_CHECKING:
    from botdesk.store.transfer import Moved, Progress

FEW: Final = 1000
"""How many archived events are let go of at first, in one transaction."""

MOMENT: Final = 0.05
"""For how many seconds the store is held while archived events are let go of."""


def backup(desk: Desk, path: Path | None = None) -> Path:
    """Copy the store into a new private file and record it.

    Args:
        desk: The desk.
        path: The new file; by default one with the time in its name, in `backups` beside the store.

    Raises:
        AccessDenied: The operator is no admin.
        Conflict: The file is there already.
        InvalidInput: The store is no file; the hint says how it is backed up.
        StoreError: It cannot be written.
    """
    store = desk.store
    with desk.begin() as tx:
        audit.require(tx, Action.DESK_BACKED_UP)
        made = path or store.backend.backup_path(store.engine.url, tx.now)
        audit.record(tx, Action.DESK_BACKED_UP, to=str(made))
        store.backend.copy(store.engine, made)
    return made


def move(desk: Desk, to: str | Path, *, progress: "Progress | None" = None) -> "Moved":
    """Copy the whole desk into another store, of either engine; this one is left as it is.

    Args:
        desk: The desk.
        to: A path or URL of a store with nothing in it.
        progress: Told how far it is.

    Raises:
        AccessDenied: The operator is no admin.
        AuditBroken: This store does not verify, or what arrived does not; nothing was moved.
        Conflict: There is something in the other store.
        StoreError: The other store cannot be used, or one of the two failed.
    """
    from botdesk.store import transfer

    with desk.read() as tx:
        audit.require(tx, Action.DESK_BACKED_UP)
        return transfer.carry(tx.session, engine.to_url(str(to)), progress=progress)


def archive(desk: Desk, before: datetime, path: Path, *, progress: "Progress | None" = None) -> retention.Archived:
    """Move the events before an instant to a sealed file, which is on the disk before anything is let go of.

    The events are let go of a few at a time, so that others can write meanwhile; what an archiving leaves that was
    interrupted there, the next one lets go of first.

    Args:
        desk: The desk.
        before: The instant; at least `retention.KEPT` ago.
        path: A new file; it gets mode 0600, and its folder is made when it is missing.
        progress: Told how far it is.

    Raises:
        AccessDenied: The operator is no admin.
        AuditBroken: The store does not verify; nothing was moved.
        Conflict: The file is there already, or there is nothing to move.
        InvalidInput: The instant is too late, or the file cannot be made there.
        StoreError: The file cannot be written, or the store failed.
    """
    tell = progress or (lambda what, done, of: None)
    path = Path(files.absolute(path))
    _clear(desk, tell)
    with desk.read() as tx:
        planned = retention.plan(tx, before)
        retention.refuse_present(path)
        _refuse_broken(_verified(desk, tx, progress=partial(tell, "verifying")))
        files.create_folder(path.parent)
        with retention.new_file(path) as opened:
            archived = retention.write(tx, planned, opened, partial(tell, "writing"))
    try:
        _let_go(desk, archived, path)
    except BaseException:
        with contextlib.suppress(BotdeskError):
            if desk.ask(audit.archived) < archived.last:
                path.unlink(missing_ok=True)
        raise
    _clear(desk, tell)
    return archived


def _let_go(desk: Desk, archived: retention.Archived, path: Path) -> None:
    """Record the archive, and let the first events go with it: a small one is done in one transaction."""
    with desk.begin() as tx:
        retention.record(tx, archived, path)
        retention.clear(tx, FEW)


def _clear(desk: Desk, tell: "Progress") -> None:
    """Let go of what is archived, for a moment at a time, and let others write for as long in between."""
    most, total, left = FEW, 0, 1
    while left:
        with desk.begin() as tx:
            begun = time.monotonic()
            audit.require(tx, Action.AUDIT_ARCHIVED)
            left = retention.clear(tx, most)
        took = time.monotonic() - begun
        total = max(total, left)
        if total:
            tell("letting go", total - left, total)
        most = max(FEW, min(2 * most, round(most * MOMENT / max(took, 0.001))))
        time.sleep(took if left else 0)


def _refuse_broken(verdict: audit.Verdict) -> None:
    if not verdict.holds:
        raise AuditBroken(
            f"the audit does not verify: {verdict.findings[0].what}",
            hint="nothing was moved; 'botdesk audit verify' shows all that is wrong",
        )


def check(desk: Desk) -> list[Check]:
    """Look the store over: version, integrity, schema, triggers, audit."""
    with desk.store.transaction() as tx:
        connection = tx.session.connection()
        checks = desk.store.backend.checks(connection)
        found = schema.revision(connection)
        verdict = _verified(desk, tx)
    stays = f", {verdict.archived:,} of them in archives" if verdict.archived else ""
    words = f"the chain holds, {verdict.events} events{stays}" if verdict.holds else verdict.findings[0].what
    return [
        *checks,
        Check("schema", found == schema.NEWEST, f"revision {found}", "botdesk database upgrade"),
        Check("audit", verdict.holds, words, "" if verdict.holds else "botdesk audit verify"),
    ]


def verify(
    desk: Desk,
    *,
    head: audit.Head | None = None,
    from_start: bool = False,
    forget: bool = False,
    archives: Sequence[Path] = (),
    progress: audit.Progress | None = None,
) -> audit.Verdict:
    """Hold the chain, and the present rows against it.

    What this operator verified before is not walked again, once it is long; how far that was is kept in the state
    folder, and the history is held against that as well.

    Args:
        desk: The desk.
        head: A head that was kept elsewhere.
        from_start: Walk all of it.
        forget: Do not hold the history against what was verified before, and if it holds for itself, forget that:
            for a store whose backup was restored on purpose.
        archives: The files of archives, to hold as well; heads that lie in them are held by them.
        progress: Told the number of events walked so far and that of all that are to be; it may raise, to end it.

    Raises:
        AccessDenied: The operator is no active person of this desk.
        InvalidInput: An archive cannot be read.
    """
    with desk.read() as tx:
        return _verified(
            desk, tx, head=head, from_start=from_start, forget=forget, archives=archives, progress=progress
        )


def _verified(
    desk: Desk,
    tx: Transaction,
    *,
    head: audit.Head | None = None,
    from_start: bool = False,
    forget: bool = False,
    archives: Sequence[Path] = (),
    progress: audit.Progress | None = None,
) -> audit.Verdict:
    folder = desk.settings.state_dir
    since = None if forget else verified.load(folder, desk.location)
    wanted = [kept.sequence for kept in (head, since and since.head) if kept]
    read = [retention.read(path, wanted, progress) for path in archives]
    verdict = audit.verify(tx, head=head, since=since, from_start=from_start, progress=progress, archives=read)
    if forget and verdict.holds:
        verified.forget(folder, desk.location)
    if verdict.footing is not None and verdict.events >= verified.WORTHWHILE:
        verified.save(folder, desk.location, verdict.footing)
    return verdict
