"""The handoff: once, to one target, and nothing can bring the secret back."""

import gc
from pathlib import Path

from textual.widgets import Input

from botdesk import tokens
from botdesk.bearer import Secret
from botdesk.testing import open_desk
from botdesk.tui.dialogs.handoff import HandoffDialog
from tests.raw import raw
from tests.tui.stage import accounts_of, app_of, complaints, opened, paste, press, said, shown, warned

ISSUE = ("i", "farm", "ctrl+s")
DEVOUR = "sh -c 'cat > /dev/null'"


def secrets() -> list[Secret]:
    """The secrets that live anywhere in this process."""
    gc.collect()
    return [found for found in gc.get_objects() if isinstance(found, Secret)]


def whole_tokens(before: list[Secret]) -> list[Secret]:
    """The whole tokens that live in this process, but for those of other tests from before."""
    known = set(map(id, before))
    return [found for found in secrets() if id(found) not in known and found.reveal().startswith("bdk_")]


def ended(path: str) -> list[tuple[str, str | None]]:
    """The states of all tokens, and why they were revoked."""
    with open_desk(path) as desk:
        return [(str(line.state), line.token.revoked_reason) for line in desk.ask(tokens.listed)]


async def test_it_names_the_token_and_shows_the_masked_form_alone(path: str) -> None:
    before = secrets()
    async with opened(path) as pilot:
        await press(pilot, *ISSUE)
        assert "'farm' of catalog-sync" in shown(pilot)
        assert "_••••" in shown(pilot)
        (secret,) = whole_tokens(before)
        assert secret.reveal().split("_")[2] not in shown(pilot)


async def test_once_it_is_handed_over_no_secret_is_left_in_the_program(path: str) -> None:
    async with opened(path) as pilot:
        before = len(secrets())
        await press(pilot, *ISSUE)
        assert len(secrets()) > before
        await press(pilot, "x")
        await paste(pilot, DEVOUR)
        await press(pilot, "enter")
        assert "The token works now" in shown(pilot)
        assert len(secrets()) == before
        await press(pilot, "c", "f", "x", "r")
        assert "The token works now" in shown(pilot)


async def test_the_clipboard_is_told_in_plain_words_with_a_countdown(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, *ISSUE, "c")
        for words in ("sent to your terminal", "If it does not arrive", "clears in 45 s", "The token works now"):
            assert words in shown(pilot)
        assert "copied" not in shown(pilot)
        dialog = pilot.app.screen
        assert isinstance(dialog, HandoffDialog)
        dialog._ends = 0.0
        await pilot.pause(0.6)
        await press(pilot, "p")
        assert "Your terminal was asked to clear its clipboard." in shown(pilot)
        assert app_of(pilot).clearings == []


async def test_a_failed_handoff_may_be_tried_again_elsewhere(path: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("taken")
    async with opened(path) as pilot:
        await press(pilot, *ISSUE, "f")
        await paste(pilot, str(there))
        await press(pilot, "enter")
        assert "is there already" in warned(pilot)
        await press(pilot, "escape", "x")
        await paste(pilot, "sh -c 'cat >&2; exit 3'")
        await press(pilot, "enter")
        assert "'sh' failed with 3" in warned(pilot)
        assert "[redacted]" in warned(pilot)
        await press(pilot, "escape", "f")
        await paste(pilot, str(tmp_path / "other"))
        await press(pilot, "enter")
        assert "written to" in shown(pilot)
    assert there.read_text() == "taken"
    assert accounts_of(path)["catalog-sync"].live == 1


async def test_what_is_no_target_is_told_and_nothing_is_lost(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, *ISSUE, "x", "enter")
        assert "is no target for a secret" in shown(pilot)
        await press(pilot, "sh 'x", "enter")
        assert "quote without its end" in shown(pilot)


async def test_a_file_that_the_audit_cannot_keep_is_refused_before_anything_is_written(
    path: str, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    async with opened(path) as pilot:
        await press(pilot, *ISSUE, "f")
        await paste(pilot, f"{folder}/a\u200bb")
        await press(pilot, "enter")
        assert "U+200B" in shown(pilot)
        assert list(folder.iterdir()) == []


async def test_closing_without_a_handoff_revokes(path: str) -> None:
    before = secrets()
    async with opened(path) as pilot:
        await press(pilot, *ISSUE, "enter", "escape")
        assert "esc again revokes it" in shown(pilot)
        assert "esc again: it is revoked" in shown(pilot)
        await press(pilot, "f", "escape")
        assert "esc gives up" in shown(pilot)
        await press(pilot, "escape")
        await press(pilot, "escape")
        assert "nobody has 'farm': it was revoked" in said(pilot)
        assert not whole_tokens(before)
    assert ended(path) == [("revoked", "not handed over")]


async def test_a_rotation_that_is_given_up_leaves_the_old_token_as_it_is(path: str) -> None:
    with open_desk(path) as desk, desk.begin() as tx:
        issued = tokens.issue(tx, "catalog-sync", "farm")
        tokens.deliver(tx, issued.token.id, to="clipboard")
    async with opened(path) as pilot:
        await press(pilot, "enter", "o", "ctrl+s", "escape", "escape")
    assert ended(path) == [("active", None), ("revoked", "not handed over")]


async def test_a_handoff_that_cannot_be_recorded_may_be_recorded_again(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, *ISSUE)
        with raw(path) as store, store.refusing("UPDATE", "token"):
            await press(pilot, "x")
            await paste(pilot, DEVOUR)
            await press(pilot, "enter")
            assert "does not work yet" in " ".join(shown(pilot).split())
        await press(pilot, "r")
        assert "The token works now" in shown(pilot)
    assert accounts_of(path)["catalog-sync"].live == 1


async def test_pasting_to_check_compares_and_keeps_nothing(path: str, tmp_path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, *ISSUE, "f")
        await paste(pilot, str(tmp_path / "secret"))
        await press(pilot, "enter", "p")
        await paste(pilot, "x" * 64)
        assert "no: that is something else" in shown(pilot)
        await press(pilot, "p")
        await paste(pilot, (tmp_path / "secret").read_text())
        assert "yes: that is the secret" in shown(pilot)
        assert pilot.app.screen.query_one("#handoff-paste", Input).value == ""
        assert pilot.app.clipboard == ""
        await press(pilot, "x", "enter")
        assert "no: that is something else" in shown(pilot)
        await press(pilot, "enter")
        assert "Hand the secret over" not in shown(pilot)


async def test_the_store_that_fails_while_issuing_leaves_the_form_open(path: str) -> None:
    async with opened(path) as pilot:
        with raw(path) as store, store.refusing("INSERT", "token"):
            await press(pilot, *ISSUE)
            assert "Issue a token to catalog-sync" in shown(pilot)
            assert "farm" in shown(pilot)
        await press(pilot, "ctrl+s")
        assert "Hand the secret over" in shown(pilot)
        assert complaints(pilot) == ""
