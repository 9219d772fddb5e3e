"""OpenID Connect: the rules of a sign-in at somebody else's directory.

A *claim* is what the directory says of who signed in there. A user of footfall is
found by the e-mail, so only one counts of which the directory says that it was
verified: otherwise anybody could enter that of another person.
Source: OpenID Connect Core 1.0, 5.1
"""

import re
from collections.abc import Mapping
from typing import Any

HOME = "/console"
_OWN_PATH = re.compile(r"/console(/[\w./%-]*)?(\?[\w./%&=+:,~-]*)?", re.ASCII)
_PATH_LENGTH_MAX = 1_024
# Some directories send what should be a boolean as text.
_TRUE = (True, 1, "1", "true")


def verified_email(claims: Mapping[str, Any]) -> str | None:
    """Return the e-mail of who signed in; None if there is none, or an unverified one.

    Entra ID has no `email_verified`. It says `xms_edov` instead: the domain of the
    e-mail is the organization's own. That outweighs no explicit "not verified".
    """
    email = claims.get("email")
    verified = claims.get("email_verified", claims.get("xms_edov"))
    return email if verified in _TRUE and isinstance(email, str) else None


def own_path(path: str) -> str:
    """Return a path of the console to go on to; its start for anything else.

    A sign-in must not lead to another site, whatever the link to it said.
    """
    fits = len(path) <= _PATH_LENGTH_MAX and _OWN_PATH.fullmatch(path)
    return path if fits else HOME
