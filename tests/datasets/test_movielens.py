"""MovieLens from folders, archives and a server."""

import contextlib
import hashlib
import os
import re
import socketserver
import stat
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler

import numpy as np
import pytest

from sksn.datasets import _movielens, fetch_movielens
from sksn.datasets._download import Archive

LINES = [("1", "10", "4", "881250949"), ("2", "10", "3.5", "881250950"), ("1", "12", "1", "0")]


def write(path, delimiter, header=None, columns=4):
    rows = [delimiter.join(row[:columns]) for row in LINES]
    path.write_text("\n".join(([header] if header else []) + rows) + "\n", encoding="utf-8")
    return path


# MovieLens ----------------------------------------------------------------------------------


def movielens_100k(folder):
    """A folder like that of MovieLens-100K, with three ratings and one split."""
    folder.mkdir(parents=True)
    write(folder / "u.data", "\t")
    (folder / "u1.base").write_text("1\t12\t1\t0\n2\t10\t3.5\t881250950\n")
    (folder / "u1.test").write_text("1\t10\t4\t881250949\n")
    return folder


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{folder.name}/{file.name}")
    return path


@pytest.mark.parametrize("as_zip", [False, True])
def test_a_local_folder_or_archive(tmp_path, as_zip):
    source = movielens_100k(tmp_path / "ml-100k")
    if as_zip:
        source = zipped(source, tmp_path / "ml-100k.zip")
    found = fetch_movielens("100k", source=source)
    assert found.data.tolist() == [[1, 10], [2, 10], [1, 12]]
    assert "Harper" in found.DESCR
    (train, test) = found.splits["u1"]
    assert list(found.splits) == ["u1"]
    assert train.tolist() == [2, 1]
    assert test.tolist() == [0]
    X, y = fetch_movielens("100k", source=source, return_X_y=True)
    np.testing.assert_array_equal(X, found.data)
    np.testing.assert_array_equal(y, found.ratings)


def test_a_split_of_other_ratings_is_refused(tmp_path):
    source = movielens_100k(tmp_path / "ml-100k")
    (source / "u1.test").write_text("1\t99\t4\t0\n")
    with pytest.raises(ValueError, match=r"u1\.test holds ratings that are not in u\.data"):
        fetch_movielens("100k", source=source)


@pytest.mark.parametrize(
    ("name", "file", "delimiter", "header"),
    [
        ("1m", "ratings.dat", "::", None),
        ("10m", "ratings.dat", "::", None),
        ("25m", "ratings.csv", ",", "userId,movieId,rating,timestamp"),
        ("latest-small", "ratings.csv", ",", "userId,movieId,rating,timestamp"),
    ],
)
def test_the_other_releases(tmp_path, name, file, delimiter, header):
    write(tmp_path / file, delimiter, header)
    found = fetch_movielens(name, source=tmp_path)
    assert found.users.tolist() == [1, 2, 1]
    assert found.splits == {}


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"name must be one of '100k', .*got '2m'"):
        fetch_movielens("2m")
    with pytest.raises(FileNotFoundError, match=r"holds no 'u\.data'"):
        fetch_movielens("100k", source=tmp_path)
    with pytest.raises(FileNotFoundError, match="source must be a folder or a zip archive"):
        fetch_movielens("100k", source=tmp_path / "nothing")


# Downloads ----------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A server with one small archive, which takes the place of GroupLens."""
    folder = tmp_path / "served"
    folder.mkdir()
    path = zipped(movielens_100k(tmp_path / "ml-100k"), folder / "ml-100k.zip")
    requests = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            if len(requests) <= served.refusals:
                self.send_error(503)
            elif served.cut_off:
                self.send_response(200)
                self.send_header("Content-Length", str(path.stat().st_size))
                self.end_headers()
                self.wfile.write(path.read_bytes()[:-10])
            else:
                super().do_GET()

        def log_message(self, *args):
            pass

    class served:
        refusals, cut_off = 0, False

    with HTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        served.url = f"http://127.0.0.1:{server.server_port}/"
        served.requests, served.folder = requests, folder
        monkeypatch.setattr(_movielens, "_SERVER", served.url)
        release = _movielens._RELEASES["100k"]
        digest = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        archive = Archive("ml-100k.zip", digest)
        monkeypatch.setitem(_movielens._RELEASES, "100k", release._replace(archive=archive))
        yield served
        server.shutdown()


def left_in(home):
    return sorted(p.name for p in (home / "movielens").iterdir())


def test_it_is_downloaded_once(served, tmp_path):
    for _ in range(2):
        assert len(fetch_movielens("100k", data_home=tmp_path / "home")) == 3
    assert served.requests == ["/ml-100k.zip"]
    assert left_in(tmp_path / "home") == ["ml-100k.zip"]


def test_a_server_that_hesitates_is_asked_again(served, tmp_path):
    served.refusals = 2
    with pytest.warns(UserWarning, match="trying again"):
        assert len(fetch_movielens("100k", data_home=tmp_path / "home", delay=0)) == 3
    assert len(served.requests) == 3


@pytest.mark.filterwarnings("ignore:.*trying again")
@pytest.mark.parametrize("fault", ["refusals", "cut_off"])
def test_a_download_that_fails_leaves_nothing(served, tmp_path, fault):
    setattr(served, fault, 100)
    with pytest.raises(OSError, match=r"could not be downloaded .* pass source="):
        fetch_movielens("100k", data_home=tmp_path / "home", n_retries=1, delay=0)
    assert len(served.requests) == 2
    assert left_in(tmp_path / "home") == []


def test_another_file_than_expected_is_not_kept(served, tmp_path):
    (served.folder / "ml-100k.zip").write_bytes(b"something else")
    with pytest.raises(OSError, match=r"sent another file than expected: its sha256 is"):
        fetch_movielens("100k", data_home=tmp_path / "home")
    assert left_in(tmp_path / "home") == []


def test_a_file_that_is_gone_is_not_asked_for_again(served, tmp_path):
    (served.folder / "ml-100k.zip").unlink()
    with pytest.raises(OSError, match="404"):
        fetch_movielens("100k", data_home=tmp_path / "home", delay=0)
    assert len(served.requests) == 1


def test_a_broken_archive_at_home_is_an_error_and_stays(served, tmp_path):
    home = tmp_path / "home" / "movielens"
    home.mkdir(parents=True)
    (home / "ml-100k.zip").write_bytes(b"broken")
    with pytest.raises(OSError, match=r"is not the archive expected; remove it"):
        fetch_movielens("100k", data_home=tmp_path / "home")
    assert (home / "ml-100k.zip").read_bytes() == b"broken"
    assert served.requests == []


def test_nothing_is_downloaded_unasked(served, tmp_path):
    with pytest.raises(OSError, match="download_if_missing=False"):
        fetch_movielens("100k", data_home=tmp_path / "home", download_if_missing=False)
    assert served.requests == []


def test_offline(tmp_path, monkeypatch):
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port  # nobody listens there any more
    monkeypatch.setattr(_movielens, "_SERVER", f"http://127.0.0.1:{port}/")
    with pytest.raises(OSError, match=r"could not be downloaded .*Download .* by other means"):
        fetch_movielens("1m", data_home=tmp_path, n_retries=0)


# The real thing -----------------------------------------------------------------------------


def test_movielens_100k(data_folder):
    found = fetch_movielens("100k", source=data_folder / "movielens-100k")
    assert found.data.shape == (100_000, 2)
    assert found.ratings.mean() == pytest.approx(3.52986)
    tested = [test for _, test in list(found.splits.values())[:5]]
    assert np.array_equal(np.sort(np.concatenate(tested)), np.arange(100_000))
    for train, test in found.splits.values():
        assert (len(train), len(test)) == (80_000, 20_000)
        assert not np.intersect1d(train, test).size


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("100k", "u.data", "1\t2\t3\t10\n2\t3\t4\n"),
        ("100k", "u.data", "1\t2\t\t10\n"),
        ("100k", "u.data", "1\t2\tNA\t10\n"),
        ("100k", "u.data", "1\t2\t3\t10\n1\t2\t3\t10\t11\n"),
        ("1m", "ratings.dat", "1::2::3::4\n2:3:4:11\n"),
        ("25m", "ratings.csv", ",userId,movieId,rating,timestamp\n0,1,2,3.5,10\n"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, name, file, text):
    (tmp_path / file).write_text(text)
    with pytest.raises(ValueError, match=re.escape(file)):
        fetch_movielens(name, source=tmp_path)


def test_what_is_loaded_can_be_written(tmp_path):
    write(tmp_path / "ratings.dat", "::")
    found = fetch_movielens("1m", source=tmp_path)
    for array in (found.users, found.items, found.ratings, found.timestamps):
        array += 1
    assert found.ratings.tolist() == [5.0, 4.5, 2.0]


def test_an_error_of_this_machine_is_no_reason_to_try_again(served, tmp_path):
    home = tmp_path / "home" / "movielens" / "ml-100k.zip"
    home.mkdir(parents=True)  # a folder where the archive would be
    with pytest.raises(OSError, match=r"ml-100k\.zip"):  # and no warning
        fetch_movielens("100k", data_home=tmp_path / "home", delay=0)


# Misbehaving servers --------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "nothing": b"",
    "no HTTP": b"\x00\xff no HTTP at all\r\n\r\n",
    "bad status": b"HTTP/1.1 abc OK\r\n\r\n",
    "100 headers": OK + b"".join(b"X-%d: 1\r\n" % i for i in range(150)) + b"\r\n",
    "long header": OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    "bad length": OK + b"Content-Length: many\r\n\r\nabc",
    "negative length": OK + b"Content-Length: -5\r\n\r\nabc",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "cut body": OK + b"Content-Length: 1000\r\n\r\nabc",
    "cut chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n1000\r\nabc",
    "bad chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc",
    "bad gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    "bad location": b"HTTP/1.1 302 Found\r\nLocation: http://[bad/\r\n\r\n",
    "odd location": b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\n\r\n",
    "loop": b"HTTP/1.1 302 Found\r\nLocation: /ml-100k.zip\r\nContent-Length: 0\r\n\r\n",
    "error": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
}


@pytest.fixture
def raw_server(monkeypatch):
    """A server that sends the bytes it is told to."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.rfile.readline()
            server.asked += 1
            self.wfile.write(server.answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(_movielens, "_SERVER", f"http://127.0.0.1:{server.server_address[1]}/")
        yield server
        server.shutdown()


@pytest.mark.filterwarnings(
    "ignore:.*trying again", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_misbehaves_is_an_oserror(raw_server, tmp_path, answer):
    raw_server.answer = ANSWERS[answer]
    with pytest.raises(OSError, match=r"could not be downloaded|sent another file") as caught:
        fetch_movielens("100k", data_home=tmp_path / "home", n_retries=1, delay=0)
    assert len(str(caught.value)) < 2000
    if answer != "negative length":  # which passes for a short file
        assert "pass source=" in str(caught.value)
        assert raw_server.asked >= 2
    assert left_in(tmp_path / "home") == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o007, 0o077])
def test_the_archive_has_the_permissions_of_any_new_file(served, tmp_path, umask):
    before = os.umask(umask)
    try:
        fetch_movielens("100k", data_home=tmp_path / "home")
    finally:
        os.umask(before)
    mode = (tmp_path / "home" / "movielens" / "ml-100k.zip").stat().st_mode
    assert stat.S_IMODE(mode) == 0o666 & ~umask


@pytest.mark.skipif(os.name != "posix", reason="a process is killed as in POSIX")
def test_nothing_is_left_of_a_download_whose_process_is_killed(tmp_path):
    """The server sends half of the archive and then waits until the process is dead."""
    begun, home = threading.Event(), tmp_path / "home"

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.rfile.readline()
            self.wfile.write(OK + b"Content-Length: 2000000\r\n\r\n" + b"x" * 1_000_000)
            begun.set()
            self.rfile.read()

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        program = (
            "from sksn.datasets import _movielens as m\n"
            f"m._SERVER = 'http://127.0.0.1:{server.server_address[1]}/'\n"
            f"m.fetch_movielens('100k', data_home={str(home)!r})"
        )
        process = subprocess.Popen([sys.executable, "-c", program])
        assert begun.wait(60)
        time.sleep(0.2)
        process.kill()
        process.wait()
        server.shutdown()
    assert left_in(home) == []


@pytest.mark.parametrize("options", [{"n_retries": -1}, {"n_retries": "3"}, {"delay": -1}])
def test_bad_parameters_of_downloads(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be "):
        fetch_movielens("100k", **options)
    with pytest.raises(ValueError, match=r"name must be one of .*, got \['100k'\]"):
        fetch_movielens(["100k"])


# Damaged files --------------------------------------------------------------------------------


def test_a_damaged_archive_is_a_value_error(tmp_path):
    """Each byte of the archive is changed in turn, and each beginning of it is read."""
    text = "".join(f"{u}\t{i}\t{1 + (u * i) % 5}\t{u}\n" for u in range(30) for i in range(30))
    path = tmp_path / "ml-100k.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ml-100k/u.data", text)
    whole = path.read_bytes()
    damaged = [whole[:n] for n in range(0, len(whole), 29)]
    for at in range(0, len(whole), 7):
        damaged.append(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
    errors = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            fetch_movielens("100k", source=path)
        except (ValueError, FileNotFoundError):  # not there: its name is damaged
            errors += 1
    assert errors > len(damaged) / 2


def test_an_encrypted_archive_is_a_value_error(tmp_path):
    path = zipped(movielens_100k(tmp_path / "ml-100k"), tmp_path / "ml-100k.zip")
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag of encryption
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(signature, at + 1)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be unpacked: File .* is encrypted"):
        fetch_movielens("100k", source=path)


@pytest.mark.parametrize("rating", ["nan", "NaN", "inf", "-inf", "1e999"])
def test_a_rating_that_is_not_finite(tmp_path, rating):
    (tmp_path / "u.data").write_text(f"1\t2\t3\t4\n1\t3\t{rating}\t5\n")
    with pytest.raises(ValueError, match=r"u\.data.*(finite|convert)"):
        fetch_movielens("100k", source=tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [("25m", "ratings.csv", "userId,movieId,rating,timestamp\n"), ("100k", "u.data", "")],
)
def test_a_file_without_ratings(tmp_path, name, file, text):
    (tmp_path / file).write_text(text)
    with pytest.raises(ValueError, match=r"holds no ratings|expected user, item and rating"):
        fetch_movielens(name, source=tmp_path)


@pytest.mark.parametrize("first", ["", "1\t2\t3\t4\n"])
def test_a_line_of_gigabytes_is_refused_in_little_memory(tmp_path, first):
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("u.data", "w", force_zip64=True) as file,
    ):
        file.write(first.encode())
        for _ in range(64):
            file.write(b"1" * (1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"line \d is longer than 1048576 char") as caught:
            fetch_movielens("100k", source=path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 1000
    assert peak < 32 << 20


def test_damages_of_other_compressions(tmp_path):
    text = "".join(f"{u}\t{i}\t{1 + (u * i) % 5}\t{u}\n" for u in range(30) for i in range(30))
    path = tmp_path / "ml-100k.zip"
    for kind in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED):
        with zipfile.ZipFile(path, "w", kind) as archive:
            archive.writestr("u.data", text)
        whole = path.read_bytes()
        for at in range(30, min(len(whole), 2000), 23):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            with contextlib.suppress(ValueError, FileNotFoundError):
                fetch_movielens("100k", source=path)


def test_lines_are_counted_whatever_ends_them(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        text = end.join(["1\t2\t3\t4", "1\t3\t3\t4", "9" * 2_000_000])
        (tmp_path / "u.data").write_bytes(text.encode())
        with pytest.raises(ValueError, match=r"line 3 is longer than"):
            fetch_movielens("100k", source=tmp_path)
    (tmp_path / "u.data").write_text("1\t2\t3\t4\n1\t3\t3\tinf\n")
    with pytest.raises(ValueError, match=r"line 2: expected a finite number as a timestamp"):
        fetch_movielens("100k", source=tmp_path)
