"""Awkward names become portable."""

from __future__ import annotations

import unicodedata

import pytest

from job.images.datasets.portable_names import Folder, is_portable, new_names, renames


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0_100.jpg", "0_100.jpg"),
        (".hidden.jpg", ".hidden.jpg"),
        ("a__b.JPG", "a__b.JPG"),
        ("a b.jpg", "a_b.jpg"),
        ("  a \t b  .jpg", "a_b.jpg"),
        ("q'u\"o.jpg", "q_u_o.jpg"),
        ("a%20b.jpg", "a_20b.jpg"),
        ("a+b&c=d;e@f$g!h,().jpg", "a_b_c_d_e_f_g_h.jpg"),
        ("new\nline\x01.jpg", "new_line.jpg"),
        ("zero\u200bwidth.jpg", "zerowidth.jpg"),
        ("not-utf-8-\udce9.jpg", "not-utf-8-.jpg"),
        ("-rf.jpg", "rf.jpg"),
        ("dots...", "dots"),
        ("Äpfel & Birnen.jpg", "Apfel_Birnen.jpg"),
        ("Straße Łódź Ærø.png", "Strasse_Lodz_Aero.png"),
        ("Яблоко Щи.jpg", "Yabloko_Shchi.jpg"),
        ("Μήλο.jpg", "Milo.jpg"),
        ("日本語.png", "u65e5u672cu8a9e.png"),
        ("😀.gif", "u1f600.gif"),
        ("٣.jpg", "3.jpg"),
        ("½.jpg", "1_2.jpg"),
        ("%.jpg", "unnamed.jpg"),
        ("..", "unnamed"),
        ("no extension", "no_extension"),
        ("archive.tar gz", "archive.tar_gz"),
        ("x" * 300 + ".jpg", "x" * 228 + ".jpg"),
    ],
)
def test_a_name_becomes_portable(old: str, new: str) -> None:
    assert new_names(Folder([old], [])).files == {old: new}
    assert is_portable(new)


def test_a_folder_has_no_extension() -> None:
    assert new_names(Folder([], ["Sp. 1.5 cm"])).folders == {"Sp. 1.5 cm": "Sp._1.5_cm"}


def test_names_that_would_become_the_same_get_numbers() -> None:
    names = ["a_b.jpg", "a b.jpg", "a  b.jpg", "a'b.jpg", "a_b_2.jpg"]

    assert new_names(Folder(names, [])).files == {
        "a_b.jpg": "a_b.jpg",
        "a_b_2.jpg": "a_b_2.jpg",
        "a  b.jpg": "a_b_3.jpg",
        "a b.jpg": "a_b_4.jpg",
        "a'b.jpg": "a_b_5.jpg",
    }


def test_two_encodings_of_an_accent_are_two_names() -> None:
    composed = unicodedata.normalize("NFC", "café")
    decomposed = unicodedata.normalize("NFD", "café")

    names = new_names(Folder([], [composed, decomposed])).folders

    assert sorted(names.values()) == ["cafe", "cafe_2"]


def test_a_folder_does_not_take_the_name_of_a_file() -> None:
    names = new_names(Folder(["a b"], ["a_b", "a b"]))

    assert (names.files, names.folders) == ({"a b": "a_b_2"}, {"a_b": "a_b", "a b": "a_b_3"})


def test_renaming_a_folder_renames_all_its_files() -> None:
    tree = {
        "": Folder(["read me.txt"], ["Apple", "Ap pel", "Ap_pel", "em pty"]),
        "Apple/": Folder(["1.jpg"], []),
        "Ap pel/": Folder(["", "1.jpg", "é.jpg"], ["b c"]),
        "Ap pel/b c/": Folder(["2.jpg"], []),
        "Ap_pel/": Folder(["1.jpg"], []),
        "em pty/": Folder([""], []),
    }

    assert list(renames(tree.__getitem__)) == [
        ("read me.txt", "read_me.txt"),
        ("Ap pel/", "Ap_pel_2/"),
        ("Ap pel/1.jpg", "Ap_pel_2/1.jpg"),
        ("Ap pel/é.jpg", "Ap_pel_2/e.jpg"),
        ("Ap pel/b c/2.jpg", "Ap_pel_2/b_c/2.jpg"),
    ]
