"""Texts that would like to steer a terminal, a screen or a spreadsheet, planted where no check can stop them."""

import json

from botdesk import accounts, grants, migration, people, personal, roles, tokens, verification
from botdesk.access import Level
from botdesk.bearer import Secret
from botdesk.desk import Desk
from botdesk.verification import Asked
from tests.raw import raw

STEER = "\x1b[7m\x9b7m\u202e\u200b\n"
"""Short, so that even a narrow column has it all."""
MARKUP = "[red]r[/red] [@click=app.quit]quit[/] [/x] [bold [link=x]"
CODES = "\x1b]0;pwned\x07\x1b[31;7;77m\x1b[?1049l\x9b31;7;77m\x9d0;pwned\x9c\x90q\x9c\x85\x00\x08\x7f"
BIDI = "\u202e\u2066\u061c\u200b\u200d\u2060\ufeff\u2028\u00ad\U000e0041"
LINES = "one\ntwo\r\nthree\tfour"
LONG = "a long text " * 834
WIDE = "漢字" * 40 + "e\u0301" * 20
SHORT = f"{STEER}{MARKUP}{CODES}{BIDI}{LINES}"
EVERYTHING = (STEER, MARKUP, CODES, BIDI, LINES, WIDE, LONG)

COLUMNS = (
    ("account", "name", "name = 'odd-bot'"),
    ("account", "description", "1 = 1"),
    ("account", "scopes", "name = 'off-bot'"),
    ("account", "disabled_reason", "disabled_at IS NOT NULL"),
    ("token", "label", "1 = 1"),
    ("token", "scopes", "1 = 1"),
    ("token", "delivered_to", "delivered_at IS NOT NULL"),
    ("token", "revoked_reason", "revoked_at IS NOT NULL"),
    ("token", "last_used_from", "1 = 1"),
    ("token", "last_refused_from", "last_refused_at IS NOT NULL"),
    ("migration", "what", "1 = 1"),
    ("migration", "place", "1 = 1"),
    ("migration", "last_used_from", "1 = 1"),
    ("person", "full_name", "1 = 1"),
    ("person", "name", "name = 'ben'"),
    ("role", "name", "name = 'odd'"),
    ("role", "description", "1 = 1"),
    ("role", "scopes", "1 = 1"),
    ("event", "actor", "sequence % 2 = 1"),
    ("event", "account", "account IS NOT NULL"),
    ("event", "source", "1 = 1"),
    ("event", "subject_id", "subject_id IS NOT NULL"),
)
"""What is planted in, and in which rows."""
LENGTHY = {"description", "delivered_to", "full_name", "source"}
"""The columns of these names that the long text is planted in, too."""


def founded(store: str) -> None:
    """A desk with something in every list."""
    with Desk.open(store) as desk, desk.begin() as tx:
        accounts.create(tx, "past-bot")
        accounts.remove(tx, "past-bot")
        people.add(tx, "ben")
        roles.create(tx, "odd")
        roles.add_member(tx, "odd", "ben")
        for name in ("good-bot", "odd-bot", "off-bot"):
            account = accounts.create(tx, name)
            grants.give(tx, account.id, "role:odd", Level.OPERATE)
            grants.give(tx, account.id, "person:ben", Level.MANAGE)
            for label in ("one", "two"):
                issued = tokens.issue(tx, account.id, label)
                tokens.deliver(tx, issued.token.id, to="clipboard")
            tokens.revoke(tx, issued.token.id, reason="leaked")
            verification.note(tx, issued.token.id, Asked(address="10.0.0.7"))
        accounts.disable(tx, "off-bot", reason="odd")
        move = migration.start(tx, "good-bot", "odd job", owner="ben", place="ci-1").id
        migration.register(tx, move, Secret("made-up-token-0123456789"))
        migration.accept(tx, move)
        personal.note(tx, move, Asked(address="10.0.0.7"))
        rotated = next(line for line in tokens.listed(tx, "good-bot") if line.state == "active")
        tokens.deliver(tx, tokens.rotate(tx, rotated.token.id).token.id, to="clipboard")
    with Desk.open(store) as desk, desk.begin() as tx:
        verification.note(tx, rotated.token.id, Asked(address="10.0.0.7"))


def plant(store: str) -> None:
    """Write hostile texts into every column that people or programs fill, past all checks.

    PostgreSQL itself takes no text with a NUL in it.
    """
    text = (SHORT + WIDE) if "://" not in store else (SHORT + WIDE).replace("\0", "")
    detail = json.dumps({"label": text, "reason": text, "to": text, text[:40]: {text: [text, LONG]}, "hash": "forged"})
    with raw(store) as sql, sql.unguarded():
        for table, column, where in COLUMNS:
            planted = text + LONG if column in LENGTHY else text
            sql.widen(table, column)
            sql.execute(f"UPDATE {table} SET {column} = coalesce({column}, '') || ? WHERE {where}", (planted,))
        sql.execute("UPDATE event SET detail = ?", (detail,))
