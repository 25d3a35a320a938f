"""Everything can be imported where Python has none of Unix's own modules: on Windows."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

IMPORT_ALL = """
import sys
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty"):
    sys.modules[name] = None  # importing it raises ImportError

from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
"""

USE_SECRETS = """
from pathlib import Path
from booklore_core.storage.secrets import Secrets
import tempfile
with tempfile.TemporaryDirectory() as home:
    secrets = Secrets(Path(home) / "secrets.json")
    secrets.set("a", "b")
    assert secrets.get("a") == "b"
"""


def module_names() -> list[str]:
    found = [(folder, path) for folder in (ROOT, ROOT / "plugins") for path in folder.glob("booklore_*/**/*.py")]
    names = [".".join(path.relative_to(folder).with_suffix("").parts) for folder, path in found]
    return sorted(name.removesuffix(".__init__") for name in names if not name.endswith("__main__"))


def run(program: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stderr


def test_every_module_can_be_imported() -> None:
    names = module_names()

    assert len(names) > 100
    assert run(IMPORT_ALL, *names) == ""


def test_secrets_are_kept_there_too() -> None:
    assert run(IMPORT_ALL + USE_SECRETS) == ""
