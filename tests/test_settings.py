import pytest

from footfall import settings
from footfall.errors import SettingInvalid
from footfall.settings import Settings, load


def test_nothing_given_means_the_defaults():
    assert load({}) == Settings("sqlite:footfall.db", "127.0.0.1", 8000, None)


def test_the_command_line_wins_over_the_environment():
    environment = {
        "FOOTFALL_STORE": "sqlite:e.db",
        "FOOTFALL_HOST": "::1",
        "FOOTFALL_PORT": "1",
    }
    assert load(environment) == Settings("sqlite:e.db", "::1", 1)
    given = load(environment, store="sqlite:c.db", host="h", port=2)
    assert given == Settings("sqlite:c.db", "h", 2)


@pytest.mark.parametrize("name", ["store", "host", "port", "secret"])
def test_each_may_be_read_from_a_file(tmp_path, name):
    file = tmp_path / "value"
    value = {"port": "77", "secret": "s" * 32, "store": "sqlite:x"}.get(name, "h")
    file.write_text(value + "\n")
    found = load({f"FOOTFALL_{name.upper()}_FILE": str(file)})
    assert str(getattr(found, name)) == value


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"FOOTFALL_PORT": "x"}, "0 to 65535"),
        ({"FOOTFALL_PORT": "65536"}, "0 to 65535"),
        ({"FOOTFALL_SECRET": "short"}, "at least 32"),
        ({"FOOTFALL_HOST_FILE": "/nowhere"}, "cannot be read"),
        ({"FOOTFALL_HOST_FILE": "/x", "FOOTFALL_HOST": "y"}, "keep one"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(environment, message):
    with pytest.raises(SettingInvalid, match=message):
        load(environment)


def test_another_kind_of_store_is_refused():
    with pytest.raises(SettingInvalid, match="sqlite:PATH"):
        _ = Settings(store="mysql:x").path


def test_a_secret_that_cannot_be_kept_is_said(tmp_path):
    with pytest.raises(SettingInvalid, match="cannot be kept"):
        settings.signing_secret(Settings(store=f"sqlite:{tmp_path}/no/x.db"))
