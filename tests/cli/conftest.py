"""The command, run as people run it."""

import subprocess
import sys

import pytest

from tests.shared import ENVIRONMENT


@pytest.fixture
def run(tmp_path):
    def call(*arguments, status=0, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "footfall", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=ENVIRONMENT | environment,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if status else done.stdout

    return call
