"""The `footfall` command; a command imports what it needs when it runs."""

import os
import sys

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from footfall import __version__
from footfall.cli import (
    analytics,
    backups,
    copies,
    demo,
    doctor,
    events,
    exports,
    imports,
    login,
    places,
    presence,
    pull,
    serve,
    sources,
    store,
    tenants,
    users,
    webhook_listener,
    webhooks,
)
from footfall.cli.output import warn
from footfall.errors import FootfallError, Invalid, SettingInvalid

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
PIPE_CLOSED = 141

app = App(
    name="footfall",
    help="Take in, keep and give back the events of a business's guests.",
    version=__version__,
    # Rendering Markdown would take longer than everything else.
    help_format="plaintext",
    help_formatter="plain",
)
app.command(serve.serve)
app.command(demo.demo)
app.command(imports.load, name="import")
app.command(exports.export)
app.command(imports.simulate)
app.command(presence.replay)
app.command(doctor.doctor)
app.command(backups.backup)
app.command(backups.restore)
app.command(copies.copy)

organization = App(name="organization", help="Tenants: create and list them.")
organization.command(tenants.create_organization, name="create")
organization.command(tenants.list_organizations, name="list")
app.command(organization)

service = App(name="service", help="API credentials: create, list and revoke them.")
service.command(tenants.create_service, name="create")
service.command(tenants.list_services, name="list")
service.command(tenants.revoke_service, name="revoke")
app.command(service)

people = App(
    name="user", help="People who sign in to the console: make, list, revoke them."
)
people.command(users.create)
people.command(users.list_users, name="list")
people.command(users.link)
people.command(users.password)
people.command(users.revoke)
app.command(people)

location = App(name="location", help="Venues: import and list them.")
location.command(places.import_locations, name="import")
location.command(places.list_locations, name="list")
app.command(location)

hotspot = App(name="hotspot", help="Access points: import and list them.")
hotspot.command(places.import_hotspots, name="import")
hotspot.command(places.list_hotspots, name="list")
app.command(hotspot)

source = App(
    name="source",
    help="Addresses for equipment: create, list and delete them, show problems.",
)
source.command(sources.create)
source.command(sources.list_sources, name="list")
source.command(sources.delete)
source.command(sources.problems)
app.command(source)

visits = App(name="presence", help="Visits: recompute them; forget devices.")
visits.command(presence.recompute)
visits.command(presence.forget_devices)
app.command(visits)

hooks = App(
    name="webhooks",
    help="Webhooks: create and change them, list deliveries, receive them.",
)
hooks.command(webhooks.create)
hooks.command(webhooks.list_webhooks, name="list")
hooks.command(webhooks.show)
hooks.command(webhooks.change)
hooks.command(webhooks.delete)
hooks.command(webhooks.rotate)
hooks.command(webhooks.deliveries)
hooks.command(webhooks.resend)
hooks.command(webhooks.replay)
hooks.command(webhooks.ping)
hooks.command(webhook_listener.listen)
app.command(hooks)

counting = App(name="analytics", help="What the Analytics API counts: count again.")
counting.command(analytics.rebuild)
app.command(counting)

stores = App(
    name="store", help="A store on several machines: distribute it, isolate a tenant."
)
stores.command(store.distribute)
stores.command(store.isolate)
app.command(stores)

app.command(login.login)
app.command(pull.pull)

over_api = App(name="events", help="Events over the API: list, follow, sync, send.")
over_api.command(events.list_events, name="list")
over_api.command(events.tail)
over_api.command(events.sync)
over_api.command(events.send)
app.command(over_api)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0, 1 for a failure, 2 for wrong usage."""
    # Only the owner may read what a command writes: the store, backups, rejected lines.
    os.umask(0o077)
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _stop(f"{error} See `footfall --help`.", WRONG_USAGE)
    except (Invalid, SettingInvalid) as error:
        _stop(error.detail, WRONG_USAGE)
    except FootfallError as error:
        _stop(str(error), FAILED)
    except BrokenPipeError:
        _end_output()
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _stop(f"{place}{error.strerror or error}.", FAILED)
    except KeyboardInterrupt:
        _stop("Interrupted.", INTERRUPTED)


def _end_output() -> None:
    """End quietly when the reader of stdout has closed it, as `head` does."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    sys.exit(PIPE_CLOSED)


def _stop(message: str, code: int) -> None:
    warn(f"footfall: {' '.join(message.split())}")
    sys.exit(code)
