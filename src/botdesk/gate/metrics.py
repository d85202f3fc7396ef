"""`/metrics`: the figures in Prometheus' text form.

Each worker's are under its own label, so that one that starts anew looks like what it is.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from starlette.requests import Request

from botdesk.gate.door import Door
from botdesk.gate.figures import BOUNDS, Board, Snapshot
from botdesk.gate.journal import Entry
from botdesk.gate.reply import Reply
from botdesk.verifier import BATCH_SIZES

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"


async def metrics(door: Door, request: Request, entry: Entry) -> Reply:
    """Tell what all workers counted so far."""
    door.post_figures()
    body = exposition(door.board).encode()
    return Reply(200, [(b"content-type", CONTENT_TYPE), (b"content-length", b"%d" % len(body))], body)


def exposition(board: Board) -> str:
    """All figures as Prometheus reads them."""
    found = list(board.read())
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: list[tuple[int, Snapshot]]) -> Iterator[str]:
    for name, key, words in _COUNTERS:
        yield from _head(name, "counter", words)
        for worker, figures in found:
            yield f'{name}{{worker="{worker}"}} {figures[key]}'
    yield from _head("botdesk_refused_total", "counter", "Presented tokens that were refused, by reason.")
    for worker, figures in found:
        for reason, count in sorted(figures["refused"].items()):
            yield f'botdesk_refused_total{{worker="{worker}",reason="{reason}"}} {count}'
    yield from _head("botdesk_gate_answers_total", "counter", "Answers of the gate, by endpoint and status.")
    for worker, figures in found:
        for key, count in sorted(figures["statuses"].items()):
            endpoint, _, status = key.partition(" ")
            labels = f'worker="{worker}",endpoint="{endpoint}",status="{status}"'
            yield f"botdesk_gate_answers_total{{{labels}}} {count}"
    yield from _head("botdesk_gate_answer_seconds", "histogram", "How long answers took.")
    for worker, figures in found:
        yield from _histogram("botdesk_gate_answer_seconds", worker, BOUNDS, figures["buckets"], figures["seconds"])
    yield from _head("botdesk_commit_uses", "histogram", "How many uses were recorded in one commit.")
    for worker, figures in found:
        yield from _histogram("botdesk_commit_uses", worker, BATCH_SIZES, figures["batches"], figures["recorded"])


_COUNTERS: Final = (
    ("botdesk_accepted_total", "accepted", "Presented tokens that were accepted."),
    ("botdesk_argon2_runs_total", "argon2", "argon2id computations."),
    ("botdesk_proof_cache_hits_total", "hits", "Uses whose secret was proved before."),
    ("botdesk_proof_cache_misses_total", "misses", "Uses that waited for argon2id."),
    ("botdesk_coalesced_total", "coalesced", "Accepted uses that were counted into a later event."),
    ("botdesk_overloaded_total", "overloaded", "Uses that were turned away for a moment."),
    ("botdesk_commits_total", "commits", "Transactions that recorded uses."),
    ("botdesk_gate_log_dropped_total", "dropped", "Lines of the access log that were dropped."),
)


def _head(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"


def _histogram(name: str, worker: int, bounds: Iterable[float], buckets: list[int], total: float) -> Iterator[str]:
    seen = 0
    for bound, count in zip(bounds, buckets, strict=False):
        seen += count
        yield f'{name}_bucket{{worker="{worker}",le="{bound:g}"}} {seen}'
    yield f'{name}_bucket{{worker="{worker}",le="+Inf"}} {sum(buckets)}'
    yield f'{name}_sum{{worker="{worker}"}} {total:g}'
    yield f'{name}_count{{worker="{worker}"}} {sum(buckets)}'
