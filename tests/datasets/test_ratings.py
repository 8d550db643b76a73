"""Files of ratings."""

import gzip

import numpy as np
import pandas as pd
import pytest

from sksn import SNRecommender
from sksn.datasets import Ratings, load_ratings

LINES = [("1", "10", "4", "881250949"), ("2", "10", "3.5", "881250950"), ("1", "12", "1", "0")]


def write(path, delimiter, header=None, columns=4):
    rows = [delimiter.join(row[:columns]) for row in LINES]
    path.write_text("\n".join(([header] if header else []) + rows) + "\n", encoding="utf-8")
    return path


# Files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delimiter", "header"),
    [
        ("\t", None),
        ("::", None),
        (",", "userId,movieId,rating,timestamp"),
        (";", None),
        ("|", None),
    ],
)
def test_every_usual_format_says_the_same(tmp_path, delimiter, header):
    found = load_ratings(write(tmp_path / "ratings", delimiter, header))
    assert found.users.tolist() == [1, 2, 1]
    assert found.items.tolist() == [10, 10, 12]
    assert found.ratings.tolist() == [4.0, 3.5, 1.0]
    assert found.timestamps.tolist() == [881250949, 881250950, 0]
    assert found.data.tolist() == [[1, 10], [2, 10], [1, 12]]
    assert found.target is found.ratings
    assert len(found) == 3


def test_a_timestamp_may_be_absent_and_a_delimiter_be_named(tmp_path):
    assert load_ratings(write(tmp_path / "a", ",", columns=3)).timestamps is None
    assert load_ratings(write(tmp_path / "b", " "), delimiter=" ").users.tolist() == [1, 2, 1]


def test_gzip_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "ratings.csv.gz"
    path.write_bytes(gzip.compress("﻿1,10,4\n".encode()))
    assert load_ratings(path).users.tolist() == [1]


def test_ids_that_are_no_plain_integers_stay_as_they_are(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text('007,"Alien, 1979",5\n7,Brazil,4\n')
    found = load_ratings(path)
    assert found.users.tolist() == ["007", "7"]
    assert found.items.tolist() == ["Alien, 1979", "Brazil"]


def test_ids_keep_their_type_in_data(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("1,a,5\n2,b,4\n1,b,1\n2,c,2\n")
    found = load_ratings(path)
    assert found.users.dtype.kind == "i"
    assert found.data.tolist() == [[1, "a"], [2, "b"], [1, "b"], [2, "c"]]
    model = SNRecommender("item", hidden_layer_sizes=2, max_epochs=1, random_state=0)
    model.fit(found.data, found.target)
    items, _ = model.recommend(found.users[:2], n=1)
    assert items.tolist() == [["c"], ["a"]], "only items that are not seen"


@pytest.mark.parametrize(
    "kinds", [("i8", "u8"), ("i8", "f8"), ("i8", "U3"), ("U3", "S3"), ("O", "i8")]
)
def test_data_is_lossless_whatever_the_kinds(kinds):
    ids = [np.array([2**60 + 1 if kind[1:] == "8" and kind != "f8" else 7], kind) for kind in kinds]
    assert Ratings(*ids, np.ones(1)).data.tolist() == [[id_.tolist()[0] for id_ in ids]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3\n1,2\n", r"line 2: expected user, item and rating"),
        ("1,2,3\n1,3,good\n", r"line 2: .*good.*expected a number"),
        ("1,2,3,4\n1,3,4\n", "line 2: only some of the lines have a timestamp"),
        ("1,2,3\n1,3,4,5\n", "line 2: only some of the lines have a timestamp"),
        ("1,2,3,2005-09-06\n1,3,4,soon\n", "line 2: expected a date like the first, got 'soon'"),
        ("1,2,3,2005-09-06\n1,3,4,\n", "line 2: only some of the lines have a timestamp"),
        ("1,2,3,2005-09-06\n1,3,4\n", "line 2: only some of the lines have a timestamp"),
        ("1,2,3,fine\n1,3,4,5\n", "line 2: only some of the lines have a timestamp"),
        ("1,2,nan\n", "line 1: expected a finite number, got 'nan'"),
        ("1,2,3\n1,2,3,4,5,6\n", "line 2: only some of the lines have a timestamp"),
        ('1,2,3\n1,"2,3\n', "EOF inside string starting at row 1$"),
        ("1,2,3,2005-09-06\n1,3,4,10000000-12-31x\n", "line 2: expected a date like the first"),
        ('1,"two\nlines",3\n1,x,bad\n', "line 3: .*bad.*expected a number"),
        ("1,2,3\n1,3,inf\n", "line 2: expected a finite number, got 'inf'"),
        ("1,2,3\n,3,4\n", "line 2: expected user, item and rating"),
        ("user,item,rating\n", "holds no ratings"),
        ("", "line 1: expected user, item and rating"),
        ("nothing\n", "line 1: expected user, item and rating.*'nothing'"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, text, message):
    path = tmp_path / "ratings.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_ratings(path)


def test_dates_and_other_text_beside_ratings(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("1,2,3,1970-01-02\n1,3,4,1970-01-01T00:01:00\n")
    assert load_ratings(path).timestamps.tolist() == [86400, 60]
    path.write_text("1,2,3,lovely\n1,3,4,\n")
    assert load_ratings(path).timestamps is None


def test_the_index_of_a_data_frame_is_no_user(tmp_path):
    path = tmp_path / "ratings.csv"
    frame = pd.DataFrame({"user": [5, 6], "item": [7, 8], "rating": [1.0, 2.0]})
    frame.to_csv(path)
    read = load_ratings(path)
    assert read.data.tolist() == [[5, 7], [6, 8]]
    assert read.ratings.tolist() == [1, 2]
    assert read.timestamps is None


def test_a_file_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_bytes("1,Amélie,5\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"ratings.csv is no text in UTF-8"):
        load_ratings(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path must name a file of ratings, got .*gone"):
        load_ratings(tmp_path / "gone")


@pytest.mark.parametrize(
    ("text", "items", "times"),
    [
        ("user,item,rating\n1,2,3,4,5,6,7\n", [2], [4]),
        ("1::2::3::4\n1::3::4::5::6::7::8::9::10::11::12\n", [2, 3], [4, 5]),
        (",user,item,\n0,5,7,1\n1,6,8,2\n", [7, 8], None),
        ("user,item,,x\n0,5,7,1\n", [5], [1]),
        ("1,2,3,2005-09-06\n1,3,4,9999-12-31\n", [2, 3], [1125964800, 253402214400]),
        ("1§2§3\n", [2], None),
    ],
)
def test_rows_of_other_lengths_headers_and_dates_of_any_year(tmp_path, text, items, times):
    path = tmp_path / "ratings"
    path.write_text(text, encoding="utf-8")
    found = load_ratings(path, delimiter="§" if "§" in text else None)
    assert found.items.tolist() == items
    assert (found.timestamps if times is None else found.timestamps.tolist()) == times
    for array in (found.users, found.items, found.ratings):
        array[:] = array  # the user's own


def test_one_long_id_does_not_widen_all(tmp_path):
    path = tmp_path / "ratings.csv"
    lines = [f"u{i},i{i % 7},{1 + i % 5}" for i in range(2000)] + ["x" * 40_000 + ",i1,3"]
    path.write_text("\n".join(lines))
    found = load_ratings(path)
    assert found.users.nbytes < 100_000
    assert found.data.nbytes < 100_000
    assert len(found.users[-1]) == 40_000
    assert found.items.dtype.kind == "U"


def test_a_damaged_gzip_file_and_an_open_quote(tmp_path):
    whole = gzip.compress(b"1,2,3\n" * 500)
    for content in (whole[:-20], whole[:12], b"1,2,3\n", whole[:30] + b"x" * 30):
        (tmp_path / "ratings.csv.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"ratings\.csv\.gz is damaged or cannot be unpacked"):
            load_ratings(tmp_path / "ratings.csv.gz")
    (tmp_path / "ratings.csv").write_text('1,2,3\n1,"2,3\n1,2,4\n')
    with pytest.raises(ValueError, match=r"ratings\.csv: .*EOF inside string"):
        load_ratings(tmp_path / "ratings.csv")


@pytest.mark.parametrize("text", ["1,2,3\n1,3,4_5\n", "1,2,3,4\n1,2,3,1_0\n"])
def test_underscores_are_not_part_of_numbers(tmp_path, text):
    (tmp_path / "ratings.csv").write_text(text)
    with pytest.raises(ValueError, match=r"line 2: .*_"):
        load_ratings(tmp_path / "ratings.csv")


def test_a_message_does_not_repeat_a_long_cell(tmp_path):
    (tmp_path / "ratings.csv").write_text("1,2,3\n1,3," + "x" * 500_000 + "\n")
    with pytest.raises(ValueError, match=r"line 2: could not convert 'xxx.*\.\.\. to") as caught:
        load_ratings(tmp_path / "ratings.csv")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("delimiter", [3, "", b","])
def test_bad_delimiters(tmp_path, delimiter):
    with pytest.raises(ValueError, match="delimiter must be None or a string"):
        load_ratings(tmp_path / "ratings.csv", delimiter=delimiter)
