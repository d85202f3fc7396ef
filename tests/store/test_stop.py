"""A question that nobody waits for any more is interrupted, and the desk goes on."""

import threading
import time

import pytest
from sqlalchemy import text

from botdesk import accounts
from botdesk.desk import Desk, Stop, Transaction
from botdesk.errors import BotdeskError

ENDLESS = text("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x % 1000 + 1 FROM n) SELECT count(x) FROM n")


def test_a_question_that_would_never_end_is_interrupted(desk: Desk) -> None:
    stop, begun = Stop(), threading.Event()

    def endless(tx: Transaction) -> None:
        begun.set()
        tx.session.connection().execute(ENDLESS)

    def end() -> None:
        begun.wait(30)
        time.sleep(0.05)
        stop()

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(BotdeskError, match="nobody waits"), desk.read(stop=stop) as tx:
        endless(tx)
    ending.join()
    assert desk.run(accounts.create, "nightly-build").name == "nightly-build"


def test_nothing_is_asked_once_it_is_stopped(desk: Desk) -> None:
    stop = Stop()
    stop()
    with pytest.raises(BotdeskError, match="nobody waits"), desk.read(stop=stop):
        pytest.fail("the transaction began")


def test_no_other_statement_begins_once_it_is_stopped(desk: Desk) -> None:
    stop = Stop()
    with desk.read(stop=stop) as tx:
        assert accounts.page(tx).total == 0
        stop()
        with pytest.raises(BotdeskError, match="nobody waits"):
            accounts.page(tx)


def test_a_stop_that_comes_late_ends_nothing_else(desk: Desk) -> None:
    stop = Stop()
    with desk.read(stop=stop) as tx:
        assert accounts.page(tx).total == 0
    stop()
    with desk.read() as tx:
        assert tx.session.connection().execute(text("SELECT 1")).scalar_one() == 1
