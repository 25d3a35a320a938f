#!/opt/booklore/bin/python
"""`booklore` in the container, for its start and for `docker exec` alike: root makes the data folder PUID's and PGID's,
and becomes them. Under `--user` it stays who it is."""

import os
import sys
from pathlib import Path


def main() -> None:
    home = Path(os.environ.get("BOOKLORE_HOME", "/data"))
    if os.geteuid() == 0:
        become(number("PUID"), number("PGID"), home)
    os.environ["HOME"] = str(home)
    program = Path(sys.prefix, "bin", "booklore")
    os.execv(program, [str(program), *sys.argv[1:]])


def become(user: int, group: int, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    for path in (home, *home.rglob("*")):
        found = path.lstat()
        if (found.st_uid, found.st_gid) != (user, group):
            os.chown(path, user, group, follow_symlinks=False)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


def number(name: str) -> int:
    text = os.environ.get(name, "1000")
    if not text.isascii() or not text.isdigit():
        sys.exit(f"booklore: {name}: expected a number as `id` shows it, got {text!r}")
    return int(text)


main()
