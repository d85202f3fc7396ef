"""Where a store lies, as Linux tells it."""

from pathlib import Path

import pytest

from botdesk.store.files import filesystem

MOUNTS = r"""22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:20 / /proc rw - proc proc rw
30 22 0:40 / /home rw,relatime shared:1 - nfs4 filer:/home rw
31 30 8:2 / /home/ada/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/my\040share rw - cifs //box/share rw
33 22 0:42 / /srv rw - ext4 /dev/sdc1 rw
34 22 0:43 / /srv rw master:7 - fuse.sshfs ada@host: rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/botdesk", "ext4"),
        ("/home", "nfs4"),
        ("/home/ada/.local/share/botdesk", "nfs4"),
        ("/homes/ada", "ext4"),
        ("/home/ada/local/botdesk", "xfs"),
        ("/home/ada/localhost", "nfs4"),
        ("/mnt/my share/desk", "cifs"),
        ("/srv/desk", "fuse.sshfs"),
    ],
)
def test_the_nearest_and_newest_mount_tells_the_kind_of_a_folder(folder: str, kind: str) -> None:
    assert filesystem(Path(folder), MOUNTS) == kind


def test_without_mounts_nothing_is_told() -> None:
    assert filesystem(Path("/srv"), "") == ""
