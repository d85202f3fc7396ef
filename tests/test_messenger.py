"""Who is told what somebody should hear of: by a real command and a real little server, with failures and retries."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from botdesk import accounts, audit, messenger, migration, notify, people, telling, tokens
from botdesk.bearer import Secret
from botdesk.desk import Desk
from botdesk.errors import AccessDenied
from botdesk.messenger import Webhook
from botdesk.testing import Clock, open_desk
from tests.integrity import house


@dataclass
class Server:
    """A little server: what it was told, and what it answers next; 200 when nothing else is said."""

    url: str = ""
    told: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code = found.answers.pop(0) if found.answers else 200
            if code == 200:
                found.told.append(body["text"])
            self.send_response(code)
            self.send_header("Location", f"{found.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        found.url = f"http://127.0.0.1:{serving.server_port}/services/T0/secret-path"
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield found
        serving.shutdown()
        thread.join()


def set_up(desk: Desk, folder: Path, **how: Any) -> None:
    desk.settings = replace(desk.settings, state_dir=folder / "state", **how)


def command(folder: Path, script: str) -> tuple[str, ...]:
    return ("sh", "-c", script, str(folder))


def heard(folder: Path) -> list[dict[str, Any]]:
    file = folder / "heard"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def revoked(desk: Desk, label: str) -> str:
    token_id = desk.run(tokens.issue, "nightly-build", label).token.id
    desk.run(tokens.deliver, token_id, to="command:vault")
    desk.run(tokens.revoke, token_id, reason="<!channel> & more")
    return token_id


@pytest.fixture
def told(desk: Desk, tmp_path: Path, hook: Server) -> Desk:
    """A desk whose settings name a command and the server; they are told what happens from now on."""
    desk.run(accounts.create, "nightly-build")
    revoked(desk, "long ago")
    set_up(desk, tmp_path, notify=command(tmp_path, 'cat >> "$0/heard"'), notify_webhook=hook.url)
    assert messenger.tell_all(desk) == {"command": 0, "webhook": 0}
    return desk


def test_both_are_told_once_in_order_and_nothing_of_what_nobody_asked_for(
    told: Desk, tmp_path: Path, hook: Server
) -> None:
    first, second = revoked(told, "one"), revoked(told, "two")
    told.run(people.add, "ben")
    told.run(accounts.create, "web-hook")
    assert messenger.tell_all(told) == {"command": 3, "webhook": 3}
    assert messenger.tell_all(told) == {"command": 0, "webhook": 0}
    assert [(one["kind"], one["action"]) for one in heard(tmp_path)] == [
        ("revoked", "token:revoked"), ("revoked", "token:revoked"), ("admin", "person:added"),
    ]  # fmt: skip
    assert [one["subject"] for one in heard(tmp_path)][:2] == [first, second]
    assert heard(tmp_path)[0]["account"] == "nightly-build"
    assert hook.told[0] == "ada revoked token 'one' of nightly-build: &lt;!channel&gt; &amp; more"
    assert hook.told[2] == "ada let ben in as member"


def test_what_does_not_arrive_is_tried_again_later_and_nothing_overtakes_it(
    told: Desk, hook: Server, clock: Clock, tmp_path: Path
) -> None:
    hook.answers += [500, 302]
    revoked(told, "one")
    revoked(told, "two")
    assert messenger.tell_all(told) == {"command": 2, "webhook": 0}
    assert messenger.tell_all(told) == {"command": 0, "webhook": 0}
    assert messenger.progress(told, Webhook(hook.url)).failure == "it answered 500"
    clock.forward(timedelta(seconds=11))
    messenger.tell_all(told)
    assert (messenger.progress(told, Webhook(hook.url)).failure, hook.told) == ("it answered 302", [])
    clock.forward(timedelta(seconds=61))
    assert messenger.tell_all(told) == {"command": 0, "webhook": 2}
    assert ["'one'" in hook.told[0], "'two'" in hook.told[1]] == [True, True]
    assert messenger.progress(told, Webhook(hook.url)).failure == ""


def test_what_never_arrives_is_given_up_and_that_is_recorded(told: Desk, hook: Server, clock: Clock) -> None:
    hook.answers += [503] * 5
    revoked(told, "one")
    number = told.ask(audit.page, audit.Filter(action="token:revoked"), limit=1).rows[0].sequence
    for _ in range(5):
        messenger.tell_all(told)
        clock.forward(timedelta(minutes=31))
    (event,) = told.ask(audit.page, audit.Filter(action="notify:gave-up")).rows
    detail = audit.detail_of(event)
    assert {name: detail[name] for name in ("via", "note", "tries")} == {
        "via": "webhook", "note": f"event {number}", "tries": 5,
    }  # fmt: skip
    assert hook.url not in "".join(event.detail for event in told.ask(audit.page, limit=100).rows)
    revoked(told, "two")
    assert messenger.tell_all(told)["webhook"] == 1
    assert ["'two'" in text for text in hook.told] == [True]


@pytest.mark.parametrize(
    ("script", "failure"),
    [("exit 3", "it ended with 3"), ("/nowhere", "it cannot be started: No such file or directory")],
)
def test_a_command_that_fails_is_told_of(told: Desk, tmp_path: Path, script: str, failure: str) -> None:
    argv = (script,) if script.startswith("/") else command(tmp_path, script)
    set_up(told, tmp_path, notify=argv, notify_webhook="")
    revoked(told, "one")
    assert messenger.tell_all(told) == {"command": 0}
    assert messenger.progress(told, messenger.Command(argv)).failure == failure


def test_a_command_that_hangs_is_ended_with_all_that_it_began(desk: Desk, tmp_path: Path) -> None:
    hanging = messenger.Command(command(tmp_path, 'sleep 600 & echo $! > "$0/pid"; wait'))
    assert hanging.send(notify.trial("ada", desk.clock()), patience=2) == "it took longer than 2 s"
    pid = int((tmp_path / "pid").read_text())
    for _ in range(3000):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        threading.Event().wait(0.01)
    pytest.fail("what the command began goes on")


def test_the_reuse_of_an_ended_token_is_told_once_an_hour(
    desk: Desk, tmp_path: Path, clock: Clock, hook: Server
) -> None:
    with desk.begin() as tx:
        accounts.create(tx, "nightly-build")
    token_id = revoked(desk, "one")
    set_up(desk, tmp_path, notify_webhook=hook.url, notify_on=("reuse",))
    messenger.tell_all(desk)
    label = desk.ask(tokens.line, token_id).token.label
    for _ in range(3):
        desk.run(house.use, label)
    assert messenger.tell_all(desk) == {"webhook": 1}
    assert len(hook.told) == 1
    assert "was refused with token 'one'" in hook.told[0]
    clock.forward(timedelta(minutes=61))
    desk.run(house.use, label)
    messenger.tell_all(desk)
    assert len(hook.told) == 2


def test_an_overdue_rotation_is_told_once_a_day(told: Desk, hook: Server, clock: Clock, tmp_path: Path) -> None:
    token_id = told.run(tokens.issue, "nightly-build", "farm", lifetime=timedelta(days=300)).token.id
    told.run(tokens.deliver, token_id, to="command:vault")
    messenger.tell_all(told)
    clock.forward(timedelta(days=100))
    for _ in range(3):
        messenger.tell_all(told)
        clock.forward(timedelta(hours=2))
    (text,) = hook.told
    assert text == "token 'farm' of nightly-build should have been rotated 10 days ago; managed by ada"
    assert [one["kind"] for one in heard(tmp_path)] == ["overdue"]
    clock.forward(timedelta(days=1))
    messenger.tell_all(told)
    assert len(hook.told) == 2


def test_a_personal_token_past_its_end_date_is_told(told: Desk, hook: Server, clock: Clock) -> None:
    told.run(people.add, "finn")
    began = told.run(migration.start, "nightly-build", "shop build", owner="finn").id
    told.run(migration.register, began, Secret("ghp_16C7e42F292c6912E7710c838347Ae178B4a"))
    told.run(migration.accept, began, until=clock.now + timedelta(days=3))
    messenger.tell_all(told)
    clock.forward(timedelta(days=4))
    messenger.tell_all(told)
    assert hook.told[-1] == "finn's token of shop build to nightly-build was to end 1 day ago; managed by ada"


def test_one_of_all_programs_of_a_user_tells_at_a_time_and_the_next_goes_on(told: Desk, hook: Server) -> None:
    with messenger.holding(told.settings.state_dir) as held, messenger.holding(told.settings.state_dir) as also:
        assert (held, also) == (True, False)
    revoked(told, "one")
    with messenger.beside(told):
        for _ in range(2000):
            if hook.told:
                break
            threading.Event().wait(0.01)
    assert len(hook.told) == 1


@pytest.fixture
def second(told: Desk, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """The same desk on another host whose settings name the same two."""
    with open_desk(told.location, clock=clock, seed=9) as desk:
        desk.settings = replace(told.settings, state_dir=tmp_path / "elsewhere")
        messenger.tell_all(desk)
        yield desk


def test_of_two_hosts_that_name_the_same_target_one_tells_each_note(told: Desk, second: Desk, hook: Server) -> None:
    for label in ("one", "two", "three"):
        revoked(told, label)
    sent: list[int] = []

    def tell(desk: Desk) -> None:
        for _ in range(20):
            sent.append(messenger.tell_all(desk)["webhook"])

    threads = [threading.Thread(target=tell, args=(desk,)) for desk in (told, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(sent), len(hook.told)) == (3, 3)
    assert ["'one'" in hook.told[0], "'two'" in hook.told[1], "'three'" in hook.told[2]] == [True] * 3
    assert len(told.ask(audit.page, audit.Filter(action="notify:told")).rows) == 6
    second.settings = replace(second.settings, notify_webhook=f"{hook.url}/another")
    revoked(told, "four")
    assert [messenger.tell_all(desk)["webhook"] for desk in (told, second)] == [1, 1]


def test_a_host_that_was_killed_while_it_told_is_waited_for_and_then_another_one_tells(
    told: Desk, second: Desk, hook: Server, clock: Clock
) -> None:
    revoked(told, "one")
    (note,), _ = told.ask(notify.news, ["revoked"], after=messenger.progress(told, Webhook(hook.url)).position or 0)
    assert told.run(telling.begin, Webhook(hook.url).to, note, by="a host that is gone").mine
    assert [messenger.tell_all(desk)["webhook"] for desk in (told, second)] == [0, 0]
    assert messenger.progress(second, Webhook(hook.url)).failure == ""
    clock.forward(telling.LASTS)
    assert [messenger.tell_all(desk)["webhook"] for desk in (second, told)] == [1, 0]
    assert len(hook.told) == 1


def test_what_one_host_gets_no_answer_to_another_one_tells(
    told: Desk, second: Desk, hook: Server, clock: Clock
) -> None:
    hook.answers += [503, 503]
    revoked(told, "one")
    assert [messenger.tell_all(desk)["webhook"] for desk in (told, second)] == [0, 0]
    clock.forward(timedelta(seconds=11))
    assert [messenger.tell_all(desk)["webhook"] for desk in (told, second)] == [0, 0]
    assert hook.answers == []
    clock.forward(telling.LASTS)
    assert [messenger.tell_all(desk)["webhook"] for desk in (second, told)] == [1, 0]
    assert len(hook.told) == 1


def test_what_is_told_once_a_day_is_told_by_one_of_two_hosts_each_day(
    told: Desk, second: Desk, hook: Server, clock: Clock
) -> None:
    token_id = told.run(tokens.issue, "nightly-build", "farm", lifetime=timedelta(days=300)).token.id
    told.run(tokens.deliver, token_id, to="command:vault")
    clock.forward(timedelta(days=100))
    for _ in range(25):
        for desk in (second, told):
            messenger.tell_all(desk)
        clock.forward(timedelta(hours=2))
    assert len(hook.told) == 3


def test_who_came_in_over_ssh_tells_nobody_and_who_sees_not_everything_cannot(told: Desk, tmp_path: Path) -> None:
    assert messenger.targets(replace(told.settings, confined=True)) == []
    told.run(people.add, "ben")
    with open_desk(told.location, operator="ben", seed=9) as bens:
        bens.settings = told.settings
        with pytest.raises(AccessDenied):
            messenger.run(bens, threading.Event(), every=0)
    assert len(told.ask(audit.page, audit.Filter(outcome=audit.Outcome.DENIED)).rows) == 1


def test_the_url_is_in_no_repr_and_a_server_that_is_away_is_a_failure(hook: Server) -> None:
    gone = Webhook("http://127.0.0.1:9/services/T0/secret-path")
    assert "secret-path" not in repr(gone) + gone.words
    failure = gone.send(notify.Note("test", "x", {}), patience=5)
    assert failure.startswith("no answer: ")
    assert "secret" not in failure
