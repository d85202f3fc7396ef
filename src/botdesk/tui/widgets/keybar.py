"""The keys of a screen, in one line at the bottom: as many as there is room for, and always how to see them all."""

from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text
from textual import events
from textual.binding import ActiveBinding
from textual.widgets import Static

from botdesk.tui.widgets.window import Window

LAST: Final = "help"
"""The action that is always shown, last."""


class KeyBar(Static):
    """Keys and what they do now; each can be clicked. What cannot be done now is dim."""

    COMPONENT_CLASSES = {"keybar--key", "keybar--off"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__(markup=False, id="keybar")
        self._spans: list[tuple[int, int, ActiveBinding]] = []
        self._drawn: list[tuple[Any, ...]] = []

    def on_mount(self) -> None:
        """Follow what the keys do."""
        self.screen.bindings_updated_signal.subscribe(self, self._draw_anew)

    def _draw_anew(self, _: Any) -> None:
        """Draw it, unless all keys do what they did."""
        if self._all_told() != self._drawn:
            self.refresh()

    def _all_told(self) -> list[tuple[Any, ...]]:
        """All that the bar is drawn from."""
        return [(*found, self._title(found)) for found in self._offered()]

    def render(self) -> Text:
        """Draw the keys that fit."""
        self._drawn = self._all_told()
        shown = [(found, self._told(found)) for found in self._offered()]
        last = [pair for pair in shown if pair[0].binding.action == LAST]
        rest = [pair for pair in shown if pair[0].binding.action != LAST]
        left = self.size.width - sum(told.cell_len for _, told in last)
        text, self._spans = Text(no_wrap=True), []
        for found, told in rest:
            if text.cell_len + told.cell_len > left:
                break
            self._append(text, found, told)
        for found, told in last:
            self._append(text, found, told)
        return text

    def _append(self, text: Text, found: ActiveBinding, told: Text) -> None:
        self._spans.append((text.cell_len, text.cell_len + told.cell_len, found))
        text.append_text(told)

    def _offered(self) -> Iterator[ActiveBinding]:
        first: frozenset[str] = getattr(self.screen, "told_first", frozenset())
        found = list(self.screen.active_bindings.values())
        told: set[str] = set()
        for each in [*(one for one in found if one.binding.action in first), *found]:
            if (each.binding.show or each.binding.action in first) and each.binding.action not in told:
                told.add(each.binding.action)
                yield each

    def _told(self, found: ActiveBinding) -> Text:
        styles = ("keybar--key", "") if found.enabled else ("keybar--off", "keybar--off")
        key, words = (self.get_component_rich_style(name) if name else "" for name in styles)
        text = Text(" ")
        text.append(self.app.get_key_display(found.binding), style=key)
        return text.append(f" {self._title(found)} ", style=words)

    def _title(self, found: ActiveBinding) -> str:
        if found.binding.action == "open" and isinstance(found.node, Window):
            return found.node.opens
        title: str = getattr(self.screen, "title_of", lambda binding: binding.description)(found.binding)
        return title

    async def on_click(self, event: events.Click) -> None:
        """Do what the clicked key does."""
        for start, end, found in self._spans:
            if start <= event.x < end and found.enabled:
                await self.app.run_action(found.binding.action, found.node)
