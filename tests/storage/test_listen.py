"""`storage up --listen`: the addresses that it takes and refuses, before any server listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import listening, server
from storage.errors import UsageError


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("0.0.0.0", "every address of this host"),
        ("[::]:5432", "every address of this host"),
        ("here:port", "is not HOST, HOST:PORT"),
        ("127.0.0.1:0", "is not HOST, HOST:PORT"),
        ("127.0.0.1:99999", "is not HOST, HOST:PORT"),
        ("a b", "is not HOST, HOST:PORT"),
        ("203.0.113.9", "--listen: 203.0.113.9:5432: "),
        ("no-such-host.invalid", "--listen: no-such-host.invalid:5432: "),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_refused_before_anything_is_made(
    tmp_path: Path, address: str, said: str
) -> None:
    with pytest.raises(UsageError) as error:
        listening.up(tmp_path / "home", address)
    assert said in str(error.value) and "\n" not in str(error.value) and not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("address", "where"),
    [("", ("127.0.0.1", 5432)), (":7000", ("127.0.0.1", 7000)), ("db.lab", ("db.lab", 5432)), ("[::1]:7", ("::1", 7))],
)
def test_addresses_as_they_are_typed(address: str, where: tuple[str, int]) -> None:
    assert listening.parse_address(address) == where


def test_only_an_address_that_others_reach_is_given_to_launched_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STATE", tmp_path)  # root's server keeps its files where its user can reach them
    home = tmp_path / "home"
    home.mkdir()
    home.joinpath("password").write_text("*:5432:*:studyhall_network:s3cret\n")
    found = server.cluster(home)
    found.base.mkdir(parents=True, exist_ok=True)
    assert listening.url_elsewhere(home) is None
    for host, reached in (("127.0.0.1", False), ("localhost", False), ("::1", False), ("10.0.0.3", True)):
        server.write_listening(found, server.Listening(host, 5432, False))
        url = listening.url_elsewhere(home)
        assert (url is not None) is reached
    assert url == "postgresql+psycopg2://studyhall_network:s3cret@10.0.0.3:5432/studyhall"
