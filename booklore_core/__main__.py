"""`python -m booklore_core` is `booklore`."""

from booklore_core.cli import main

if __name__ == "__main__":
    main()
