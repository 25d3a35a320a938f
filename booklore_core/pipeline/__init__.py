"""The way of a fact: spool → ingest → journal → derive → outbox → ledger → delivery."""
