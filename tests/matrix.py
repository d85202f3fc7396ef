"""What everybody may do, in one table, and the desk on which it is tried, at the present time.

`ok` done · `no` refused, with exit code 4 · `–` not there, with exit code 3 · `·` not among what is listed
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from botdesk import (
    accounts,
    advice,
    audit,
    bulk,
    cutover,
    due,
    grants,
    incident,
    keys,
    leaving,
    migration,
    notify,
    people,
    removal,
    roles,
    runs,
    sshkey,
    telling,
    tokens,
    uses,
    whatif,
)
from botdesk.access import Level, Standing
from botdesk.bearer import Secret
from botdesk.bulk import Order
from botdesk.desk import Desk, system_clock, system_user
from botdesk.store.transaction import Transaction
from botdesk.testing import open_desk
from tests.integrity import house
from tests.public_keys import ADAS, BENS

TABLE: Final = """
operation              admin  auditor  nothing  view   operate  manage  creator
account list           ok     ok       ·        ok     ok       ok      ok
account show           ok     ok       –        ok     ok       ok      ok
account create         ok     no       ok       ok     ok       ok      ok
account create scoped  ok     no       no       no     no       no      no
account modify         ok     no       –        no     no       ok      ok
account modify scoped  ok     no       –        no     no       no      no
account disable        ok     no       –        no     no       ok      ok
account enable         ok     no       –        no     no       ok      ok
account remove         ok     no       –        no     no       ok      ok
account restore        ok     no       –        –      –        –       ok
account knocks         ok     ok       –        ok     ok       ok      ok
account hand over      ok     no       –        no     no       no      no
token list             ok     ok       –        ok     ok       ok      ok
token list all         ok     ok       ·        ok     ok       ok      ok
token show             ok     ok       –        ok     ok       ok      ok
token issue            ok     no       –        no     ok       ok      ok
token deliver          ok     no       –        no     ok       ok      ok
token rotate           ok     no       –        no     ok       ok      ok
token revoke           ok     no       –        no     ok       ok      ok
token abandon          ok     no       –        no     ok       ok      ok
token extend           ok     no       –        no     ok       ok      ok
token uses             ok     ok       –        ok     ok       ok      ok
token cutover          ok     ok       –        ok     ok       ok      ok
token cutover finish   ok     no       –        no     ok       ok      ok
token cutover undo     ok     no       –        no     ok       ok      ok
bulk revoke            ok     no       –        no     ok       ok      ok
bulk disable           ok     no       –        no     no       ok      ok
bulk enable            ok     no       –        no     no       ok      ok
bulk extend            ok     no       –        no     ok       ok      ok
bulk grant             ok     no       –        no     no       ok      ok
bulk rotate            ok     no       –        no     ok       ok      ok
bulk list              ok     ok       ·        ·      ·        ·       ·
bulk show              ok     ok       –        –      –        –       –
notify                 ok     ok       no       no     no       no      no
notify claim           ok     ok       no       no     no       no      no
migration list         ok     ok       ·        ok     ok       ok      ok
migration show         ok     ok       –        ok     ok       ok      ok
migration start        ok     no       –        no     no       ok      ok
migration issue        ok     no       –        no     no       ok      ok
migration register     ok     no       –        no     no       ok      ok
migration accept       ok     no       –        no     no       ok      ok
migration close        ok     no       –        no     no       ok      ok
migration revoke       ok     no       –        no     no       ok      ok
migration confirm      ok     no       –        no     no       ok      ok
migration pause        ok     no       –        no     no       ok      ok
migration resume       ok     no       –        no     no       ok      ok
migration cancel       ok     no       –        no     no       ok      ok
incident               ok     no       –        no     ok       ok      ok
advice                 ok     ok       –        ok     ok       ok      ok
advice dismiss         ok     no       –        no     no       ok      ok
advice dismiss by id   ok     no       –        no     no       ok      ok
advice recall          ok     no       –        no     no       ok      ok
due                    ok     ok       –        ok     ok       ok      ok
grant list             ok     ok       –        ok     ok       ok      ok
grant list all         ok     ok       ·        ok     ok       ok      ok
grant give             ok     no       –        no     no       ok      ok
grant give dry         ok     no       –        no     no       ok      ok
grant withdraw         ok     no       –        no     no       ok      ok
grant withdraw dry     ok     no       –        no     no       ok      ok
access who             ok     ok       –        ok     ok       ok      ok
access what            ok     ok       ·        ok     ok       ok      ok
audit list             ok     ok       ·        ok     ok       ok      ok
audit of one account   ok     ok       –        ok     ok       ok      ok
audit export           ok     ok       no       no     no       no      no
audit verify           ok     ok       ok       ok     ok       ok      ok
person list            ok     ok       ok       ok     ok       ok      ok
person leaving         ok     ok       ok       ok     ok       ok      ok
person add             ok     no       no       no     no       no      no
person modify          ok     no       no       no     no       no      no
person promote self    ok     no       no       no     no       no      no
person disable         ok     no       no       no     no       no      no
person disable dry     ok     no       no       no     no       no      no
person enable          ok     no       no       no     no       no      no
key list               ok     ok       ·        ·      ·        ·       ·
key add                ok     no       no       no     no       no      no
key remove             ok     no       no       no     no       no      no
role list              ok     ok       ok       ok     ok       ok      ok
role create            ok     no       no       no     no       no      no
role modify            ok     no       no       no     no       no      no
role scopes            ok     no       no       no     no       no      no
role add               ok     no       no       no     no       no      no
role drop              ok     no       no       no     no       no      no
role remove            ok     no       no       no     no       no      no
"""

WAYS: Final = {
    "admin": ("admin",),
    "auditor": ("auditor", "auditor who manages by name", "auditor who created it"),
    "nothing": ("nothing", "nothing but a role"),
    "view": ("view by name", "view by role"),
    "operate": ("operate by name", "operate by role", "operate by role, view by name", "operate by name, view by role"),
    "manage": ("manage by name", "manage by role", "manage by role, operate by name"),
    "creator": ("creator", "creator without any role", "creator with view by name"),
}
"""By which ways one comes to a column of the table."""


def rows() -> dict[str, dict[str, str]]:
    """The table, by operation and column."""
    title, *lines = TABLE.strip().splitlines()
    columns = title.split()[1:]
    return {line[:22].strip(): dict(zip(columns, line[22:].split(), strict=True)) for line in lines}


def person(way: str) -> str:
    """The login name of who came to their access in this way."""
    return way.replace(",", "").replace(" ", "-")[:32]


def furnish(store: str) -> None:
    """Make a desk with somebody for each way, and with bots that each of them can be tried on.

    Every creator has a bot of their own, `bot-of-…`; all others are tried on `ci-bot`.
    """
    with open_desk(store, operator=system_user(), clock=system_clock) as desk:
        desk.run(roles.create, "team")
        for name in ("guest", "heir"):
            desk.run(people.add, name)
        desk.run(people.add, "gone")
        desk.run(keys.add, "guest", ADAS)
        for way in everyone():
            _invite(desk, way)
        for bot in bots():
            _equip(desk, bot)
        desk.run(people.disable, "gone")
        for bot in bots():
            desk.run(advice.dismiss, desk.ask(_left_behind, twin("off", bot)), reason="on leave")
        for way in everyone():
            _grant(desk, way)
        desk.run(bulk.begin, bulk.Plan(Order(verb=bulk.Verb.DISABLE)))
        for bot in bots():
            desk.run(accounts.remove, desk.ask(accounts.find, twin("gone", bot)).id)


def everyone() -> list[str]:
    return [way for ways in WAYS.values() for way in ways]


def bots() -> list[str]:
    return ["ci-bot", *(bot(way) for way in everyone() if "create" in way or "creator" in way)]


def bot(way: str) -> str:
    """The account that this person is tried on."""
    return f"bot-{person(way)}"[:40].rstrip("-") if "creat" in way else "ci-bot"


def _invite(desk: Desk, way: str) -> None:
    name = person(way)
    desk.run(people.add, name)
    if way == "admin":
        desk.run(people.modify, name, standing=Standing.ADMIN)
    if "without any role" not in way and "creator" in way:
        desk.run(roles.add_member, "team", name)


def _equip(desk: Desk, name: str) -> None:
    """An account that works and one that is disabled, with tokens and with a grant to be withdrawn."""
    owner = next((person(way) for way in everyone() if bot(way) == name and name != "ci-bot"), system_user())
    with desk.begin(actor=owner) as tx:
        for one in (name, twin("off", name), twin("gone", name)):
            accounts.create(tx, one)
    for one in (name, twin("off", name)):
        desk.run(grants.give, one, "person:guest", Level.VIEW)
        desk.run(grants.give, one, "person:gone", Level.VIEW)
    for label in ("active", "other", "turning"):
        house.issue(desk, name, f"{label} of {name}")
    house.deliver(desk, desk.run(_turn, f"turning of {name}"))
    desk.run(tokens.issue, name, f"pending of {name}")
    for what in ("moving", "resting"):
        began = desk.run(migration.start, name, f"{what} of {name}", owner="heir").id
        desk.run(migration.register, began, Secret(f"{what}-old-token-of-{name}"))
        desk.run(migration.accept, began)
    desk.run(migration.pause, began)
    desk.run(accounts.disable, twin("off", name))


def _left_behind(tx: Transaction, name: str) -> str:
    """The id of the advice that somebody who left has a grant on the account."""
    found = advice.listed(tx, name, dismissed=True)
    return next(one.id for one in found if one.finding.about == "gone")


def twin(kind: str, bot: str) -> str:
    """The account beside a bot that is disabled (`off`) or removed (`gone`)."""
    return f"{kind}-{bot}"[:40].rstrip("-")


def _turn(tx: Transaction, label: str) -> str:
    return tokens.rotate(tx, house.token(tx, label).id, label=f"successor, {label}").token.id


def _grant(desk: Desk, way: str) -> None:
    name = person(way)
    own = f"role-{name}"[:40].rstrip("-")
    for level in Level:
        for one in (bot(way), twin("off", bot(way)), twin("gone", bot(way))):
            if f"{level} by name" in way or (level is Level.MANAGE and "manages by name" in way):
                desk.run(grants.give, one, f"person:{name}", level)
            if f"{level} by role" in way:
                if own not in {line.role.name for line in desk.ask(roles.listed)}:
                    desk.run(roles.create, own)
                    desk.run(roles.add_member, own, name)
                desk.run(grants.give, one, f"role:{own}", level)
    if way == "nothing but a role":
        desk.run(roles.add_member, "team", name)
    if way.startswith("auditor"):
        desk.run(people.modify, name, standing=Standing.AUDITOR)


@dataclass(frozen=True)
class Case:
    """One try: who, on which account, with which of its tokens.

    Attributes:
        way: How they came to what they have.
        bot: The account.
        token: The id of a token that works.
        pending: The id of a token that nobody took yet.
        turning: The id of a token that is being rotated.
        run: The number of a run that the desk's founder began.
        moving: The id of a migration that is under way.
        resting: The id of one that is paused.
        advice: The id of advice on the account.
        dismissed: The id of advice on its disabled twin, which the desk's founder dismissed.
    """

    way: str
    bot: str
    token: str
    pending: str
    turning: str
    run: str
    moving: str
    resting: str
    advice: str
    dismissed: str

    @property
    def person(self) -> str:
        return person(self.way)

    @property
    def off(self) -> str:
        return twin("off", self.bot)

    @property
    def gone(self) -> str:
        return twin("gone", self.bot)


def case(desk: Desk, way: str) -> Case:
    with desk.read() as tx:
        return Case(
            way,
            bot(way),
            house.token(tx, f"active of {bot(way)}").id,
            house.token(tx, f"pending of {bot(way)}").id,
            house.token(tx, f"turning of {bot(way)}").id,
            str(runs.listed(tx)[-1].number),
            house.moving(tx, f"moving of {bot(way)}").id,
            house.moving(tx, f"resting of {bot(way)}").id,
            _left_behind(tx, bot(way)),
            _left_behind(tx, twin("off", bot(way))),
        )


class NotListed(Exception):
    """The account is not among what is listed."""


def _lists(name: str, found: Iterable[str | None]) -> None:
    if name not in set(found):
        raise NotListed


Verb = Callable[[Transaction, Case], Any]


HOOK: Final = telling.To("webhook", "https://hooks.example/services/T0")
NOTE: Final = notify.Note("revoked", "ada revoked a token", {}, sequence=1)
LIBRARY: Final[dict[str, Verb]] = {
    "account list": lambda tx, c: _lists(c.bot, (line.account.name for line in accounts.page(tx, limit=500).rows)),
    "account show": lambda tx, c: accounts.line(tx, c.bot),
    "account create": lambda tx, c: accounts.create(tx, "new-bot"),
    "account create scoped": lambda tx, c: accounts.create(tx, "new-bot", scopes="root:all"),
    "account modify": lambda tx, c: accounts.modify(tx, c.bot, description="other"),
    "account modify scoped": lambda tx, c: accounts.modify(tx, c.bot, scopes="root:all"),
    "account disable": lambda tx, c: accounts.disable(tx, c.bot),
    "account enable": lambda tx, c: accounts.enable(tx, c.off),
    "account remove": lambda tx, c: accounts.remove(tx, c.bot),
    "account restore": lambda tx, c: removal.restore(tx, c.gone),
    "account knocks": lambda tx, c: uses.knocks(tx, c.off),
    "account hand over": lambda tx, c: grants.hand_over(tx, c.bot, "heir"),
    "token list": lambda tx, c: tokens.listed(tx, c.bot),
    "token list all": lambda tx, c: _lists(c.bot, (line.account for line in tokens.listed(tx))),
    "token show": lambda tx, c: tokens.line(tx, c.token),
    "token issue": lambda tx, c: tokens.issue(tx, c.bot, "new"),
    "token deliver": lambda tx, c: tokens.deliver(tx, c.pending, to="clipboard"),
    "token rotate": lambda tx, c: tokens.rotate(tx, c.token),
    "token revoke": lambda tx, c: tokens.revoke(tx, c.token, reason="leaked"),
    "token abandon": lambda tx, c: tokens.abandon(tx, c.pending),
    "token extend": lambda tx, c: tokens.extend(tx, c.token, by=timedelta(days=1)),
    "token uses": lambda tx, c: uses.of_token(tx, c.token),
    "token cutover": lambda tx, c: cutover.view(tx, c.turning),
    "token cutover finish": lambda tx, c: cutover.finish(tx, c.turning, anyway=True),
    "token cutover undo": lambda tx, c: cutover.undo(tx, c.turning),
    "bulk revoke": lambda tx, c: bulk.check(tx, Order(verb=bulk.Verb.REVOKE, reason="leaked"), c.token),
    "bulk disable": lambda tx, c: bulk.check(tx, Order(verb=bulk.Verb.DISABLE), c.bot),
    "bulk enable": lambda tx, c: bulk.check(tx, Order(verb=bulk.Verb.ENABLE), c.off),
    "bulk extend": lambda tx, c: bulk.check(tx, Order(verb=bulk.Verb.EXTEND, by=timedelta(days=1)), c.token),
    "bulk grant": lambda tx, c: bulk.check(tx, Order(verb=bulk.Verb.GRANT, grantee="person:heir"), c.bot),
    "bulk rotate": lambda tx, c: bulk.check(tx, Order(verb=bulk.Verb.ROTATE), c.token),
    "bulk list": lambda tx, c: _lists(c.run, (str(line.number) for line in runs.listed(tx))),
    "bulk show": lambda tx, c: runs.show(tx, int(c.run)),
    "notify": lambda tx, c: notify.news(tx, list(notify.Kind), after=0),
    "notify claim": lambda tx, c: telling.begin(tx, HOOK, NOTE, by="here"),
    "migration list": lambda tx, c: _lists(c.bot, (line.account for line in migration.listed(tx))),
    "migration show": lambda tx, c: migration.view(tx, c.moving),
    "migration start": lambda tx, c: migration.start(tx, c.bot, "a job", owner="guest"),
    "migration issue": lambda tx, c: migration.issue(tx, c.moving),
    "migration register": lambda tx, c: migration.register(tx, c.moving, Secret(OLD)),
    "migration accept": lambda tx, c: migration.accept(tx, c.moving),
    "migration close": lambda tx, c: migration.close(tx, c.moving),
    "migration revoke": lambda tx, c: migration.revoke(tx, c.moving, anyway=True),
    "migration confirm": lambda tx, c: migration.confirm(tx, c.moving, how="deleted", anyway=True),
    "migration pause": lambda tx, c: migration.pause(tx, c.moving),
    "migration resume": lambda tx, c: migration.resume(tx, c.resting),
    "migration cancel": lambda tx, c: migration.cancel(tx, c.moving),
    "incident": lambda tx, c: incident.revoke(tx, [c.token], reason="leaked"),
    "advice": lambda tx, c: advice.listed(tx, c.bot),
    "advice dismiss": lambda tx, c: advice.dismiss(tx, c.advice, reason="known", account=c.bot),
    "advice dismiss by id": lambda tx, c: advice.dismiss(tx, c.advice, reason="known"),
    "advice recall": lambda tx, c: advice.recall(tx, c.dismissed),
    "due": lambda tx, c: due.listed(tx, within=timedelta(days=1), account=c.bot),
    "grant list": lambda tx, c: grants.listed(tx, c.bot),
    "grant list all": lambda tx, c: _lists(c.bot, (line.account for line in grants.listed(tx))),
    "grant give": lambda tx, c: grants.give(tx, c.bot, "person:heir", Level.VIEW),
    "grant give dry": lambda tx, c: whatif.given(tx, c.bot, "person:heir", Level.VIEW),
    "grant withdraw": lambda tx, c: grants.withdraw(tx, c.bot, "person:guest"),
    "grant withdraw dry": lambda tx, c: whatif.withdrawn(tx, c.bot, "person:guest"),
    "access who": lambda tx, c: grants.who_reaches(tx, c.bot),
    "access what": lambda tx, c: _lists(c.bot, (found.account for found in grants.what_reaches(tx, "guest"))),
    "audit list": lambda tx, c: _lists(c.bot, (event.account for event in audit.page(tx, limit=1000).rows)),
    "audit of one account": lambda tx, c: audit.page(tx, audit.Filter(account=c.bot)),
    "audit export": lambda tx, c: list(audit.export(tx)),
    "audit verify": lambda tx, c: audit.verify(tx),
    "person list": lambda tx, c: people.listed(tx),
    "person leaving": lambda tx, c: leaving.preview(tx, "guest"),
    "person add": lambda tx, c: people.add(tx, "mallory"),
    "person modify": lambda tx, c: people.modify(tx, "guest", full_name="Guest"),
    "person promote self": lambda tx, c: _promote(tx, c),
    "person disable": lambda tx, c: people.disable(tx, "guest"),
    "person disable dry": lambda tx, c: whatif.disabled(tx, "guest"),
    "person enable": lambda tx, c: people.enable(tx, "gone"),
    "key list": lambda tx, c: _lists("guest", (line.person for line in keys.listed(tx))),
    "key add": lambda tx, c: keys.add(tx, "heir", BENS),
    "key remove": lambda tx, c: keys.remove(tx, sshkey.parse(ADAS).fingerprint),
    "role list": lambda tx, c: roles.listed(tx),
    "role create": lambda tx, c: roles.create(tx, "new-team"),
    "role modify": lambda tx, c: roles.modify(tx, "team", description="other"),
    "role scopes": lambda tx, c: roles.modify(tx, "team", scopes="root:all"),
    "role add": lambda tx, c: roles.add_member(tx, "team", "heir"),
    "role drop": lambda tx, c: roles.drop_member(tx, "team", person("creator")),
    "role remove": lambda tx, c: roles.remove(tx, "team"),
}
"""Each operation as the library has it."""


def _promote(tx: Transaction, case: Case) -> None:
    """Make oneself an admin; an admin is one already, and may become something else as there is another."""
    people.modify(tx, case.person, standing=Standing.MEMBER if case.way == "admin" else Standing.ADMIN)


OLD: Final = "an-old-token-of-the-guest"


def words(operation: str, case: Case) -> list[str]:
    """The same operation on the command line.

    Args:
        operation: Its row in the table.
        case: Who tries it on what.
    """
    standing = "member" if case.way == "admin" else "admin"
    said: dict[str, list[str]] = {
        "account list": ["account", "list", "--json"],
        "account show": ["account", "show", case.bot],
        "account create": ["account", "create", "new-bot"],
        "account create scoped": ["account", "create", "new-bot", "--scope", "root:all"],
        "account modify": ["account", "modify", case.bot, "--description", "other"],
        "account modify scoped": ["account", "modify", case.bot, "--scope", "root:all"],
        "account disable": ["account", "disable", case.bot],
        "account enable": ["account", "enable", case.off],
        "account remove": ["account", "remove", case.bot, "--yes"],
        "account restore": ["account", "restore", case.gone],
        "account knocks": ["account", "knocks", case.off],
        "account hand over": ["account", "hand-over", case.bot, "--to", "heir"],
        "token list": ["token", "list", case.bot],
        "token list all": ["token", "list", "--json"],
        "token show": ["token", "show", case.token],
        "token issue": ["token", "issue", case.bot, "--label", "new", "--to", "stdout"],
        "token rotate": ["token", "rotate", case.token, "--to", "stdout"],
        "token revoke": ["token", "revoke", case.token, "--reason", "leaked"],
        "token extend": ["token", "extend", case.token, "--by", "1d"],
        "token uses": ["token", "uses", case.token],
        "token cutover": ["token", "cutover", case.turning],
        "token cutover finish": ["token", "cutover", case.turning, "--finish", "--force"],
        "token cutover undo": ["token", "cutover", case.turning, "--undo"],
        "bulk revoke": ["bulk", "revoke", case.token, "--reason", "leaked"],
        "bulk disable": ["bulk", "disable", case.bot],
        "bulk enable": ["bulk", "enable", case.off],
        "bulk extend": ["bulk", "extend", case.token, "--by", "1d"],
        "bulk grant": ["bulk", "grant", case.bot, "--person", "heir", "--level", "view"],
        "bulk list": ["bulk", "list", "--json"],
        "bulk show": ["bulk", "show", case.run],
        "migration list": ["migration", "list", "--json"],
        "migration show": ["migration", "show", case.moving],
        "migration start": ["migration", "start", "a job", "--account", case.bot, "--owner", "guest"],
        "migration issue": ["migration", "issue", case.moving, "--to", "stdout"],
        "migration register": ["migration", "register", case.moving],
        "migration accept": ["migration", "accept", case.moving],
        "migration close": ["migration", "accept", case.moving, "--stop"],
        "migration revoke": ["migration", "revoke", case.moving, "--force", "--yes"],
        "migration confirm": ["migration", "confirm", case.moving, "--how", "deleted", "--force"],
        "migration pause": ["migration", "pause", case.moving],
        "migration resume": ["migration", "resume", case.resting],
        "migration cancel": ["migration", "cancel", case.moving],
        "advice": ["advice", "--account", case.bot],
        "advice dismiss": ["advice", "dismiss", case.advice, "--account", case.bot, "--reason", "known"],
        "advice dismiss by id": ["advice", "dismiss", case.advice, "--reason", "known"],
        "advice recall": ["advice", "recall", case.dismissed],
        "due": ["due", "--account", case.bot],
        "grant list": ["grant", "list", case.bot],
        "grant list all": ["grant", "list", "--json"],
        "grant give": ["grant", "give", case.bot, "--person", "heir", "--level", "view"],
        "grant give dry": ["grant", "give", case.bot, "--person", "heir", "--level", "view", "--dry-run"],
        "grant withdraw": ["grant", "withdraw", case.bot, "--person", "guest"],
        "grant withdraw dry": ["grant", "withdraw", case.bot, "--person", "guest", "--dry-run"],
        "access who": ["access", "who", case.bot],
        "access what": ["access", "what", "guest", "--json"],
        "audit list": ["audit", "list", "--limit", "1000", "--json"],
        "audit of one account": ["audit", "list", "--account", case.bot],
        "audit export": ["audit", "export"],
        "audit verify": ["audit", "verify"],
        "person list": ["person", "list"],
        "person leaving": ["person", "leaving", "guest"],
        "person add": ["person", "add", "mallory"],
        "person modify": ["person", "modify", "guest", "--full-name", "Guest"],
        "person promote self": ["person", "modify", case.person, "--standing", standing],
        "person disable": ["person", "disable", "guest"],
        "person disable dry": ["person", "disable", "guest", "--dry-run"],
        "person enable": ["person", "enable", "gone"],
        "key list": ["person", "key", "list", "--json"],
        "key add": ["person", "key", "add", "heir"],
        "key remove": ["person", "key", "remove", sshkey.parse(ADAS).fingerprint],
        "role list": ["role", "list"],
        "role create": ["role", "create", "new-team"],
        "role modify": ["role", "modify", "team", "--description", "other"],
        "role scopes": ["role", "scopes", "team", "--set", "root:all"],
        "role add": ["role", "add", "team", "heir"],
        "role drop": ["role", "drop", "team", person("creator")],
        "role remove": ["role", "remove", "team"],
    }
    return said[operation]
