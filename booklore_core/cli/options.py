"""Options that several commands take."""

from typing import Annotated

import typer

BOOK = "its title or a part of it, its partial MD5 or the beginning of it, or its path."
"""How a person may name a book."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
