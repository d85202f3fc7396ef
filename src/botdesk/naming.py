"""A name and a purpose for the account of an integration, from what people call it and where it runs."""

import re
from typing import Final

from botdesk import accounts
from botdesk.accounts import Purpose
from botdesk.recipes import Platform

MOST_WORDS: Final = 3
LONGEST_NAME: Final = 40
_NOISE: Final = frozenset(
    (
        *("a", "an", "and", "at", "com", "for", "from", "git", "github", "gitlab", "http", "https", "in", "io", "net"),
        *("of", "on", "org", "our", "personal", "s", "ssh", "the", "to", "token", "with", "www", "yaml", "yml"),
    )
)


def suggested(what: str) -> str:
    """A name for the account, from what the integration is: `GitHub: acme/shop nightly build` → `shop-nightly-build`.

    Returns:
        The name; empty when the text suggests none.
    """
    words = [word for word in re.findall(r"[a-z0-9]+", what.lower()) if word not in _NOISE]
    while words and words[0][0].isdigit():
        words = words[1:]
    while len(words) > 1 and (len(words) > MOST_WORDS or len("-".join(words)) > LONGEST_NAME):
        words = words[1:]
    name = "-".join(words)[:LONGEST_NAME].strip("-")
    return name if len(name) >= 3 and name[0].isalpha() and not accounts.vague(name) else ""


def purpose(platform: Platform) -> Purpose:
    """What kind of bot it is that runs there, as far as that tells."""
    return _PURPOSES.get(platform, Purpose.OTHER)


_PURPOSES: Final = {
    Platform.GITHUB_ACTIONS: Purpose.CI,
    Platform.GITLAB_CI: Purpose.CI,
    Platform.CRON: Purpose.SCHEDULE,
    Platform.CLAUDE: Purpose.AGENT,
}
