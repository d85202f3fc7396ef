"""Start botdesk: harden the process, then open the TUI or hand over to the command line.

Textual and Typer are imported late: the first must not see its own environment variables, and a
`botdesk --version` needs neither.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def main(argv: Sequence[str] | None = None) -> int:
    """Run botdesk and return its exit code.

    Args:
        argv: The words after the program's name; those of the process when None.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    harden()
    if words[:1] == ["ssh"] and "authorized-keys" not in words and sys.platform != "win32":
        _isolate(words)
    code = start(words)
    if argv is None and "botdesk.tui.start" in sys.modules:
        _end(code)
    return code


def _end(code: int) -> NoReturn:
    """End the process at once: all is saved and closed, and taking a large program apart would be seen as a delay."""
    import contextlib

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def start(words: list[str]) -> int:
    """Open the TUI when the words say no more than which desk, otherwise run the command that they name."""
    if words == ["--version"]:
        return _version()
    from botdesk.cli import output, screen

    try:
        asked = None if "_BOTDESK_COMPLETE" in os.environ else screen.asked(words)
        if asked is None:
            from botdesk.cli import app

            return app.run(words)
        return screen.show(**asked)
    except BaseException as error:
        return output.report(error)


def _isolate(words: list[str]) -> None:
    """Leave the client's environment behind, before anything that could be swayed by it is imported."""
    from botdesk import remote

    remote.isolate(words)


def _version() -> int:
    from botdesk import __version__

    sys.stdout.write(f"botdesk {__version__}\n")
    return 0


def harden() -> None:
    """Keep what this process holds to itself: private files, no core dumps, no debugger of the same user.

    Textual's environment variables go too: `TEXTUAL_LOG` would write pasted text to a file.
    """
    os.umask(0o077)
    for name in [name for name in os.environ if name.startswith("TEXTUAL")]:
        del os.environ[name]
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _refuse_dumps()


def _refuse_dumps() -> None:
    """Set PR_SET_DUMPABLE to 0; where there is no prctl the resource limit has to do."""
    import contextlib
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
