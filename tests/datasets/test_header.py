"""Headers of files of ratings, and times."""

import warnings

import pytest

from sksn.datasets import load_ratings
from sksn.datasets._header import columns_of, is_header, role_of


def load(tmp_path, text, **options):
    path = tmp_path / "ratings.csv"
    path.write_text(text, encoding=options.get("encoding", "utf-8"))
    return load_ratings(path, **options)


# Names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("user", "user userId user_id USERID uid User-ID customer_id reviewerID"),
        ("item", "item movieId item_id product product_id ASIN ISBN track_id Book-ID"),
        ("rating", "rating Ratings score stars review_score Book-Rating overall"),
        ("timestamp", "timestamp Time date unixReviewTime created_at rating_date"),
        (None, "tag x rating_id favourite_colour id Unnamed"),
    ],
)
def test_usual_names_are_known(role, names):
    assert {role_of(name) for name in names.split()} == {role}


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("userId,movieId,rating,timestamp", "1,10,4,99", (1, 10, 4, 99)),
        ("userId,movieId,timestamp,rating", "1,10,99,4", (1, 10, 4, 99)),
        ("movieId,userId,rating", "10,1,4", (1, 10, 4, None)),
        ("RATING,User ID,Product_Id", "4,1,10", (1, 10, 4, None)),
        ("date,rating,item,user", "99,4,10,1", (1, 10, 4, 99)),
        ("userId,movieId,rating,tag,timestamp", "1,10,4,funny,99", (1, 10, 4, 99)),
        ("a,b,c,d,e,timestamp,user,item,rating", "0,0,0,0,0,99,1,10,4", (1, 10, 4, 99)),
        (",userId,movieId,timestamp,rating", "0,1,10,99,4", (1, 10, 4, 99)),
        ("Unnamed: 0,user,item,rating", "0,1,10,4", (1, 10, 4, None)),
        ("userId,movieId,title,rating", "1,10,Alien,4", (1, 10, 4, None)),
        ("user,item,rating", "1,10,4,99", (1, 10, 4, 99)),
        ("who,what,liking,then", "1,10,4,99", (1, 10, 4, 99)),
        ("user,thing,liking", "1,10,4", (1, 10, 4, None)),
    ],
)
def test_a_header_says_which_column_is_which(tmp_path, header, row, expected):
    found = load(tmp_path, f"{header}\n{row}\n")
    time = None if found.timestamps is None else found.timestamps[0]
    assert (found.users[0], found.items[0], found.ratings[0], time) == expected


@pytest.mark.parametrize(
    "header",
    ["item,who,rating", "user,item,timestamp", "user,rating,liking", "item,user,x,stars,score"],
)
def test_a_header_that_contradicts_the_order_is_refused_if_it_does_not_name_all(tmp_path, header):
    with pytest.raises(ValueError, match=r"line 1: the names .* contradict the order user, item"):
        load(tmp_path, f"{header}\n1,10,4,5,6\n")


def test_of_two_times_one_counts():
    assert columns_of(["user", "item", "date", "time", "rating"]) == [0, 1, 4, 3]
    assert columns_of(["date", "time", "user", "item", "rating"]) == [2, 3, 4, 0]


@pytest.mark.parametrize(
    "line",
    ["1,2,", "1,2,4_5", "a,b,4_5", "a,b,", "a,b,NA", "a,b,?", "1,2,good", "a,b,5*", ",,x", "1,x,y"],
)
@pytest.mark.parametrize("before", ["", "\n", "  \n\n"])
def test_a_first_line_that_cannot_be_read_is_not_lost(tmp_path, line, before):
    place = 1 + before.count("\n")
    with pytest.raises(ValueError, match=rf"line {place}: (expected user, item|could not conv)"):
        load(tmp_path, f"{before}{line}\n1,3,4\n")
    assert not is_header(line.split(","))


@pytest.mark.parametrize("blank", ["\n", "\r\n", "   \n\n"])
@pytest.mark.parametrize("header", ["", "user,item,rating\n"])
def test_leading_blank_lines_are_skipped(tmp_path, blank, header):
    found = load(tmp_path, f"{blank}{header}1,2,3\n\n2,3,4\n")
    assert found.data.tolist() == [[1, 2], [2, 3]]


# Times --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1970-01-02T00:00:00Z", 86400),
        ("1970-01-02 00:00:00.500Z", 86400),
        ("1970-01-02T00:00Z", 86400),
        ("1970-01-02T01:00:00+01:00", 86400),
        ("1970-01-01T18:30:00-0530", 86400),
        ("1970-01-02", 86400),
        ("1970-02", 31 * 86400),
    ],
)
def test_iso_times_are_read_with_their_zone(tmp_path, time, seconds):
    assert load(tmp_path, f"1,2,3,{time}\n1,3,4,{time}\n").timestamps.tolist() == [seconds] * 2


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("", "12/31/2019"),
        ("", "31.12.2019 10:00"),
        ("", "Dec 31 2019"),
        ("user,item,rating,date\n", "yesterday"),
        ("rating,user,item,time\n", "12/31/2019"),
        ("user,item,rating,timestamp\n", "now"),
    ],
)
def test_times_that_cannot_be_read_are_named(tmp_path, header, cell):
    with pytest.warns(UserWarning, match=rf"timestamps.* holds '{cell}', which is no time") as seen:
        found = load(tmp_path, f"{header}1,2,3,{cell}\n2,3,4,{cell}\n")
    assert found.timestamps is None
    assert seen[0].filename.endswith("test_header.py")
    if header:
        assert f"({header.strip().split(',')[-1]})" in str(seen[0].message)


def test_a_column_of_times_may_be_empty_but_not_hide_what_cannot_be_read(tmp_path):
    assert load(tmp_path, "user,item,rating,time\n1,2,3,\n2,3,4,\n").timestamps is None
    with pytest.warns(UserWarning, match="holds '12/31/2019', which is no time"):
        load(tmp_path, "1,2,3,\n2,3,4,12/31/2019\n")


def test_other_text_beside_ratings_is_no_time(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in ("now", "lovely", "7 of 9 people", "2049"):
            found = load(tmp_path, f"user,item,rating,review\n1,2,3,{text}\n2,3,4,{text}\n")
            assert (found.timestamps is None) == (text != "2049")


def test_a_date_after_a_line_without_one_is_named(tmp_path):
    with pytest.raises(ValueError, match="line 2: only some of the lines have a timestamp"):
        load(tmp_path, "1,2,3,\n1,3,4,2005-09-06\n")


# Encodings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "UTF8", "utf-8-sig"])
def test_a_file_may_have_another_encoding(tmp_path, encoding):
    found = load(tmp_path, "1,Amélie,5\n1,Alien,4\n", encoding=encoding)
    assert found.items.tolist() == ["Amélie", "Alien"]
    assert found.users.tolist() == [1, 1]


@pytest.mark.parametrize("encoding", ["klingon", "base64", 3, "", None])
def test_bad_encodings_are_named(tmp_path, encoding):
    with pytest.raises(ValueError, match="encoding must be the name of a text encoding such as"):
        load_ratings(tmp_path / "ratings.csv", encoding=encoding)


def test_text_that_is_not_in_the_encoding_is_named(tmp_path):
    (tmp_path / "ratings.csv").write_bytes("1,Amélie,5\n".encode())
    with pytest.raises(ValueError, match="is no text in ASCII"):
        load_ratings(tmp_path / "ratings.csv", encoding="ascii")
