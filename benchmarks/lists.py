"""Is a long list as quick as a short one? In a pseudo-terminal, against ten rows and against Textual's DataTable."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from benchmarks import make_desk
from benchmarks.measure import ACCOUNTS, EVENTS, FULL, Line, in_turn
from benchmarks.paint import environ
from benchmarks.terminal import Run
from botdesk import accounts, statefile
from botdesk.desk import Desk
from botdesk.settings import Settings

ROUNDS = 9 if FULL else 3
KEYS = 200 if FULL else 60
DOWN, UP, OLDEST = "\x1b[B", "\x1b[A", "G"
ACCOUNT_LIST, AUDIT = "1", "3"
CREATED, USED = "created", "used token"
"""What the newest events of the small and of the large desk say."""

TYPED = "billing-sync"
BACKSPACE, ESCAPE = "\x7f", "\x1b"
PEER_ROWS = 1000


def measured(folder: Path, shared: Path) -> list[Line]:
    """Measure, all in turn."""
    small, large = folder / "small", make_desk.kept(shared)
    furnished(small)
    (large / "state" / statefile.MEMORY).unlink(missing_ok=True)  # a run that was cut short leaves a filter there
    botdesk, peer = [sys.executable, "-m", "botdesk"], [sys.executable, "-m", "benchmarks.bare", str(PEER_ROWS)]
    return [*openings(botdesk, small, large), *keys(botdesk, peer, large)]


def furnished(folder: Path) -> None:
    """A desk with ten accounts, whose names are like those of the large one."""
    folder.mkdir(mode=0o700)
    settings = Settings(store=str(folder / "desk.db"), state_dir=folder, config_file=folder / "none")
    with Desk.open(settings=settings) as desk, desk.begin() as tx:
        for number in range(10):
            accounts.create(tx, f"billing-deploy-{number:06}", scopes="catalog:read")


def openings(argv: Sequence[str], small: Path, large: Path) -> list[Line]:
    """Seconds to the accounts and then to the audit, and megabytes by then, of a large desk by those of a small one.

    Both were verified before, as by anybody who has looked at the audit once: so the check in the background is short.
    """
    for folder in (small, large):
        subprocess.run([*argv, "audit", "verify"], env=environ(folder), check=True, capture_output=True)
    figures = in_turn(
        {"small": lambda: opened(argv, small, CREATED), "large": lambda: opened(argv, large, USED)}, ROUNDS
    )
    asked = (
        (f"first rows, {ACCOUNTS:,} accounts", "≤1.1", "ms"),
        (f"memory, {ACCOUNTS:,} accounts", "≤1.2", "MiB"),
        (f"key to the audit's first rows, {EVENTS:,} events", "≤1.1", "ms"),
        (f"memory with the audit, {EVENTS:,} events", "≤1.2", "MiB"),
    )
    return [
        Line(what, ours, "a desk of ten", theirs, aim, unit)
        for (what, aim, unit), ours, theirs in zip(asked, figures["large"], figures["small"], strict=True)
    ]


def opened(argv: Sequence[str], folder: Path, event: str) -> tuple[float, ...]:
    """Milliseconds and megabytes at the accounts, and the same at the audit, whose newest events say these words."""
    with Run(argv, environ(folder)) as run:
        rows = run.until("billing-")
        run.quiet(0.5)
        held, before, pressed = run.memory(), len(run.written), run.until("")
        run.send(AUDIT)
        audit = run.until(event, since=before) - pressed
        run.quiet(1.5)
        found = rows * 1e3, held, audit * 1e3, run.memory()
        run.send(ACCOUNT_LIST)  # the next start shows the screen that was shown last
        run.quiet(0.5)
        run.send("q")
        run.ended()
    return found


def keys(argv: Sequence[str], peer: Sequence[str], large: Path) -> list[Line]:
    """How soon a key is answered, with how many bytes; how soon a filter is settled; and what an idle screen writes."""
    with Run(argv, environ(large)) as ours, Run(peer, environ(large)) as theirs:
        ours.until("billing-")
        theirs.until("bot-0000000")
        taken, sent, taken_by_peer, sent_by_peer = pressed(ours, theirs)
        idle = ours.quiet(3.0)
        ours.send("/")
        ours.quiet(0.5)
        typed = [ours.settled(letter, 0.3) for letter in 2 * (TYPED + len(TYPED) * BACKSPACE)]
        late = quantiles(typed, n=20)[-1] * 1e3
        ours.settled(ESCAPE)
        before = len(ours.written)
        ours.send(AUDIT)
        ours.until(USED, since=before)
        ours.settled(OLDEST, 1.0)
        in_audit, _, in_peer, _ = pressed(ours, theirs, UP)
        ours.send(ACCOUNT_LIST)
        ours.quiet(0.5)
    table = f"DataTable, {PEER_ROWS:,} rows"
    return [
        Line("key to paint, p95", taken, table, taken_by_peer, "≤0.6", "ms"),
        Line("key to paint, p95", taken, "a frame", 16.0, "≤1", "ms"),
        Line(f"key to paint in {EVENTS:,} events, p95", in_audit, table, in_peer, "≤0.6", "ms"),
        Line("bytes for a key", sent, table, sent_by_peer, "≤0.5", "B"),
        Line("an idle screen in 3 s", float(idle), "a byte", 1.0, "≤0", "B"),
        Line(f"filter {ACCOUNTS:,} accounts, letter to settled, p95", late, "limit", 60.0, "≤1", "ms"),
    ]


def pressed(ours: Run, theirs: Run, key: str = DOWN) -> tuple[float, float, float, float]:
    """Go through our list and down theirs, turn by turn: of each the milliseconds to the paint, p95, and the bytes."""
    for run in (ours, theirs):
        run.quiet(1.0)
    taken: dict[Run, list[float]] = {ours: [], theirs: []}
    written: dict[Run, list[int]] = {ours: [], theirs: []}
    for _ in range(KEYS):
        for run, pressed_key in ((ours, key), (theirs, DOWN)):
            before = len(run.written)
            taken[run].append(run.answer(pressed_key) * 1e3)
            run.quiet(0.03)
            written[run].append(len(run.written) - before)
    ours.quiet(1.0)
    p95 = {run: quantiles(each, n=20)[-1] for run, each in taken.items()}
    sent = {run: float(median(each)) for run, each in written.items()}
    return p95[ours], sent[ours], p95[theirs], sent[theirs]
