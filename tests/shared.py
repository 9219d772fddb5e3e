"""Other people's real data, which is not part of the project."""

import shutil
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"


def data(name: str) -> Path:
    """Return the path of a file, or skip the test that needs it."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not here: it is other people's data")
    return path


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    missing = [name for name in programs if shutil.which(name) is None]
    reason = f"{', '.join(missing)} not installed: apt-get install freeradius-rest"
    return pytest.mark.skipif(bool(missing), reason=f"{reason} freeradius-utils")
