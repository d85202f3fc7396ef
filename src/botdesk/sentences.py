"""What was done, told in a sentence: `ada rotated token 'deploy' of ci-bot, overlap 24h`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from botdesk import wording

_SENTENCES: Final = {
    "desk:founded": "founded the desk",
    "desk:set": "{set}",
    "desk:backed-up": "backed the store up{target}",
    "desk:opened": "opened the desk",
    "ssh:used": "used {what} over ssh",
    "key:added": "let {person} in with the key {key}",
    "key:viewed": "looked at the keys of all people",
    "key:removed": "took the key {key} from {person}",
    "person:added": "let {person} in{standing}",
    "person:modified": "modified {person}{changes}",
    "person:disabled": "disabled the person {person}",
    "person:enabled": "enabled the person {person}",
    "person:impersonated": "acted as {person}",
    "role:created": "created the role {role}",
    "role:modified": "modified the role {role}{changes}",
    "role:removed": "removed the role {role}",
    "role:member-added": "put {person} into the role {role}",
    "role:member-dropped": "took {person} out of the role {role}",
    "account:viewed": "looked at {account}",
    "account:created": "created {account}{purpose}",
    "account:modified": "modified {account}{changes}",
    "account:disabled": "disabled {account}{because}",
    "account:enabled": "enabled {account}",
    "account:removed": "removed {account}{because}",
    "account:restored": "restored {account}",
    "account:handed-over": "handed {account} over{former} to {person}",
    "grant:given": "gave {grantee} {level} on {account}",
    "grant:withdrawn": "withdrew the access of {grantee} to {account}",
    "token:issued": "issued token {label} to {account}",
    "token:delivered": "handed token {label} of {account}{target}",
    "token:rotated": "rotated token {label} of {account}{overlap}",
    "token:extended": "extended token {label} of {account}{longer}",
    "token:retired": "ended the overlap of token {label} of {account}",
    "token:reinstated": "took the rotation of token {label} of {account} back",
    "token:revoked": "revoked token {label} of {account}{because}",
    "token:used": "used token {label}{times}",
    "token:refused": "was refused with token {label}{refusal}",
    "token:unknown": "turned away {strings} of this desk{forged}",
    "token:rehashed": "renewed the stored hash of token {label} of {account}",
    "advice:dismissed": "dismissed the advice '{kind}' on {subject}{because}",
    "advice:recalled": "recalled the advice '{kind}' on {subject}",
    "bulk:begun": "began to {verb} {many}",
    "bulk:resumed": "went on with the run {bulk}: {many} left",
    "bulk:ended": "ended the run {bulk}: {told}",
    "notify:claimed": "took it on to tell the {via} of {note}",
    "notify:told": "told the {via} of {note}",
    "notify:gave-up": "gave up telling the {via} of {note}, after {tries} tries",
    "migration:started": "began to move {work} from {owner}'s token to {account}",
    "migration:equipped": "set token {label} of {account} as the new one of {work}",
    "migration:opened": "let {owner}'s old token of {work} count as {account}{until}",
    "migration:closed": "stopped letting {owner}'s old token of {work} count as {account}",
    "migration:paused": "paused the migration of {work} to {account}",
    "migration:resumed": "resumed the migration of {work} to {account}",
    "migration:cancelled": "cancelled the migration of {work} to {account}",
    "personal-token:registered": "registered {owner}'s old token of {work}",
    "personal-token:revoked": "revoked {owner}'s old token of {work}",
    "personal-token:confirmed": "confirmed that {owner}'s old token of {work} is revoked{because}",
    "personal-token:used": "used {owner}'s old token of {work}",
    "personal-token:refused": "was refused with {owner}'s old token of {work}{refusal}",
    "audit:viewed": "looked at the audit",
    "audit:exported": "exported the audit",
    "audit:archived": "archived old events{span}{target}",
}
_SETTINGS: Final = {
    "desk_id": "gave the desk its id",
    "mint_key": "made the desk's mint key",
    "clock_accepted": "accepted the clock as it is",
}
_INFINITIVES: Final = {
    "accepted": "accept", "acted": "act", "archived": "archive", "backed": "back", "began": "begin",
    "cancelled": "cancel", "confirmed": "confirm", "created": "create", "disabled": "disable", "dismissed": "dismiss",
    "enabled": "enable", "ended": "end", "exported": "export", "extended": "extend", "founded": "found",
    "gave": "give", "handed": "hand", "issued": "issue", "looked": "look", "made": "make", "modified": "modify",
    "opened": "open", "paused": "pause", "recalled": "recall", "registered": "register", "removed": "remove",
    "restored": "restore", "resumed": "resume", "revoked": "revoke", "rotated": "rotate", "stopped": "stop",
    "took": "take", "turned": "turn", "used": "use", "was": "be", "withdrew": "withdraw",
}  # fmt: skip
_REFUSALS: Final = {
    "pending": "it was not handed over",
    "proof": "its secret is another",
    "retired": "its overlap is over",
    "scope": "it lacks {missing}",
}
"""Why a token was refused, where its code alone would not say."""

_ENDINGS: Final = {"denied": "refused", "failed": "it failed"}


class _Facts(dict[str, str]):
    """What is told of an event; anything else is `…`."""

    def __missing__(self, name: str) -> str:
        return "…"


def sentence(
    *,
    actor: str,
    action: str,
    account: str | None,
    subject_kind: str | None,
    outcome: str,
    detail: Mapping[str, Any],
) -> str:
    """Tell an event of the audit in words: `ada rotated token 'deploy' of ci-bot, overlap 24h`."""
    told = _told(action, account, subject_kind, detail)
    if outcome in _ENDINGS and not action.endswith("token:refused"):
        told = f"tried to {_infinitive(told)}: {_ENDINGS[outcome]}"
    return wording.visible(f"{actor} {told}")


class Told(Protocol):
    """What of an event its sentence is made of, besides its detail."""

    actor: str
    action: str
    account: str | None
    subject_kind: str | None
    outcome: Any


def event(event: Told, detail: Mapping[str, Any]) -> str:
    """Tell an event of the audit in words, as `sentence` does.

    Args:
        event: The event.
        detail: Its detail, as `audit.detail_of` reads it.
    """
    return sentence(
        actor=event.actor,
        action=event.action,
        account=event.account,
        subject_kind=event.subject_kind,
        outcome=event.outcome,
        detail=detail,
    )


def deed(action: str, account: str | None, detail: Mapping[str, Any]) -> str:
    """Name in words what somebody wants to do: `rotate token 'deploy' of ci-bot`."""
    return wording.visible(_infinitive(_told(action, account, None, detail)))


def _infinitive(told: str) -> str:
    verb, _, rest = told.partition(" ")
    return f"{_INFINITIVES.get(verb, verb)} {rest}"


def _told(action: str, account: str | None, subject_kind: str | None, detail: Mapping[str, Any]) -> str:
    template = _SENTENCES.get(action)
    if template is None:
        return " ".join(f"did {action} {subject_kind or ''} {account or ''}".split())
    return " ".join(template.format_map(_phrases(account, detail)).split())


def _phrases(account: str | None, detail: Mapping[str, Any]) -> _Facts:
    """What the sentences are filled with; a fact that is not told leaves no hole."""
    facts = _Facts({name: str(value) for name, value in detail.items() if value not in (None, "")})

    def said(name: str, form: str) -> str:
        return form.format(facts[name]) if name in facts else ""

    purpose = facts.get("purpose", "other")
    phrases = {
        "account": account or facts.get("name", "an account"),
        "set": _SETTINGS.get(facts["name"], f"set the desk's {facts['name'].replace('_', ' ')}"),
        "label": said("label", "'{}'") or facts["token"],
        "grantee": facts["grantee"].replace(":", " ", 1),
        "level": facts.get("level", "access"),
        "purpose": "" if purpose == "other" else f" for {wording.PURPOSES.get(purpose, purpose)}",
        "standing": said("standing", " as {}"),
        "target": f" to {destination(facts['to'])}" if "to" in facts else "",
        "because": said("reason", ": {}"),
        "refusal": f": {_REFUSALS.get(facts['reason'], '{reason}').format_map(facts)}" if "reason" in facts else "",
        "times": said("count", " {} times"),
        "strings": "1 string that is no token"
        if facts["count"] == "1"
        else f"{facts['count']} strings that are no tokens",
        "forged": said("forged", ", {} of them made with its key"),
        "overlap": said("overlap", ", overlap {}"),
        "changes": _changes(detail.get("changes")),
        "former": said("former", " from {}"),
        "subject": account or facts.get("about", "the desk"),
        "longer": said("by", " by {}"),
        "span": f" {facts['first']} to {facts['last']}" if {"first", "last"} <= facts.keys() else "",
        "work": said("what", "'{}'") or "an integration",
        "owner": facts.get("owner", "somebody"),
        "until": f" until {_at(facts['until'])}" if "until" in facts else "",
    }
    return _Facts(facts | phrases)


def _at(text: str) -> str:
    """An instant of an event, in UTC as people read it; what is none is told as it is."""
    try:
        return wording.when(datetime.fromisoformat(text), UTC)
    except (ValueError, OverflowError):
        return text


def destination(to: str) -> str:
    """Say where a secret or a file went: `the clipboard`, `the file /run/secrets/ci`, `the command vault`."""
    kind, _, named = to.partition(":")
    if kind in ("file", "command") and named:
        return f"the {kind} {named}"
    return {"clipboard": "the clipboard", "stdout": "stdout"}.get(to, to)


def _changes(changes: Any) -> str:
    if not isinstance(changes, Mapping):
        return ""
    told = [
        f"rotation every {pair[0]}d → {pair[1]}d"
        if name == "rotation_days"
        else f"{name.replace('_', ' ')} {pair[0] or 'none'} → {pair[1] or 'none'}"
        for name, pair in changes.items()
        if isinstance(pair, list) and len(pair) == 2
    ]
    return f": {'; '.join(told)}" if told else ""
