"""The store as a file: its folder, its owner, its mode, its place.

A store that others may write to is refused: whoever may write the file may write anything into it.
"""

import contextlib
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from botdesk.errors import StoreError

NO_DESK: Final = "check where it is; 'botdesk' makes a new one in a terminal, and so does 'botdesk account create'"
"""What to try when there is no desk where one was looked for."""

_SMALLEST: Final = 512
"""How many bytes a store has at least; SQLite would take a file of one byte for an empty one."""

_BESIDE: Final = ("-wal", "-shm", "-journal", ".lock")
"""What SQLite, and botdesk, take for a part of the store by its name alone."""

_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "fuse.sshfs", "ncpfs"})


def absolute(path: str | Path) -> str:
    """The whole path of a file; a `~` of a user who is not known here stays as it is."""
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111


def prepare(path: Path, *, create: bool, make_folder: bool = False) -> None:
    """Make sure that the file is there, private and on a local disk, before any connection is made.

    Args:
        path: The store's file.
        create: Whether a missing file is made.
        make_folder: Whether a missing folder is made, too.

    Raises:
        StoreError: The file is absent and may not be made; or it is a symlink; or it, what lies beside it under its
            name, or its folder is somebody else's, open to others, or on a network file system. Nothing was changed.
    """
    if make_folder and not create and not path.parent.exists():
        raise _no_store(path)
    _prepare_folder(path.parent, wanted=create, make=create and make_folder)
    if not os.path.lexists(path):
        if not create:
            raise _no_store(path)
        create_private(path)
    found = _check_file(path)
    if sys.platform != "win32":
        _check_folders_owner(path.parent, found.st_uid)
        _check_beside(path, found.st_uid)
    _refuse_network(path.parent)


def _no_store(path: Path) -> StoreError:
    return StoreError(f"there is no store at '{path}'", hint=NO_DESK)


def create_private(path: Path) -> None:
    """Create an empty file with mode 0600, whatever the umask.

    Raises:
        StoreError: It cannot be created, or it is there already.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        if path.is_symlink():
            raise StoreError(f"'{path}' is a symlink", hint="name the file itself") from None
        return
    except OSError as error:
        raise StoreError(
            f"'{path}' cannot be created: {error.strerror}", hint="check the folder's permissions"
        ) from None
    os.fchmod(descriptor, 0o600)
    os.close(descriptor)


def create_folder(folder: Path) -> None:
    """Make a folder and its missing parents, each with mode 0700, whatever the umask; one that is there is left so.

    Raises:
        StoreError: It cannot be made.
    """
    try:
        for missing in [part for part in reversed((folder, *folder.parents)) if not part.exists()]:
            with contextlib.suppress(FileExistsError):
                missing.mkdir(mode=0o700)
                missing.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"the folder '{folder}' cannot be made: {error.strerror}", hint="check who may write beside it: ls -ld"
        ) from None


def _prepare_folder(folder: Path, *, wanted: bool, make: bool) -> None:
    if make:
        create_folder(folder)
    try:
        found = folder.stat()
    except FileNotFoundError:
        hint = f"make it, private: mkdir -m 700 '{folder}'" if wanted else NO_DESK
        raise StoreError(f"there is no folder '{folder}'", hint=hint) from None
    except OSError as error:
        raise StoreError(
            f"the folder '{folder}' cannot be used: {error.strerror}", hint="name another store with --store"
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        raise StoreError(f"'{folder}' is no folder", hint="name another store with --store")
    if sys.platform != "win32" and _open_to_others(found):
        raise StoreError(
            f"others may write to the folder '{folder}'",
            hint=f"keep the store in a folder of its own: {_own_folder(folder, found)}",
        )


def _own_folder(folder: Path, found: os.stat_result) -> str:
    """The command that makes a private folder; one that is meant for everybody stays so."""
    if found.st_mode & stat.S_ISVTX:
        return f"mkdir -m 700 '{folder / 'botdesk'}'"
    return f"chmod 700 '{folder}'"


def _check_file(path: Path) -> os.stat_result:
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise StoreError(f"the store '{path}' is a symlink", hint="name the file itself")
        if not stat.S_ISREG(found.st_mode):
            raise StoreError(f"the store '{path}' is no file", hint="name an SQLite file with --store")
    except OSError as error:
        raise StoreError(f"the store '{path}' cannot be read: {error.strerror}", hint=_owner_hint(path)) from None
    if 0 < found.st_size < _SMALLEST:
        raise StoreError(
            f"the store '{path}' is damaged or no SQLite file",
            hint="it was left as it is; put a backup in its place, or name another store with --store",
        )
    if sys.platform != "win32":
        _check_owner(path, found)
    return found


def _check_owner(path: Path, found: os.stat_result) -> None:
    if os.geteuid() not in (0, found.st_uid):
        raise StoreError(f"the store '{path}' belongs to another user", hint="run botdesk as its owner")
    if _open_to_others(found):
        raise StoreError(f"others may write to the store '{path}'", hint=f"make it private: chmod 600 '{path}'")


def _check_folders_owner(folder: Path, owner: int) -> None:
    if folder.stat().st_uid not in (0, owner):
        raise StoreError(
            f"the folder '{folder}' belongs to another user than the store",
            hint=f"keep the store in a folder of its own: ls -ld '{folder}' tells whose this is",
        )


def _check_beside(path: Path, owner: int) -> None:
    """Refuse a log, journal or lock that another user put beside the store: its content would become the store's."""
    for beside in (path.with_name(path.name + ending) for ending in _BESIDE):
        try:
            found = beside.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, owner) or _open_to_others(found):
            raise StoreError(
                f"'{beside}' is not the store's own: it is no file, another user's, or others may write to it",
                hint=f"do not use the store before you know who put it there: ls -l '{beside}'",
            )


def identity(path: Path | str) -> tuple[int, int] | None:
    """What tells the file at this path from any other that takes its place; None when there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the quicker one, for the read behind every verification
    except OSError:
        return None
    return found.st_dev, found.st_ino


def make_private(path: Path) -> None:
    """Take from others the right to read the store's file.

    Raises:
        StoreError: It belongs to somebody else.
    """
    if sys.platform == "win32" or not path.stat().st_mode & 0o077:
        return
    try:
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(f"others may read the store '{path}': {error.strerror}", hint=_owner_hint(path)) from None


def _open_to_others(found: os.stat_result) -> bool:
    return bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _owner_hint(path: Path) -> str:
    return f"check who may read it: ls -l '{path}'"


def _refuse_network(folder: Path) -> None:
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
    except OSError:
        return
    kind = filesystem(folder, mounts)
    if kind in _NETWORK:
        raise StoreError(
            f"the store's folder '{folder}' is on a network file system ({kind})",
            hint="SQLite loses data there: use a local disk, or PostgreSQL for a team",
        )


def filesystem(folder: Path, mounts: str) -> str:
    """The kind of file system that a folder lies on, from the text of Linux's `mountinfo`; empty when untold."""
    place, best, kind = str(folder.resolve()), "", ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        mount = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), left.split(" ")[4])
        if len(mount) >= len(best) and (place == mount or place.startswith(mount.rstrip("/") + "/")):
            best, kind = mount, right.split(" ")[0]
    return kind


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the store's lock file, so that one process at a time founds or upgrades it."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"'{lock}' cannot be made: {error.strerror}", hint="check the folder's permissions") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
