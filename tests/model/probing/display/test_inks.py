import pytest

from tcae.model.probing.display.inks import OTHER_INK, ink_of, shortened


@pytest.mark.parametrize("name", ["au", "pose", "both", "pixels", "chance", "untrained"])
def test_a_known_representation_has_a_colour_of_its_own(name: str) -> None:
    assert ink_of(name) != OTHER_INK


def test_a_variant_is_paler_than_what_it_varies_and_unlike_other_kinds() -> None:
    def light(ink: str) -> int:
        return sum(bytes.fromhex(ink[1:]))

    assert light(ink_of("untrained au")) > light(ink_of("au"))
    assert light(ink_of("knn pose")) > light(ink_of("pose"))
    assert len({ink_of(f"knn {name}") for name in ("au", "pose", "both")}) == 3


def test_an_unknown_representation_is_grey() -> None:
    assert ink_of("majority") == ink_of("") == OTHER_INK


@pytest.mark.parametrize(("name", "expected"), [("au", "au"), ("x" * 26, "x" * 26), ("x" * 27, "x" * 23 + "...")])
def test_long_names_are_cut(name: str, expected: str) -> None:
    assert shortened(name) == expected
