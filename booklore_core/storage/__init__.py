"""The database, the secrets, and where they lie."""
