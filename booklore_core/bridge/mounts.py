"""Whether the database lies on a network file system: SQLite's write-ahead log needs memory that all its users share,
and no network gives that, so the file may be damaged. Source: sqlite.org/wal.html."""

import os
import re
from pathlib import Path

from booklore_core.core import WAL, WAL_VARIABLE
from booklore_core.storage.places import Places
from booklore_core.targets import Check

MOUNTS = Path("/proc/mounts")
"""What is mounted where, on Linux; other systems are not asked."""

NETWORK = re.compile(
    r"(fuse\.)?(nfs\d?|cifs|smb\d?|smbfs|afs|9p|ceph|glusterfs|lustre|ncpfs|davfs\d?|sshfs|rclone|s3fs)"
)
ADVICE = f"start it with {WAL_VARIABLE}=false, or have BOOKLORE_HOME on a disk of this machine"


def check_mount(places: Places) -> Check | None:
    """A failure where the write-ahead log is on and lies on a network file system."""
    file = places.database_file
    if file is None or not WAL.check(os.environ.get(WAL_VARIABLE) or True, WAL_VARIABLE):
        return None
    mount, kind = mount_of(file)
    if not NETWORK.fullmatch(kind):
        return None
    told = f"{file} lies on a network file system ({kind} at {mount}), where SQLite's write-ahead log may damage it"
    return Check("write-ahead log", False, told, ADVICE)


def mount_of(file: Path) -> tuple[str, str]:
    """Where the file system of a file is mounted, and its type; of several in one place the last. Empty: unknown."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return "", ""
    found, real = ("", ""), file.resolve()
    for _, place, kind, *_ in (line.split() for line in lines):
        mount = re.sub(r"\\([0-7]{3})", lambda escaped: chr(int(escaped[1], 8)), place)
        if real.is_relative_to(mount) and len(mount) >= len(found[0]):
            found = mount, kind
    return found
