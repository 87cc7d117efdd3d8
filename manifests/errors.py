"""Every deliberate error, drawn as a tree.

TcaeError
├── ConfigError        the request is wrong; nothing was run
├── ManifestError      a table does not match its schema or its provenance
├── MissingToolError   ffmpeg, weights or a demanded GPU are not there; says what to install
├── WorkspaceError     the workspace cannot be written: disk full, read-only, held by another command
├── CheckpointError    a checkpoint or an export is missing, damaged, or not what the name says
├── DivergedError      the loss is no longer finite; names step and term
├── StoppedError       the user stopped the run; what was made is written
├── StoreError         an object store cannot be reached, or refuses us (``manifests/stores.py``)
├── ClusterLostError   the scheduler went away in the middle (``pipeline/cluster.py``)
├── DeadWorkersError   workers died at one clip again and again (``cli/staging.py``)
└── ItemError          one item cannot be processed; the run goes on; ``reason`` is a closed set
    └── one subclass per reason, beside the stage that raises it

Each takes exactly one message, because others do not survive a worker pool's pickling.
"""

from typing import ClassVar


class TcaeError(Exception):
    """Anything that this project raises on purpose."""


class ConfigError(TcaeError):
    """The request is wrong and nothing was run."""


class ManifestError(TcaeError):
    """A table does not match its schema or its provenance."""


class MissingToolError(TcaeError):
    """A program, a weight file or a demanded device is not there."""


class WorkspaceError(TcaeError):
    """The workspace cannot be written: the disk is full, it is read-only, or another command holds it."""


class CheckpointError(TcaeError):
    """A checkpoint or an export is missing, damaged, or holds something else."""


class DivergedError(TcaeError):
    """The loss is no longer finite; the message names the step and the term."""


class StoppedError(TcaeError):
    """The user stopped the run; every row that was made is written."""


class ItemError(TcaeError):
    """One item cannot be processed; the run goes on without it."""

    reason: ClassVar[str]
    """The value of the row's ``reason`` column; one per subclass, never shared."""
