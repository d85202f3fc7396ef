"""Ended tokens that are presented again: a line on every screen, until it was seen."""

from pathlib import Path

from botdesk import grants, people, tokens, verification
from botdesk.access import Level
from botdesk.testing import open_desk
from botdesk.tui.memory import Memory
from botdesk.verification import Asked
from tests.tui.stage import app_of, click, deliver, opened, press, said, settle, shown

BANNER = "! ENDED TOKEN USED: catalog-sync 'farm' just now"


def present(path: str, token: str, address: str, seed: int) -> None:
    """Present a token."""
    with open_desk(path, seed=seed) as desk:
        desk.run(verification.note, token, Asked(address=address))


async def test_an_ended_token_that_is_presented_is_told_until_seen_and_again_from_elsewhere(
    path: str, tmp_path: Path
) -> None:
    (token,) = deliver(path, "farm")
    memory = Memory.load(tmp_path / "tui.json")
    async with opened(path, memory=memory) as pilot:
        app = app_of(pilot)
        with open_desk(path, seed=5) as desk:
            desk.run(tokens.revoke, token, reason="leaked")
        present(path, token, "10.0.0.7", 6)
        assert "ENDED" not in shown(pilot)
        app.poll_soon()
        await settle(pilot)
        for key in ("1", "2", "3", "4", "5"):
            await press(pilot, key)
            assert f"{BANNER}, 10.0.0.7" in shown(pilot)
        await press(pilot, "!")
        assert "last just now from 10.0.0.7" in shown(pilot)
        await press(pilot, "escape")
        assert BANNER in shown(pilot), "esc is later"
        await click(pilot, "#reuse", 5)
        await press(pilot, "a")
        assert "ENDED" not in shown(pilot)
        present(path, token, "10.0.0.7", 7)
        app.poll_soon()
        await settle(pilot)
        assert "ENDED" not in shown(pilot), "it does not nag"
        await press(pilot, "!")
        assert "no ended token was presented lately" in said(pilot)
    memory.save()
    async with opened(path, memory=Memory.load(memory.path)) as pilot:
        assert "ENDED" not in shown(pilot)
        present(path, token, "203.0.113.9", 8)
        app_of(pilot).poll_soon()
        await settle(pilot)
        assert f"{BANNER}, 203.0.113.9" in shown(pilot)


async def test_only_who_can_manage_the_account_is_told(path: str) -> None:
    (token,) = deliver(path, "farm")
    with open_desk(path, seed=5) as desk:
        desk.run(people.add, "cleo")
        desk.run(grants.give, "catalog-sync", "person:ben", Level.OPERATE)
        desk.run(grants.give, "catalog-sync", "person:cleo", Level.MANAGE)
        desk.run(tokens.revoke, token, reason="leaked")
    present(path, token, "10.0.0.7", 6)
    for operator, told in (("ben", False), ("cleo", True)):
        async with opened(path, operator=operator) as pilot:
            assert (BANNER in shown(pilot)) is told
