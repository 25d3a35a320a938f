"""What the proofs went through, counted over the whole run and printed at its end."""

from collections import Counter

COUNTS: Counter[str] = Counter()


def count(what: str, number: int = 1) -> None:
    COUNTS[what] += number


def report() -> str:
    return "proof: " + ", ".join(f"{number:,} {what}" for what, number in COUNTS.items())
