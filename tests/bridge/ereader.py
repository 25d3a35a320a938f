"""An e-reader without the hardware: the shim's real Lua in LuaJIT, on a small KOReader, real files and real HTTP."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import lupa.luajit21 as luajit

SHIM = Path(__file__).parents[2] / "bridge_lua" / "booklorebridge.koplugin"
PARTS = ("", "_files", "_network", "_screen", "_sidecars", "_apps")
FAKE = [Path(__file__).with_name(f"koreader{part}.lua") for part in PARTS]
BOOKS = "/mnt/onboard/Books"


def to_lua(text: str) -> str:
    """Text as the runtime's byte strings (one character per byte)."""
    return text.encode().decode("latin-1")


def from_lua(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def as_lua(value: Any) -> str:
    """A flat Python value, spelled in Lua."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"[{json.dumps(key)}] = {as_lua(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def partial_md5(path: Path) -> str | None:
    """KOReader's digest: 1 KiB at 0 and at 1024 * 4^0 ... 4^10, up to the end of the file."""
    if not path.is_file():
        return None
    data, digest = path.read_bytes(), hashlib.md5(usedforsecurity=False)
    for offset in (0, *(1024 * 4**i for i in range(11))):
        if offset >= len(data):
            break
        digest.update(data[offset : offset + 1024])
    return digest.hexdigest()


class EReader:
    """One KOReader process at a time; `restart` begins the next one on the same files."""

    def __init__(
        self,
        root: Path,
        device: str = "kobo-7f3a",
        config: dict[str, Any] | None = None,
        power_lasts: float = math.inf,
        has_boottime: bool = True,
    ) -> None:
        self.root, self.plugin = root, root / "booklorebridge.koplugin"
        self.wall, self.mono, self.slept = 1_795_188_851.0, 100.0, 0.0
        self.boot, self.has_boottime = "4cc1d7e2-5b1f-4f6e-9d0a-3a0b6f1c2d3e", has_boottime
        self.connected = self.full = self.child_hangs = self.fork_fails = False
        self.operations, self.power_lasts = 0, power_lasts
        for folder in (root / "settings", root / BOOKS.lstrip("/"), self.plugin):
            folder.mkdir(parents=True, exist_ok=True)
        for file in SHIM.glob("*.lua"):
            (self.plugin / file.name).write_bytes(file.read_bytes())
        (self.plugin / "booklorebridge.json").write_text(json.dumps(config or {}))
        if device:
            self.remember(device={"id": device, "name": "Kobo_nova", "model": "Kobo_nova"})
        self.restart()

    def restart(self) -> None:
        """A new process: nothing of the old one survives but its files."""
        boot_id = self.root / "proc/sys/kernel/random/boot_id"
        boot_id.parent.mkdir(parents=True, exist_ok=True)
        boot_id.write_text(f"{self.boot}\n")
        self.ko: Any = None
        self.lua = luajit.LuaRuntime(unpack_returned_tuples=True, encoding="latin-1", register_eval=False)
        load = self.lua.eval("function(text, name, host, ko) return assert(loadstring(text, name))(host, ko) end")
        host = self._host()
        for file in FAKE:
            self.ko = load(to_lua(file.read_text()), f"={file.name}", host, self.ko) or self.ko
        self.ko.load(str(self.plugin))
        self.ko.file_manager()

    def _host(self) -> Any:
        answers = {
            "wall": lambda: int(self.wall),
            "mono": lambda: self.mono,
            "seconds": time.perf_counter,
            "boottime": lambda: self.mono + self.slept if self.has_boottime else None,
            "path": self.real_path,
            "full": lambda: self.full,
            "connected": lambda: self.connected,
            "child_hangs": lambda: self.child_hangs,
            "fork_fails": lambda: self.fork_fails,
            "attribute": self._attribute,
            "make_folder": self._make_folder,
            "names": self._names,
            "operate": self._operate,
            "md5": lambda text: hashlib.md5(text.encode("latin-1"), usedforsecurity=False).hexdigest(),
            "sleep": self._sleep,
            "partial_md5": lambda path: partial_md5(Path(self.real_path(path))),
            "purge": lambda path: shutil.rmtree(self.real_path(path)),
            "files_below": self._files_below,
            "fix_utf8": lambda text, _: to_lua(text.encode("latin-1").decode("utf-8", "replace")),
            "json_decode": self._json_decode,
            "json_encode": self._json_encode,
            "request": self._request,
        }
        return self.lua.table_from(answers)

    def real_path(self, path: str) -> str:
        inside = path.startswith(("/mnt/onboard", "/settings", "/proc"))
        return str(self.root / path.lstrip("/")) if inside else path

    def _attribute(self, path: str, name: str) -> Any:
        real = Path(self.real_path(path))
        if not real.exists():
            return None
        about = real.stat()
        attributes = {"size": about.st_size, "modification": int(about.st_mtime)}
        return (attributes | {"mode": "directory" if real.is_dir() else "file"})[name]

    def _names(self, path: str) -> Any:
        return self.lua.table_from([".", "..", *(entry.name for entry in Path(self.real_path(path)).iterdir())])

    def _operate(self) -> None:
        """Before each operation on a file. Once the power is cut there are no more of them."""
        self.operations += 1
        if self.operations > self.power_lasts:
            raise OSError("no power")

    def _sleep(self, seconds: float) -> None:
        """A child sleeps; the clocks go on for all."""
        self.wall += seconds
        self.mono += seconds

    def _make_folder(self, path: str) -> bool | None:
        try:
            Path(self.real_path(path)).mkdir()
        except OSError:
            return None
        return True

    def _files_below(self, folder: str) -> Any:
        root = Path(self.real_path(folder))
        found = (path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file())
        return self.table([f"{folder}/{path}" for path in found])

    def _json_decode(self, text: str, null: Any, array: Any, object_: Any) -> Any:
        try:
            return self.table(json.loads(text.encode("latin-1")), null, array, object_)
        except ValueError as error:
            return None, str(error)

    def _json_encode(self, value: Any, kind_of: Any) -> str:
        def plain(value: Any) -> Any:
            match luajit.lua_type(value):
                case "table" if kind_of(value) == "array":
                    return [plain(value[i]) for i in range(1, len(value) + 1)]
                case "table":
                    return {key: plain(item) for key, item in value.items() if isinstance(key, str)}
                case "userdata":
                    return None
            return int(value) if isinstance(value, float) and value.is_integer() else value

        return json.dumps(plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def _request(self, scheme: str, method: str, url: str, headers: Any, body: str) -> tuple[Any, str | None]:
        sent = {key: str(value) for key, value in headers.items() if key != "Content-Length"}
        data = None if method == "GET" else body.encode("latin-1")
        request = urllib.request.Request(url, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read().decode("latin-1")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("latin-1")
        except OSError as error:
            return str(error), None

    def table(self, value: Any, null: Any = None, array: Any = None, object_: Any = None) -> Any:
        """A Python value as the Lua value that a JSON library would make of it, marked if marks are given."""
        marks = (null, array, object_)
        if isinstance(value, dict):
            return self._marked({to_lua(str(k)): self.table(v, *marks) for k, v in value.items()}, object_)
        if isinstance(value, list):
            return self._marked([self.table(item, *marks) for item in value], array)
        return null if value is None else to_lua(value) if isinstance(value, str) else value

    def _marked(self, value: dict[str, Any] | list[Any], mark: Any) -> Any:
        return self.lua.globals().setmetatable(self.lua.table_from(value), mark)

    # What a person and KOReader do

    def setting(self, name: str) -> Path:
        return self.root / "settings" / f"booklorebridge.{name}"

    def remember(self, **values: Any) -> None:
        """Puts settings of the shim on disk, for the next start."""
        fields = ", ".join(f"[{json.dumps(key)}] = {as_lua(value)}" for key, value in values.items())
        self.setting("lua").write_text(f"return {{ {fields} }}")

    def put_book(self, name: str, content: bytes = b"a book") -> str:
        """Copies a book onto the device; its path there."""
        self.put_file(name, content)
        return f"{BOOKS}/{name}"

    def put_file(self, name: str, content: bytes) -> Path:
        """The same; its path here."""
        path = self.root / BOOKS.lstrip("/") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def open(self, name: str = "dune.epub", **book: Any) -> Any:
        """Opens a book, in KOReader's order of events: page updates come before and after ReaderReady."""
        file = self.put_book(name) if not self._attribute(f"{BOOKS}/{name}", "mode") else f"{BOOKS}/{name}"
        kept = self.ko.doc_settings.openSettingsFile(self.ko.doc_settings.findSidecarFile(self.ko.doc_settings, file))
        settings = {
            "partial_md5_checksum": kept.data.partial_md5_checksum or partial_md5(Path(self.real_path(file))),
            "doc_props": {"title": "Dune", "authors": "Frank Herbert", "identifiers": "ISBN:9780441013593"},
            "summary": {"status": "reading"},
        } | book.pop("settings", {})
        shape = {"file": file, "page": 1, "pages": 100, "percent": 0.01, "progress": "/body/p[1].0", "paged": False}
        shape |= {"settings": settings, "annotations": [], "xpointers": {}} | book
        self.send("ShowingReader")
        self.send("CloseWidget")
        self.ko.reader(self.table(shape))
        self.send("PageUpdate", shape["page"])
        self.send("ReaderReady")
        self.send("PageUpdate", shape["page"])
        return self.ko.book

    def send(self, event: str, *args: Any) -> Any:
        return self.ko.plugin.handleEvent(self.ko.plugin, event, *args)

    def pass_time(self, seconds: float) -> None:
        """Time goes by while awake; scheduled tasks run when they are due."""
        end = self.mono + seconds
        self.ko.tick()
        while self.ko.step():
            pass
        while due := [task.at for task in self.ko.tasks.values() if task.at <= end]:
            self.wall += max(0.0, min(due) - self.mono)
            self.mono = max(self.mono, min(due))
            self.ko.step()
            self.ko.tick()
        self.wall += max(0.0, end - self.mono)  # a child may have slept for longer
        self.mono = max(self.mono, end)

    def spend_asleep(self, seconds: float) -> None:
        """Time goes by while the device sleeps: the monotonic clock stands still."""
        self.wall += seconds
        self.slept += seconds

    def read(self, pages: int, seconds: float = 0) -> None:
        """Turns so many pages, after so many seconds on each."""
        for _ in range(pages):
            self.wall += seconds
            self.mono += seconds
            if self.ko.book.scroll:
                self.ko.scroll(self.ko.book, 1)
            else:
                self.ko.move(self.ko.book, self.ko.book.page + 1, f"/body/p[{self.ko.book.page + 1}].0")

    def fall_asleep(self) -> None:
        """The sleep screen comes first; plugins hear of it last."""
        self.ko.device.screen_saver_mode = True
        self.send("FlushSettings")
        self.send("Suspend")

    def wake_up(self) -> None:
        self.send("OutOfScreenSaver")
        self.ko.device.screen_saver_mode = False
        self.send("Resume")
        self.ko.tick()

    def delete(self, path: str) -> None:
        """A person deletes a file or a folder in the file manager."""
        self.ko.ui.deleteFile(self.ko.ui, path, self._attribute(path, "mode") == "file")

    def close(self) -> None:
        """Closes the book: the sidecar is written only when the document is gone."""
        self.send("CloseDocument")
        self.ko.ui.document = None
        self.send("FlushSettings")
        self.send("SaveSettings")
        self.ko.flushed()
        self.send("CloseWidget")
        self.ko.file_manager()

    def segments(self) -> list[Path]:
        """The files of the spool, oldest first."""
        return sorted(self.setting("spool").glob("*.jsonl"))

    def put_segment(self, text: str, name: str = "00000001.jsonl") -> Path:
        """A segment that a process left behind which is not there any more; seen by the next start."""
        self.setting("spool").mkdir(exist_ok=True)
        segment = self.setting("spool") / name
        segment.write_bytes(text.encode())
        return segment

    def lose_spool(self) -> None:
        shutil.rmtree(self.setting("spool"))

    def spool_bytes(self) -> bytes:
        return b"".join(segment.read_bytes() for segment in self.segments())

    def spool(self, *events: str) -> list[dict[str, Any]]:
        """The spool's lines, of these events only when any are named; torn lines raise."""
        lines = [json.loads(line) for line in self.spool_bytes().splitlines()]
        return [line for line in lines if not events or line["event"] in events]

    def shown(self, kind: str = "") -> list[Any]:
        return [widget for widget in self.ko.shown.values() if not kind or widget.kind == kind]

    def toasts(self) -> list[str]:
        """Messages that a person's tap was answered with."""
        return [from_lua(widget.text) for widget in self.shown("infomessage")]

    def notices(self) -> list[str]:
        """Messages that nobody asked for: they let a tap through."""
        return [from_lua(widget.text) for widget in self.shown("notification")]

    def log(self) -> list[str]:
        return list(self.ko.log.values())

    def menu(self) -> list[Any]:
        """The entries below the plugin's menu entry."""
        items = self.lua.table_from({})
        self.ko.menu_owner.addToMainMenu(self.ko.menu_owner, items)
        self.ko.entries = items.booklore_bridge.sub_item_table_func()
        return list(self.ko.entries.values())
