"""A rotation of many tokens that is killed in the middle: each is wholly rotated or as it was, and is told so."""

import os
import random
import re
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from botdesk import accounts, audit, handoff, runner, runs, tokens
from botdesk.desk import Desk
from botdesk.errors import Conflict
from botdesk.runs import Fate
from botdesk.testing import Clock, open_desk
from tests.integrity import house
from tests.integrity.worker import PATIENCE, Workers

TOKENS = int(os.environ.get("BULK_TOKENS", "40"))
"""How many are rotated; 1000 is what is promised, and takes a minute and more."""

LATER = house.LATER + timedelta(minutes=5)


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A store with so many tokens that work, on a few accounts."""
    (tmp_path / "desk").mkdir(mode=0o700)
    store = tmp_path / "desk" / "botdesk.db"
    with open_desk(store, clock=Clock(house.LATER), seed=5) as desk, desk.begin() as tx:
        for number in range(TOKENS):
            name = f"job-{number // 20}"
            if number % 20 == 0:
                accounts.create(tx, name)
            issued = tokens.issue(tx, name, f"place {number}")
            tokens.deliver(tx, issued.token.id, to="command:vault")
    return store


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_killed_in_the_middle_each_token_is_wholly_rotated_or_untouched_and_the_summary_says_which(
    crowded: Path, workers: Workers, tmp_path: Path, share: float
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    pid = workers.start("carry", store=crowded, out=out)
    _wait_for(out, int(TOKENS * share))
    time.sleep(random.Random(share).uniform(0, 0.02))
    os.kill(pid, signal.SIGKILL)
    assert workers.wait(pid).code == -signal.SIGKILL
    with open_desk(crowded, clock=Clock(LATER), seed=6) as desk:
        (line,) = desk.ask(runs.listed)
        run = desk.ask(runs.show, line.number)
        assert not run.ended
        assert len(run.results) == TOKENS
        assert run.count(Fate.DONE) >= int(TOKENS * share) - 1
        assert run.count(Fate.DONE) + run.count(Fate.UNTOUCHED) == TOKENS
        assert run.count(Fate.UNTOUCHED) > 0
        check(desk, run, out)
        _finish(desk, run, out)


def _wait_for(out: Path, count: int) -> None:
    last = time.monotonic() + PATIENCE * 10
    while time.monotonic() < last and len(list(out.iterdir())) < count:
        time.sleep(0.005)


def check(desk: Desk, run: runs.Run, out: Path) -> None:
    """Hold what the summary says against every token and every secret."""
    secrets = {file.name: file.read_text() for file in out.iterdir()}
    held = desk.ask(tokens.listed)
    lines = {line.token.id: line for line in held}
    successors: dict[str, list[tokens.Line]] = {}
    for line in held:
        successors.setdefault(line.token.predecessor_id or "", []).append(line)
    for one in run.results:
        old, after = lines[one.id], successors.get(one.id, [])
        if one.fate is Fate.DONE:
            (new,) = (line for line in after if line.state is tokens.TokenState.ACTIVE)
            assert old.state is tokens.TokenState.RETIRING
            secret = secrets[f"{old.token.id}.{new.token.id}"]
            assert re.fullmatch(rf"bdk_{new.token.id}_[0-9A-Za-z]{{49}}", secret)
        else:
            assert old.state is tokens.TokenState.ACTIVE
            assert [line for line in after if line.state in tokens.LIVE] == []
            assert bool(after) is ("was not handed over" in one.words)
    assert desk.ask(audit.verify).holds


def _finish(desk: Desk, run: runs.Run, out: Path) -> None:
    """Go on with what is left: then all are rotated, and no successor is left that nobody has."""
    target = handoff.Command(("sh", "-c", 'cat > "$0/$1"', str(out), "{predecessor_id}.{token_id}"))
    plan = runner.take_up(desk, run.number)
    assert len(plan.items) == len(run.open_ids)
    done = runner.carry_out(desk, plan, target=target, number=run.number)
    assert (done.count(Fate.DONE), done.ended, done.stopped) == (TOKENS, True, False)
    check(desk, desk.ask(runs.show, run.number), out)
    assert tokens.TokenState.PENDING not in {line.state for line in desk.ask(tokens.listed)}
    with pytest.raises(Conflict):
        runner.take_up(desk, run.number)
