"""What leaves for the terminal: every text passes these filters, whatever widget drew it."""

import os
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from botdesk import wording

_PLAIN: Final[Mapping[str, str]] = {
    **dict.fromkeys("·–—─━═╸╺", "-"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
    **dict.fromkeys("│┃║▏▕▎▊▌▐", "|"),
    **dict(zip("▁▂▃▄▅▆▇█", ".:-=+*#%", strict=True)),
    **dict(zip("●•…‹›↑↓←→", "**~<>^v<>", strict=True)),
}
"""What stands for a symbol where the terminal has ASCII alone; each as wide as the symbol."""


class Visible(LineFilter):
    """Turns control, bidi and zero-width characters of any widget into visible symbols, and keeps the line's width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Filter one line on its way to the terminal."""
        if not any(wording.hidden(text) for text, _, control in segments if not control):
            return segments
        seen = [
            Segment(text if control else wording.visible(text), style, control) for text, style, control in segments
        ]
        return Segment.adjust_line_length(seen, Segment.get_line_length(segments))


class Ascii(LineFilter):
    """Turns what is not ASCII into what looks most like it, for a terminal that has nothing else."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Filter one line on its way to the terminal."""
        return [
            segment if segment.control or segment.text.isascii() else Segment(plain(segment.text), segment.style)
            for segment in segments
        ]


@lru_cache(4096)
def plain(text: str) -> str:
    """Write a text in ASCII, as wide as before."""
    return "".join(character if character.isascii() else _plain(character) for character in text)


def _plain(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    base, width = unicodedata.normalize("NFKD", character)[0], cell_len(character)
    return base if base.isascii() and width == 1 else "?" * width


def is_ascii_terminal(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether the locale promises no more than ASCII, as tmux and most programs read it."""
    environ = os.environ if environ is None else environ
    found = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := environ.get(name))), "")
    return "utf" not in found.lower()
