"""The themes: dark, light, and high contrast."""

from typing import Final

from textual.theme import Theme

THEMES: Final = (
    Theme(
        name="botdesk-dark",
        primary="#7aa2f7",
        secondary="#9d7cd8",
        accent="#7dcfff",
        foreground="#c8d0e8",
        background="#14161f",
        surface="#1a1d29",
        panel="#232738",
        success="#9ece6a",
        warning="#e0af68",
        error="#f7768e",
        dark=True,
        variables={"muted": "#7f88a8", "footer-key-foreground": "#7dcfff", "block-cursor-text-style": "none"},
    ),
    Theme(
        name="botdesk-light",
        primary="#2f5bb7",
        secondary="#7a4fb5",
        accent="#0b6e8f",
        foreground="#23273a",
        background="#fbfbfd",
        surface="#f1f2f7",
        panel="#e2e5ef",
        success="#2f7d32",
        warning="#9a5b00",
        error="#b3261e",
        dark=False,
        variables={"muted": "#6b7086", "footer-key-foreground": "#0b6e8f", "block-cursor-text-style": "none"},
    ),
    Theme(
        name="botdesk-contrast",
        primary="#ffff00",
        secondary="#00ffff",
        accent="#00ffff",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#303030",
        success="#00ff00",
        warning="#ffff00",
        error="#ff8080",
        dark=True,
        variables={"muted": "#c0c0c0", "footer-key-foreground": "#ffff00", "block-cursor-text-style": "none"},
    ),
)
