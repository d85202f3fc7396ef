"""What all commands share: where the desk is, who acts, and the options that mean the same everywhere."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, ParamSpec, TextIO, TypeVar

import typer

from botdesk import accounts, people, roles, settings, tokens, wording
from botdesk.cli import confinement, output, screen
from botdesk.desk import Desk
from botdesk.desk import Transaction as Transaction
from botdesk.errors import InvalidInput
from botdesk.remote import Entry
from botdesk.settings import Settings

MOST_COMPLETIONS: Final = 200
FOUNDING: Final = frozenset({"account create", "person add", "role create"})
"""The commands that make a desk where there is none; the others are about one, so that a mistyped store is an error."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of a command: which desk it goes to and who acts there.

    Attributes:
        store: What `--store` said; None for the settings' store.
        acting_as: What `--as` said; None for the operator.
        entry: Who came in over SSH; None at the host.
        founds: Whether a desk is made where there is none.
    """

    store: str | None = field(default=None, repr=False)
    acting_as: str | None = None
    entry: Entry | None = None
    founds: bool = False

    @property
    def settings(self) -> Settings:
        """The settings, with the store of this visit; over SSH a secret goes through the terminal or not at all."""
        found = settings.load(store=self.store)
        if self.entry is None:
            return found
        own = found.state_dir / "people" / self.entry.person
        return replace(found, confined=True, clipboard="osc52", state_dir=own)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Open the desk, and say so when that made its first admin."""
        with self._opened() as desk:
            if desk.founded:
                output.talk(f"made {desk.operator} the first admin of this desk ({desk.location})")
            yield desk

    def _opened(self) -> Desk:
        if self.entry is not None:
            return Desk.enter(self.entry, settings=self.settings)
        return Desk.open(settings=self.settings, acting_as=self.acting_as, source="cli", create=self.founds)

    def show(self, *, demo: bool = False) -> int:
        """Open the desk in the terminal and return its exit code."""
        return screen.show(acting_as=self.acting_as, demo=demo, entry=self.entry, found=self.settings)

    def withhold(self, what: str, hint: str) -> None:
        """Refuse something to who came in over SSH, and have that recorded; at the host nothing is withheld.

        Raises:
            AccessDenied: They came in over SSH.
        """
        if self.entry is not None:
            with self.desk() as desk:
                confinement.withhold(desk, what, hint)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Open the desk and begin a transaction that writes."""
        with self.desk() as desk, desk.begin() as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open the desk and begin a transaction that only reads."""
        with self.desk() as desk, desk.read() as tx:
            yield tx

    def ask(self, question: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Open the desk and ask one question."""
        with self.desk() as desk:
            return desk.ask(question, *args, **kwargs)


StoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="The store: a path or URL, else BOTDESK_STORE, else the default."),
]
AsOption = Annotated[str | None, typer.Option("--as", metavar="PERSON", help="Act as this person; admins only.")]


def visiting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--store` and `--as`, and its `Visit` as the first argument.

    What is said after the verb wins over what is said before the noun.
    """

    @functools.wraps(command)
    def run(ctx: typer.Context, **given: Any) -> None:
        visit = visit_of(ctx)
        for name in ("store", "acting_as"):
            given.pop(name)
        if (named := _path_of(ctx)) not in confinement.OFFERED:
            visit.withhold(named, "it is for who is at the host; see 'botdesk --help' for the rest")
        if any(_is_path(value) for value in given.values()):
            visit.withhold("a file of the host", "use stdin and stdout: ssh … botdesk audit export > events.jsonl")
        command(replace(visit, founds=named in FOUNDING), **given)

    run.__signature__ = _with_options(command)  # type: ignore[attr-defined]
    return run


def _is_path(value: Any) -> bool:
    return any(_is_path(one) for one in value) if isinstance(value, (list, tuple)) else isinstance(value, Path)


def _with_options(command: Callable[..., None]) -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [part.replace(kind=keyword) for part in list(inspect.signature(command).parameters.values())[1:]]
    return inspect.Signature(
        [
            inspect.Parameter("ctx", keyword, annotation=typer.Context),
            *own,
            inspect.Parameter("store", keyword, default=None, annotation=StoreOption),
            inspect.Parameter("acting_as", keyword, default=None, annotation=AsOption),
        ]
    )


def _path_of(ctx: typer.Context) -> str:
    """The command as it is said: `person key add`."""
    names: list[str] = []
    place: Any = ctx
    while place.parent is not None:
        names.append(place.info_name or "")
        place = place.parent
    return " ".join(reversed(names))


def visit_of(ctx: typer.Context) -> Visit:
    """Read `--store` and `--as` from wherever they stand on the command line; over SSH neither may be said.

    Raises:
        AccessDenied: One of them was said over SSH.
    """
    store, acting_as = _said(ctx, "store"), _said(ctx, "acting_as")
    came = ctx.find_root().obj
    if not isinstance(came, Visit):
        return Visit(store=store, acting_as=acting_as)
    for name, said in (("--store", store), ("--as", acting_as)):
        if said is not None:
            came.withhold(name, "your key says who you are, and at which desk")
    return came


def _said(ctx: Any, name: str) -> str | None:
    """What an option says, at the verb or at a noun before it."""
    while ctx is not None:
        if (value := ctx.params.get(name)) is not None:
            return str(value)
        ctx = ctx.parent
    return None


Offered = Iterable[tuple[str, str]]
"""Words to complete to, each with what it is."""


def completing(offer: Callable[[Transaction, str], Offered]) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    """Offer what begins with the typed letters; nothing at all when anything is wrong.

    A shell shows whatever a completion prints, so this neither complains nor makes a store, and a name that could steer
    the terminal is left out.
    """

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        try:
            with visit_of(ctx).desk() as desk, desk.read() as tx:
                found = [pair for pair in offer(tx, incomplete) if pair[0].startswith(incomplete)]
        except Exception:
            return []
        return [(word, wording.visible(what)) for word, what in found[:MOST_COMPLETIONS] if not wording.hidden(word)]

    return complete


def _accounts(tx: Transaction, incomplete: str) -> Offered:
    page = accounts.page(tx, accounts.Filter(text=incomplete), limit=MOST_COMPLETIONS)
    return ((line.account.name, line.account.purpose.value) for line in page.rows)


def _tokens(tx: Transaction, incomplete: str) -> Offered:
    return ((line.token.id, f"{line.token.label} of {line.account}, {line.state}") for line in tokens.listed(tx))


def _people(tx: Transaction, incomplete: str) -> Offered:
    return ((line.person.name, line.person.full_name) for line in people.listed(tx))


def _roles(tx: Transaction, incomplete: str) -> Offered:
    return ((line.role.name, line.role.description) for line in roles.listed(tx))


complete_account = completing(_accounts)
complete_person = completing(_people)
complete_role = completing(_roles)

AccountName = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="The account's name or id.", autocompletion=complete_account)
]
SomeAccount = Annotated[
    str | None, typer.Argument(metavar="ACCOUNT", help="Only of this account.", autocompletion=complete_account)
]
TokenId = Annotated[str, typer.Argument(metavar="TOKEN", help="The token's id.", autocompletion=completing(_tokens))]
PersonName = Annotated[str, typer.Argument(metavar="PERSON", help="The person's name.", autocompletion=complete_person)]
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="The role's name.", autocompletion=complete_role)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
IfVersion = Annotated[
    int | None,
    typer.Option("--if-version", metavar="NUMBER", help="Only if it is still as it was at this version, from --json."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell who would gain and who would lose.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Scopes = Annotated[
    list[str] | None, typer.Option("--scope", metavar="SCOPE", help="A scope, or several in quotes; repeatable.")
]
Description = Annotated[str | None, typer.Option("--description", help="What it is for, in a sentence.")]


def insist(*said: object) -> None:
    """Refuse a change of which nothing was said.

    Raises:
        InvalidInput: No option says what is to change.
    """
    if all(one is None or one == [] for one in said):
        raise InvalidInput("nothing was said of what is to change", hint="give at least one option; --help lists them")


def at_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return output.on_terminal(sys.stdin) and output.on_terminal(sys.stderr)


def ask(question: str, *, of: TextIO | None = None) -> str:
    """Ask at the terminal, on stderr so that stdout stays data; the answer comes on stdin, or from another stream."""
    sys.stderr.write(f"{wording.visible(question)} ")
    sys.stderr.flush()
    return (of or sys.stdin).readline().strip()


def confirm_typed(word: str, *, yes: bool, what: str) -> None:
    """Have a word typed before something is done that cannot be undone.

    Raises:
        InvalidInput: Nobody can be asked, or something else was typed.
    """
    if yes:
        return
    if not at_terminal():
        raise InvalidInput(f"{what}, so it is to be confirmed", hint="say --yes where nobody can be asked")
    output.talk(what)
    if ask(f"type '{word}' to go on:") != word:
        raise InvalidInput("that is not the name, so nothing was done", hint="type the name exactly, or say --yes")


def confirm(question: str, *, yes: bool) -> None:
    """Ask for a yes where somebody can be asked; a script has said what it wants.

    Raises:
        InvalidInput: The answer was not yes.
    """
    if not yes and at_terminal() and ask(f"{question} [y/N]").lower() not in ("y", "yes"):
        raise InvalidInput("not confirmed, so nothing was done", hint="answer y, or say --yes")
