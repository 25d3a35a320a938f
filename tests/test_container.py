"""The container: what is built, how it is begun, and how it says that it is well."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from booklore_core.cli.commands.serve import PORT

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".container"
ENTRY_POINT = FOLDER / "entrypoint.py"
COMPOSE = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
SOMEBODY = 12345

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the container's own system")


def instructions() -> list[tuple[str, str]]:
    """Of the Containerfile: name and what follows it."""
    text = (FOLDER / "Containerfile").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def told(name: str) -> list[str]:
    return [rest for one, rest in instructions() if one == name]


def variables() -> dict[str, str]:
    return dict(word.split("=") for rest in told("ENV") for word in rest.split())


def entry(key: str, indent: int) -> str:
    """What stands below a key of compose.yaml."""
    found = re.search(rf"^ {{{indent}}}{key}:\n((?: {{{indent + 1},}}.*\n)+)", COMPOSE, re.MULTILINE)
    assert found, key
    return found[1]


def run(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOOKLORE_", "PUID", "PGID"))}
    command = [sys.executable, str(ENTRY_POINT), *words]
    return subprocess.run(command, env={**kept, **environ}, capture_output=True, text=True, timeout=60, check=False)


def test_it_is_slim_and_needs_nothing_but_what_is_here() -> None:
    known = {"FROM", "COPY", "RUN", "ENV", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}

    assert {name for name, _ in instructions()} == known
    assert all("-slim" in rest for rest in told("FROM"))
    assert not [rest for _, rest in instructions() if re.search(r"curl|wget|apt-get", rest)]
    copied = [rest.split()[0] for rest in told("COPY") if not rest.startswith("--from")]
    assert all((ROOT / name).exists() for name in copied)
    assert json.loads(told("ENTRYPOINT")[0]) == ["booklore"] and json.loads(told("CMD")[0]) == ["serve"]


def test_everything_that_is_packed_is_in_the_context() -> None:
    allowed = [line[1:] for line in (FOLDER / "Containerfile.dockerignore").read_text().splitlines() if line[0] == "!"]
    needed = ["booklore_core", "plugins", "bridge_lua", "pyproject.toml", "README.md", "LICENSE"]

    assert set(needed) <= set(allowed)
    assert all((ROOT / name).exists() for name in allowed)


def test_compose_leads_to_where_the_image_serves_and_keeps_its_data() -> None:
    given = variables()

    assert told("VOLUME") == [given["BOOKLORE_HOME"]] and told("EXPOSE") == [given["BOOKLORE_PORT"]] == [str(PORT)]
    assert f'- "{PORT}:{PORT}"' in entry("ports", 4)
    assert re.search(rf"^ +- (\w+):{given['BOOKLORE_HOME']}$", entry("volumes", 4), re.MULTILINE)
    assert re.search(r"^  (\w+):$", entry("volumes", 0), re.MULTILINE)
    build = dict(line.strip().split(": ") for line in entry("build", 4).splitlines())
    assert (FOLDER / build["context"] / build["dockerfile"]).resolve() == FOLDER / "Containerfile"


def test_compose_holds_no_secret_and_names_each_that_it_gives() -> None:
    environment = entry("environment", 4)
    given = re.findall(r"^ {6}(\w+): (.*)$", environment, re.MULTILINE)
    secrets = re.findall(r"- (\w+)", entry("secrets", 4))

    assert not [name for name, _ in given if "PASSWORD" in name and not name.endswith("_FILE")]
    assert [value for name, value in given if name.endswith("_FILE")] == [f"/run/secrets/{name}" for name in secrets]
    assert all(re.search(rf"^  {name}:$", entry("secrets", 0), re.MULTILINE) for name in secrets)
    assert {"PUID", "PGID", "BOOKLORE_URL", "BOOKLORE_BRIDGE_URL"} <= {name for name, _ in given}
    assert "\t" not in COMPOSE and not re.search(r"^(?: {2})* \S", COMPOSE, re.MULTILINE)


def test_the_health_check_asks_the_running_bridge(tmp_path: Path) -> None:
    [check] = told("HEALTHCHECK")
    _, *words = json.loads(check[check.index("[") :])
    environ = {**os.environ, "BOOKLORE_HOME": str(tmp_path / "home")}
    serve = [sys.executable, "-m", "booklore_core", "serve", "--port", "0"]
    with subprocess.Popen(serve, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip().rsplit(":", 1)[1]
        while_up = subprocess.run([sys.executable, *words], env={**environ, "BOOKLORE_PORT": port}, check=False)
        process.send_signal(signal.SIGTERM)
    once_down = subprocess.run(
        [sys.executable, *words], env={**environ, "BOOKLORE_PORT": port}, check=False, stderr=subprocess.DEVNULL
    )

    assert (while_up.returncode, once_down.returncode != 0) == (0, True)


def test_the_entry_point_is_the_command_with_its_arguments(tmp_path: Path) -> None:
    ran = run("config", "get", "sessions.min_duration", BOOKLORE_HOME=str(tmp_path), PUID="0", PGID="0")

    assert (ran.returncode, ran.stdout) == (0, "30\n"), ran.stderr
    assert os.access(ENTRY_POINT, os.X_OK)


@pytest.fixture
def image() -> Iterator[Path]:
    """A folder that everybody reaches, with a `booklore` in an environment of its own that tells who it is."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes somebody else")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    program = '#!/bin/sh\ntouch "$BOOKLORE_HOME/new"\necho "$(id -u) $(id -g) $(id -G) $HOME $*"\n'
    (folder / "bin" / "booklore").write_text(program)
    (folder / "bin" / "booklore").chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_nothing_runs_as_root_and_the_data_belong_to_who_was_named(image: Path) -> None:
    home = image / "data"
    home.mkdir()
    (home / "left.txt").write_text("of an earlier owner")
    user, group = str(SOMEBODY), str(SOMEBODY + 1)

    command = [str(image / "bin" / "python"), str(ENTRY_POINT), "serve", "--port", "1"]
    environ = {"PATH": "/usr/bin:/bin", "BOOKLORE_HOME": str(home), "PUID": user, "PGID": group}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert ran.stdout == f"{user} {group} {group} {home} serve --port 1\n", ran.stderr
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in (home, *home.rglob("*"))}
    assert (home / "new").exists() and owners == {(SOMEBODY, SOMEBODY + 1)}


@pytest.mark.parametrize("name", ["PUID", "PGID"])
def test_a_user_that_is_no_number_is_told(image: Path, name: str) -> None:
    ran = run("status", BOOKLORE_HOME=str(image / "data"), **{name: "anna"})

    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert f"{name}: expected a number" in ran.stderr and "'anna'" in ran.stderr
