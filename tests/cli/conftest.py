"""The command line, called as the `footfall` command calls it."""

import os

import pytest

from footfall.cli import main
from tests.shared import ENVIRONMENT


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run a command in `tmp_path` with no settings but those given.

    In this process, since an interpreter's start would take longer than most commands.
    """

    def call(*arguments, status=0, **environment):
        umask = os.umask(0o022)
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            for name in set(os.environ) - set(ENVIRONMENT):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            try:
                main([str(argument) for argument in arguments])
                code = 0
            except SystemExit as stopped:
                code = int(stopped.code or 0)
            finally:
                os.umask(umask)
        out, err = capfd.readouterr()
        assert code == status, out + err
        return err if status else out

    return call
