"""The docs name all there is."""

import re
from pathlib import Path

import pytest

from footfall import errors
from footfall.core.access import SCOPES
from footfall.core.events.types import TYPES
from footfall.core.flat_events import COLUMNS
from footfall.settings import Settings
from footfall.web.openapi import document
from tests.cli.test_cli import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text("utf-8")


def all_errors(kind=errors.FootfallError):
    yield kind
    for inner in kind.__subclasses__():
        yield from all_errors(inner)


CODES = sorted({e.code for e in all_errors() if e.__module__ == "footfall.errors"})


@pytest.mark.parametrize("code", CODES)
def test_every_error_is_documented(code):
    assert f"`{code}`" in PAGES["api.md"]


def test_the_tree_of_errors_is_drawn_whole():
    drawn = set(re.findall(r"── (\w+)", errors.__doc__ or ""))
    made = {e.__name__ for e in all_errors() if e.__module__ == "footfall.errors"}
    assert drawn == made - {"FootfallError"}


@pytest.mark.parametrize("name", [n.upper() for n in Settings.__struct_fields__])
def test_every_setting_is_documented(name):
    assert f"`FOOTFALL_{name}`" in PAGES["settings.md"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_is_documented(command):
    assert f"`footfall {' '.join(command)}`" in PAGES["operations.md"]


@pytest.mark.parametrize("path", document()["paths"])
def test_every_endpoint_and_parameter_is_documented(path):
    for method, operation in document()["paths"][path].items():
        if method == "parameters":
            continue
        assert f"{method.upper()} {path}`" in PAGES["api.md"]
        for parameter in operation.get("parameters", []):
            assert f"{parameter['name']}" in PAGES["api.md"]


def test_every_type_and_the_scopes_of_the_endpoints_are_documented():
    assert all(name in PAGES["api.md"] for name in TYPES)
    named = set(re.findall(r"\b(?:events|customer|organization)_\w+", PAGES["api.md"]))
    assert named <= set(SCOPES)


def test_links_lead_somewhere():
    for folder, text in [(ROOT, README), *((ROOT / "docs", t) for t in PAGES.values())]:
        for link in re.findall(r"\]\((?!http)([^)#]+)", text):
            assert (folder / link).exists(), link


def test_the_readmes_commands_are_those_of_the_makefile():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"^\$ make (\w+)", README, re.MULTILINE)
    assert named == ["demo", "test"]
    assert set(named) <= set(targets)


def test_every_column_of_a_table_is_documented():
    assert ", ".join(f"`{name}`" for name in COLUMNS) in PAGES["api.md"].replace(
        "\n", " "
    )
