"""Off personal tokens on the screen: one glance over all, and each step by a key; what is proved shows by itself."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from botdesk import accounts, grants, migration, personal, tokens, verification
from botdesk.access import Level
from botdesk.bearer import Secret
from botdesk.migration import Line
from botdesk.recipes import Platform
from botdesk.stages import Stage
from botdesk.testing import NOON, Clock, open_desk
from botdesk.tui.memory import Memory
from botdesk.verification import Asked
from tests.tui.stage import app_of, click, opened, paste, press, said, settle, shown, warned, window

DAY = timedelta(days=1)
OLD = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
NEW_ADDRESS, OLD_ADDRESS = "10.0.0.7", "203.0.113.9"


def begin(path: str, what: str, *, days: int = 0, accept: int = 0, **how: object) -> str:
    """Begin a migration of ben's to `nightly-build` some days ago, with its old token accepted for some days."""
    with open_desk(path, clock=Clock(NOON - days * DAY), seed=len(what)) as desk:
        began = desk.run(migration.start, "nightly-build", what, owner="ben", **how).id  # type: ignore[arg-type]
        if accept:
            desk.run(migration.register, began, Secret(f"{OLD}{what.replace(' ', '-')}"))
            desk.run(migration.accept, began, until=NOON + (accept - days) * DAY)
    return began


def line(path: str, migration_id: str) -> Line:
    with open_desk(path) as desk:
        return desk.ask(migration.line, migration_id)


def use(path: str, act: Callable[..., object], *args: object) -> None:
    """Let something use a token meanwhile."""
    with open_desk(path, seed=99) as desk:
        desk.run(act, *args)


@pytest.fixture
def three(path: str) -> list[str]:
    """The shop's build that was to be over two days ago, a report that was just begun, and one that is over."""
    found = [begin(path, "shop build", days=9, accept=7, place="acme/shop"), begin(path, "daily report", days=2)]
    with open_desk(path, clock=Clock(NOON - 8 * DAY)) as desk:
        desk.run(personal.note, found[0], Asked(address=OLD_ADDRESS))
    over = begin(path, "old job", days=20)
    with open_desk(path) as desk:
        desk.run(migration.confirm, over, how="deleted", anyway=True)
    return [*found, over]


async def test_one_glance_tells_who_runs_what_on_whose_token_since_when_and_last_seen(
    path: str, three: list[str]
) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        await press(pilot, "6")
        row = next(line for line in shown(pilot).splitlines() if "shop build" in line)
        for told in ("ben", "nightly-build", "token", "9d", "8d", OLD_ADDRESS, "overdue"):
            assert told in row
        assert "2 migrations · 1 overdue · by since" in said(pilot)
        text = shown(pilot)
        assert "shop build at acme/shop (other) to nightly-build" in text
        assert f"old  ben's token, last seen 8 days ago from {OLD_ADDRESS}, registered by ada" in text
        assert "it was to end, and is refused since 2026-10-31 12:00" in text
        await press(pilot, "j")
        assert "the desk does not know it" in shown(pilot)


async def test_the_list_is_filtered_sorted_and_shows_what_is_over(path: str, three: list[str], tmp_path: Path) -> None:
    def told() -> list[str]:
        return [each.migration.what for each in window(pilot, "migration-list").rows]

    async with opened(path, memory=Memory(tmp_path / "state")) as pilot:
        await press(pilot, "6", "slash", "overdue", "enter")
        assert told() == ["shop build"]
        await press(pilot, "escape")
        assert told() == ["shop build", "daily report"]
        await press(pilot, "f")
        assert told() == ["shop build", "daily report", "old job"]
        assert "done" in shown(pilot)
        await press(pilot, "S")
        assert told() == ["daily report", "shop build", "old job"]
        await press(pilot, "S", "f")
        await click(pilot, "#migration-list", 2)
        assert told() == ["daily report", "shop build"]
        await press(pilot, "y")
        assert f"sent '{three[0]}'" in said(pilot)
        assert app_of(pilot).memory is not None
        assert app_of(pilot).memory.screen == "migrations"  # type: ignore[union-attr]
    async with opened(path, memory=Memory(tmp_path / "state", screen="migrations")) as pilot:
        assert "INTEGRATION" in shown(pilot)


async def test_an_account_is_made_under_a_suggested_name_or_one_is_chosen(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "6")
        assert "n   begins with one" in shown(pilot)
        await press(pilot, "n", "GitHub acme/shop docs", "tab", "b", "tab", "acme/shop", "tab", "g")
        assert "makes the account acme-shop-docs, with no scopes" in shown(pilot)
        await press(pilot, "tab", "tab", "docs:write")
        assert "makes the account acme-shop-docs, with docs:write" in shown(pilot)
        await press(pilot, "ctrl+s")
        assert "1 account  done" in shown(pilot)
        assert "gh secret set BOTDESK_TOKEN --repo acme/shop" in shown(pilot)
        await press(pilot, "escape", "n", "report", "tab", "tab", "tab", "tab")
        await press(pilot, "ctrl+u", "nightly-build")
        assert "moves to nightly-build, which is there, with catalog:read" in shown(pilot)
        await press(pilot, "tab", "docs:write", "ctrl+s")
        assert "is there and has its own scopes" in warned(pilot)
        await press(pilot, "ctrl+u", "ctrl+s")
        assert "report (other) to nightly-build" in shown(pilot)
        await press(pilot, "escape")
        assert "2 migrations" in said(pilot)
    with open_desk(path) as desk:
        found = {each.migration.what: each for each in desk.ask(migration.listed)}
    first = found["GitHub acme/shop docs"]
    assert (first.account, first.owner) == ("acme-shop-docs", "ben")
    assert (first.migration.platform, first.migration.place) == (Platform.GITHUB_ACTIONS, "acme/shop")


async def test_a_migration_is_played_by_keys_and_the_first_use_shows_by_itself(path: str, tmp_path: Path) -> None:
    began = begin(path, "shop build")
    with open_desk(path) as desk:
        desk.run(accounts.modify, "nightly-build", scopes="catalog:read deploy:write")
    async with opened(path, poll=0.02) as pilot:
        drawn = ""
        await press(pilot, "6", "enter", "o")
        await paste(pilot, f"{OLD}\n")
        drawn += shown(pilot)
        await press(pilot, "ctrl+s")
        assert "registered: ben's token is refused until a lets it count" in said(pilot)
        await press(pilot, "a", "ctrl+s")
        assert "ben's token counts as nightly-build until 2026-11-16 12:00" in said(pilot)
        use(path, personal.note, began, Asked(address=OLD_ADDRESS, scopes=frozenset({"catalog:read"})))
        await until(pilot, lambda: "last seen just now" in shown(pilot))
        await press(pilot, "m")
        assert "what the old token was used for so far" in shown(pilot)
        await press(pilot, "ctrl+s", "f")
        where = pilot.app.screen.query_one("#handoff-where")
        assert where.value == "nightly-build.token"  # type: ignore[attr-defined]
        await press(pilot, str(tmp_path / "new"), "enter", "enter")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
        assert "3 switch   next  waiting for the first use" in shown(pilot)
        await press(pilot, "m")
        assert "its first use shows here by itself" in said(pilot)
        token = line(path, began).token
        assert token is not None
        assert token.scopes == "catalog:read"
        use(path, verification.note, token.id, Asked(address=NEW_ADDRESS))
        await until(pilot, lambda: "3 switch   done" in shown(pilot))
        assert f"seen: the new token was used first, from {NEW_ADDRESS}" in said(pilot)
        use(path, personal.note, began, Asked(address=OLD_ADDRESS))
        await press(pilot, "tab")
        await until(pilot, lambda: "used the old token since" in shown(pilot))
        assert [each.source.address for each in window(pilot, "seen-list").rows] == [OLD_ADDRESS]
        await press(pilot, "x")
        assert f"too early? the old token was used just now from {OLD_ADDRESS}" in shown(pilot)
        await press(pilot, "y")
        assert "ben's token of 'shop build' is ended here" in said(pilot)
        use(path, personal.note, began, Asked(address="203.0.113.77"))
        await until(pilot, lambda: "tried, and were refused" in shown(pilot))
        assert "203.0.113.77" in shown(pilot)
        assert "4 revoke   done" in shown(pilot)
        assert "nothing is left to do" in shown(pilot)
        assert OLD not in drawn + shown(pilot)
        await press(pilot, "x")
        assert "it is over" in said(pilot)
    assert line(path, began).stage is Stage.DONE


async def until(pilot: Pilot[str], so: Callable[[], bool]) -> None:
    """Wait until what another program did shows."""
    end = time.monotonic() + 60
    while not so():
        assert time.monotonic() < end, shown(pilot)
        await asyncio.sleep(0.01)
        await settle(pilot)


async def test_what_is_no_personal_token_is_refused_and_gone_from_the_field(path: str) -> None:
    begin(path, "shop build")
    async with opened(path) as pilot:
        await press(pilot, "6", "enter", "o", "hunter2", "ctrl+s")
        assert "not taken for a personal token" in warned(pilot)
        assert "hunter2" not in shown(pilot)
        assert "•" not in shown(pilot)
        await press(pilot, "ctrl+s")
        assert "nothing was pasted" in warned(pilot)


async def test_what_the_desk_does_not_know_is_confirmed_by_hand_by_whom(path: str) -> None:
    began = begin(path, "shop build")
    async with opened(path) as pilot:
        await press(pilot, "6", "enter", "x")
        assert "c confirms its end by hand" in said(pilot)
        await press(pilot, "c", "ctrl+s")
        assert "Too early? the new token has not been used yet" in shown(pilot)
        await press(pilot, "deleted at the forge", "ctrl+s")
        assert "confirmed: ben's token of 'shop build' is ended" in said(pilot)
        assert "by ada: deleted at the forge" in shown(pilot)
    assert line(path, began).stage is Stage.DONE


async def test_a_paused_one_is_resumed_by_another_with_access_who_runs_it_then(path: str) -> None:
    began = begin(path, "shop build")
    with open_desk(path) as desk:
        desk.run(grants.give, "nightly-build", "person:ben", Level.MANAGE)
    async with opened(path) as pilot:
        await press(pilot, "6", "p")
        assert "'shop build' rests" in said(pilot)
        assert "paused" in shown(pilot)
        await press(pilot, "enter", "i")
        assert "it is paused: p goes on with it" in said(pilot)
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "6", "m")
        assert "goes on, and you run it" in said(pilot)
    assert line(path, began).runner == "ben"


async def test_cancelling_leaves_account_and_token_as_they_are(path: str) -> None:
    began = begin(path, "shop build", accept=7)
    with open_desk(path) as desk:
        issued = desk.run(migration.issue, began).token.id
        desk.run(tokens.deliver, issued, to="clipboard")
    async with opened(path) as pilot:
        await press(pilot, "6", "enter", "a", "ctrl+u", "no", "ctrl+s")
        assert "counts as nightly-build no more" in said(pilot)
        await press(pilot, "D", "y")
        assert "gave up the migration" in said(pilot)
        await press(pilot, "v")
        assert "1 token" in said(pilot)
    assert line(path, began).stage is Stage.CANCELLED


async def test_the_owner_of_the_old_token_ends_it_and_does_nothing_else(path: str) -> None:
    began = begin(path, "shop build", accept=7)
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "6", "enter", "i")
        assert "it takes 'manage' on nightly-build" in said(pilot)
        await press(pilot, "p")
        assert "it takes 'manage' on nightly-build" in said(pilot)
        await press(pilot, "x", "y")
        assert "is ended here" in said(pilot)
    assert line(path, began).ender == "ben"


async def test_a_disabled_account_is_enabled_by_the_next_key_and_one_that_went_is_given_up(path: str) -> None:
    began = begin(path, "shop build")
    with open_desk(path) as desk:
        desk.run(accounts.disable, "nightly-build", reason="odd")
    async with opened(path) as pilot:
        await press(pilot, "6", "enter")
        assert "→ e enables the account: nightly-build is disabled" in shown(pilot)
        await press(pilot, "m", "y")
        assert "1 account  done" in shown(pilot)
        use(path, accounts.remove, "nightly-build")
        await press(pilot, "r")
        assert "→ D gives it up: nightly-build was removed" in shown(pilot)
        await press(pilot, "m", "y")
    assert line(path, began).stage is Stage.CANCELLED


async def test_the_recipe_is_copied_whole(path: str) -> None:
    begin(path, "shop build", platform=Platform.SYSTEMD)
    async with opened(path) as pilot:
        await press(pilot, "6", "enter", "y")
        assert "sent the recipe to your terminal" in said(pilot)
        assert "systemd-creds encrypt --name=token -" in pilot.app.clipboard
        assert max(len(each) for each in shown(pilot).splitlines()) <= 80


async def test_at_any_size_and_by_mouse(path: str, three: list[str]) -> None:
    async with opened(path, size=(40, 10)) as pilot:
        await press(pilot, "6", "enter", "tab", "tab", "escape", "n", "escape")
        assert app_of(pilot).is_running
    async with opened(path) as pilot:
        await click(pilot, "#title", shown(pilot).splitlines()[0].index("Migrations"))
        assert "INTEGRATION" in shown(pilot)
        await click(pilot, "#migration-list", 5, 1, times=2)
        assert "1 account" in shown(pilot)
