import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.pipeline.detect import Detection
from tcae.pipeline.track import Box, Track, Tracker, choose, iou
from tests.face_builders import detection

boxes = st.builds(lambda x, y, w, h: np.array([x, y, x + w, y + h]), *[st.floats(0, 100)] * 2, *[st.floats(1, 100)] * 2)
scenes = st.lists(
    st.lists(
        st.builds(detection, st.floats(0, 400), st.floats(0, 200), st.floats(20, 120), st.floats(0.7, 1)), max_size=3
    ),
    max_size=8,
)


def follow(frames: list[list[Detection]], fps: float = 1.0) -> list[Track]:
    tracker = Tracker()
    for position, found in enumerate(frames):
        tracker.add(position, position / fps, found)
    return tracker.tracks


def lefts(faces: dict[int, Detection]) -> dict[int, float]:
    return {position: float(face.box[0]) for position, face in faces.items()}


@given(scenes)
def test_every_face_is_in_one_track_and_a_track_has_at_most_one_face_a_frame(frames: list[list[Detection]]) -> None:
    tracks = follow(frames)
    seen = [(position, id(face)) for track in tracks for position, face in track.detections.items()]
    assert sorted(seen) == sorted((position, id(face)) for position, found in enumerate(frames) for face in found)
    assert all(list(track.detections) == sorted(track.detections) for track in tracks)


@given(scenes)
def test_the_same_frames_give_the_same_tracks(frames: list[list[Detection]]) -> None:
    first, second = follow(frames), follow(frames)
    assert [lefts(track.detections) for track in first] == [lefts(track.detections) for track in second]
    assert lefts(choose(first)) == lefts(choose(second))


@pytest.mark.parametrize("fps", [1.0, 25.0])
def test_a_face_that_stays_is_one_track(fps: float) -> None:
    frames = [[detection(100 + i % 3, 50, 60)] for i in range(10)]
    assert len(follow(frames, fps)) == 1


def test_at_one_frame_a_second_a_face_may_move_by_its_width() -> None:
    frames = [[detection(x, 50, 60)] for x in (100, 160, 240, 170)]
    assert len(follow(frames)) == 1


def test_between_two_frames_at_25_a_second_it_may_not() -> None:
    assert len(follow([[detection(100, 50, 60)], [detection(160, 50, 60)]], fps=25)) == 2


@pytest.mark.parametrize(("widths", "num_tracks"), [(0.9, 1), (1.2, 2)])
def test_over_a_gap_a_face_moves_by_no_more_than_its_width(widths: float, num_tracks: int) -> None:
    assert len(follow([[detection(100, 50, 60)], [], [detection(100 + 60 * widths, 50, 60)]])) == num_tracks


@pytest.mark.parametrize(("widths", "num_tracks"), [(1.4, 1), (1.6, 2)])
def test_however_rare_the_frames_a_face_moves_by_no_more_than_one_and_a_half_widths(
    widths: float, num_tracks: int
) -> None:
    assert len(follow([[detection(100, 50, 60)], [detection(100 + 60 * widths, 50, 60)]], fps=0.2)) == num_tracks


def test_two_people_side_by_side_are_two_tracks_in_whatever_order_the_detector_names_them() -> None:
    frames = [[detection(30, 60, 60), detection(100, 60, 62)][:: 1 if i % 2 else -1] for i in range(6)]
    tracks = follow(frames)
    assert {tuple(lefts(track.detections).values()) for track in tracks} == {(30,) * 6, (100,) * 6}


@pytest.mark.parametrize("fps", [1.0, 12.0])
def test_a_track_does_not_jump_to_the_other_person_while_its_own_is_away(fps: float) -> None:
    both = [detection(30, 60, 60, 0.99), detection(260, 60, 60, 0.9)]
    frames = [both, both, both[1:], both[1:], both, both]
    chosen = choose(follow(frames, fps), {0: both[0].box})
    assert lefts(chosen) == {0: 30, 1: 30, 4: 30, 5: 30}


def test_a_neighbour_who_was_there_before_is_not_taken_for_the_one_who_left() -> None:
    ours, neighbour = detection(30, 60, 60), detection(95, 60, 60)
    tracks = follow([[ours, neighbour], [neighbour], [neighbour]])
    assert [lefts(track.detections) for track in tracks] == [{0: 30}, {0: 95, 1: 95, 2: 95}]


def test_a_face_comes_back_to_its_track_after_a_gap() -> None:
    assert len(follow([[detection(100, 50, 60)], [], [], [detection(110, 50, 60)]])) == 1


def test_a_face_that_was_away_for_longer_than_the_gap_is_another_track() -> None:
    frames: list[list[Detection]] = [[detection(100, 50, 60)], *[[]] * 6, [detection(100, 50, 60)]]
    assert len(follow(frames)) == 2
    assert len(follow(frames, fps=5)) == 1


def test_neighbouring_frames_are_no_gap_however_rare_they_are() -> None:
    assert len(follow([[detection(100, 50, 60)], [detection(120, 50, 60)]], fps=0.1)) == 1


def test_a_much_larger_box_around_a_face_is_not_that_face() -> None:
    real, around = detection(200, 150, 65, centre=True), detection(200, 150, 140, centre=True)
    tracks = follow([[real], [around], [real]])
    assert [list(track.detections) for track in tracks] == [[0, 2], [1]]


def test_the_nearer_of_two_faces_continues_the_track() -> None:
    tracks = follow([[detection(100, 50, 60)], [detection(130, 50, 60), detection(105, 50, 60)]])
    assert lefts(tracks[0].detections) == {0: 100, 1: 105}


def test_the_highest_sum_of_scores_wins_over_the_size() -> None:
    """As in signing_yes.mkv: a false face of 140 px stands in one frame beside the real one of 65 px."""
    real = [[detection(270, 76, 65, 0.9)] for _ in range(3)]
    real[1] = [detection(100, 200, 140, 0.97), *real[1]]
    assert lefts(choose(follow(real))) == {0: 270, 1: 270, 2: 270}


def test_size_breaks_a_tie_of_scores_and_the_earlier_track_one_of_sizes() -> None:
    small, large = detection(10, 10, 50, 0.99), detection(200, 10, 90, 0.99)
    assert lefts(choose(follow([[small, large]]))) == {0: 200}
    assert lefts(choose(follow([[small, detection(200, 10, 50, 0.99)]]))) == {0: 10}


def test_the_track_file_names_the_person_against_size_and_score() -> None:
    frames = [[detection(10, 10, 90, 1.0), detection(200, 10, 50, 0.8)] for _ in range(4)]
    named = {position: np.array([190.0, 5, 260, 70]) for position in range(4)}
    assert lefts(choose(follow(frames), named)) == dict.fromkeys(range(4), 200)


def test_pieces_that_the_track_file_names_are_joined() -> None:
    frames = [[detection(10, 10, 60)], [detection(300, 10, 60)], [detection(500, 10, 60)]]
    named = {0: np.array([10.0, 10, 70, 70]), 1: np.array([300.0, 10, 360, 70])}
    assert lefts(choose(follow(frames), named)) == {0: 10, 1: 300}


def test_a_track_file_that_names_no_face_that_was_found_is_not_followed() -> None:
    frames = [[detection(10, 10, 60, 0.9), detection(200, 10, 60, 0.8)]]
    assert lefts(choose(follow(frames), {0: np.array([240.0, 60, 300, 120])})) == {0: 10}


def test_narrow_boxes_hold_a_track_together_but_do_not_make_it_win() -> None:
    frames = [[detection(100, 50, width)] for width in (45, 38, 44)]
    assert list(choose(follow(frames), min_width_px=40)) == [0, 1, 2]
    false = [[detection(400, 50, 36)] for _ in range(3)]
    frames = [[*f, *g] for f, g in zip([[detection(100, 50, 45)], [], []], false, strict=True)]
    assert lefts(choose(follow(frames), min_width_px=40)) == {0: 100}
    assert lefts(choose(follow(false), min_width_px=40)) == dict.fromkeys(range(3), 400)


def test_a_clip_without_faces_has_nobody() -> None:
    assert choose(follow([[], []])) == {}


def test_many_false_faces_in_a_long_clip_stay_cheap_to_follow() -> None:
    tracker = Tracker()
    for position in range(600):
        tracker.add(position, position, [detection(97 * position % 5000, 50, 60)])
    assert len(tracker._open) < 20


@given(boxes, boxes)
def test_overlap_is_symmetric_at_most_one_and_one_only_with_itself(first: Box, second: Box) -> None:
    assert iou(first, second) == iou(second, first)
    assert 0 <= iou(first, second) <= 1
    assert iou(first, first) == pytest.approx(1)


@pytest.mark.parametrize(
    ("second", "expected"),
    [((0, 0, 10, 10), 1.0), ((5, 0, 15, 10), 1 / 3), ((10, 0, 20, 10), 0.0), ((2, 2, 7, 7), 0.25), ((3, 3, 3, 3), 0.0)],
)
def test_overlap_of_half_open_boxes(second: tuple[float, ...], expected: float) -> None:
    assert iou(np.array([0.0, 0, 10, 10]), np.array(second, float)) == pytest.approx(expected)
    assert iou(np.array([3.0, 3, 3, 3]), np.array([3.0, 3, 3, 3])) == 0
