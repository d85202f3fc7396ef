"""One account: its tokens, who may handle it, what happened; by keyboard and by mouse."""

from datetime import timedelta
from pathlib import Path

import pytest

from botdesk import accounts, audit, grants, tokens, verification
from botdesk.access import Level
from botdesk.testing import NOON, Clock, open_desk
from botdesk.verification import Asked
from tests.tui.stage import accounts_of, click, complaints, deliver, opened, paste, press, said, shown, warned, window


def states(path: str) -> dict[str, str]:
    """The states of the tokens, by label."""
    with open_desk(path) as desk:
        return {line.token.label: str(line.state) for line in desk.ask(tokens.listed)}


async def test_a_token_is_issued_rotated_and_revoked(path: str, tmp_path: Path) -> None:
    target = tmp_path / "secret"
    async with opened(path) as pilot:
        await press(pilot, "enter", "i", "farm", "ctrl+s", "f")
        await paste(pilot, str(target))
        await press(pilot, "enter", "enter")
        assert f"'farm' written to {target}" in said(pilot)
        assert target.stat().st_mode & 0o777 == 0o600
        await press(pilot, "o", "tab", "tab", "farm-two", "ctrl+s", "x")
        await paste(pilot, "sh -c 'cat > /dev/null'")
        await press(pilot, "enter", "enter")
        assert states(path) == {"farm": "retiring", "farm-two": "active"}
        assert window(pilot, "token-list").row.token.label == "farm"
        assert shown(pilot).splitlines()[-1].startswith(" c Cutover")
        await press(pilot, "k")
        assert "Cutover" not in shown(pilot).splitlines()[-1]
        await press(pilot, "x")
        for words in ("· active · made just now", "this is the successor: the old one ends in 1 day"):
            assert words in shown(pilot)
        await press(pilot, "leaked", "ctrl+s")
        assert "revoked 'farm-two'" in said(pilot)
    assert states(path) == {"farm": "retiring", "farm-two": "revoked"}


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_why_a_rotation_is_not_to_be_finished_yet_is_told_in_full(path: str, size: tuple[int, int]) -> None:
    label = "the farm of builders, behind the second gate, at the far end"
    (old,) = deliver(path, label)
    with open_desk(path, seed=5) as desk, desk.begin() as tx:
        new = tokens.deliver(tx, tokens.rotate(tx, old).token.id, to="clipboard").id
    with open_desk(path, clock=Clock(NOON + timedelta(minutes=1)), seed=6) as desk:
        for token_id in (new, old):
            desk.run(verification.note, token_id, Asked(address="2001:db8:85a3::8a2e:370:7334"))
    async with opened(path, size=size) as pilot:
        await press(pilot, "enter", "G", "c")
        told = " ".join(shown(pilot).split())
        assert f"not yet: the token '{label}' was used just now from 2001:db8:85a3::8a2e:370:7334" in told
        assert "1 place · not ready yet" in said(pilot)


async def test_rotating_asks_for_overlap_and_lifetime_and_refuses_nonsense(path: str) -> None:
    (old,) = deliver(path, "farm")
    async with opened(path) as pilot:
        await press(pilot, "enter", "o", "backspace", "backspace", "backspace", "soon", "ctrl+s")
        assert "'soon' is no duration" in shown(pilot)
        await press(pilot, *["backspace"] * 4, "48h", "tab", "never")
        assert warned(pilot) == ""
        await press(pilot, "ctrl+s")
        assert "Hand the secret over" in shown(pilot)
        await press(pilot, "x")
        await paste(pilot, "sh -c 'cat > /dev/null'")
        await press(pilot, "enter", "enter")
    with open_desk(path) as desk:
        before, after = desk.ask(tokens.find, old), desk.ask(tokens.line, desk.ask(tokens.find, old).successor_id or "")
        assert (before.expires_at, after.token.expires_at) == (Clock()() + timedelta(hours=48), None)


async def test_a_scope_that_the_account_lacks_is_refused_in_the_form(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "enter", "i", "farm", "tab", "tab", "end", " root:all", "ctrl+s")
        assert "does not have the scope 'root:all'" in shown(pilot)
        assert "farm" in shown(pilot)


async def test_ended_tokens_are_folded_until_asked_for(path: str) -> None:
    ended, _ = deliver(path, "old", "new")
    with open_desk(path) as desk:
        desk.run(tokens.revoke, ended, reason="leaked")
    async with opened(path) as pilot:
        await press(pilot, "enter")
        assert len(window(pilot, "token-list").rows) == 1
        assert "1 ended, h shows them" in said(pilot)
        await press(pilot, "h")
        assert len(window(pilot, "token-list").rows) == 2
        await press(pilot, "G", "x")
        assert "'old' is revoked" in said(pilot)
        await press(pilot, "g", "c")
        assert "'new' is active, and this is for one that is retiring" in said(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_token_is_shown_in_full(path: str, size: tuple[int, int]) -> None:
    (made,) = deliver(path, "farm")
    async with opened(path, size=size) as pilot:
        await press(pilot, "enter", "enter")
        for text in (
            f"bdk_{made}_••••",
            "catalog:read",
            "2026-11-02 12:00 UTC by ada",
            "to the clipboard",
            "in 90 days",
        ):
            assert text in shown(pilot)


async def test_access_is_given_and_withdrawn(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "enter", "w")
        assert "put the cursor on a grant" in said(pilot)
        await press(pilot, "a", "right", "tab", "right", "ctrl+s")
        assert "gave role platform manage on catalog-sync" in said(pilot)
        await press(pilot, "tab")
        assert "role platform" in shown(pilot)
        assert "1 grant · 2 people can reach it" in shown(pilot)
        assert {line.found.person.name for line in window(pilot, "reach-list").rows} == {"ada", "ben"}
        await press(pilot, "w", "n")
        with open_desk(path) as desk:
            assert len(desk.ask(grants.listed)) == 1
        await press(pilot, "w", "y")
        assert "has no grant" in said(pilot)
    with open_desk(path) as desk:
        assert desk.ask(grants.listed) == []
        wanted = audit.Filter(action="grant")
        assert [event.action for event in desk.ask(audit.page, wanted).rows] == ["grant:withdrawn", "grant:given"]


async def test_nobody_gets_access_before_somebody_is_chosen(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "a", "ctrl+s")
        assert "nothing is picked" in warned(pilot)
        await press(pilot, "left", "ctrl+s")
        assert "gave person ben operate on catalog-sync" in said(pilot)
    with open_desk(path) as desk:
        assert [line.grantee for line in desk.ask(grants.listed)] == ["person:ben"]


async def test_giving_what_they_have_is_refused_in_the_form(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(grants.give, "catalog-sync", "role:platform", Level.OPERATE)
    async with opened(path) as pilot:
        await press(pilot, "a", "right", "ctrl+s")
        assert "has 'operate' on 'catalog-sync' already" in shown(pilot)


async def test_an_account_is_disabled_enabled_modified_and_removed_from_its_own_screen(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "enter", "d", "ctrl+s")
        assert "disabled catalog-sync" in said(pilot)
        await press(pilot, "i")
        assert "catalog-sync is disabled" in said(pilot)
        await press(pilot, "d", "y")
        assert accounts_of(path)["catalog-sync"].state == "active"
        await press(pilot, "e", "-two", "ctrl+s")
        assert "catalog-sync-two" in shown(pilot)
        await press(pilot, "D", "catalog-sync-two", "ctrl+s")
        assert "removed catalog-sync-two" in said(pilot)
        assert window(pilot, "accounts").has_focus


async def test_activity_tells_what_happened_and_an_event_opens(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "enter", "tab", "tab")
        assert "ada created catalog-sync" in shown(pilot)
        await press(pilot, "enter")
        assert "account:created, done" in shown(pilot)
        await press(pilot, "escape", "escape")
        assert window(pilot, "accounts").has_focus


async def test_tabs_are_clicked_and_so_are_the_keys_at_the_bottom(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "enter")
        await click(pilot, "#--content-tab-access", 2)
        assert "WHO CAN REACH IT" in shown(pilot)
        bottom = shown(pilot).splitlines()[-1]
        await click(pilot, "#keybar", bottom.index("Grant"))
        assert "Give access to catalog-sync" in shown(pilot)
        await click(pilot, "#dialog-keys", str(pilot.app.screen.query_one("#dialog-keys").render()).index("esc"))
        assert "WHO CAN REACH IT" in shown(pilot)


async def test_an_account_that_goes_out_of_reach_meanwhile_is_left(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(grants.give, "catalog-sync", "person:ben", Level.MANAGE)
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "enter")
        with open_desk(path) as desk:
            desk.run(grants.withdraw, "catalog-sync", "person:ben")
        await press(pilot, "r")
        assert "catalog-sync is out of your reach by now" in complaints(pilot)
        assert window(pilot, "accounts").has_focus


async def test_an_account_that_was_removed_by_another_can_still_be_looked_at(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "enter")
        with open_desk(path) as desk:
            desk.run(accounts.remove, "catalog-sync")
        await press(pilot, "r", "i")
        assert "catalog-sync is removed" in said(pilot)


async def test_ids_are_copied(path: str) -> None:
    (made,) = deliver(path, "farm")
    async with opened(path) as pilot:
        await press(pilot, "y")
        assert pilot.app.clipboard == "catalog-sync"
        await press(pilot, "enter", "y")
        assert pilot.app.clipboard == made
