"""A fake BookOrbit on loopback that answers as the real one was recorded."""

from booklore_core.testing.orbit.orbit_server import BookOrbitServer

__all__ = ["BookOrbitServer"]
