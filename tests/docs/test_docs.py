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
SOURCE = ROOT / "src" / "footfall"
PACKAGES = "cli|runtime|web|flows|store|sources|client|core|simulation"
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


def code_of(name):
    """Return the text of the module of a dotted name, and what follows the module."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        path = SOURCE.joinpath(*parts[:size])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists():
                return file.read_text("utf-8"), parts[size:]
    return "", parts


DOTTED = re.findall(rf"\b((?:{PACKAGES})(?:\.[a-z_]+)+)\b", PAGES["architecture.md"])
DOTTED = sorted({name for name in DOTTED if not name.endswith((".py", ".md"))})


@pytest.mark.parametrize("name", DOTTED)
def test_the_code_that_the_architecture_names_exists(name):
    code, rest = code_of(name)
    assert code
    assert all(re.search(rf"\b(def|class) {part}\b", code) for part in rest)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_the_files_that_developers_are_sent_to_exist(page):
    named = re.findall(r"`((?:\w+/)+\w+\.\w+)`", (ROOT / page).read_text("utf-8"))
    assert named
    for name in named:
        found = (ROOT / name).exists() or (SOURCE / name).exists()
        assert found or name.startswith("footfall/"), name


@pytest.mark.parametrize("flow", ["presence", "delivery"])
def test_every_module_of_a_flow_is_in_its_order_of_reading(flow):
    folder = SOURCE / "flows" / flow
    order = (folder / "__init__.py").read_text("utf-8")
    modules = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert {name for name in modules if f"`{name}`" not in order} == set()


def test_every_command_of_the_readme_exists():
    named = re.findall(r"bin/footfall ((?:[a-z]+ ?)+)", README)
    assert named
    known = tuple(" ".join(command) for command in COMMANDS)
    assert [name for name in named if not name.startswith(known)] == []


def test_the_readmes_commands_are_those_of_the_makefile():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"^\$ make (\w+)", README, re.MULTILINE)
    assert named == ["demo", "test"]
    assert set(named) <= set(targets)


def test_every_column_of_a_table_is_documented():
    assert ", ".join(f"`{name}`" for name in COLUMNS) in PAGES["api.md"].replace(
        "\n", " "
    )
