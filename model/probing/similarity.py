"""What nearness in an embedding tells: the same person or not, who it is, and the same actions or not."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tcae.model.probing.intervals import IntervalConfig, area_interval, mean_interval
from tcae.model.probing.labelled import Presence
from tcae.model.probing.linear import Features
from tcae.model.probing.neighbours import nearest
from tcae.model.probing.results import OtherScore
from tcae.model.probing.retrieval import RetrievalConfig, retrieval_of
from tcae.model.probing.trials import Trial
from tcae.model.probing.verification import draw_pairs, pair_similarities, verification_auc


def similarity_scores(name: str, features: Features, trial: Trial) -> Iterator[OtherScore]:
    """Verification, identities retrieved, and AUs where they are labelled; all among the scored faces only."""
    scored = np.any([fold.scored for fold in trial.folds], axis=0)
    rows, labels = trial.faces.rows[scored], trial.faces.presence[scored]
    yield from _verification(name, features[scored], rows, trial)
    yield from _identities(name, features[scored], rows, trial)
    yield from _retrieval(name, features[scored], labels, rows["identity"].tolist(), trial.seed)


def _verification(name: str, features: Features, rows: pd.DataFrame, trial: Trial) -> Iterator[OtherScore]:
    """None with one identity, or where each has a single face."""
    people = rows["identity"]
    several = rows.groupby("identity")["video"].nunique().max() > 1
    if people.nunique() > 1 and people.duplicated().any():
        pairs = draw_pairs(people.tolist(), rows["video"].tolist() if several else None, seed=trial.seed)
        auc, similarity = verification_auc(features, pairs), pair_similarities(features, pairs)
        config = IntervalConfig(draws=trial.draws, seed=trial.seed)
        low, high = area_interval(people.to_numpy(np.str_), similarity, pairs[:2], pairs.same, config)
        note = "across videos" if several else "within videos, whose frames are alike anyway"
        yield OtherScore(
            representation=name, name="verification AUC", value=auc, low=low, high=high, chance=0.5, note=note
        )


def _identities(name: str, features: Features, rows: pd.DataFrame, trial: Trial) -> Iterator[OtherScore]:
    """Whether the nearest face of all other videos is of the same identity; of other clips where each has one video."""
    people, person = np.unique(rows["identity"].to_numpy(np.str_), return_inverse=True)
    several = rows.groupby("identity")["video"].nunique().max() > 1
    take = np.array(
        rows.groupby(["identity", "video"] if several else ["identity", "video", "clip"]).ngroup(), np.int64
    )
    own_faces, own_take = np.bincount(person)[person], np.bincount(take)[take]
    queries = np.flatnonzero(own_faces > own_take)
    if len(people) < 2 or not len(queries):
        return
    _, found = nearest(features[queries], features, 1, (take[queries], take))
    hits = (person[found[:, 0]] == person[queries]) & (found[:, 0] >= 0)
    chance = (own_faces - own_take)[queries] / (len(rows) - own_take[queries])
    low, high = mean_interval(people[person[queries]], hits, IntervalConfig(draws=trial.draws, seed=trial.seed))
    yield OtherScore(
        representation=name,
        name="identity@1",
        value=float(hits.mean()),
        low=low,
        high=high,
        chance=float(chance.mean()),
        note=f"{len(queries):,} faces, the nearest of other {'videos' if several else 'clips'}",
    )


def _retrieval(
    name: str, features: NDArray[np.float32], labels: Presence, identities: list[str], seed: int
) -> Iterator[OtherScore]:
    """None where fewer than two identities have faces whose AUs are all labelled, or none of these shows any."""
    complete = (labels >= 0).all(1) & (labels.shape[1] > 0)
    if not (labels[complete] == 1).any() or len(set(np.array(identities)[complete])) < 2:
        return
    found = retrieval_of(features, labels, identities, RetrievalConfig(seed=seed))
    note = f"{found.num_queries:,} queries; {found.num_incomplete:,} faces with a missing label are left out"
    matched = f"{found.num_queries - found.num_matchless:,} of {note}, and queries whose AUs nobody else shows"
    for k, recall in found.recall.items():
        chance = found.recall_chance[k]
        yield OtherScore(representation=name, name=f"recall@{k}", value=recall, chance=chance, note=matched)
    yield OtherScore(
        representation=name, name="Jaccard of AUs at 1", value=found.jaccard, chance=found.jaccard_chance, note=note
    )
