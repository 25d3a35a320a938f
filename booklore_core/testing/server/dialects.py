"""What sets the servers apart, as one value for each."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Dialect:
    """One server's ways where they differ from the others'; the defaults are BookLore's.

    Source: server-contract.md section 1 and the recordings.
    """

    name: str
    version: str
    refusal_status: int = 403
    """Answer to missing or wrong credentials."""
    denied: str = "Access Denied"
    """Message of a missing permission."""
    public_shelf_denied: str = "Only admins can create public shelves"
    bearer_filter_is_global: bool = True
    """A bad Bearer is refused with an empty 401 on every path, and a good one displaces x-auth headers."""
    access_token_seconds: int = 36_000
    login_tells_expiry: bool = False
    issuer: str | None = None
    refresh_is_transactional: bool = False
    """A refresh that fails leaves its token good."""
    refused_credentials_status: int = 400
    """Answer to a wrong password, and to a refresh token that is refused."""
    tokens_are_unique: bool = False
    """Each token has an id of its own; otherwise two of one account and second are equal, and the second is refused."""
    refresh_waits_seconds: int = 0
    """Age before which a refresh token is refused; the session stays good meanwhile."""
    keeps_carried_status: bool = False
    """An exception that has a status is answered with that; otherwise with 500."""
    tells_last_device: bool = False
    """Positions come back with the device that pushed last, also after the web reader has moved on."""
    komga_says_not_implemented: bool = False
    """Komga routes that there are not say so; otherwise they are paths like any other that is unknown."""
    has_by_hash: bool = False
    has_session_batch: bool = False
    takes_md5_for_sessions: bool = False
    checks_session_access: bool = False
    session_page_limit: int = 100
    newest_duplicate_wins: bool = False
    """Of several files with one digest the newest book answers; otherwise every call with it is a 500."""
    null_percentage_erases: bool = False
    web_progress_reaches_device: bool = False
    has_app_api: bool = False
    has_book_pages: bool = False
    type_mismatch_is_400: bool = False
    pdf_match_points: int = 46
    match_points: int = 94
    """Points of complete metadata, and those that a PDF gets."""
    isbn_column: int | None = None
    """Characters that the ISBN columns hold; None: whatever the file says."""
    unset_status: str = "UNSET"
    epub_progress_fields: tuple[str, ...] = ("cfi", "href", "percentage", "ttsPositionCfi")
    web_reader_switch: str = "syncWithBookloreReader"
    icon_types: tuple[str, ...] = ("PRIME_NG", "CUSTOM_SVG")
    cbz_type: str = "application/vnd.comicbook+zip"
    content_is_inline: bool = True
    unsatisfied_range_sends_all: bool = False
    several_ranges_are_multipart: bool = False
    download_takes_ranges: bool = True
    bookmarks_have_pages: bool = False
    admin_has_libraries: bool = True


BOOKLORE = Dialect(name="booklore", version="v2.3.0")

GRIMMORY = Dialect(
    name="grimmory",
    version="v3.2.4",
    refusal_status=401,
    denied="Access denied.",
    public_shelf_denied="Access denied.",
    bearer_filter_is_global=False,
    access_token_seconds=7_200,
    login_tells_expiry=True,
    issuer="booklore",
    refresh_is_transactional=True,
    newest_duplicate_wins=True,
    null_percentage_erases=True,
    web_progress_reaches_device=True,
    has_app_api=True,
    has_book_pages=True,
    pdf_match_points=0,
    match_points=93,
    isbn_column=13,
    epub_progress_fields=("cfi", "href", "contentSourceProgressPercent", "percentage", "ttsPositionCfi"),
    web_reader_switch="syncWithWebReader",
    icon_types=("LUCIDE", "CUSTOM_SVG"),
    cbz_type="application/x-cbr",
    content_is_inline=False,
    unsatisfied_range_sends_all=True,
    several_ranges_are_multipart=True,
    download_takes_ranges=False,
    bookmarks_have_pages=True,
    admin_has_libraries=False,
)

CUSTOM = Dialect(
    name="custom",
    version="v1.20.0",
    has_by_hash=True,
    has_session_batch=True,
    takes_md5_for_sessions=True,
    checks_session_access=True,
    session_page_limit=10_000,
    type_mismatch_is_400=True,
    unset_status="UNREAD",
    epub_progress_fields=("cfi", "href", "percentage"),
)

GRIMMORY_3_5 = replace(
    GRIMMORY,
    name="grimmory-3.5",
    version="v3.5.0",
    refused_credentials_status=401,
    tokens_are_unique=True,
    refresh_waits_seconds=120,
    keeps_carried_status=True,
    tells_last_device=True,
    komga_says_not_implemented=True,
    has_app_api=False,
)
"""As its release notes tell it; not recorded. Source: server-contract.md 16."""

DIALECTS = {dialect.name: dialect for dialect in (BOOKLORE, GRIMMORY, CUSTOM, GRIMMORY_3_5)}
