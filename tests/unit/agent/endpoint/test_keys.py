from pathlib import Path

import pytest

from agent.endpoint.keys import BadKeyError, KeyStore, write_private

NOW = 1_763_713_531.0


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    assert store.load() is None
    key = store.make()
    assert store.make().private_bytes_raw() == key.private_bytes_raw()
    assert KeyStore(tmp_path / "keys").make().private_bytes_raw() == key.private_bytes_raw()
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "device.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660])
def test_a_key_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    store = KeyStore(tmp_path)
    store.make()
    (tmp_path / "device.key").chmod(mode)
    with pytest.raises(BadKeyError, match="0600"):
        store.load()


def test_a_damaged_key_is_neither_used_nor_written_over(tmp_path: Path) -> None:
    write_private(tmp_path / "device.key", b"short")
    with pytest.raises(BadKeyError, match="damaged"):
        KeyStore(tmp_path).make()
    assert (tmp_path / "device.key").read_bytes() == b"short"


def test_a_key_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "device.key").mkdir()
    with pytest.raises(BadKeyError, match="cannot be read"):
        KeyStore(tmp_path).load()


def test_the_next_key_becomes_the_key_and_the_old_one_is_kept(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    old = store.make()
    new = store.make_next()
    current = store.load()
    assert current is not None
    assert current.private_bytes_raw() == old.private_bytes_raw()
    store.adopt_next(NOW)
    current = store.load()
    assert current is not None
    assert current.private_bytes_raw() == new.private_bytes_raw()
    assert store.load_next() is None
    kept = tmp_path / "device.key.old-20251121T082531"
    assert kept.read_bytes() == old.private_bytes_raw()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_without_a_next_key_nothing_changes(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.make()
    before = sorted(tmp_path.iterdir())
    store.adopt_next(NOW)
    assert sorted(tmp_path.iterdir()) == before


def test_what_the_system_protects_does_not_stand_in_the_file(tmp_path: Path) -> None:
    store = KeyStore(tmp_path, protect=lambda octets: octets[::-1] + b"!", unprotect=lambda octets: octets[:-1][::-1])
    key = store.make()
    assert key.private_bytes_raw() not in (tmp_path / "device.key").read_bytes()
    loaded = store.load()
    assert loaded is not None
    assert loaded.private_bytes_raw() == key.private_bytes_raw()


def test_a_key_of_another_computer_is_told(tmp_path: Path) -> None:
    def refuse(_: bytes) -> bytes:
        raise OSError("the system would not")

    KeyStore(tmp_path).make()
    with pytest.raises(BadKeyError, match="another computer"):
        KeyStore(tmp_path, unprotect=refuse).load()


def test_a_private_file_replaces_the_one_before_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    (tmp_path / "a.draft").write_text("left over by a death")
    write_private(path, b"1")
    write_private(path, b"2")
    assert path.read_bytes() == b"2"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]
