"""The `footfall` command. A command loads what it needs only when it runs."""

import sys

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from footfall import __version__
from footfall.errors import FootfallError, Invalid, SettingInvalid

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130

app = App(
    name="footfall",
    help="Take in, keep and give back the events of a business's guests.",
    version=__version__,
    # Rendering Markdown would take longer than everything else.
    help_format="plaintext",
    help_formatter="plain",
)
for place, name, summary in (
    ("serving:serve", "serve", "Serve the API."),
    ("demo:demo", "demo", "Load examples and a simulated chain, and serve them."),
    ("filling:load", "import", "Import events from files."),
    ("filling:simulate", "simulate", "Fill an organization with simulated events."),
    ("doctor:doctor", "doctor", "Say how this footfall is, and what is wrong."),
):
    app.command(f"footfall.cli.{place}", name=name, help=summary)

organization = App(name="organization", help="Tenants: make and list them.")
organization.command("footfall.cli.tenants:create_organization", name="create")
organization.command("footfall.cli.tenants:list_organizations", name="list")
app.command(organization)

service = App(name="service", help="API credentials: make, list and revoke them.")
service.command("footfall.cli.tenants:create_service", name="create")
service.command("footfall.cli.tenants:list_services", name="list")
service.command("footfall.cli.tenants:revoke_service", name="revoke")
app.command(service)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0, 1 for a failure, 2 for wrong usage."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _stop(f"{error} See `footfall --help`.", WRONG_USAGE)
    except (Invalid, SettingInvalid) as error:
        _stop(error.detail, WRONG_USAGE)
    except FootfallError as error:
        _stop(error.detail, FAILED)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _stop(f"{place}{error.strerror or error}.", FAILED)
    except KeyboardInterrupt:
        _stop("Interrupted.", INTERRUPTED)


def _stop(message: str, code: int) -> None:
    sys.stderr.write(f"footfall: {' '.join(message.split())}\n")
    sys.exit(code)
