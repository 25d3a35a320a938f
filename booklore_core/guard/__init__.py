"""How code that others wrote is run: with a deadline, and named by file and line when it fails."""
