"""The site as the interface works by it: the published policy, with what the text beside it says of people."""

from pathlib import Path

import pytest

from agent.assembly import build_snapshot
from agent.dns.clients import Seat
from agent.dns.snapshot import read_snapshot, write_snapshot
from agent.filter_changing.filter_in_force import TEXT_NAME
from agent.filter_changing.site_in_force import SiteInForce
from agent.sites.config import load_site
from agent.sites.site import Private
from rules.errors import StorageError

SITE = """\
school: {name: %s, timezone: Europe/London}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: 192.0.2.0/24}}
notifications:
  mail: {host: mail.example.test, sender: gate@example.test, recipients: {roles: {head_teacher: %s@example.test}}}
"""


class Published:
    """A runtime folder as a gateway leaves it."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site.yaml"
        self.runtime = folder / "runtime"
        self.runtime.mkdir()
        self.snapshot = self.runtime / "snapshot.json"
        self.publish_policy("First")
        self.publish_text("head")

    def publish_policy(self, name: str) -> None:
        self.site.write_text(SITE % (name, "unread"))
        write_snapshot(self.snapshot, build_snapshot(load_site(self.site).site, None, number=1))

    def publish_text(self, address: str) -> None:
        fresh = self.runtime / "fresh"
        fresh.write_text(SITE % ("unread", address))
        fresh.replace(self.runtime / TEXT_NAME)


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path)


def head_of(private: Private) -> tuple[str, ...]:
    assert private.notifications.mail is not None
    return private.notifications.mail.by_role["head_teacher"]


def test_what_workers_read_says_nothing_of_people(published: Published) -> None:
    assert read_snapshot(published.snapshot).site.private == Private()
    assert b"example.test" not in published.snapshot.read_bytes().replace(b"canary.schoolgate.test", b"")


def test_the_policy_comes_with_what_the_text_says_of_people(published: Published) -> None:
    in_force = SiteInForce(published.snapshot)
    assert (in_force().school.name, head_of(in_force().private)) == ("First", ("head@example.test",))
    assert in_force() is in_force()


def test_either_is_read_again_when_it_has_changed(published: Published) -> None:
    in_force = SiteInForce(published.snapshot)
    published.publish_text("new")
    first = in_force()
    assert (first.school.name, head_of(first.private)) == ("First", ("new@example.test",))
    published.publish_policy("Second")
    assert (in_force().school.name, in_force().private) == ("Second", first.private)


@pytest.mark.parametrize("text", [b"school: 3", b"{", b"\xff\xfe", (SITE % ("x", "no address of")).encode()])
def test_a_text_that_cannot_be_read_changes_nothing(
    published: Published, text: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    in_force = SiteInForce(published.snapshot)
    (published.runtime / TEXT_NAME).write_bytes(text)
    assert head_of(in_force().private) == ("head@example.test",)
    in_force()
    said = capfd.readouterr().err
    assert said.count("site_text_unusable") == 1
    assert "example.test" not in said


def test_where_there_is_no_text_nobody_is_told(published: Published) -> None:
    (published.runtime / TEXT_NAME).unlink()
    in_force = SiteInForce(published.snapshot)
    assert in_force().private == Private()
    published.publish_text("late")
    assert head_of(in_force().private) == ("late@example.test",)


def test_a_policy_that_cannot_be_read_leaves_the_one_before(published: Published) -> None:
    in_force = SiteInForce(published.snapshot)
    before = in_force()
    published.snapshot.write_text("{")
    assert in_force() is before
    with pytest.raises(StorageError):
        SiteInForce(published.snapshot)


def test_a_site_file_is_read_once_with_all_that_it_says(published: Published) -> None:
    in_force = SiteInForce(published.site)
    assert (in_force().school.name, head_of(in_force().private)) == ("First", ("unread@example.test",))
    published.publish_policy("Second")
    assert in_force().school.name == "First"


def test_the_devices_are_those_that_were_published_last(published: Published) -> None:
    site = SiteInForce(published.snapshot)
    assert site.devices() == {}
    devices: dict[str, tuple[str, ...]] = {"192.0.2.7": ("02:00:5e:00:53:01", "cart-07")}
    write_snapshot(
        published.snapshot, build_snapshot(load_site(published.site).site, None, number=2, devices=devices)
    )
    assert site.devices() == devices
    assert SiteInForce(published.site).devices() == {}


def test_the_seats_are_those_that_were_published_last(published: Published) -> None:
    site = SiteInForce(published.snapshot)
    assert site.seats() == {}
    seats = {"192.0.2.7": Seat(("year5",), 1_800_000_000.0)}
    write_snapshot(published.snapshot, build_snapshot(load_site(published.site).site, None, number=2, seats=seats))
    assert site.seats() == seats
    assert SiteInForce(published.site).seats() == {}
