"""How an integration is given its new token, wherever it runs: what hands the secret over, and what then uses it.

The recipes are texts to read: no secret is in one, and none puts a secret on a command line.
"""

import re
import shlex
import textwrap
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Platform(StrEnum):
    """Where integrations run."""

    GITHUB_ACTIONS = "github-actions"
    GITLAB_CI = "gitlab-ci"
    KUBERNETES = "kubernetes"
    SYSTEMD = "systemd"
    CRON = "cron"
    DOTENV = "dotenv"
    CLAUDE = "claude"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to do on one platform.

    Attributes:
        platform: Which one.
        target: Where the secret goes: a target of the handoff, for `--to`.
        needs: What has to be there before the secret is handed over; empty when nothing has.
        steps: What to change in the integration, line by line.
    """

    platform: Platform
    target: str
    needs: str
    steps: tuple[str, ...]


VARIABLE: Final = "BOTDESK_TOKEN"
"""The name under which an integration finds its token."""

_TARGETS: Final = {
    Platform.GITHUB_ACTIONS: f"command:gh secret set {VARIABLE} --repo OWNER/REPO",
    Platform.GITLAB_CI: f"command:glab variable set {VARIABLE} --masked --raw --repo GROUP/PROJECT",
    Platform.KUBERNETES: "command:kubectl create secret generic {name} --from-file=token=/dev/stdin",
    Platform.SYSTEMD: "command:systemd-creds encrypt --name=token - /etc/credstore.encrypted/{name}.token",
    Platform.CRON: "file:/etc/botdesk/{name}.token",
    Platform.DOTENV: f"command:sh -c 'umask 077; {{{{ printf {VARIABLE}=; cat; echo; }}}} > .env.botdesk'",
    Platform.CLAUDE: f"command:sh -c 'umask 077; {{{{ printf {VARIABLE}=; cat; echo; }}}} > {{name}}.env'",
    Platform.OTHER: "file:{name}.token",
}
_NEEDS: Final = {
    Platform.GITHUB_ACTIONS: "gh, logged in ('gh auth status'), with admin rights on the repository",
    Platform.GITLAB_CI: "glab, logged in ('glab auth status'), as a maintainer of the project; where the variable is"
    " there already, 'variable update' takes the place of 'variable set'",
    Platform.KUBERNETES: "kubectl, pointed at the cluster and namespace; where the secret is there already, give the"
    " new one another name and change the name in the pod",
    Platform.SYSTEMD: "root, and systemd 250 or newer",
    Platform.CRON: "a folder that the job's user alone can read",
    Platform.DOTENV: "the folder of the program, and .env.botdesk in its .gitignore",
    Platform.CLAUDE: "the account under which the agent runs, which alone may read the file",
    Platform.OTHER: "",
}
_STEPS: Final = {
    Platform.GITHUB_ACTIONS: (
        "in the workflow's step:",
        "  env:",
        f"    {VARIABLE}: ${{{{{{{{ secrets.{VARIABLE} }}}}}}}}",
        "then delete the old secret: gh secret delete OLD_NAME --repo OWNER/REPO",
    ),
    Platform.GITLAB_CI: (
        f"in .gitlab-ci.yml the job finds it as ${VARIABLE}",
        "then delete the old variable: glab variable delete OLD_NAME --repo GROUP/PROJECT",
    ),
    Platform.KUBERNETES: (
        "in the container of the pod:",
        "  env:",
        f"    - name: {VARIABLE}",
        "      valueFrom:",
        "        secretKeyRef:",
        "          name: {name}",
        "          key: token",
        "then: kubectl rollout restart deployment/NAME",
    ),
    Platform.SYSTEMD: (
        "in the unit:",
        "  [Service]",
        "  LoadCredentialEncrypted=\\",
        "    token:/etc/credstore.encrypted/{name}.token",
        "the program reads $CREDENTIALS_DIRECTORY/token",
        "then: systemctl daemon-reload && systemctl restart UNIT",
    ),
    Platform.CRON: (
        "in the job's script, so that no other user sees it among the processes:",
        '  printf \'header = "Authorization: Bearer %s"\\n\' "$(cat /etc/botdesk/{name}.token)" |',
        "    curl --config - https://…",
        "the file belongs to the job's user: chown USER /etc/botdesk/{name}.token",
    ),
    Platform.DOTENV: (
        f"the program loads .env.botdesk after .env, and reads {VARIABLE}",
        "in docker compose:",
        "  env_file: [.env, .env.botdesk]",
        "then take the old line out of .env",
    ),
    Platform.CLAUDE: (
        "in .mcp.json, which holds the name of the variable and never the token:",
        '  "headers": {{"Authorization": "Bearer ${{' + VARIABLE + '}}"}}',
        "start the agent with the file's variable in its environment:",
        "  set -a; . ./{name}.env; set +a; claude",
        "any other agent: point its credential helper at the file",
    ),
    Platform.OTHER: (
        "give the integration the file, readable by it alone",
        "it sends the header 'Authorization: Bearer …' with what is in it",
    ),
}


def recipe(platform: Platform, account: str, place: str = "") -> Recipe:
    """The recipe for a platform, for the token of an account.

    Args:
        platform: Where the integration runs.
        account: The account's name.
        place: Where it is; the name of a repository stands in the recipe then.
    """

    def filled(text: str) -> str:
        named = _REPOSITORIES.get(platform)
        told = text.format(name=account)
        return told.replace(named[0], place) if named and named[1].fullmatch(place) else told

    steps = tuple(filled(step) for step in _STEPS[platform])
    return Recipe(platform, filled(_TARGETS[platform]), _NEEDS[platform], steps)


_REPOSITORIES: Final = {
    Platform.GITHUB_ACTIONS: ("OWNER/REPO", re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")),
    Platform.GITLAB_CI: ("GROUP/PROJECT", re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")),
}
"""What stands for a repository's name, and what its name looks like."""


def handing_over(found: Recipe, migration_id: str) -> str:
    """The command that issues a migration's new token straight to where it goes."""
    return f"botdesk migration issue {migration_id} --to {shlex.quote(found.target)}"


def told(found: Recipe, width: int = 76) -> list[str]:
    """A recipe in lines to read and to copy, none longer than `width`, but for words that cannot be broken."""
    kind, _, where = found.target.partition(":")
    taker = "the secret goes to the stdin of:" if kind == "command" else "the secret goes to a new file:"
    needs = [f"needs {found.needs}"] if found.needs else []
    lines = [*needs, taker, f"  {where}", *found.steps]
    return [part for line in lines for part in folded(line, width)]


def folded(line: str, width: int) -> list[str]:
    """Break a line that is longer: prose between its words, a command, which is indented, so that a shell reads it."""
    if len(line) <= width:
        return [line]
    if not line.startswith("  "):
        return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    indent = " " * (len(line) - len(line.lstrip()))
    lines, ends = [], ""
    now = indent
    for piece, end in _pieces(line):
        if now.strip() and len(now) + 1 + len(piece) + len(end) > width:
            lines.append(now + ends)
            now = f"{indent}  {piece}"
        else:
            now = f"{now} {piece}" if now.strip() else now + piece
        ends = end
    return [*lines, now]


_WORD: Final = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""")


def _pieces(line: str) -> list[tuple[str, str]]:
    """The parts of a command that may stand on lines of their own, each with what ends a line that it is last of."""
    found = []
    for word in _WORD.findall(line):
        *before, last = re.split(r"(?<=;) ", word)
        found += [(part, "") for part in before] + [(last, " \\")]
    return found
