"""An OpenID provider on loopback: strict with its clients, and wrong if a test wants.

It checks what providers check: the client, its secret, where it sends people back to,
PKCE, and that a code is used once. Authorization is a page with one link, or at once.
"""

import base64
import hashlib
import json
import queue
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from footfall import clock
from footfall.core.instants import SECOND
from footfall.runtime.http import bind_port
from tests.conftest import Server, start_server

CLIENT, SECRET = "footfall-of-tests", "a secret: with + and %"
CODE = "authorization_code"
Claims = dict[str, Any]


class Provider:
    """Serves on a thread of its own; a test changes what it is and says."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.provider = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        # By a name, so that for browsers it is another site than 127.0.0.1.
        self.issuer = f"http://localhost:{self.port}"
        self._first = RSAKey.generate_key(2048, auto_kid=True)
        self.codes: dict[str, dict[str, str]] = {}
        self.reset()
        threading.Thread(target=self._server.serve_forever, args=(0.05,)).start()

    def reset(self) -> None:
        self.key: RSAKey | ECKey = self._first
        self.person: Claims = {}
        self.change: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str | None] = self.signed
        self.userinfo: Claims | None = None
        self.metadata: Claims = {}
        self.secret: str | None = SECRET
        self.padding = ""
        self.asks = False
        self.refusal: str | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.asked: queue.SimpleQueue[str] = queue.SimpleQueue()

    def close(self) -> None:
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()

    def rotate(self) -> None:
        """Sign with another key from now on, and no longer publish the old one."""
        self.key = ECKey.generate_key("P-256", auto_kid=True)

    def signed(self, claims: Claims) -> str:
        algorithm = "RS256" if isinstance(self.key, RSAKey) else "ES256"
        header = {"alg": algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, self.key)

    def discovery(self) -> Claims:
        at = {
            f"{name}_endpoint": f"{self.issuer}/{name}"
            for name in ("authorization", "token")
        }
        if self.userinfo is not None:
            at["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        keys = {"jwks_uri": f"{self.issuer}/keys", "padding": self.padding}
        return {"issuer": self.issuer} | at | keys | self.metadata

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser goes on."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["redirect_uri"].endswith("/console/oidc/callback")
        assert {"openid", "email"} <= set(query["scope"].split())
        assert query["code_challenge_method"] == "S256"
        answer = {"state": query["state"], "iss": self.issuer}
        if self.refusal is not None:
            answer["error"] = self.refusal
        else:
            answer["code"] = secrets.token_urlsafe(32)
            self.codes[answer["code"]] = query
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, form: dict[str, str], authorization: str) -> Claims:
        """Return the tokens for a code, or an error of RFC 6749."""
        if not self._knows(form, authorization):
            return {"error": "invalid_client"}
        begun = self.codes.pop(form["code"], None)
        if begun is None or form["grant_type"] != CODE or not _proves(form, begun):
            return {"error": "invalid_grant"}
        now = clock.now() // SECOND
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "1234",
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
        }
        token = self.sign(self.change(claims | self.person))
        return {"access_token": "at", "token_type": "Bearer", "id_token": token}

    def _knows(self, form: dict[str, str], authorization: str) -> bool:
        """Tell whether it is our client, proven in the way that we offer."""
        methods = self.metadata.get("token_endpoint_auth_methods_supported")
        if self.secret is None:
            return form["client_id"] == CLIENT and not authorization
        if methods == ["client_secret_post"]:
            return (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        return (name, secret) == (quote_plus(CLIENT), quote_plus(SECRET))


def unsigned(claims: Claims) -> str:
    """Return a token of `alg: none`."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    texts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*texts, ""])


def _proves(form: dict[str, str], begun: dict[str, str]) -> bool:
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    same_place = form["redirect_uri"] == begun["redirect_uri"]
    return same_place and challenge == begun["code_challenge"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        provider, parts = self._begin()
        if parts.path == "/authorization":
            url = provider.authorize(dict(parse_qsl(parts.query)))
            if provider.asks:
                page = (
                    f'<h1>Directory</h1><a href="{url.replace("&", "&amp;")}">Yes</a>'
                )
                self._answer(200, page.encode(), "text/html")
            else:
                self._answer(302, b"", location=url)
        elif parts.path == "/keys":
            self._json({"keys": [provider.key.as_dict(private=False)]})
        elif parts.path == "/userinfo":
            assert self.headers["authorization"] == "Bearer at"
            self._json(provider.userinfo or {})
        elif parts.path == "/.well-known/openid-configuration":
            self._json(provider.discovery())
        else:
            self._answer(404, b"")

    def do_POST(self) -> None:
        provider, _ = self._begin()
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        told = provider.exchange(form, self.headers.get("authorization", ""))
        self._json(told, 400 if "error" in told else 200)

    def _begin(self) -> tuple[Provider, Any]:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        provider.asked.put(parts.path)
        provider.answers.wait(30)
        return provider, parts

    def _json(self, value: Claims, status: int = 200) -> None:
        self._answer(status, json.dumps(value).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def start_server_with(provider: Provider, database: Path) -> Server:
    """Start a server at which people sign in at a provider."""
    port = bind_port("127.0.0.1", 0)
    return start_server(
        database,
        port=str(port),
        FOOTFALL_ADDRESS=f"http://127.0.0.1:{port}",
        FOOTFALL_OIDC_ISSUER=provider.issuer,
        FOOTFALL_OIDC_CLIENT_ID=CLIENT,
        FOOTFALL_OIDC_CLIENT_SECRET=SECRET,
        FOOTFALL_OIDC_NAME="Example Ltd",
    )
