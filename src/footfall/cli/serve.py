"""`footfall serve`."""

import functools
import os
import sys

from footfall import settings


def serve(
    *,
    store: str | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C, and finish the requests under way.

    Example: footfall serve --store sqlite:/var/lib/footfall/footfall.db --port 8000

    Args:
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        host: The address to listen on (FOOTFALL_HOST).
        port: The port to listen on; 0 finds a free one (FOOTFALL_PORT).
        workers: How many server processes share the port (FOOTFALL_WORKERS).
    """
    from footfall import server

    chosen = settings.load(
        os.environ, store=store, host=host, port=port, workers=workers
    )
    server.serve(chosen, functools.partial(_say, chosen.address))


def _say(
    public: str | None,
    address: str,
    *,
    radius: str,
    link: str | None,
    lacks_users: bool,
) -> None:
    """Say where all is, for people at the address that their browsers open."""
    opened = public or address
    console = f"console: {opened}/console, API docs: {opened}/docs"
    sys.stdout.write(f"footfall serves {address} ({console})\n{radius}\n")
    if link is not None:
        url = f"{opened}/console/sign-in#{link}"
        sys.stdout.write(f"Sign in to the console, once and within an hour: {url}\n")
    elif lacks_users:
        sys.stdout.write(
            "Nobody can sign in to the console yet; see footfall organization list, "
            "then: footfall user create --organization ID --email EMAIL\n"
        )
    sys.stdout.flush()
