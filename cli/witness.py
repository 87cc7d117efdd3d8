"""A last word for a command that dies without one: a crash, a hang that is ended, a kill.

Only a process that outlives it can speak then; starting one takes some 20 ms.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAST_WORD = (
    "Error: died at clip {clip}: a library that crashed or did not come back, too little memory, or a kill. The same "
    "command goes on: it makes that clip first, in a process of its own, and rejects it where that dies too"
)

PROGRAM = """
import os, sys
folder, pid, last_word = sys.argv[1:]
if not sys.stdin.read():  # who ends well says so
    for name in os.listdir(folder):
        if name.endswith(".holder"):
            with open(os.path.join(folder, name), errors="replace") as note:
                who, _, clip = note.readline().strip().partition(", at clip ")
            if clip and who.startswith(f"process {pid} on "):
                print(last_word.format(clip=clip), file=sys.stderr)
"""


@contextmanager
def witnessed(locks: Path) -> Iterator[None]:
    """Say at which clip this process was, should it die within the block; where no program can be started, do not.

    Args:
        locks: The folder with the notes of what is being worked on.
    """
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(locks), str(os.getpid()), LAST_WORD]
    try:
        # in a session of its own, where Ctrl-C does not reach it
        witness = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    except OSError:
        yield
        return
    with witness:
        try:
            yield
        finally:
            witness.communicate(b"ended")
