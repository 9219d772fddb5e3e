"""`footfall serve`."""

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
    server.serve(chosen, _say)


def _say(address: str, *, radius: str, link: str | None) -> None:
    console = f"console: {address}/console, API docs: {address}/docs"
    sys.stdout.write(f"footfall serves {address} ({console})\n{radius}\n")
    if link is not None:
        url = f"{address}/console/sign-in#{link}"
        sys.stdout.write(f"Sign in to the console, once and within an hour: {url}\n")
    sys.stdout.flush()
