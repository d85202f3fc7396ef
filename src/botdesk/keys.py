"""SSH keys: with which of them a person comes in.

A key belongs to one person. A disabled person's keys stay, and open nothing.
"""

from dataclasses import dataclass

from sqlmodel import col, select

from botdesk import audit, people, sshkey, wording
from botdesk.access import Action
from botdesk.errors import AccessDenied, Conflict, NotFound
from botdesk.store import reach
from botdesk.store.tables import Key as Key
from botdesk.store.tables import Person
from botdesk.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Line:
    """A key as a list shows it: whose it is, whether they may come in, and who added it."""

    key: Key
    person: str
    active: bool
    added_by: str


def add(tx: Transaction, person: str, public_key: str, *, comment: str | None = None) -> Key:
    """Let a person come in with a key.

    Args:
        tx: The transaction.
        person: Their name.
        public_key: The one line of a `.pub` file.
        comment: What it is called; the comment of that line by default.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: It is somebody's already.
        InvalidInput: It is no key that is taken.
        NotFound: There is no such person.
    """
    audit.require(tx, Action.KEY_ADDED, person=person[:64])
    who, parsed = people.find(tx, person), sshkey.parse(public_key)
    if taken := tx.session.get(Key, parsed.fingerprint):
        owner = people.names(tx).get(taken.person_id, "?")
        raise Conflict(f"that key lets {owner!r} in already", hint=f"botdesk person key list {owner}")
    key = Key(
        fingerprint=parsed.fingerprint,
        person_id=who.id,
        kind=parsed.kind,
        blob=parsed.blob,
        comment=parsed.comment if comment is None else wording.clean(comment, "comment", longest=80),
        added_at=tx.now,
        added_by=tx.actor.id,
    )
    audit.record(tx, Action.KEY_ADDED, key, person=who.name, key=key.fingerprint, comment=key.comment or None)
    return key


def remove(tx: Transaction, fingerprint: str) -> Key:
    """Let nobody come in with a key any more; who is in with it is out at their next act.

    Args:
        tx: The transaction.
        fingerprint: The fingerprint, or as much of its beginning as tells it from others.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: More than one key begins like that.
        NotFound: There is no such key.
    """
    key = find(tx, fingerprint)
    person = people.names(tx).get(key.person_id)
    audit.record(tx, Action.KEY_REMOVED, key, gone=True, person=person, key=key.fingerprint)
    return key


def find(tx: Transaction, fingerprint: str) -> Key:
    """Find a key to remove, by its fingerprint or the beginning of that.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: More than one key begins like that.
        NotFound: There is no such key.
    """
    audit.require(tx, Action.KEY_REMOVED, key=fingerprint[:64])
    start = fingerprint if fingerprint.startswith("SHA256:") else f"SHA256:{fingerprint}"
    found = [line.key for line in listed(tx) if line.key.fingerprint.startswith(start)]
    if len(found) > 1:
        raise Conflict(f"{len(found)} keys begin like {fingerprint[:60]!r}", hint="give more of the fingerprint")
    if not found or start == "SHA256:":
        raise NotFound(f"there is no key {fingerprint[:60]!r}", hint="'botdesk person key list' shows them")
    return found[0]


def listed(tx: Transaction, person: str | None = None) -> list[Line]:
    """List keys by person: everybody's for admins and auditors, one's own for members.

    Raises:
        NotFound: There is no such person.
    """
    query = select(Key, Person).join(Person).order_by(Person.name, col(Key.added_at), Key.fingerprint)
    if person is not None:
        query = query.where(Person.id == people.find(tx, person).id)
    if not reach.sees_everything(tx.actor):
        query = query.where(Person.id == tx.actor.id)
    names = people.names(tx)
    return [
        Line(key, owner.name, owner.disabled_at is None, names.get(key.added_by, "?"))
        for key, owner in tx.session.exec(query).all()
    ]


def open_now(tx: Transaction, fingerprint: str | None = None) -> list[Line]:
    """The keys that let somebody in now: those of active people.

    Args:
        tx: The transaction.
        fingerprint: Only this one.

    Raises:
        AccessDenied: The actor is neither an admin nor an auditor.
    """
    audit.require(tx, Action.KEY_VIEWED)
    return [line for line in listed(tx) if line.active and fingerprint in (None, line.key.fingerprint)]


def prove(tx: Transaction, fingerprint: str) -> None:
    """See that a key is the actor's own; if it is not, leave word and refuse.

    Raises:
        AccessDenied: It is somebody else's, or nobody's any more.
    """
    key = tx.session.get(Key, fingerprint)
    if key is None or key.person_id != tx.actor.id:
        audit.deny(tx, Action.DESK_OPENED, key=fingerprint[:64])
        raise AccessDenied(
            f"that key does not let {tx.actor.name!r} in", hint="an admin adds it: botdesk person key add"
        )
