"""The driver of a program that ends at once."""

import contextlib
import signal
import termios

from textual.drivers.linux_driver import LinuxDriver


class PromptDriver(LinuxDriver):
    """Textual's own, but that at the end it does not wait for the thread that reads the keys.

    That thread looks up ten times a second, and twice more before it ends; nobody needs what it would still read.
    """

    def disable_input(self) -> None:
        """Read no more keys."""
        if self._app.is_running:
            super().disable_input()
        elif not self.exit_event.is_set():
            signal.signal(signal.SIGWINCH, signal.SIG_DFL)
            self._disable_mouse_support()
            self.exit_event.set()
            with contextlib.suppress(termios.error):
                termios.tcflush(self.fileno, termios.TCIFLUSH)
