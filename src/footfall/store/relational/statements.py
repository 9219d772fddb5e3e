"""Statements by their names, from the `.sql` files of an engine."""

import re
from importlib import resources

# Of these, both engines share some statements, and each has some of its own.
_DIVIDED = ("users.sql", "analytics.sql")
_SHARED = ("leases.sql", *_DIVIDED)
_FILES = ("statements.sql", "transaction.sql", "webhooks.sql", "copying.sql", *_DIVIDED)
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load(package: str, *names: str) -> dict[str, str]:
    """Return the statements of some files by name, without their comments."""
    folder = resources.files(package)
    text = "".join(folder.joinpath(name).read_text("utf-8") for name in names)
    parts = _NAME.split(text)[1:]
    bare = [re.sub(r"--.*", "", body).strip() for body in parts[1::2]]
    return dict(zip(parts[::2], bare, strict=True))


def load_engine(package: str) -> dict[str, str]:
    """Return the statements of an engine: its own, and those of both."""
    return load(__package__, *_SHARED) | load(package, *_FILES)


def load_migrations(package: str) -> list[str]:
    """Return the migrations in order; the n-th (from 1) makes schema n."""
    folder = resources.files(package).joinpath("migrations")
    files = sorted((file.name, file) for file in folder.iterdir())
    return [file.read_text("utf-8") for name, file in files if name.endswith(".sql")]
