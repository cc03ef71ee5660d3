"""Names of clusters from the words of paths."""

from __future__ import annotations

from augnet_cli.clusters.words import names, words_of


def test_words_are_letters_of_folders_and_names_without_what_cameras_write() -> None:
    assert words_of("2019/SummerTrip Norway/IMG_2041 fjord_at-dawn.jpeg") == [
        "summer", "trip", "norway", "fjord", "dawn",
    ]  # fmt: skip
    assert words_of("DCIM/100CANON/DSC_0001.JPG") == ["canon"]
    assert words_of("Ärger/Straße.png") == ["ärger", "straße"]


def test_a_name_is_what_a_cluster_has_and_the_others_have_not() -> None:
    castles = [f"trip/castle {number}.jpg" for number in range(8)] + ["trip/x1.jpg", "trip/x2.jpg"]
    birds = [f"trip/birds/grey_heron{number}.jpg" for number in range(6)]
    assert names([castles, birds]) == ["castle", "birds grey"]


def test_a_word_that_all_have_or_few_have_names_nothing() -> None:
    assert names([["trip/1.jpg", "trip/2.jpg"], ["trip/3.jpg"]]) == ["", ""]
    assert names([[*(f"{number}.jpg" for number in range(9)), "odd.jpg"], ["a.png"]]) == ["", ""]


def test_no_two_clusters_have_one_name() -> None:
    one = [f"zoo/lion {number}.jpg" for number in range(6)]
    other = [f"zoo/lion cub {number}.jpg" for number in range(5)]
    rest = [f"sea {number}.jpg" for number in range(20)]
    found = names([one, other, rest])
    assert len(set(found)) == 3 and "" not in found
