"""What of a directory's discovery document can be used."""

from typing import Any

import pytest

from footfall.runtime.oidc import _Endpoints

SECURE: dict[str, Any] = {
    "issuer": "https://id.example",
    "authorization_endpoint": "https://id.example/authorize",
    "token_endpoint": "https://id.example/token",
    "jwks_uri": "https://keys.id.example/",
    "userinfo_endpoint": "https://id.example/userinfo",
}


def test_a_directory_is_asked_over_tls():
    assert _Endpoints(**SECURE).are_secure()


@pytest.mark.parametrize("name", [name for name in SECURE if name != "issuer"])
def test_an_endpoint_without_tls_is_not_secure(name):
    assert not _Endpoints(**SECURE | {name: "http://id.example/"}).are_secure()
