"""Real equipment: Debian's radclient and freeradius, on loopback."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pyrad.packet import AcctPacket

from footfall.sources import radius

SECRET = "testing-123"
# Where Debian keeps the server's libraries and dictionaries.
LIBRARIES, DICTIONARY = "/usr/lib/freeradius", "/usr/share/freeradius"


def radclient(port: int, secret: str, *packets: dict[str, str], **flags: int) -> str:
    """Send accounting requests; return what radclient said of their answers."""
    text = "\n\n".join(
        "\n".join(f'{name} = "{value}"' for name, value in packet.items())
        for packet in packets
    )
    command = [shutil.which("radclient") or "radclient", "-x", "-D", DICTIONARY]
    command += ["-r", str(flags.get("retries", 3)), "-t", str(flags.get("timeout", 3))]
    command += [f"127.0.0.1:{port}", "acct", secret]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


def accounting_request(secret: bytes, number: int = 0, **attributes: str) -> bytes:
    """Make the packet of a guest's login."""
    made = AcctPacket(id=number % 256, secret=secret, dict=radius.dictionary())
    sent = {
        "Acct-Status-Type": 1,
        "User-Name": "ann",
        "Calling-Station-Id": "0C-8D-DB-00-11-22",
        "NAS-Identifier": "nas-1",
        "Acct-Session-Id": f"s{number}",
    }
    for name, value in sent.items():
        made[name] = attributes.get(name.replace("-", "_"), value)
    data: bytes = made.RequestPacket()
    return data


CONFIG = """
prefix = {folder}
localstatedir = {folder}
logdir = {folder}
run_dir = {folder}
raddbdir = {folder}
libdir = {libraries}
pidfile = {folder}/radiusd.pid
max_request_time = 30
cleanup_delay = 5
max_requests = 1024
hostname_lookups = no
log {{
destination = files
file = {folder}/radius.log
auth = no
}}
security {{
max_attributes = 200
reject_delay = 1
status_server = yes
  allow_core_dumps = no
  }}
thread pool {{
start_servers = 2
max_servers = 4
min_spare_servers = 1
  max_spare_servers = 3
  max_requests_per_server = 0
  }}
modules {{
  rest {{
    connect_uri = "{url}"
    accounting {{
      uri = "{url}/v1/sources/{source}"
      method = "post"
      body = "json"
      auth = "basic"
      username = "footfall"
      password = "{password}"
    }}
    pool {{
    start = 0
    min = 0
    max = 8
    spare = 1
    }}
  }}
}}
client here {{
ipaddr = 127.0.0.1
secret = {secret}
}}
server default {{
  listen {{
  type = acct
  ipaddr = 127.0.0.1
  port = {port}
  }}
  preacct {{
  }}
  accounting {{
  rest
  }}
}}
"""


@contextlib.contextmanager
def freeradius(folder: Path, url: str, source: str, password: str) -> Iterator[int]:
    """Run a FreeRADIUS that posts accounting to footfall; yields its UDP port."""
    port = free_udp_port()
    config = CONFIG.format(
        folder=folder,
        libraries=LIBRARIES,
        url=url,
        source=source,
        password=password,
        secret=SECRET,
        port=port,
    )
    (folder / "radiusd.conf").write_text(config)
    (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    command = ["freeradius", "-f", "-d", str(folder), "-l", str(folder / "radius.log")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
