"""Refuse every socket that would leave this machine, in this process and, through `sitecustomize`, in its children.

In: the interpreter's own audit events, so no client library can pass unseen. Out: `OutsideSocket` at the place of the
attempt, and a line for every attempt in `refused` and, where one is asked for, in a file shared by the processes.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

_ADDRESSED = ("socket.connect", "socket.sendto", "socket.sendmsg")
_NAMED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
refused: list[str] = []


class OutsideSocket(RuntimeError):
    """Something tried to reach another machine."""


def stays_here(host: Any) -> bool:
    """Whether a host, as given to a socket function, is this machine."""
    text = host.decode() if isinstance(host, bytes) else host
    if text is None or text in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(text).split("%")[0]).is_loopback
    except ValueError:
        return False


def install(log: Path | None = None) -> None:
    """Start refusing; there is no way back within a process."""

    def note(line: str) -> None:
        if log is not None:
            handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, f"{os.getpid()} {line}\n".encode())
            os.close(handle)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _ADDRESSED:
            address = arguments[1]
            host = address[0] if isinstance(address, tuple) and address else None  # text and bytes are unix sockets
        elif event in _NAMED:
            host = arguments[0]
        else:
            return
        if not stays_here(host):
            refused.append(f"{event} {host!r}")
            note(f"refused {event} {host!r}")
            raise OutsideSocket(f"{event} to {host!r} was refused: tests stay on this machine")
        note(f"allowed {event} {host!r}")

    note(f"guarded {' '.join(getattr(sys, 'orig_argv', []))[:200]!r}")
    sys.addaudithook(watch)


def environment(folder: Path) -> dict[str, str]:
    """Environment variables under which every Python process guards itself and writes to `folder/sockets.log`."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        f"import sys\nfrom pathlib import Path\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"import socket_guard\nsys.path.pop(0)\nsocket_guard.install(Path({str(folder / 'sockets.log')!r}))\n"
    )
    return {"PYTHONPATH": str(site)}
