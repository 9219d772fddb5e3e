"""`footfall webhooks …`."""

import json

import pytest

from tests.conftest import event
from tests.receiver import Receiver

ALLOW = {"FOOTFALL_WEBHOOK_ALLOW": "127.0.0.1"}


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def hooks(run, tmp_path):
    """Call `footfall webhooks` for an organization with one event."""
    run("organization", "create", "--name", "Org", "--id", "org")
    (tmp_path / "events.json").write_text(json.dumps([event("e1")]))
    run("import", "events.json", "--organization", "org")

    def call(*arguments, status=0):
        named = [*arguments, "--organization", "org"]
        return run("webhooks", *named, status=status, **ALLOW)

    return call


def test_a_webhook_is_made_shown_changed_and_deleted(hooks):
    flags = ["--event", "login", "--event", "visit", "--batch-size", "5"]
    made = json.loads(hooks("create", "https://a.example/", *flags, "--json"))
    assert made["secret"].startswith("whsec_")
    [listed] = json.loads(hooks("list", "--json"))
    assert listed == {name: made[name] for name in made if name != "secret"}
    assert (listed["events"], listed["batchSize"]) == (["login", "visit"], 5)
    assert "https://a.example/" in hooks("list")
    assert "login, visit" in hooks("show", made["id"])
    hooks("change", made["id"], "--no-enabled", "--url", "https://b.example/")
    shown = json.loads(hooks("show", made["id"], "--json"))
    assert (shown["enabled"], shown["url"]) == (False, "https://b.example/")
    rotated = json.loads(hooks("rotate", made["id"], "--overlap", "60", "--json"))
    assert rotated["secret"] != made["secret"]
    assert "whsec_" in hooks("rotate", made["id"])
    hooks("delete", made["id"])
    assert "no webhook" in hooks("show", made["id"], status=1)


def test_a_ping_and_what_was_tried_are_shown(hooks, receiver):
    assert "whsec_" in hooks("create", receiver.url)
    [made] = json.loads(hooks("list", "--json"))
    assert "status 200" in hooks("ping", made["id"])
    assert json.loads(hooks("ping", made["id"], "--json"))["delivered"]
    tried = json.loads(hooks("deliveries", made["id"], "--status", "200", "--json"))
    assert [one["outcome"] for one in tried] == ["delivered"] * 2
    assert "delivered" in hooks("deliveries", made["id"], "--limit", "1")
    assert "is no HTTP status" in hooks(
        "deliveries", made["id"], "--status", "x", status=2
    )


def test_a_resend_and_a_replay_are_left_to_a_server(hooks, receiver):
    made = json.loads(hooks("create", receiver.url, "--json"))
    assert "no delivery" in hooks("resend", made["id"], "7", status=1)
    assert "server" in hooks("replay", made["id"], "--since", "2026-01-01T00:00:00Z")
    assert "from" in hooks("replay", made["id"], "--since", "yesterday", status=2)
    assert receiver.received == []


def test_a_url_that_leads_into_the_network_is_refused(hooks):
    error = hooks("create", "https://10.0.0.1/", status=2)
    assert "url" in error
