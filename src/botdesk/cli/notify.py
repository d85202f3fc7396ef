"""`botdesk notify`: a command and a webhook of this host are told what somebody should hear of."""

import signal
import threading
from typing import Annotated

import typer

from botdesk import messenger, notify, wording
from botdesk.cli import output
from botdesk.cli.context import AsJson, Visit, visiting
from botdesk.desk import Desk
from botdesk.errors import Conflict, InvalidInput
from botdesk.messenger import Target

app = typer.Typer(help="Tell a command and a webhook what somebody should hear of.", no_args_is_help=True)

Once = Annotated[bool, typer.Option("--once", help="Tell what there is to tell now, and end: for cron.")]


@app.command()
@visiting
def run(visit: Visit, once: Once = False) -> None:
    """Tell what there is to tell, until it is stopped; the gate and the terminal program do so beside their work."""
    with visit.desk() as desk:
        _somebody(desk)
        if not once:
            return messenger.run(desk, _until_signalled())
        with messenger.holding(visit.settings.state_dir) as held:
            if not held:
                raise Conflict(
                    "another botdesk of this user tells already",
                    hint="the gate, the terminal program, or 'botdesk notify run'",
                )
            sent = messenger.tell_all(desk)
        waiting = [target.name for target in messenger.targets(desk.settings) if _failure(desk, target)]
    output.talk(", ".join(f"{name}: {wording.plural(count, 'note')}" for name, count in sent.items()))
    if waiting:
        raise typer.Exit(output.SOMETHING)
    return None


def _until_signalled() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@app.command()
@visiting
def test(visit: Visit) -> None:
    """Send a harmless note to everybody whom the settings name; ends with 9 when it did not arrive."""
    with visit.desk() as desk:
        note = notify.trial(desk.operator, desk.clock())
        failed = [bool(_tried(target, target.send(note))) for target in _somebody(desk)]
    if any(failed):
        raise typer.Exit(output.SOMETHING)


def _tried(target: Target, failure: str) -> str:
    output.talk(f"{target.words}: {failure or 'told'}")
    return failure


@app.command()
@visiting
def show(visit: Visit, json: AsJson = False) -> None:
    """Tell who is told, of what, how far, and how the last note went."""
    with visit.desk() as desk:
        head = desk.head().sequence
        found = [(target, messenger.progress(desk, target)) for target in messenger.targets(desk.settings)]
        now, wanted = desk.clock(), desk.settings.notify_on
    if json:
        output.as_json(
            [
                {
                    "target": target.name, "to": target.words, "on": list(wanted), "position": at.position,
                    "behind": None if at.position is None else head - at.position, "last_at": at.last_at or None,
                    "failure": at.failure or None, "tries": at.tries,
                }
                for target, at in found
            ]
        )  # fmt: skip
    elif not found:
        output.talk("nobody is told; the settings 'notify' and 'notify_webhook' name whom")
    else:
        rows = [
            (
                target.words,
                " ".join(wanted),
                wording.ago(at.last, now),
                at.failure,
            )
            for target, at in found
        ]
        output.table(("WHO", "OF", "LAST", "FOUND"), [(*row[:3], row[3] or "ok") for row in rows])


def _somebody(desk: Desk) -> list[Target]:
    found = messenger.targets(desk.settings)
    if not found:
        raise InvalidInput(
            "the settings name nobody to be told",
            hint=f"""notify = ["mail", "-s", "botdesk", "ops"], or notify_webhook, in {desk.settings.config_file}""",
        )
    return found


def _failure(desk: Desk, target: Target) -> str:
    return messenger.progress(desk, target).failure
