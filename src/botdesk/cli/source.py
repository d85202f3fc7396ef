"""Where a token was presented from, as JSON tells it."""

from botdesk.uses import Source


def facts(source: Source) -> dict[str, object]:
    """The address, how often, and when last."""
    return {"source": source.address, "count": source.count, "last_at": source.last_at}
