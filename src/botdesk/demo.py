"""A desk of believable data: a small company's bots, teams and eleven weeks of their history.

It is built through the public operations alone, with a clock that is moved and chance that repeats itself, so that it
is the same on every machine. Instants of the story are written `3 14:05`: three days before `NOW`, at 14:05 UTC.
"""

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from botdesk import accounts, grants, migration, people, personal, roles, testing, tokens, verification
from botdesk.access import Level, Standing
from botdesk.accounts import Account, AccountState, Purpose
from botdesk.bearer import Secret
from botdesk.desk import Desk, system_clock
from botdesk.errors import AccessDenied, Conflict, NotFound
from botdesk.recipes import Platform
from botdesk.store.transaction import Transaction
from botdesk.tokens import Token
from botdesk.verdict import Asked

NOW: Final = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)
"""The instant at which the demo stands still, a Monday morning."""

FOUNDED: Final = "77 08:30"
HANDOFF: Final = timedelta(seconds=11)
BUSY_DAYS: Final = 20
FIRST_USE: Final = 75
AT_THE_SHELL: Final = frozenset({"ben", "chen", "jonas"})


@dataclass(slots=True)
class _Tokens:
    """The lookup ids of the story's tokens: by key the present one, by key and `old` the one before it.

    Attributes:
        ids: The ids of tokens, by key.
        moves: The ids of migrations, by what the integration is.
    """

    ids: dict[str, str] = field(default_factory=dict)
    moves: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, token_id: str) -> None:
        """Note a token; the one that had the key becomes the old one."""
        if key in self.ids:
            self.ids[f"{key} old"] = self.ids[key]
        self.ids[key] = token_id


_Act = Callable[[Transaction, _Tokens], object]


@dataclass(frozen=True, slots=True)
class _Step:
    """What a person did; `denied` when the desk refused it."""

    when: str
    actor: str
    act: _Act
    denied: bool = False


@dataclass(frozen=True, slots=True)
class _Bot:
    """A service account as it was created, with its grants as in `platform=manage @ben=view`."""

    when: str
    creator: str
    name: str
    purpose: Purpose
    rotation: int
    scopes: str
    granted: str
    description: str


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """How a bot uses a token.

    Attributes:
        key: The token.
        opens: When its day begins, as `08:15`.
        minutes: How long its day is; a job that runs once has a few.
        weekday: Uses on a weekday, on the average.
        weekend: Uses on a day of the weekend.
        addresses: Where it comes from.
        since: How many days ago it began.
        until: How many days ago it ended.
        latest: How many minutes ago it was seen last, if that matters.
        knocks: Whether it goes on to be presented when it is refused.
        scopes: What its uses ask for.
        personal: Whether it is the personal token that a migration leads away from; its key is the integration then.
    """

    key: str
    opens: str
    minutes: int
    weekday: float
    weekend: float
    addresses: tuple[str, ...]
    since: int = FIRST_USE
    until: int = 0
    latest: int | None = None
    knocks: bool = False
    scopes: str = ""
    personal: bool = False


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of a token, in a rhythm."""

    at: datetime
    rhythm: _Rhythm
    address: str


def _do(operation: Callable[..., object], *args: Any, **kwargs: Any) -> _Act:
    return lambda tx, _: operation(tx, *args, **kwargs)


def _create(bot: _Bot) -> _Act:
    def act(tx: Transaction, _: _Tokens) -> None:
        words: dict[str, Any] = {"purpose": bot.purpose, "description": bot.description, "scopes": bot.scopes}
        accounts.create(tx, bot.name, rotation=timedelta(days=bot.rotation), **words)
        for granted in bot.granted.split():
            grantee, _eq, level = granted.partition("=")
            tx.now += HANDOFF
            grants.give(tx, bot.name, _grantee(grantee), Level(level))

    return act


def _grantee(word: str) -> str:
    return f"person:{word[1:]}" if word.startswith("@") else f"role:{word}"


def _issue(key: str, label: str, to: str | None, *, days: int | None = None, **options: Any) -> _Act:
    def act(tx: Transaction, known: _Tokens) -> None:
        lifetime = timedelta(days=days) if days else None
        issued = tokens.issue(tx, key.split()[0], label, lifetime=lifetime, **options)
        _hand_over(tx, known, key, issued.token.id, to)

    return act


def _rotate(key: str, to: str, *, overlap: int = 24) -> _Act:
    def act(tx: Transaction, known: _Tokens) -> None:
        issued = tokens.rotate(tx, known.ids[key], overlap=timedelta(hours=overlap))
        _hand_over(tx, known, key, issued.token.id, to)

    return act


def _hand_over(tx: Transaction, known: _Tokens, key: str, token_id: str, to: str | None) -> None:
    known.put(key, token_id)
    tx.now += HANDOFF
    if to is not None:
        tokens.deliver(tx, token_id, to=to)


def _revoke(key: str, reason: str) -> _Act:
    return lambda tx, known: tokens.revoke(tx, known.ids[key], reason=reason)


def _move(what: str, account: str, owner: str, place: str, platform: Platform) -> _Act:
    def act(tx: Transaction, known: _Tokens) -> None:
        known.moves[what] = migration.start(tx, account, what, owner=owner, place=place, platform=platform).id

    return act


def _register(what: str, *, accept: int) -> _Act:
    """Register the old token, a made-up one, and let it count for some days."""

    def act(tx: Transaction, known: _Tokens) -> None:
        migration.register(tx, known.moves[what], Secret(f"made-up-token-0123456789-{known.moves[what]}"))
        tx.now += HANDOFF
        migration.accept(tx, known.moves[what], until=tx.now + timedelta(days=accept))

    return act


def _equip(what: str, key: str, to: str) -> _Act:
    def act(tx: Transaction, known: _Tokens) -> None:
        issued = migration.issue(tx, known.moves[what])
        _hand_over(tx, known, key, issued.token.id, to)

    return act


def _moved(operation: Callable[..., object], what: str, **kwargs: Any) -> _Act:
    return lambda tx, known: operation(tx, known.moves[what], **kwargs)


_CLIP: Final = "clipboard"
_VAULT: Final = "command:vault"
_KUBE: Final = "command:kubectl"

PEOPLE: Final = (
    ("77 08:41", "emil", "Emil Haddad", Standing.ADMIN),
    ("77 08:43", "ben", "Ben Okafor", Standing.MEMBER),
    ("77 08:44", "chen", "Chen Xiaoming", Standing.MEMBER),
    ("77 08:46", "dora", "Dora Papadaki", Standing.AUDITOR),
    ("77 08:47", "farah", "Farah Siddiqui", Standing.MEMBER),
    ("77 08:49", "goran", "Goran Petrović", Standing.MEMBER),
    ("77 08:50", "jonas", "Jonas Weber", Standing.MEMBER),
    ("61 09:05", "ines", "Inês Carvalho", Standing.MEMBER),
    ("42 09:20", "hana", "Hana Kobayashi", Standing.MEMBER),
)

ROLES: Final = (
    ("77 09:02", "platform", "Build, deploy and run", "ada ben jonas",
     "artifacts:write catalog:read checks:write deploy:write events:write files:read files:write incidents:write"
     " checks:read packages:read packages:write registry:read repo:write status:read status:write"),
    ("77 09:06", "data-eng", "Catalog, pipelines and exports", "chen goran",
     "catalog:read catalog:write database:schema exports:write lineage:write metrics:write search:write"),
    ("77 09:09", "payments", "Money in, invoices out", "farah",
     "invoices:write ledger:read ledger:write mail:send payments:read refunds:read"),
    ("77 09:11", "security", "Looks over everybody's shoulder", "dora emil", ""),
    ("42 09:26", "ai-tools", "Agents that work for us", "hana chen",
     "catalog:read checks:read docs:write issues:read issues:write repo:read"),
)  # fmt: skip

BOTS: Final = (
    _Bot("76 09:31", "ben", "ci-bot", Purpose.CI, 90, "artifacts:write catalog:read checks:write packages:write",
         "platform=manage", "Builds, tests and publishes every repository"),
    _Bot("76 10:04", "ada", "nightly-backup", Purpose.SCHEDULE, 180, "backup:write database:read",
         "platform=operate", "Dumps the databases at night and sends them to cold storage"),
    _Bot("76 14:12", "jonas", "jenkins-runner", Purpose.CI, 90, "artifacts:write checks:write",
         "platform=manage", "The old Jenkins, until its last job has moved to ci-bot"),
    _Bot("75 10:18", "jonas", "renovate-bot", Purpose.CI, 90, "packages:read repo:write",
         "platform=manage", "Opens pull requests that update dependencies"),
    _Bot("75 15:40", "jonas", "legacy-ftp-sync", Purpose.OTHER, 90, "files:read files:write",
         "platform=operate payments=view", "Copies the bank's statements from the FTP server"),
    _Bot("74 09:25", "ben", "deploy-bot", Purpose.CI, 30, "deploy:write registry:read",
         "platform=manage security=view", "Rolls releases out through Argo CD"),
    _Bot("74 11:02", "chen", "metrics-ingest", Purpose.METRICS, 90, "metrics:write",
         "data-eng=manage platform=operate", "Remote-write from every Prometheus"),
    _Bot("73 10:15", "chen", "catalog-sync", Purpose.CATALOG, 60, "catalog:read catalog:write lineage:write",
         "data-eng=manage", "Keeps the data catalog in step with the warehouse"),
    _Bot("70 13:20", "farah", "stripe-webhooks", Purpose.WEBHOOK, 30, "ledger:write payments:read",
         "payments=manage @ben=view", "Takes Stripe's events into the ledger"),
    _Bot("69 09:48", "jonas", "github-webhooks", Purpose.WEBHOOK, 90, "checks:read events:write",
         "platform=manage", "Passes GitHub's events on to the event bus"),
    _Bot("66 16:07", "goran", "schema-crawler", Purpose.CATALOG, 30, "catalog:write database:schema",
         "", "Reads every database's schema for the catalog"),
    _Bot("63 09:12", "farah", "invoice-cron", Purpose.SCHEDULE, 60, "invoices:write ledger:read mail:send",
         "payments=operate", "Writes and mails the invoices each morning"),
    _Bot("60 11:33", "ben", "uptime-probe", Purpose.METRICS, 180, "status:read status:write",
         "platform=manage", "Asks every public endpoint how it is"),
    _Bot("56 10:22", "ines", "search-indexer", Purpose.CATALOG, 30, "catalog:read search:write",
         "data-eng=operate @chen=manage", "Feeds the catalog into the search cluster"),
    _Bot("55 14:50", "emil", "slack-notifier", Purpose.WEBHOOK, 180, "chat:write",
         "platform=operate security=view", "Says in Slack what Alertmanager has to say"),
    _Bot("52 09:37", "ines", "data-export", Purpose.SCHEDULE, 90, "catalog:read exports:write",
         "data-eng=operate security=view", "Nightly extracts for the finance warehouse"),
    _Bot("41 10:02", "hana", "claude-bot", Purpose.AGENT, 30, "catalog:read checks:read issues:write repo:read",
         "ai-tools=manage platform=view", "AI agent: reviews pull requests and answers questions on the code"),
    _Bot("24 11:16", "hana", "triage-agent", Purpose.AGENT, 30, "issues:read issues:write",
         "ai-tools=operate", "AI agent: sorts new issues and asks for what is missing"),
    _Bot("3 15:20", "ben", "pager-bridge", Purpose.WEBHOOK, 90, "incidents:write",
         "platform=operate", "Opens an incident when the pager rings"),
    _Bot("0 09:10", "hana", "docs-agent", Purpose.AGENT, 30, "docs:write repo:read",
         "ai-tools=operate", "AI agent: keeps the handbook true to the code"),
)  # fmt: skip

_RENOVATE: Final = ("renovate's pull requests", "renovate-bot", "jonas", "runner · renovate-1", Platform.DOTENV)
_CRAWLER: Final = ("crawler of the old databases", "schema-crawler", "goran", "cron · db-3", Platform.CRON)
_INVOICES: Final = ("invoice mailer", "invoice-cron", "farah", "acme/ledger", Platform.GITHUB_ACTIONS)
_IMAGES: Final = ("image updater", "deploy-bot", "ben", "cluster eu-1, ns/argocd", Platform.KUBERNETES)
_QUALITY: Final = ("catalog quality checks", "catalog-sync", "chen", "data/quality", Platform.GITLAB_CI)
_REINDEX: Final = ("search reindex", "search-indexer", "ines", "search-2, reindex.timer", Platform.SYSTEMD)
"""The migrations: integration, account, whose token, where, platform."""

STORY: Final = (
    _Step("77 08:38", "ada", _do(people.modify, "ada", full_name="Ada Lindqvist")),
    _Step("76 09:36", "ben", _issue("ci-bot main", "GitHub Actions · main", _CLIP)),
    _Step("76 09:44", "ben", _issue("ci-bot laptop", "ben's laptop, to try it out", _CLIP, days=60)),
    _Step("76 10:09", "ada", _issue("nightly-backup", "restic on backup-1", "file:/run/secrets/restic-token")),
    _Step("76 14:20", "jonas", _issue("jenkins-runner", "Jenkins credentials store", _CLIP)),
    _Step("75 10:26", "jonas", _issue("renovate-bot", "Renovate · self-hosted runner", _VAULT)),
    _Step("75 10:31", "jonas", _issue("renovate-bot laptop", "jonas's workstation", _CLIP, days=180)),
    _Step("75 15:48", "jonas", _issue("legacy-ftp-sync", "cron on ftp-1", "file:/run/secrets/ftp-sync", days=365)),
    _Step("74 09:33", "ben", _issue("deploy-bot prod", "Argo CD · production", _VAULT)),
    _Step("74 09:35", "ben", _issue("deploy-bot staging", "Argo CD · staging", _VAULT, days=90)),
    _Step("74 11:10", "chen", _issue("metrics-ingest eu", "Prometheus · eu-1", _KUBE)),
    _Step("73 10:24", "chen", _issue("catalog-sync prod", "airflow prod", _VAULT)),
    _Step("73 10:27", "chen", _issue("catalog-sync staging", "airflow staging", _CLIP, days=30, scopes="catalog:read")),
    _Step("70 13:31", "farah", _issue("stripe-webhooks", "k8s secret ns/payments", _KUBE)),
    _Step("69 09:57", "jonas", _issue("github-webhooks", "nginx forward-auth", "file:/run/secrets/github-webhooks")),
    _Step("66 16:15", "goran", _issue("schema-crawler", "crawler cron · db-3", _CLIP, days=365)),
    _Step("63 09:21", "farah", _issue("invoice-cron", "k8s cronjob ns/payments", _KUBE, days=90)),
    _Step("62 13:05", "chen", _issue("metrics-ingest us", "Prometheus · us-1", _KUBE)),
    _Step("61 09:08", "ada", _do(roles.add_member, "data-eng", "ines")),
    _Step("60 11:41", "ben", _issue("uptime-probe fra", "probe fra-2", "file:/run/secrets/uptime-probe")),
    _Step("56 10:31", "ines", _issue("search-indexer", "k8s secret ns/search", _KUBE)),
    _Step("55 14:58", "emil", _issue("slack-notifier", "Alertmanager · #ops", _VAULT, never=True)),
    _Step("52 09:46", "ines", _issue("data-export", "airflow prod · nightly export", _VAULT)),
    _Step("49 15:12", "ines", _do(accounts.find, "stripe-webhooks"), denied=True),
    _Step("47 10:05", "ada", _do(accounts.remove, "jenkins-runner", reason="its last job has moved to ci-bot")),
    _Step("46 10:02", "ben", _rotate("deploy-bot prod", _VAULT)),
    _Step("41 10:12", "hana", _issue("claude-bot", "Claude Code · review bot", _VAULT)),
    _Step("41 10:15", "hana", _issue("claude-bot eval", "Claude Code · eval sandbox", _CLIP, days=60)),
    _Step("41 10:19", "hana", _issue("claude-bot laptop", "hana's laptop", _CLIP, days=60)),
    _Step("41 11:03", "farah", _rotate("stripe-webhooks", _KUBE)),
    _Step("39 14:36", "hana", _do(accounts.modify, "claude-bot", rotation=timedelta(days=60))),
    _Step("38 09:15", "dora", _do(accounts.disable, "claude-bot", reason="who agreed to this?"), denied=True),
    _Step("38 10:40", "ada", _do(accounts.modify, "claude-bot", rotation=timedelta(days=30))),
    _Step("33 13:27", "ben", _revoke("ci-bot laptop", "leaked: printed in a build log")),
    _Step("33 13:52", "ben", _issue("ci-bot pulls", "GitHub Actions · pull requests", _CLIP, scopes="checks:write")),
    _Step("28 09:12", "emil", _do(roles.drop_member, "platform", "jonas")),
    _Step("28 09:14", "emil", _do(people.disable, "jonas")),
    _Step("28 09:55", "ben", _revoke("renovate-bot laptop", "owner left")),
    _Step("28 10:33", "farah", _rotate("search-indexer", _KUBE), denied=True),
    _Step("28 11:20", "ines", _rotate("search-indexer", _KUBE)),
    _Step("24 10:30", "ada", _do(roles.add_member, "payments", "ben")),
    _Step("26 14:02", "ada", _do(accounts.disable, "legacy-ftp-sync", reason="the bank's API took over")),
    _Step("25 09:44", "ben", _revoke("stripe-webhooks", "I thought it was ours"), denied=True),
    _Step("24 11:25", "hana", _issue("triage-agent", "GitHub App · triage", _VAULT)),
    _Step("21 15:10", "hana", _revoke("claude-bot laptop", "no longer used")),
    _Step("20 10:48", "ben", _rotate("renovate-bot", _VAULT)),
    _Step("20 13:15", "chen", _issue("metrics-ingest canary", "OpenTelemetry collector · canary", _CLIP, days=14)),
    _Step("19 09:06", "emil", _do(roles.drop_member, "data-eng", "goran")),
    _Step("19 09:08", "emil", _do(people.disable, "goran")),
    _Step("18 10:11", "ben", _rotate("deploy-bot prod", _VAULT)),
    _Step("17 14:29", "chen", _rotate("catalog-sync prod", _VAULT, overlap=48)),
    _Step("14 11:35", "ada", _do(roles.modify, "security", description="Reviews access every month")),
    _Step("13 10:20", "hana", _rotate("claude-bot", _VAULT)),
    _Step("13 11:08", "farah", _rotate("stripe-webhooks", _KUBE)),
    _Step("12 16:44", "emil", _do(accounts.disable, "data-export", reason="ten times the usual rows; looking into it")),
    _Step("11 10:26", "emil", _do(accounts.enable, "data-export")),
    _Step("10 13:33", "ben", _do(grants.give, "ci-bot", "role:ai-tools", Level.VIEW)),
    _Step("7 09:50", "hana", _do(roles.create, "agents"), denied=True),
    _Step("6 15:26", "ben", _issue("uptime-probe sin", "probe sin-1", None)),
    _Step("5 10:14", "hana", _do(grants.give, "triage-agent", "person:ines", Level.OPERATE)),
    _Step("4 14:41", "farah", _do(accounts.modify, "stripe-webhooks", scopes="ledger:write refunds:read")),
    _Step("3 10:03", "ben", _rotate("ci-bot main", _CLIP, overlap=168)),
    _Step("3 15:26", "ben", _issue("pager-bridge", "PagerDuty · webhook", _VAULT)),
    _Step("3 16:18", "chen", _do(accounts.find, "invoice-cron"), denied=True),
    _Step("0 09:18", "hana", _issue("docs-agent", "Claude Code · handbook", None)),
    _Step("17 14:05", "ben", _move(*_RENOVATE)),
    _Step("17 14:12", "ben", _equip(_RENOVATE[0], "renovate-bot forge", _VAULT)),
    _Step("14 10:06", "ben", _moved(migration.confirm, _RENOVATE[0], how="deleted with jonas's account at the forge")),
    _Step("24 10:34", "ada", _move(*_CRAWLER)),
    _Step("21 16:20", "ada", _moved(migration.pause, _CRAWLER[0])),
    _Step("19 14:02", "farah", _move(*_INVOICES)),
    _Step("19 14:04", "farah", _register(_INVOICES[0], accept=17)),
    _Step("11 09:31", "ben", _move(*_IMAGES)),
    _Step("11 09:33", "ben", _register(_IMAGES[0], accept=21)),
    _Step("7 11:02", "ben", _equip(_IMAGES[0], "deploy-bot images", _KUBE)),
    _Step("4 10:48", "chen", _move(*_QUALITY)),
    _Step("4 10:51", "chen", _register(_QUALITY[0], accept=14)),
    _Step("0 09:02", "chen", _equip(_QUALITY[0], "catalog-sync quality", _CLIP)),
    _Step("1 17:25", "ines", _move(*_REINDEX)),
)  # fmt: skip

RHYTHMS: Final = (
    _Rhythm("ci-bot main", "07:10", 690, 4, 0.4, ("140.82.112.17", "140.82.113.42", "4.231.88.9"), latest=4),
    _Rhythm("ci-bot main old", "08:00", 560, 2, 0, ("10.20.4.31",), since=3, latest=52),
    _Rhythm("ci-bot pulls", "07:40", 640, 3, 0.2, ("140.82.112.63", "4.231.90.114"), since=32, latest=13),
    _Rhythm("nightly-backup", "01:30", 4, 1, 1, ("10.20.1.12",)),
    _Rhythm("jenkins-runner", "08:00", 600, 2, 0, ("10.20.4.7",)),
    _Rhythm("renovate-bot", "04:05", 12, 1, 0, ("10.20.4.31",)),
    _Rhythm("renovate-bot laptop", "09:00", 400, 0.5, 0, ("10.8.0.23",), until=45),
    _Rhythm("legacy-ftp-sync", "05:15", 3, 1, 0, ("192.168.77.5",), knocks=True),
    _Rhythm("ci-bot laptop", "01:40", 240, 0.4, 0.6, ("185.220.101.34", "45.153.160.2"), since=33, knocks=True),
    _Rhythm("deploy-bot prod", "09:20", 400, 1.4, 0, ("10.20.8.2", "10.20.8.3"), latest=96),
    _Rhythm("deploy-bot staging", "08:40", 520, 1.6, 0, ("10.20.9.2",), latest=31),
    _Rhythm("metrics-ingest eu", "00:00", 1440, 1.2, 1.2, ("10.30.0.14",), latest=1),
    _Rhythm("metrics-ingest us", "00:00", 1440, 1.2, 1.2, ("10.40.0.14",), latest=2),
    _Rhythm("metrics-ingest canary", "08:00", 600, 1, 0, ("10.30.2.77",)),
    _Rhythm("catalog-sync prod", "03:00", 9, 1, 1, ("10.50.3.8",)),
    _Rhythm("catalog-sync staging", "10:00", 300, 0.6, 0, ("10.51.3.8",)),
    _Rhythm("stripe-webhooks", "00:00", 1440, 2, 1.4, ("10.20.6.40", "10.20.6.41"), latest=17),
    _Rhythm("github-webhooks", "06:30", 800, 2.4, 0.5, ("10.20.6.12",), latest=6),
    _Rhythm("schema-crawler", "02:20", 15, 1, 0, ("10.50.3.21",)),
    _Rhythm("invoice-cron", "06:00", 2, 1, 0, ("10.20.6.55",)),
    _Rhythm("uptime-probe fra", "00:00", 1440, 1.2, 1.2, ("172.104.19.6",), latest=0),
    _Rhythm("search-indexer", "00:00", 1440, 1, 0.6, ("10.50.5.2", "10.50.5.3"), latest=150),
    _Rhythm("slack-notifier", "00:00", 1440, 0.9, 0.5, ("10.30.0.20",), latest=412),
    _Rhythm("data-export", "23:30", 6, 1, 1, ("10.50.3.8",)),
    _Rhythm("claude-bot", "08:15", 600, 3.2, 0.3, ("34.162.7.201", "34.162.7.88"), latest=9),
    _Rhythm("claude-bot eval", "13:00", 240, 1.5, 0, ("10.8.0.57",), until=20),
    _Rhythm("claude-bot laptop", "10:00", 300, 0.4, 0, ("10.8.0.57",), until=27),
    _Rhythm("triage-agent", "07:00", 840, 2.6, 0.8, ("34.162.7.140",), latest=22),
    _Rhythm("renovate-bot forge", "04:20", 12, 1, 0, ("10.20.4.31",), since=16),
    _Rhythm("deploy-bot images", "07:30", 700, 0.8, 0, ("10.20.8.14",), since=6, latest=18, scopes="deploy:write"),
    _Rhythm(_INVOICES[0], "06:40", 20, 1, 0, ("10.20.6.55",), since=11, until=3, scopes="mail:send", personal=True),
    _Rhythm(
        _IMAGES[0],
        "08:00",
        600,
        1,
        0,
        ("10.20.8.14", "10.20.8.15"),
        11,
        latest=44,
        scopes="deploy:write",
        personal=True,
    ),
    _Rhythm(_QUALITY[0], "09:00", 500, 1, 0, ("10.50.7.3",), 3, latest=11, scopes="catalog:read", personal=True),
)


def open_desk(path: Path, *, operator: str = "ada", live: bool = False, source: str = "demo") -> Desk:
    """Build the demo desk's store and open it.

    Args:
        path: The store's file, in a private folder; it must not be there.
        operator: Which of its people sits at the keyboard.
        live: Let the story end at the present instant and the desk's clock go on; otherwise it stands still at `NOW`,
            and everything is the same each time.
        source: Where the operator comes from, as the audit shows it.

    Raises:
        AccessDenied: The operator is none of its active people.
        Conflict: The file is there already.
    """
    if path.exists():
        raise Conflict("there is a file in the demo desk's place", hint="give a path that is not there yet")
    _build(path, shift=system_clock() - NOW if live else timedelta())
    if live:
        return Desk.open(path, operator=operator, source=source)
    return testing.open_desk(path, operator=operator, clock=testing.Clock(NOW), seed=2, source=source)


def _build(path: Path, *, shift: timedelta) -> None:
    clock = testing.Clock(_instant(FOUNDED) + shift)
    known = _Tokens()
    with testing.open_desk(path, clock=clock, source="cli") as desk:
        for together in _grouped(sorted([*_steps(), *_uses()], key=_when)):
            clock.now = max(clock.now, _when(together[0]) + shift)
            if isinstance(together[0], _Step):
                clock.now = _take(desk, together[0], known)
            else:
                clock.now = _play_uses(desk, [use for use in together if isinstance(use, _Use)], known, shift)


def _grouped(story: Iterable[_Step | _Use]) -> Iterator[list[_Step | _Use]]:
    """Leave each step alone, and put the uses between two steps together: they are saved at once, to be quick."""
    for is_step, found in groupby(story, key=lambda part: isinstance(part, _Step)):
        together = list(found)
        yield from ([part] for part in together) if is_step else [together]


def _instant(when: str) -> datetime:
    days, _, clock = when.partition(" ")
    return datetime.combine(NOW.date() - timedelta(days=int(days)), time.fromisoformat(clock), UTC)


def _when(part: _Step | _Use) -> datetime:
    return part.at if isinstance(part, _Use) else _instant(part.when)


def _steps() -> Iterator[_Step]:
    for when, name, full_name, standing in PEOPLE:
        yield _Step(when, "ada", _do(people.add, name, full_name=full_name, standing=standing))
    for when, role, description, members, scopes in ROLES:
        yield _Step(when, "ada", _do(roles.create, role, description=description, scopes=scopes))
        for name in members.split():
            yield _Step(when, "ada", _do(roles.add_member, role, name))
    for bot in BOTS:
        yield _Step(bot.when, bot.creator, _create(bot))
    yield from STORY


def _take(desk: Desk, step: _Step, known: _Tokens) -> datetime:
    desk.store.source = "cli" if step.actor in AT_THE_SHELL else "tui"
    with contextlib.ExitStack() as stack:
        if step.denied:
            stack.enter_context(contextlib.suppress(AccessDenied, NotFound))
        with desk.begin(step.actor) as tx:
            step.act(tx, known)
    return tx.now


def _uses() -> Iterator[_Use]:
    for rhythm in RHYTHMS:
        chance = random.Random(rhythm.key)  # noqa: S311
        for days in range(rhythm.since, rhythm.until - 1, -1):
            yield from _day(rhythm, days, chance)
        if rhythm.latest is not None:
            yield _Use(NOW - timedelta(minutes=rhythm.latest, seconds=20), rhythm, rhythm.addresses[0])


def _day(rhythm: _Rhythm, days: int, chance: random.Random) -> Iterator[_Use]:
    opens = _instant(f"{days} {rhythm.opens}")
    rate = rhythm.weekend if opens.weekday() >= 5 else rhythm.weekday
    quieter = 1 if days <= BUSY_DAYS else 0.12
    for _ in range(int(rate * quieter + chance.random())):
        at = opens + timedelta(seconds=chance.randrange(rhythm.minutes * 60))
        if at < NOW - timedelta(minutes=rhythm.latest or 0):
            yield _Use(at, rhythm, chance.choice(rhythm.addresses))


def _play_uses(desk: Desk, uses: list[_Use], known: _Tokens, shift: timedelta) -> datetime:
    with desk.begin() as tx:
        for use in uses:
            tx.now = max(tx.now, use.at + shift)
            _play(tx, use, known)
    return tx.now


def _play(tx: Transaction, use: _Use, known: _Tokens) -> None:
    key, asked = use.rhythm.key, Asked(address=use.address, scopes=frozenset(use.rhythm.scopes.split()))
    if use.rhythm.personal and key in known.moves:
        personal.note(tx, known.moves[key], asked)
    elif key in known.ids and (use.rhythm.knocks or _is_live(tx, known.ids[key])):
        verification.note(tx, known.ids[key], asked)


def _is_live(tx: Transaction, token_id: str) -> bool:
    token = tx.session.get_one(Token, token_id, populate_existing=True)
    account = tx.session.get_one(Account, token.account_id)
    return tokens.state(token, tx.now) in tokens.LIVE and accounts.state(account) is AccountState.ACTIVE
