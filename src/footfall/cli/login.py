"""`footfall login`, and the client that the commands over the API use."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from footfall.cli.output import say, warn
from footfall.cli.private_files import configuration_file, read_private, write_private
from footfall.errors import Invalid, NotFound

if TYPE_CHECKING:
    from stamina.instrumentation import RetryDetails

    from footfall.client import Client

_FILE = "logins.json"


class Login(msgspec.Struct, frozen=True, rename="camel"):
    """Where to log in, and with what."""

    url: str
    organization: str
    client_key: str
    client_secret: str


def login(*, url: str, organization: str, client_key: str) -> None:
    """Keep a server's address and a key for the commands over the API.

    The secret is asked for; without a terminal it is read from standard input. Address,
    key and secret are kept in ~/.config/footfall/logins.json, which only you may read.

    Example: footfall login --url https://footfall.example --organization ID
    --client-key ck-0b6ac9a5-6ee7-4a1b-9f0e-7c2f0d3c1a55

    Args:
        url: The server's address.
        organization: The organization's id.
        client_key: The service's key.
    """
    import getpass

    if sys.stdin.isatty():
        secret = getpass.getpass("clientSecret: ", sys.stderr)
    else:
        secret = sys.stdin.readline()
    made = Login(url.rstrip("/"), organization, client_key, secret.strip())
    with client_of(made, attempts=3) as client:
        client.log_in()
    others = [one for one in _logins() if not _is_of(one, made.url, organization)]
    file = configuration_file(_FILE)
    write_private(file, [made, *others])
    say(f"Logged in to {made.url}. {file} keeps the key.")


def find_login(organization: str | None, url: str | None = None) -> Login:
    """Return the login of an organization and a server, or the newest.

    Raises:
        NotFound: There is none.
    """
    for one in _logins():
        if _is_of(one, one.url if url is None else url.rstrip("/"), organization):
            return one
    place = f" for organization {organization}" if organization else ""
    place += f" at {url}" if url else ""
    raise NotFound(
        f"There is no login{place}: first do `footfall login --url "
        f"{url or 'URL'} --organization {organization or 'ID'} --client-key KEY`."
    )


def _is_of(one: Login, url: str, organization: str | None) -> bool:
    return one.url == url and organization in (None, one.organization)


def _logins() -> list[Login]:
    return read_private(configuration_file(_FILE), list[Login]) or []


@contextlib.contextmanager
def connected(organization: str | None) -> Iterator["Client"]:
    """Give the client of a login; see `find_login`."""
    with client_of(find_login(organization)) as client:
        yield client


@contextlib.contextmanager
def client_of(
    one: Login, *, attempts: int = 8, patience_s: float = 180
) -> Iterator["Client"]:
    """Give a client that says on stderr when it has to try again.

    Args:
        one: Where to log in.
        attempts: How often a request is tried.
        patience_s: For how long.
    """
    from stamina import instrumentation

    from footfall.client import Client, RetryPolicy

    if not one.client_secret:
        raise Invalid("The clientSecret is empty.")
    instrumentation.set_on_retry_hooks([_say_retry])
    with Client(
        one.url,
        organization=one.organization,
        client_key=one.client_key,
        client_secret=one.client_secret,
        policy=RetryPolicy(attempts, patience_s),
    ) as client:
        yield client


def _say_retry(details: "RetryDetails") -> None:
    warn(f"footfall: {details.caused_by} Trying again in {details.wait_for:.1f} s.")
