"""Ranking in time: distances, hinges, what is looked at, and what a training may begin with."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tcae.manifests.errors import CheckpointError
from tcae.model.method import Views
from tcae.model.methods.temporal import Temporal
from tcae.model.networks.resnet import ResNet
from tcae.model.recipe import DrawConfig
from tcae.model.recipes.temporal import RELEASED, TemporalNetwork, TemporalRecipe
from tests.method_builders import draws

NETWORK = TemporalNetwork(size=16, planes=(2, 3, 4, 6), width=5)
NUM = 4


def tiny(seed: int = 0, **changes: object) -> Temporal:
    torch.manual_seed(seed)
    return Temporal(replace(RELEASED, network=NETWORK, **changes))  # type: ignore[arg-type]


def views(num: int = NUM, times: int = 12, side: int = 16, seed: int = 1) -> Views:
    faces = torch.rand(times, num, 3, side, side, generator=draws(seed))
    return Views(tuple(faces), torch.zeros(num, 0))


def made_up(num: int = 6, places: int = 11, seed: int = 2) -> Tensor:
    return 0.1 * torch.rand(num, places, generator=draws(seed), dtype=torch.float64)


def test_the_ranking_loss_is_a_hinge_for_each_two_neighbours_in_time() -> None:
    """models.md section 4: the sum over i of max(0, d(i-1) - d(i) + 0.03), with ten terms."""
    distances = made_up()
    expected = []
    for clip in distances.tolist():
        total = 0.0
        for nearer, farther in pairwise(clip):
            hinge = nearer - farther + 0.03
            if hinge > 0:
                total += hinge
        expected.append(total)
    found = tiny().terms(distances, views())
    assert list(found) == ["ranking"]
    np.testing.assert_allclose(found["ranking"].numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("distances", "loss"),
    [
        ([0.0] * 11, 0.3),
        ([0.03 * place for place in range(11)], 0.0),
        ([0.1 * place for place in range(11)], 0.0),
        ([0.1 * place for place in reversed(range(11))], 1.3),
        ([0.0, 1.0, *[1.0] * 9], 0.27),
    ],
    ids=["all alike", "just far enough", "in order", "backwards", "one step"],
)
def test_a_table_of_ranking_losses(distances: list[float], loss: float) -> None:
    made = torch.tensor([distances], dtype=torch.float64)
    assert tiny().terms(made, views(1))["ranking"].item() == pytest.approx(loss)


def test_distances_are_squared_and_from_the_anchor_in_the_order_of_time() -> None:
    method, seen = tiny().eval(), views()
    with torch.no_grad():
        found = method(seen)
        embedded = [method.encoder(faces).double().numpy() for faces in seen.faces]
    assert found.shape == (NUM, 11)
    for clip in range(NUM):
        for place in range(11):
            ways = [
                (theirs - ours) ** 2 for ours, theirs in zip(embedded[0][clip], embedded[place + 1][clip], strict=True)
            ]
            assert found[clip, place].item() == pytest.approx(sum(ways), abs=1e-5)


def test_anchors_siblings_and_later_faces_have_batch_statistics_of_their_own() -> None:
    method = tiny().train()
    counted = method.encoder.trunk.bn1.num_batches_tracked
    method(views())
    assert counted is not None
    assert counted.item() == 3


def test_measures_say_which_neighbours_are_in_order() -> None:
    made = torch.tensor([[0.0, 0.1, 0.1, 0.3], [0.4, 0.3, 0.5, 0.2]])
    found = tiny().measures(made, views(2, times=5))
    assert found["in_order"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert [found[f"in_order_{place:02}"].tolist() for place in (1, 2, 3)] == [[1, 0], [0, 1], [1, 0]]
    assert found["reach"].tolist() == pytest.approx([0.3, 0.5])


def test_a_user_hears_how_many_are_in_order_and_of_a_collapse() -> None:
    method = tiny()
    metrics = {"total": 0.2, "ranking": 0.2, "in_order": 0.625, "reach": 0.3}
    assert method.words(metrics).endswith(", 62% in order")
    assert method.remark(metrics) == ""
    assert method.remark(metrics | {"reach": 0.0}) == "all faces of a clip are embedded alike"


def test_a_training_can_begin_with_torchvisions_file_of_resnet_18() -> None:
    method, trunk = tiny(), ResNet(NETWORK.planes)
    head = method.encoder.head.weight.clone()
    path = Path("resnet18.pth")
    method.begin({**trunk.state_dict(), "fc.weight": torch.zeros(1000, 6), "fc.bias": torch.zeros(1000)}, path)
    for name, tensor in method.encoder.trunk.state_dict().items():
        torch.testing.assert_close(tensor, trunk.state_dict()[name])
    torch.testing.assert_close(method.encoder.head.weight, head)


def test_a_training_can_begin_with_another_of_the_same_method() -> None:
    method, other = tiny(seed=0), tiny(seed=1)
    method.begin(other.state_dict(), Path("last.pt"))
    seen = views(2)
    torch.testing.assert_close(method.eval()(seen), other.eval()(seen))


def test_weights_of_another_network_are_refused_by_name() -> None:
    wider = ResNet((4, 4, 4, 4)).state_dict()
    with pytest.raises(CheckpointError, match=r"resnet34\.pth holds other tensors .* of another shape: conv1\.weight"):
        tiny().begin(wider, Path("resnet34.pth"))
    with pytest.raises(CheckpointError, match=r"missing: encoder\.trunk\.conv1\.weight"):
        tiny().begin({"encoder.head.bias": torch.zeros(5)}, Path("head.pt"))


@pytest.mark.parametrize("times", [3, 12])
def test_a_sheet_has_a_row_for_each_clip_and_a_column_for_each_time(times: int) -> None:
    method = tiny(draw=DrawConfig(kind="times", num_faces=times, spacing=2)).eval()
    with torch.no_grad():
        one, two = (method.sheet(views(num, times), "val at step 7") for num in (1, 2))
    assert one.dtype == np.uint8
    assert one.shape[1] == two.shape[1] > times * 160
    assert one.shape[0] + 160 < two.shape[0] < 2 * one.shape[0]


def learned(recipe: TemporalRecipe, seen: Views, num_steps: int) -> tuple[float, float]:
    """The mean loss of some clips before and after learning them by heart."""
    torch.manual_seed(0)
    method = Temporal(recipe)
    optimiser = torch.optim.AdamW(method.parameters(), lr=3e-3)
    losses = []
    for _ in range(num_steps):
        loss = method.terms(method(seen), seen)["ranking"].mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return losses[0], losses[-1]


def test_the_order_of_a_few_clips_is_learned_by_heart() -> None:
    """Each clip goes from one blot of colour to another."""
    ends = torch.rand(2, NUM, 3, 4, 4, generator=draws(5))
    start, end = (interpolate(each, size=32, mode="bilinear", align_corners=True) for each in ends)
    seen = Views(tuple(start + (end - start) * place / 11 for place in range(12)), torch.zeros(NUM, 0))
    network = TemporalNetwork(size=32, planes=(8, 8, 16, 16), width=16)
    first, last = learned(replace(RELEASED, network=network), seen, num_steps=25)
    assert last < 0.2 * first  # 0 when this was written, from 1.26
