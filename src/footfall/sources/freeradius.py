"""FreeRADIUS' rlm_rest: accounting as JSON over HTTP, from your own RADIUS server.

The module sends each attribute as `{"type", "value": […]}`: names in place of numbers
that have names, dates as text in the server's zone, octets as hex. It uses basic
authentication.
Source: https://wiki.freeradius.org/modules/Rlm_rest
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from footfall.core.observations import SourceBatch
from footfall.sources import accounting
from footfall.sources.reading import list_of, object_of, read_json, rejection

_TIME = "%b %d %Y %H:%M:%S"
_UTC = (" UTC", " GMT")
VALUES_MAX = 16


def verify_head(secret: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a post has the secret as its password."""
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        _, _, password = base64.b64decode(sent, validate=True).partition(b":")
    except ValueError:
        return False
    return hmac.compare_digest(password, secret.encode())


def verify(secret: str, headers: Mapping[str, str], _body: bytes) -> bool:
    """Tell whether a post has the secret, which is in its head."""
    return verify_head(secret, headers)


def decode(body: bytes, now: int) -> SourceBatch:
    """Read a post."""
    try:
        post = object_of(read_json(body))
    except ValueError as error:
        return SourceBatch(rejections=[rejection("", error, body)])
    return accounting.decode(attributes_of(post), now)


def attributes_of(post: dict[str, Any]) -> dict[str, list[str]]:
    """Return the attributes as text."""
    found = {}
    for name, sent in post.items():
        attribute = object_of(sent)
        values = list_of(attribute.get("mapping")) or attribute.get("value", sent)
        if not isinstance(values, list):
            values = [values]
        texts = [
            str(v) for v in values[:VALUES_MAX] if isinstance(v, (str, int, float))
        ]
        if attribute.get("type") == "date":
            texts = [text for sent in texts if (text := _time_of(sent)) is not None]
        elif attribute.get("type") == "octets":
            texts = [_text_of(text) for text in texts]
        if texts:
            found[name] = texts
    return found


def _time_of(text: str) -> str | None:
    """Read a date in UTC; None for other zones, whose offset only the server knows."""
    if text.isdigit():
        return text
    if not text.endswith(_UTC):
        return None
    try:
        moment = datetime.strptime(text[:-4], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return text
    return moment.isoformat()


def _text_of(octets: str) -> str:
    """Read `0x636c617373` as text, if its bytes are printable text."""
    try:
        text = bytes.fromhex(octets.removeprefix("0x")).decode()
    except ValueError:
        return octets
    return text if text.isprintable() else octets
