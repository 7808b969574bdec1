"""Host names as this machine knows them."""

from __future__ import annotations

import socket

import pytest


def host_without_subdomains() -> str:
    """A name of this machine that DNS knows, and none below it; skips the test without one."""
    for name in ("localhost", socket.gethostname()):
        if is_known(name) and not is_known(f"fruits.{name}"):
            return name
    pytest.skip("every name below those of this machine is known")


def is_known(name: str) -> bool:
    """Whether DNS, or the hosts file, has an address for a name."""
    try:
        socket.getaddrinfo(name, None)
    except socket.gaierror:
        return False
    return True
