"""Machines of a cluster: network namespaces with addresses of their own where they can be made, else this one."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where programs can be started."""

    address: str
    """That others reach it by."""
    prefix: tuple[str, ...] = ()
    """What a command line starts with to run there."""


@contextmanager
def machines(num: int) -> Iterator[list[Machine]]:
    """Some machines that reach each other and this process; on loopback where there can be no others."""
    name, subnet = f"tc{os.getpid() % 100_000}", f"10.203.{os.getpid() % 250}"
    try:
        made = _is_made(["ip", "link", "add", name, "type", "bridge"])
        for number in range(1, num + 1):
            made = made and all(_is_made(command) for command in _commands(name, subnet, number))
        made = made and _is_made(["ip", "addr", "add", f"{subnet}.254/24", "dev", name])
        if made and _is_made(["ip", "link", "set", name, "up"]):
            yield [
                Machine(address=f"{subnet}.{n}", prefix=("ip", "netns", "exec", f"{name}n{n}"))
                for n in range(1, num + 1)
            ]
        else:
            yield [Machine(address="127.0.0.1")] * num
    finally:
        for number in range(1, num + 1):
            _is_made(["ip", "netns", "del", f"{name}n{number}"])
        _is_made(["ip", "link", "del", name])


def _commands(name: str, subnet: str, number: int) -> list[list[str]]:
    """A namespace, and a cable from it to the bridge."""
    space, plug, socket = f"{name}n{number}", f"{name}p{number}", f"{name}s{number}"
    return [
        ["ip", "netns", "add", space],
        ["ip", "link", "add", plug, "type", "veth", "peer", "name", socket],
        ["ip", "link", "set", socket, "master", name, "up"],
        ["ip", "link", "set", plug, "netns", space],
        ["ip", "-n", space, "addr", "add", f"{subnet}.{number}/24", "dev", plug],
        ["ip", "-n", space, "link", "set", plug, "up"],
        ["ip", "-n", space, "link", "set", "lo", "up"],
    ]


def _is_made(command: Sequence[str]) -> bool:
    if os.geteuid() or shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
