"""A token has leaked: pasted into the program, found, told, and ended on one confirmation."""

from dataclasses import replace
from pathlib import Path

import pytest

from botdesk import bearer, tokens, verification
from botdesk.testing import open_desk
from botdesk.verification import Asked
from tests.tui.stage import app_of, deliver, opened, paste, press, said, settle, shown, warned


def leaked(path: str, *labels: str) -> list[str]:
    """Issue tokens that were handed over and used; what was handed over."""
    made = []
    with open_desk(path, seed=8) as desk, desk.begin() as tx:
        for label in labels:
            issued = tokens.issue(tx, "catalog-sync", label)
            tokens.deliver(tx, issued.token.id, to="clipboard")
            made.append(issued.secret.reveal())
    for text, address in zip(made, ("10.0.0.7", "10.0.0.8"), strict=False):
        with open_desk(path, seed=9) as desk:
            desk.run(verification.note, text[4:14], Asked(address=address))
    return made


def states(path: str) -> dict[str, str]:
    with open_desk(path) as desk:
        return {line.token.label: line.state.value for line in desk.ask(tokens.listed)}


async def test_a_pasted_log_shows_whose_its_tokens_are_and_all_are_revoked_at_once(path: str) -> None:
    one, two = leaked(path, "farm", "spare")
    deliver(path, "other")
    async with opened(path, size=(100, 40)) as pilot:
        await press(pilot, "L", "ctrl+s")
        assert "nothing to look through" in warned(pilot)
        await paste(pilot, f"GET / 200\nAuthorization: Bearer {one}\n{one}\nfoo {two} bar\nbdk_{'a' * 10}_{'b' * 49}\n")
        assert warned(pilot) == ""
        assert "pasted: " in shown(pilot)
        await press(pilot, "ctrl+s")
        seen = " ".join(shown(pilot).split())
        assert "Revoke 2 leaked tokens?" in seen
        assert f"catalog-sync 'farm' {one[4:14]} · active · seen whole, 2 times" in seen
        assert "last used just now from 10.0.0.7" in seen
        assert "1 string that looked like tokens, but none of this desk's" in seen
        assert not bearer.LEAKED.search(shown(pilot))
        await press(pilot, "ctrl+s")
        assert "revoked 2 tokens: refused from the next request on" in said(pilot)
    assert states(path) == {"farm": "revoked", "spare": "revoked", "other": "active"}


async def test_an_id_or_a_masked_form_names_a_token_and_a_mask_is_left_unless_told(path: str) -> None:
    one, two = leaked(path, "farm", "spare")
    async with opened(path) as pilot:
        await press(pilot, "4", "ctrl+p", "leaked")
        await pilot.pause(0.3)
        await settle(pilot)
        await press(pilot, "enter", one[4:14], "ctrl+s", "ctrl+s")
        assert states(path) == {"farm": "revoked", "spare": "active"}
        await press(pilot, "L")
        await paste(pilot, f"token bdk_{two[4:14]}_••••")
        await press(pilot, "ctrl+s", "ctrl+s")
        assert "what was seen in part was left as it is" in said(pilot)
        await press(pilot, "L")
        await paste(pilot, f"token bdk_{two[4:14]}_••••")
        await press(pilot, "ctrl+s", "tab", "right", "ctrl+s")
        assert states(path) == {"farm": "revoked", "spare": "revoked"}
        await press(pilot, "L", one[4:14], "ctrl+s")
        assert "Nothing has to be revoked" in shown(pilot)
        assert "· revoked · seen named" in shown(pilot)


@pytest.mark.parametrize("confined", [False, True])
async def test_a_file_is_looked_through_but_not_over_ssh(path: str, tmp_path: Path, confined: bool) -> None:
    (one,) = leaked(path, "farm")
    log = tmp_path / "build.log"
    log.write_text(f"{'x' * 300_000}{one}\n")
    async with opened(path) as pilot:
        desk = app_of(pilot).desk
        desk.settings = replace(desk.settings, confined=confined)
        await press(pilot, "L")
        assert ("File" in shown(pilot)) is not confined
        if not confined:
            await press(pilot, "tab", "nowhere.log", "ctrl+s")
            assert "there is no file 'nowhere.log'" in warned(pilot)
            await press(pilot, "ctrl+u")
            await paste(pilot, str(log))
            await press(pilot, "ctrl+s")
            assert "'farm'" in shown(pilot)
            await press(pilot, "escape")
    assert states(path) == {"farm": "active"}
