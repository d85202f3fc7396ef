"""What every endpoint of the gate works with."""

from dataclasses import dataclass

from botdesk.gate.figures import Board, Timings, snapshot
from botdesk.gate.health import Health
from botdesk.gate.journal import Journal
from botdesk.gate.pace import Pace
from botdesk.gate.request import Proxies
from botdesk.verifier import Verifier


@dataclass(frozen=True, slots=True)
class Door:
    """What every endpoint of the gate works with.

    Attributes:
        verifier: Judges and records.
        proxies: Whose word on a request's origin is taken.
        issuer: What the desk is called in `iss`.
        health: Whether the store can be read and written.
        journal: The access log.
        timings: How long answers took.
        pace: How fast refusals go out.
        board: The figures of all workers.
        worker: Which of them this is.
    """

    verifier: Verifier
    proxies: Proxies
    issuer: str
    health: Health
    journal: Journal
    timings: Timings
    pace: Pace
    board: Board
    worker: int = 0

    def post_figures(self) -> None:
        """Leave this worker's figures on the board."""
        self.board.post(self.worker, snapshot(self.verifier, self.timings, dropped=self.journal.dropped))
