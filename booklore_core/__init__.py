"""BookLore Sync's public API: everything that a plugin author needs, loaded on first use."""

import lazy_loader

# `booklore --help` must not wait for pydantic or SQL; the names and where they are from stand in `__init__.pyi`.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
