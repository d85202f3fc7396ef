"""Many accounts or tokens at once: what will happen is shown, then done one by one, stopped at any time, and told."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from botdesk import accounts, audit, bulk, grants, people, runner, runs, tokens
from botdesk.access import Level, Standing
from botdesk.bulk import Order, Verb
from botdesk.desk import Desk
from botdesk.runs import Fate, Run
from botdesk.testing import Clock, light_hasher, open_desk
from botdesk.tui.app import BotdeskApp
from tests.integrity.test_bulk import check
from tests.terminal import Terminal
from tests.tui.program import environ, started
from tests.tui.stage import (
    accounts_of,
    click,
    deliver,
    opened,
    press,
    said,
    settle,
    shown,
    warned,
    window,
)  # fmt: skip

HOLD = 'cat > "$0/$1"; until [ -e "$0/go" ]; do sleep 0.02; done'


def states(path: str) -> dict[str, str]:
    """The states of the store's tokens, by id."""
    with open_desk(path) as desk:
        return {line.token.id: str(line.state) for line in desk.ask(tokens.listed)}


def last_run(path: str) -> Run:
    """What the audit tells of the latest run."""
    with open_desk(path) as desk:
        return desk.ask(runs.show, desk.ask(runs.listed)[0].number)


def flat(pilot: Pilot[str]) -> str:
    """What is shown, as if in one line."""
    return " ".join(shown(pilot).replace("│", " ").split())


def title(pilot: Pilot[str]) -> str:
    """The title of the dialog that is open."""
    return str(pilot.app.screen.query_one("#dialog-title", Static).render())


async def fill(pilot: Pilot[str], **values: str) -> None:
    """Fill in fields, as pasted there."""
    for name, value in values.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value
    await settle(pilot)


async def test_marked_tokens_are_revoked_once_it_was_shown_what_will_happen(path: str) -> None:
    one, two, three = deliver(path, "one", "two", "three")
    async with opened(path) as pilot:
        await press(pilot, "enter", "A")
        assert "3 marked" in said(pilot)
        assert "x Revoke 3" in shown(pilot).splitlines()[-1]
        assert "b Bulk 3" in shown(pilot).splitlines()[-1]
        with open_desk(path, seed=9) as desk:
            desk.run(tokens.revoke, two, reason="by hand")
        await press(pilot, "x", "ctrl+s")
        assert "the reason is empty" in shown(pilot)
        await press(pilot, "owner left", "enter")
        assert title(pilot) == "Revoke 2 tokens?"
        assert "2 tokens to revoke, 1 refused" in shown(pilot)
        assert "refused 'two' of catalog-sync" in flat(pilot)
        assert f"'two' of catalog-sync ({two}): refused, the token 'two' is revoked already" in flat(pilot)
        assert states(path)[one] == "active"
        await press(pilot, "n")
        assert (states(path)[one], set(window(pilot, "token-list").marked)) == ("active", {one, three})
        await press(pilot, "x", "owner left", "enter", "y")
        assert title(pilot).endswith("revoke 2 tokens")
        assert "2 done" in shown(pilot)
        await press(pilot, "enter")
        assert "2 done; B shows it again" in said(pilot)
        assert not window(pilot, "token-list").marked
    assert set(states(path).values()) == {"revoked"}
    run = last_run(path)
    assert (run.order.reason, run.told, run.ended) == ("owner left", "2 done", True)


async def test_no_name_is_cut_off_for_the_sake_of_an_empty_column(path: str) -> None:
    label = "crawler of the old databases in Lund"
    deliver(path, label)
    async with opened(path) as pilot:
        await press(pilot, "space", "b", "ctrl+s", "gone", "ctrl+s")
        assert f"'{label}' of catalog-sync" in window(pilot, "bulk-items").render_line(1).text


async def test_marked_accounts_are_disabled_together_and_enabled_again(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "space", "space", "d", "holidays", "ctrl+s", "y", "escape")
        disabled = {name for name, line in accounts_of(path).items() if line.state == "disabled"}
        assert disabled == {"catalog-sync", "metrics-ingest"}
        await press(pilot, "A")
        assert "d Disable 3" in shown(pilot).splitlines()[-1]
        await press(pilot, "A", "g", "space", "space")
        assert "d Enable 2" in shown(pilot).splitlines()[-1]
        await press(pilot, "d", "y")
        assert "2 done" in shown(pilot)
    assert {line.state for line in accounts_of(path).values()} == {"active"}


async def test_marked_accounts_get_access_together_and_those_that_have_it_are_left_alone(path: str) -> None:
    with open_desk(path, seed=9) as desk:
        desk.run(grants.give, "catalog-sync", "role:platform", Level.OPERATE)
    async with opened(path) as pilot:
        await press(pilot, "space", "space", "a", "right")
        assert "ben" in str(pilot.app.screen.query_one("#dialog-what-if", Static).render())
        await press(pilot, "ctrl+s")
        assert "1 account to grant, 1 refused" in shown(pilot)
        assert "role platform may operate each" in shown(pilot)
        await press(pilot, "y")
        assert "1 done, 1 refused" in shown(pilot)
    with open_desk(path) as desk:
        assert [line.account for line in desk.ask(grants.listed)] == ["catalog-sync", "metrics-ingest"]


async def test_all_tokens_of_marked_accounts_are_extended_through_the_one_key_for_many(path: str) -> None:
    with open_desk(path, seed=9) as desk, desk.begin() as tx:
        for account, label in (("catalog-sync", "one"), ("catalog-sync", "two"), ("metrics-ingest", "three")):
            tokens.deliver(tx, tokens.issue(tx, account, label).token.id, to="clipboard")
    async with opened(path) as pilot:
        await press(pilot, "space", "space", "b")
        assert title(pilot) == "What is to be done to 2 accounts?"
        await press(pilot, "e", "enter")
        assert title(pilot) == "Extend 3 tokens"
        await press(pilot, "ctrl+s")
        assert "Each works 7d longer." in shown(pilot)
        assert "ends 20" in shown(pilot)
        await press(pilot, "y", "escape", "j", "j")
        assert window(pilot, "accounts").row.account.name == "nightly-build"
        await press(pilot, "b", "e", "enter")
        assert "1 account without a token to extend" in said(pilot)
    assert last_run(path).told == "3 done"


async def test_each_secret_of_a_rotation_goes_straight_to_the_command_and_one_that_fails_stops_no_other(
    path: str, tmp_path: Path
) -> None:
    held = deliver(path, "one", "two", "three")
    out = tmp_path / "out"
    out.mkdir()
    script = f'[ "$1" = {held[1]} ] && cat > /dev/null && echo no room >&2 && exit 3; cat > "$0/$2"'
    async with opened(path) as pilot:
        await press(pilot, "enter", "A", "o")
        assert title(pilot) == "Rotate 3 tokens"
        await fill(pilot, command="cat")
        await press(pilot, "ctrl+s")
        assert "the secrets of 3 tokens would all go to one place" in " ".join(warned(pilot).split())
        await fill(pilot, command="no-such-program {token_id}")
        await press(pilot, "ctrl+s")
        assert "there is no command 'no-such-program'" in warned(pilot)
        await fill(pilot, command=f"sh -c '{script}' {out} {{predecessor_id}} {{token_id}}")
        await press(pilot, "ctrl+s")
        assert "Each secret goes to sh on its stdin; the old ones end after 1d." in shown(pilot)
        await press(pilot, "y")
        assert "2 done, 1 failed" in shown(pilot)
        assert f"({held[1]}): failed, 'sh' failed with 3: no room" in flat(pilot)
    assert sorted(file.read_text()[4:14] for file in out.iterdir()) == sorted(file.name for file in out.iterdir())
    found = states(path)
    assert [found[one] for one in held] == ["retiring", "active", "retiring"]
    assert [found[file.name] for file in out.iterdir()] == ["active", "active"]


async def test_the_setting_says_the_command_and_a_run_is_gone_on_with_from_its_summary(
    path: str, tmp_path: Path
) -> None:
    held = deliver(path, "one", "two")
    fails = f"sh -c 'cat > /dev/null; [ -e {tmp_path}/mended ]' {{token_id}}"
    async with opened(path) as pilot:
        await press(pilot, "enter", "A", "o")
        await fill(pilot, command=fails, lifetime="30d")
        await press(pilot, "ctrl+s", "y")
        assert "2 failed" in shown(pilot)
        (tmp_path / "mended").touch()
        await press(pilot, "r")
        assert title(pilot) == "Rotate 2 tokens?"
        await press(pilot, "y")
        assert "2 done" in shown(pilot)
    assert [states(path)[one] for one in held] == ["retiring", "retiring"]
    with open_desk(path) as desk:
        assert len(desk.ask(runs.listed)) == 1


async def test_it_is_stopped_in_the_middle_and_the_rest_is_untouched_and_told_so(path: str, tmp_path: Path) -> None:
    held = deliver(path, "one", "two", "three")
    command = f"sh -c '{HOLD}' {tmp_path} {{token_id}}"
    async with opened(path) as pilot:
        await press(pilot, "enter", "A", "o")
        await fill(pilot, command=command)
        await press(pilot, "ctrl+s")
        await pilot.press("y")
        await until(pilot, lambda: len(held) < len(states(path)) and "0 of 3" in shown(pilot))
        assert "esc stops after the one in work" in shown(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "stopping after the one in work" in shown(pilot))
        assert title(pilot) == "Rotate 3 tokens"
        assert "esc again cuts that one off" in shown(pilot)
        (tmp_path / "go").touch()
        await settle(pilot)
        assert "stopping" not in shown(pilot)
        assert "1 done, 2 untouched" in shown(pilot)
        assert "It was stopped." in shown(pilot)
        assert "r goes on with the 2 left" in shown(pilot)
        await press(pilot, "r", "y")
        assert "3 done" in shown(pilot)
    assert sorted(states(path)[one] for one in held) == ["retiring"] * 3


async def test_a_second_esc_cuts_a_command_off_that_hangs_and_its_token_goes_on(path: str, tmp_path: Path) -> None:
    held = deliver(path, "one", "two")
    async with opened(path) as pilot:
        await press(pilot, "enter", "A", "o")
        await fill(pilot, command=f"sh -c '{HOLD}' {tmp_path} {{token_id}}")
        await press(pilot, "ctrl+s")
        await pilot.press("y")
        await until(pilot, lambda: len(held) < len(states(path)) and "0 of 2" in shown(pilot))
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert "1 failed, 1 untouched" in shown(pilot)
        assert "'sh' was cut off" in flat(pilot)
    assert [states(path)[one] for one in held] == ["active", "active"]
    assert sorted(states(path).values()) == ["active", "active", "revoked"]


async def until(pilot: Pilot[str], true: Callable[[], bool]) -> None:
    """Wait for what becomes so while something is under way."""
    for _ in range(6000):
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError(shown(pilot))


async def test_in_a_tiny_terminal_what_it_is_done_to_and_how_far_it_is_are_in_view(path: str, tmp_path: Path) -> None:
    deliver(path, "one", "two")
    async with opened(path, size=(40, 10)) as pilot:
        await press(pilot, "enter", "A", "o")
        await fill(pilot, command=f"sh -c '{HOLD}' {tmp_path} {{token_id}}")
        await press(pilot, "ctrl+s")
        assert "'two' of catal" in shown(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "rotate  0 of 2" in shown(pilot))
        (tmp_path / "go").touch()
        await settle(pilot)
        assert "Run " in shown(pilot)
        assert "done" in shown(pilot)


async def test_by_mouse_rows_are_marked_at_their_edge_and_the_keys_that_are_told_are_clicked(path: str) -> None:
    deliver(path, "one", "two", "three")
    async with opened(path) as pilot:
        await press(pilot, "enter")
        await click(pilot, "#token-list", 0, 1)
        await click(pilot, "#token-list", 0, 2)
        await click(pilot, "#token-list", 0, 2)
        assert len(window(pilot, "token-list").marked) == 1
        await click(pilot, "#token-list", 0, 3)
        await click(pilot, "#keybar", shown(pilot).splitlines()[-1].index("b Bulk 2") + 1)
        await press(pilot, "enter", "tidied", "ctrl+s")
        await click(pilot, "#dialog-keys", 2)
        assert "2 done" in shown(pilot)
    assert sorted(states(path).values()) == ["active", "revoked", "revoked"]


async def test_marking_all_reaches_rows_that_were_not_read_yet_and_keeps_the_cursor(path: str) -> None:
    with open_desk(path) as desk, desk.begin() as tx:
        for number in range(150):
            accounts.create(tx, f"many-{number:03}")
    async with opened(path) as pilot:
        await press(pilot, "j", "A")
        assert "153 marked" in said(pilot)
        assert window(pilot, "accounts").row.account.name == "many-000"
        await press(pilot, "A")
        assert "marked" not in said(pilot)
        await press(pilot, "G", "A")
        assert "153 marked" in said(pilot)
        assert window(pilot, "accounts").row.account.name == "nightly-build"


async def test_a_run_that_was_killed_is_told_at_the_start_and_gone_on_with_or_ended(path: str, tmp_path: Path) -> None:
    held = deliver(path, "one", "two", "three")
    for seed in (5, 6):
        with open_desk(path, seed=seed) as desk:
            order = Order(verb=Verb.ROTATE) if seed == 5 else Order(verb=Verb.REVOKE, reason="leaked")
            number = desk.run(bulk.begin, runner.plan(desk, order, held), to="command:vault")
            if seed == 5:
                cut = desk.run(bulk.within, number, bulk.rotate, order, held[0]).token.id
    later = Clock()
    later.forward(timedelta(minutes=5))
    async with opened(path, clock=later) as pilot:
        assert f"! RUN {number} DID NOT END, B goes on with it or ends it: revoke 3 tokens, 5 m" in shown(pilot)
        await press(pilot, "B")
        assert "not ended" in shown(pilot)
        await press(pilot, "enter")
        assert "3 untouched" in shown(pilot)
        assert "It has not ended: it is at work, or was killed." in shown(pilot)
        await press(pilot, "e")
        assert "It was stopped." in shown(pilot)
        await press(pilot, "escape")
        assert "not ended" in shown(pilot)
        await press(pilot, "j", "enter")
        assert f"its successor bdk_{cut}" in flat(pilot)
        await press(pilot, "r")
        await fill(pilot, command=f"sh -c 'cat > {tmp_path}/$0' {{token_id}}")
        await press(pilot, "ctrl+s", "y")
        assert "3 done" in shown(pilot)
        await press(pilot, "escape", "escape")
        assert "DID NOT END" not in shown(pilot)
    assert {states(path)[one] for one in held} == {"retiring"}
    assert states(path)[cut] == "revoked"


async def test_a_run_that_is_at_work_elsewhere_is_not_told_as_killed_and_taken_up_only_when_that_is_confirmed(
    path: str,
) -> None:
    held = deliver(path, "one", "two")
    with open_desk(path, seed=5) as desk:
        desk.run(bulk.begin, runner.plan(desk, Order(verb=Verb.REVOKE, reason="leaked"), held))
    clock = Clock()
    async with opened(path, clock=clock) as pilot:
        assert "DID NOT END" not in shown(pilot)
        await press(pilot, "B", "enter", "r")
        assert "may be at work" in title(pilot)
        await press(pilot, "n")
        assert set(states(path).values()) == {"active"}
        await press(pilot, "escape", "B", "enter", "r", "y")
        assert title(pilot) == "Revoke 2 tokens?"
        await press(pilot, "escape", "escape")
        clock.forward(timedelta(minutes=2))
        cast("BotdeskApp", pilot.app).poll_soon()
        await until(pilot, lambda: "DID NOT END" in shown(pilot))
        await press(pilot, "B", "enter", "r")
        assert title(pilot) == "Revoke 2 tokens?"
        await press(pilot, "y")
        assert "2 done" in shown(pilot)


async def test_who_only_looks_is_offered_nothing_for_many(path: str) -> None:
    deliver(path, "one")
    with open_desk(path) as desk:
        desk.run(people.add, "aud", standing=Standing.AUDITOR)
    async with opened(path, operator="aud") as pilot:
        await press(pilot, "space", "d")
        assert "aud is an auditor and changes nothing" in said(pilot)
        await press(pilot, "b")
        assert "aud is an auditor and changes nothing" in said(pilot)


FIRST = f'[ -e "$0/first" ] || {{ cat > "$0/first"; exit; }}; {HOLD}'
"""The first secret is taken at once; the second not before somebody says go."""


@pytest.fixture
def manned(place: str) -> str:
    """A desk of who runs the tests, with three tokens that work."""
    with Desk.open(place) as desk, desk.begin() as tx:
        accounts.create(tx, "catalog-sync")
        for label in ("one", "two", "three"):
            tokens.deliver(tx, tokens.issue(tx, "catalog-sync", label).token.id, to="clipboard")
    return place


def held(store: str) -> list[str]:
    """The states of all its tokens."""
    with Desk.open(store) as desk:
        return sorted(str(line.state) for line in desk.ask(tokens.listed))


def latest(store: str) -> Run:
    """What the audit tells of its latest run."""
    with Desk.open(store) as desk:
        assert desk.ask(audit.verify).holds
        return desk.ask(runs.show, desk.ask(runs.listed)[0].number)


def rotate_all(terminal: Terminal) -> None:
    """Rotate all tokens of the account, up to the second one, whose command hangs."""
    for keys, shows in (
        ("", "catalog-sync"),
        ("\r", "3 tokens"),
        ("A", "3 marked"),
        ("o", "Rotate 3 tokens"),
        ("\x13", "y rotate 3 tokens"),
        ("y", "1 of 3"),
    ):
        terminal.send(keys)
        terminal.wait_for(shows)


def test_a_program_whose_terminal_goes_in_the_middle_stops_after_the_one_in_work_and_the_rest_is_untouched(
    tmp_path: Path, manned: str
) -> None:
    command = f"sh -c '{FIRST}' {tmp_path} {{token_id}}"
    with started(manned, environ(tmp_path, BOTDESK_BULK_COMMAND=command)) as terminal:
        rotate_all(terminal)
        terminal.wait_until(lambda: len(held(manned)) == 5)
        os.kill(terminal.pid, signal.SIGHUP)
        terminal.wait_until(lambda: b"\x1b[?1049l" in terminal.raw)
        (tmp_path / "go").touch()
        assert terminal.wait_exit() == 129
    run = latest(manned)
    assert (run.ended, run.stopped, run.told) == (True, True, "2 done, 1 untouched")
    assert held(manned) == ["active"] * 3 + ["retiring"] * 2


def test_who_leaves_the_program_in_the_middle_is_told_first_and_the_second_time_leaves_at_once(
    tmp_path: Path, manned: str
) -> None:
    command = f"sh -c '{FIRST}' {tmp_path} {{token_id}}"
    with started(manned, environ(tmp_path, BOTDESK_BULK_COMMAND=command)) as terminal:
        rotate_all(terminal)
        terminal.wait_until(lambda: len(held(manned)) == 5)
        terminal.send("\x11")
        terminal.wait_for("ctrl+q again leaves at once")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
    run = latest(manned)
    assert (run.ended, run.stopped, run.told) == (True, True, "1 done, 1 failed, 1 untouched")
    assert held(manned) == ["active"] * 3 + ["retiring", "revoked"]


CROWD = int(os.environ.get("BULK_TOKENS", "12"))
"""How many are rotated by a program that is killed; 1000 is what is promised, and takes minutes."""

UP_TO = f'[ $(ls "$0/out" | wc -l) -lt {CROWD // 2} ] || until [ -e "$0/go" ]; do sleep 0.02; done; cat > "$0/out/$1"'
"""Half of the secrets are taken at once; the next one not before somebody says go."""


def test_killed_in_the_middle_each_token_is_wholly_rotated_or_untouched_and_the_next_start_goes_on(
    tmp_path: Path, place: str
) -> None:
    with Desk.open(place, hasher=light_hasher()) as desk, desk.begin() as tx:
        accounts.create(tx, "catalog-sync")
        for number in range(CROWD):
            tokens.deliver(tx, tokens.issue(tx, "catalog-sync", f"place {number}").token.id, to="clipboard")
    (out := tmp_path / "out").mkdir()
    command = f"sh -c '{UP_TO}' {tmp_path} {{predecessor_id}}.{{token_id}}"
    many = f"{CROWD:,} tokens"
    with started(place, environ(tmp_path, BOTDESK_BULK_COMMAND=command)) as terminal:
        for keys, shows in (
            ("", "catalog-sync"),
            *(("\r", many), ("A", f"{CROWD:,} marked"), ("o", f"Rotate {many}"), ("\x13", f"y rotate {many}")),
            ("y", f"{CROWD // 2:,} of {CROWD:,}"),
        ):
            terminal.send(keys)
            terminal.wait_for(shows, seconds=90 + CROWD)
        terminal.wait_until(lambda: "pending" in held(place))
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait_exit() == -signal.SIGKILL
    (tmp_path / "go").touch()
    run = latest(place)
    assert (run.ended, run.count(Fate.DONE), run.count(Fate.UNTOUCHED)) == (False, CROWD // 2, CROWD - CROWD // 2)
    with Desk.open(place) as desk:
        check(desk, run, out)
    with started(place, environ(tmp_path, BOTDESK_BULK_COMMAND=command)) as terminal:
        left = f"{CROWD - CROWD // 2:,} tokens"
        for keys, shows in (
            ("", "catalog-sync"),
            ("B", "not ended"),
            ("\r", f"{CROWD // 2:,} done, {CROWD - CROWD // 2:,} untouched"),
            ("r", "may be at work"),
            *(("y", f"Rotate {left}"), ("\x13", f"y rotate {left}"), ("y", f"{CROWD:,} done")),
        ):
            terminal.send(keys)
            terminal.wait_for(shows, seconds=90 + CROWD)
    with Desk.open(place) as desk:
        check(desk, latest(place), out)
    assert sorted(held(place)) == ["active"] * CROWD + ["retiring"] * CROWD + ["revoked"]
