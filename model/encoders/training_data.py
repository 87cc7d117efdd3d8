"""What is known of the faces that a run learned from."""

from tcae.manifests.errors import ManifestError
from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.training.runs import read_config, run_folder


def training_data(workspace: Workspace, run: str) -> dict[str, str | int]:
    """What the run wrote down of its data, and counts of the training split if it is still the same one.

    Raises:
        CheckpointError: there is no such run.
    """
    data = dict(read_config(run_folder(workspace, run))["data"])
    return data | _counts(workspace, data.get("pairs"))


def _counts(workspace: Workspace, fingerprint: str | None) -> dict[str, int]:
    """Nothing if the split was made anew since, is damaged or not there."""
    folder = workspace.manifest("pairs") / "train"
    if not folder.is_dir():
        return {}
    try:
        index = PairIndex.open(folder)
    except ManifestError:
        return {}
    if index.fingerprint != fingerprint:
        return {}
    names = ("num_identities", "num_videos", "num_tracks", "num_faces", "num_pairs")
    return {name: getattr(index, name) for name in names}
