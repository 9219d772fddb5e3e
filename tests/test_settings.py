import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

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


@pytest.mark.parametrize("name", ["store", "host", "port", "secret", "limits"])
def test_each_may_be_read_from_a_file(tmp_path, name):
    file = tmp_path / "value"
    values = {"port": "77", "secret": "s" * 32, "store": "sqlite:x"}
    value = {**values, "limits": "redis://:pass@x"}.get(name, "h")
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
        ({"FOOTFALL_LIMITS": "http://:pass@x"}, "give redis://HOST:PORT/DATABASE"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(environment, message):
    with pytest.raises(SettingInvalid, match=message):
        load(environment)


def test_another_kind_of_store_is_refused():
    with pytest.raises(SettingInvalid, match="sqlite:PATH"):
        _ = Settings(store="mysql:x").path


def test_a_secret_that_cannot_be_stored_is_reported(tmp_path):
    with pytest.raises(SettingInvalid, match="cannot be read or written"):
        settings.signing_secret(Settings(store=f"sqlite:{tmp_path}/no/x.db"))


def test_a_secret_is_made_once_and_only_for_its_owner(tmp_path):
    chosen = Settings(store=f"sqlite:{tmp_path}/x.db")
    made = settings.signing_secret(chosen)
    assert settings.signing_secret(chosen) == made
    file = tmp_path / "x.db.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["x.db.secret"]


STARTS = """
import os, sys
from footfall import settings
calls = 0
def dying(name):
    real = getattr(os, name)
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == int(sys.argv[2]):
            os._exit(9)
        return real(*args, **kwargs)
    setattr(os, name, call)
for name in ("open", "fsync", "link", "unlink", "close", "fdopen"):
    dying(name)
print(settings.signing_secret(settings.Settings(store=f"sqlite:{sys.argv[1]}/x.db")))
"""


def start(folder, dies_at):
    command = [sys.executable, "-c", STARTS, str(folder), str(dies_at)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("dies_at", range(1, 9))
def test_a_start_that_dies_at_any_point_leaves_a_whole_secret_or_none(
    tmp_path, dies_at
):
    assert start(tmp_path, dies_at).returncode == 9
    file = tmp_path / "x.db.secret"
    assert not file.exists() or len(file.read_text().strip()) >= 32
    assert len(start(tmp_path, 0).stdout.strip()) >= 32


def test_starts_at_the_same_time_agree_on_one_secret(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: start(tmp_path, 0).stdout, range(8)))
    assert len(found) == 1
    assert len(found.pop().strip()) >= 32


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"", 0o600, "damaged"),
        (b"short", 0o600, "damaged"),
        (b"\xff" * 40, 0o600, "damaged"),
        (b"a" * 20 + b"\0" * 20, 0o600, "damaged"),
        (b"a" * 64, 0o644, "chmod 600"),
        (b"a" * 64, 0o620, "chmod 600"),
    ],
)
def test_a_secret_that_somebody_could_guess_or_change_is_refused(
    tmp_path, content, mode, message
):
    file = tmp_path / "x.db.secret"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(SettingInvalid, match=message):
        settings.signing_secret(Settings(store=f"sqlite:{tmp_path}/x.db"))


def test_a_secret_behind_a_link_is_refused(tmp_path):
    (tmp_path / "else").write_text("a" * 64)
    (tmp_path / "x.db.secret").symlink_to(tmp_path / "else")
    with pytest.raises(SettingInvalid, match="cannot be read or written"):
        settings.signing_secret(Settings(store=f"sqlite:{tmp_path}/x.db"))


def test_the_networks_that_webhooks_may_reach_are_read():
    environment = {"FOOTFALL_WEBHOOK_ALLOW": "10.0.0.0/8, fd00::/8,127.0.0.1"}
    allowed = [str(network) for network in load(environment).webhook_allow]
    assert allowed == ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"]


@pytest.mark.parametrize("value", ["localhost", "10.0.0.1/8", "10.0.0.0/8;::1"])
def test_a_network_that_is_none_is_refused(value):
    with pytest.raises(SettingInvalid, match="FOOTFALL_WEBHOOK_ALLOW"):
        load({"FOOTFALL_WEBHOOK_ALLOW": value})


def test_without_a_given_secret_no_server_starts_on_postgresql():
    with pytest.raises(SettingInvalid, match="FOOTFALL_SECRET"):
        settings.signing_secret(Settings(store="postgresql://db.example/footfall"))


DIRECTORY = {
    "FOOTFALL_ADDRESS": "https://events.example.com/",
    "FOOTFALL_OIDC_ISSUER": "https://id.example.com/realms/main",
    "FOOTFALL_OIDC_CLIENT_ID": "footfall",
}


def test_a_directory_needs_an_issuer_a_client_and_an_address():
    found = load(DIRECTORY)
    assert found.address == "https://events.example.com"
    assert found.oidc_issuer == "https://id.example.com/realms/main"
    for name in ("FOOTFALL_ADDRESS", "FOOTFALL_OIDC_CLIENT_ID"):
        with pytest.raises(SettingInvalid, match=name):
            load({key: DIRECTORY[key] for key in DIRECTORY if key != name})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ADDRESS", "events.example.com", "https:// URL"),
        ("ADDRESS", "https://events.example.com/console", "has a path"),
        ("ADDRESS", "https://ann:pass@events.example.com", "https:// URL"),
        ("OIDC_ISSUER", "http://id.example.com", "is not https"),
        ("OIDC_ISSUER", "https://[", "https:// URL"),
    ],
)
def test_a_directory_or_address_that_cannot_be_used_is_refused(name, value, message):
    with pytest.raises(SettingInvalid, match=message):
        load(DIRECTORY | {f"FOOTFALL_{name}": value})
