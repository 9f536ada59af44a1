"""Public data sets, fetched from a server on loopback."""

import hashlib
import http.server
import threading
from functools import partial
from pathlib import Path

import pytest

from altiplano.main import run
from altiplano.options import AT_FAULT
from tests.trainables.data.files import packed, write_cifar10, write_idx
from trainables.data import public
from trainables.data.load import load
from trainables.data.sources import SOURCES


@pytest.fixture
def server(tmp_path):
    """A folder, and the address where it is served."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{served.server_port}/"
        served.shutdown()
        thread.join()


def redirect(monkeypatch, name, addresses, files):
    digests = {file.name: "md5:" + hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() for file in files}
    monkeypatch.setitem(public.DOWNLOADS, name, public.DOWNLOADS[name]._replace(addresses=addresses, files=digests))


def test_fetched_files_are_checked_kept_and_loaded(server, monkeypatch, cache_folder):
    folder, address = server
    _, test = write_idx(folder)
    redirect(monkeypatch, "mnist", ("http://127.0.0.1:9/", address), sorted(folder.iterdir()))  # the first address does not answer
    got = public.fetch("mnist", progress=False)
    assert {file.parent for file in got} == {cache_folder / "downloads" / "mnist"}
    assert load("mnist").test.x[:, 0].numpy().tobytes() == test.tobytes()
    for file in folder.iterdir():
        file.unlink()
    assert public.fetch("mnist", progress=False) == got  # nothing is asked for again


def test_an_archive_is_loaded_as_it_was_fetched(server, monkeypatch, tmp_path):
    folder, address = server
    write_cifar10(tmp_path / "cifar-10-batches-bin")
    archive = packed(tmp_path / "cifar-10-batches-bin", folder / "cifar-10-binary.tar.gz")
    redirect(monkeypatch, "cifar10", (address,), [archive])
    public.fetch("cifar10", progress=False)
    assert load("cifar10").classes[0] == "airplane"


def test_a_file_with_another_checksum_is_refused_and_not_kept(server, monkeypatch, cache_folder):
    folder, address = server
    write_idx(folder)
    redirect(monkeypatch, "mnist", (address,), sorted(folder.iterdir()))
    victim = folder / "train-images-idx3-ubyte.gz"
    victim.write_bytes(victim.read_bytes() + b"x")
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz of mnist could not be fetched .*hash"):
        public.fetch("mnist", progress=False)
    assert not (cache_folder / "downloads" / "mnist" / victim.name).exists()


def test_without_a_network_the_message_says_what_to_do(monkeypatch, cache_folder):
    monkeypatch.setitem(public.DOWNLOADS, "kmnist", public.DOWNLOADS["kmnist"]._replace(addresses=("http://127.0.0.1:9/",)))
    with pytest.raises(ValueError, match="where this machine has no network") as caught:
        public.fetch("kmnist", progress=False)
    assert "download http://127.0.0.1:9/train-images-idx3-ubyte.gz" in str(caught.value)
    assert f"put it into {cache_folder / 'downloads' / 'kmnist'}" in str(caught.value)


@pytest.mark.parametrize(
    ("harm", "said"),
    [(Path.unlink, "404 Client Error"), (lambda file: file.write_bytes(b"<html>login</html>"), "does not match the known hash")],
    ids=["404", "another file"],
)
def test_a_fetch_that_fails_is_one_line_with_the_address_and_keeps_nothing(server, monkeypatch, cache_folder, capsys, harm, said):
    folder, address = server
    write_idx(folder)
    redirect(monkeypatch, "mnist", (address,), sorted(folder.iterdir()))
    harm(folder / "t10k-labels-idx1-ubyte.gz")
    assert run(["data", "mnist", "--fetch"]) == AT_FAULT
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("altiplano data: t10k-labels-idx1-ubyte.gz of mnist could not be fetched")
    assert f"{address}t10k-labels-idx1-ubyte.gz" in error
    assert said in error
    assert "where this machine has no network: download" in error
    assert not (cache_folder / "downloads" / "mnist" / "t10k-labels-idx1-ubyte.gz").exists()


def test_only_public_sets_can_be_fetched():
    with pytest.raises(ValueError, match=r"the public data sets are mnist, fashion-mnist.*got 'digits'"):
        public.fetch("digits")


@pytest.mark.parametrize("name", public.DOWNLOADS)
def test_every_public_set_is_a_source_and_has_checksums_and_terms(name):
    download = public.DOWNLOADS[name]
    assert name in SOURCES
    assert all(digest.startswith("md5:") and len(digest) == 36 for digest in download.files.values())
    assert download.addresses
    assert download.licence
