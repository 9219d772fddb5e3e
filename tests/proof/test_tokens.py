"""Forged tokens: none is accepted."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json

import jwt
import pytest

from footfall import clock, service, settings
from footfall.core.access import Role
from footfall.core.instants import HOUR
from footfall.errors import TokenRefused
from footfall.flows.accounts import tenants
from footfall.flows.accounts.tokens import LIFETIME_S, Tokens
from footfall.store import Organization

KEY = bytes(range(32))
NOW = clock.now()
SCOPES = ("organization_read",)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    store.create_organization(Organization("org", "Org", 0)).result()
    store.create_organization(Organization("other", "Other", 0)).result()
    yield Tokens(store, KEY), store
    store.close()


@pytest.fixture(scope="module")
def made(issuer):
    return tenants.create_service(
        issuer[1], "org", Role.ORGANIZATION_MANAGER, SCOPES, NOW
    )


@pytest.fixture(scope="module")
def token(issuer, made):
    return issuer[0].login(made.client_key, made.client_secret, NOW)


def verify(tokens, token, now=NOW):
    return asyncio.run(tokens.verify(token, now))


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(header, claims, key=KEY, digest="sha256"):
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{part(hmac.digest(key, text.encode(), digest))}"


HS = {"alg": "HS256", "typ": "JWT"}
FORGERIES = {
    "alg none": lambda h, c: f"{part({'alg': 'none'})}.{part(c)}.",
    "alg None": lambda h, c: f"{part({'alg': 'None'})}.{part(c)}.",
    "alg none, signed": lambda h, c: sign({"alg": "none"}, c),
    "no alg": lambda h, c: sign({"typ": "JWT"}, c),
    "alg empty": lambda h, c: sign({"alg": ""}, c),
    "alg a list": lambda h, c: sign({"alg": ["HS256"]}, c),
    "alg a number": lambda h, c: sign({"alg": 256}, c),
    "alg lower case": lambda h, c: sign({"alg": "hs256"}, c),
    "HS384": lambda h, c: sign({"alg": "HS384"}, c, digest="sha384"),
    "HS512": lambda h, c: sign({"alg": "HS512"}, c, digest="sha512"),
    "RS256 by hmac": lambda h, c: sign({"alg": "RS256"}, c),
    "ES256 by hmac": lambda h, c: sign({"alg": "ES256"}, c),
    "PS256 by hmac": lambda h, c: sign({"alg": "PS256"}, c),
    "EdDSA by hmac": lambda h, c: sign({"alg": "EdDSA"}, c),
    "empty key": lambda h, c: sign(h, c, b""),
    "zero key": lambda h, c: sign(h, c, bytes(32)),
    "key as text": lambda h, c: sign(h, c, KEY.hex().encode()),
    "key hashed": lambda h, c: sign(h, c, hashlib.sha256(KEY).digest()),
    "issuer as key": lambda h, c: sign(h, c, b"footfall"),
    "kid a file": lambda h, c: sign(h | {"kid": "/dev/null"}, c, b""),
    "kid a path": lambda h, c: sign(h | {"kid": "../../../dev/null"}, c, b""),
    "kid SQL": lambda h, c: sign(h | {"kid": "x' UNION SELECT ''--"}, c, b""),
    "jwk inside": lambda h, c: sign(
        h | {"jwk": {"kty": "oct", "k": part(b"mine")}}, c, b"mine"
    ),
    "jku elsewhere": lambda h, c: sign(h | {"jku": "http://127.0.0.1/"}, c, b"x"),
    "x5u elsewhere": lambda h, c: sign(h | {"x5u": "http://127.0.0.1/"}, c, b"x"),
    "crit unknown": lambda h, c: sign(h | {"crit": ["x"], "x": 1}, c),
    "b64 false": lambda h, c: sign(h | {"b64": False, "crit": ["b64"]}, c),
    "header no object": lambda h, c: sign(["HS256"], c),
    "claims no object": lambda h, c: sign(h, [c]),
    "claims null": lambda h, c: sign(h, None),
    "no exp": lambda h, c: sign(h, {k: v for k, v in c.items() if k != "exp"}),
    "no jti": lambda h, c: sign(h, {k: v for k, v in c.items() if k != "jti"}),
    "no sub": lambda h, c: sign(h, {k: v for k, v in c.items() if k != "sub"}),
    "no iss": lambda h, c: sign(h, {k: v for k, v in c.items() if k != "iss"}),
    "no aud": lambda h, c: sign(h, {k: v for k, v in c.items() if k != "aud"}),
    "no org": lambda h, c: sign(h, {k: v for k, v in c.items() if k != "org"}),
    "exp past": lambda h, c: sign(h, c | {"exp": c["iat"]}),
    "exp text": lambda h, c: sign(h, c | {"exp": "never"}),
    "exp infinite": lambda h, c: sign(h, c | {"exp": float("inf")}),
    "exp true": lambda h, c: sign(h, c | {"exp": True}),
    "exp null": lambda h, c: sign(h, c | {"exp": None}),
    "wrong issuer": lambda h, c: sign(h, c | {"iss": "somebody"}),
    "wrong audience": lambda h, c: sign(h, c | {"aud": "something"}),
    "audience empty": lambda h, c: sign(h, c | {"aud": []}),
    "another organization": lambda h, c: sign(h, c | {"org": "other"}),
    "unknown service": lambda h, c: sign(h, c | {"sub": "ck-nobody"}),
    "service a number": lambda h, c: sign(h, c | {"sub": 1}),
    "jti a number": lambda h, c: sign(h, c | {"jti": 1}),
    "no signature": lambda h, c: f"{part(h)}.{part(c)}.",
    "no dots": lambda h, c: part(h) + part(c),
    "four parts": lambda h, c: sign(h, c) + ".x",
    "five parts (JWE)": lambda h, c: f"{part(h)}....",
    "empty": lambda h, c: "",
    "huge": lambda h, c: sign(h | {"x": "x" * 100_000}, c),
}


# Other spellings of the same bytes: refused, or the same token.
SPELLINGS = {
    "padded": lambda token: token + "=",
    "line feed": lambda token: token + "\n",
    "space": lambda token: " " + token,
    "other alphabet": lambda token: token.replace("-", "+").replace("_", "/"),
    "spare bits": lambda token: token[:-1] + chr(ord(token[-1]) + 1),
    "not ASCII": lambda token: token + "é",
}


def test_there_are_at_least_forty():
    assert len(FORGERIES) >= 40


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(issuer, token, name):
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    with pytest.raises(TokenRefused):
        verify(issuer[0], FORGERIES[name](header, claims))


def test_the_forger_signs_as_we_do(issuer, token):
    """Otherwise the forgeries would prove nothing."""
    claims = jwt.decode(token, options={"verify_signature": False})
    assert verify(issuer[0], sign(HS, claims)).service.organization == "org"


def test_a_revoked_services_and_an_old_token_are_refused(issuer):
    made = tenants.create_service(
        issuer[1], "org", Role.ORGANIZATION_MANAGER, SCOPES, NOW
    )
    token = issuer[0].login(made.client_key, made.client_secret, NOW)
    verify(issuer[0], token, NOW + (LIFETIME_S - 1) * 1_000_000)
    with pytest.raises(TokenRefused):
        verify(issuer[0], token, NOW + LIFETIME_S * 1_000_000)
    issuer[1].revoke_service(made.client_key, NOW).result()
    with pytest.raises(TokenRefused):
        verify(issuer[0], token)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_back_or_forward_keeps_tokens_good(issuer, token, hours):
    assert verify(issuer[0], token, NOW + hours * HOUR).service.organization == "org"


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_revoked_token_is_refused_in_every_spelling(issuer, made, name):
    tokens, store = issuer
    token = tokens.login(made.client_key, made.client_secret, NOW)
    grant = verify(tokens, token)
    other = SPELLINGS[name](token)
    with contextlib.suppress(TokenRefused):
        assert verify(tokens, other) == grant
    store.revoke_token(grant.token_id, grant.expires_at, NOW).result()
    with pytest.raises(TokenRefused):
        verify(tokens, other)
