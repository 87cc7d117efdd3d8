import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.pipeline.trees.names import MAX_NAME_BYTES, check_name, plain, printable, stem_of, suffix_of


@pytest.mark.parametrize(
    "name",
    [
        "id10001",
        "-_aB9",
        "A.J. Buckley",
        "Beyoncé",
        "李小龙",
        "Zoë's \\ clip",
        "a" * 255,
        "é" * 127,
        "\u0646\u06cc\u0645\u200c\u0641",
    ],
)
def test_ordinary_names_of_any_script_are_taken(name: str) -> None:
    assert check_name(name) is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the name is empty"),
        (".", "would leave its folder"),
        ("..", "would leave its folder"),
        (".hidden", "no leading dot"),
        ("a/b", r"the name a\\x2fb would leave"),
        ("/etc", r"\\x2fetc would leave"),
        ("a\n", r"a\\x0a has control characters"),
        ("a\x00b", "control characters"),
        ("a\x7f", "control characters"),
        ("a\u2028b", r"a\\x2028b has control"),
        ("caf\udce9", r"caf\\xe9 has bytes that are not UTF-8"),
        ("é" * 128, "has 256 bytes; 255 is the most"),
        ("a" * 256, "has 256 bytes"),
    ],
)
def test_names_that_would_leave_the_workspace_are_refused(name: str, message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        raise check_name(name) or AssertionError("accepted")
    assert getattr(caught.value, "reason", None) == "name"


@given(st.text(st.characters(), max_size=300))
def test_what_is_shown_of_any_name_is_itself_a_good_name(name: str) -> None:
    assert check_name(printable(name)) is None
    assert len(printable(name).encode()) <= MAX_NAME_BYTES


@given(st.text(max_size=100))
def test_a_good_name_is_shown_as_it_is(name: str) -> None:
    assert check_name(name) is not None or printable(name) == name


def test_a_name_is_composed() -> None:
    assert plain("e\u0301") == "é"
    assert plain("abc") == "abc"


def test_the_extension_is_read_in_any_case() -> None:
    assert (suffix_of("a.b.MP4"), stem_of("a.b.MP4"), suffix_of("mp4"), stem_of("mp4")) == (".mp4", "a.b", "", "mp4")
