import pytest
import torch

from tcae.manifests.errors import DivergedError
from tcae.model.training.journal import Journal, Report, Watch


def journal(reports: list[Report], notes: list[str]) -> Journal:
    watch = Watch(on_report=reports.append, on_note=notes.append)
    return Journal(None, watch, every=2, num_steps=10, samples_per_step=4)


def terms(loss: float, reconstruction: float = 1.0) -> dict[str, torch.Tensor]:
    return {"reconstruction": torch.tensor(reconstruction), "loss": torch.tensor(loss)}


def test_a_report_has_the_mean_of_its_steps() -> None:
    reports: list[Report] = []
    told = journal(reports, [])
    told.note(1, terms(2.0), 0.0)
    told.note(2, terms(4.0), 0.0)
    told.settle((0.0, 0.5), 0.1)
    (report,) = reports
    assert (report.step, report.num_steps, report.loss, report.stage) == (2, 10, 3.0, (0.0, 0.5))
    assert report.seconds_left == pytest.approx(8 * 4 / report.samples_per_second)


def test_the_first_bad_step_and_its_terms_are_named() -> None:
    told = journal([], [])
    told.note(6, terms(1.0), 0.0)
    told.note(7, terms(float("nan"), float("inf")), 0.0)
    told.note(8, terms(float("nan")), 0.0)
    with pytest.raises(
        DivergedError, match=r"no longer finite: reconstruction, loss at step 7; .* smaller learning rate"
    ):
        told.settle((0.0, 0.5), 0.1)
