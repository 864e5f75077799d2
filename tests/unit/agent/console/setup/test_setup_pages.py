"""The set-up guide writes a draft, part by part, and no page changes what is in force."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from api_of_test import SITE, SchoolOfTest
from day_of_test import watch
from pages_of_test import Browser, Fields, browser_of

from agent.console.setup.setup_pages import FORMS, MAX_ROWS, Part, _take_lists, _take_networks
from agent.console.typed import Typed
from agent.dns.askers import Askers
from agent.sites.site import Endpoint, Paths
from agent.sites.site_draft import DRAFT_NAME, leave_draft, part_of, replace_part
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    school = SchoolOfTest(tmp_path)
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    (tmp_path / "ours.txt").write_text("games.example\n")
    school.site = replace(school.site, path=str(path), paths=Paths(state=str(tmp_path), runtime=str(tmp_path)))
    yield school
    assert path.read_text() == SITE, "no page writes the site file"


@pytest.fixture
def technician(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Theo", Role.TECHNICIAN)


def draft(school: SchoolOfTest) -> dict[str, object]:
    text = Path(school.site.paths.state, DRAFT_NAME).read_text()
    keys = ("school", "packs", "networks", "groups", "lists", "upstreams", "listeners")
    return {key: value for key in keys if (value := part_of(text, key)) is not None}


def test_every_step_is_looked_at(school: SchoolOfTest, technician: Browser) -> None:
    watch(school, school.now)
    shown = technician.get("/setup")
    assert shown.status == 200
    for words in ("of 8 steps are done", "The school and its policies", "Nobody has asked yet from: classrooms."):
        assert words in shown.text


@pytest.mark.parametrize("path", ["/setup", "/setup/test", "/setup/draft", *(f"/setup/{name}" for name in FORMS)])
def test_only_who_drafts_the_filter_sets_up(school: SchoolOfTest, technician: Browser, path: str) -> None:
    assert technician.get(path).status == 200
    assert browser_of(school, "Tess", Role.TEACHER).get(path).status == 403
    assert Browser(school).get(path).status == 303


def test_a_part_goes_into_the_draft_and_the_rest_stays(school: SchoolOfTest, technician: Browser) -> None:
    fields = {"name-1": "hall", "audience-1": "guest", "cidrs-1": "192.0.2.128/25, 2001:db8::/64", "groups-1": "6b"}
    done = technician.submit(technician.get("/setup/networks"), "/setup/networks", fields)
    assert done.headers["location"] == "/setup/networks?told=kept"
    assert draft(school) == yaml.safe_load(SITE) | {
        "networks": {
            "classrooms": {"audience": "pupil", "cidrs": ["192.0.2.0/24"]},
            "hall": {"audience": "guest", "cidrs": ["192.0.2.128/25", "2001:db8::/64"], "groups": ["6b"]},
        },
        "groups": {"6b": {}} | yaml.safe_load(SITE)["groups"],
    }
    shown = technician.get("/setup/draft")
    assert "schoolgate setup put" in shown.text
    assert "What changes" in shown.headings


def test_all_other_parts(school: SchoolOfTest, technician: Browser) -> None:
    parts: dict[str, Fields] = {
        "school": {"name": "School <of> Test", "language": "fr", "packs": ["uk-esafety", "uk-data-protection"]},
        "lists": {
            "name-0": "starter",
            "source-0": "builtin:starter",
            "name-1": "ours",
            "source-1": "ours.txt",
            "category-1": "games",
        },
        "upstreams": {"servers": "udp://192.0.2.53\ntls://192.0.2.54:853#dns.example"},
        "listeners": {"dns": "192.0.2.1:53 [2001:db8::1]:53", "api": "192.0.2.1:8443", "metrics": "off"},
    }
    for name, fields in parts.items():
        done = technician.submit(technician.get(f"/setup/{name}"), f"/setup/{name}", fields)
        assert done.status == 303, (name, done.text)
    found = draft(school)
    assert found["school"] == {
        "name": "School <of> Test",
        "timezone": "Europe/London",
        "language": "fr",
        "contact": "room 7",
    }
    assert found["lists"] == {"starter": "builtin:starter", "ours": {"source": "ours.txt", "category": "games"}}
    assert found["upstreams"] == {"servers": ["udp://192.0.2.53", "tls://192.0.2.54:853#dns.example"]}
    assert found["listeners"] == {
        "dns": ["192.0.2.1:53", "[2001:db8::1]:53"],
        "api": "192.0.2.1:8443",
        "metrics": "off",
    }
    assert "<of>" not in technician.get("/setup/draft").html


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("networks", {"cidrs-0": "not an address"}, "Networks, classrooms, Addresses: found 'not'"),
        ("networks", {"name-0": "", "cidrs-0": "192.0.2.0/24"}, "has addresses and no name"),
        ("networks", {"name-0": "", "cidrs-0": ""}, "at least one network"),
        ("networks", {"name-1": "classrooms", "cidrs-1": "192.0.2.0/24"}, "has this name already"),
        ("networks", {"name-0": "x" * 500}, "found"),
        ("networks", {"name-0": "<script>alert(1)</script>"}, "found"),
        ("upstreams", {"servers": "gopher://x"}, " Resolvers: found 'gopher"),
        ("school", {"timezone": "Mars/Base"}, "Time zone: found"),
        ("listeners", {"dns": "everywhere"}, "Where it answers, Addresses for questions of devices: found"),
        ("lists", {"name-0": "ours", "source-0": ""}, "one of them is missing"),
    ],
)
def test_what_would_make_the_site_worse_is_refused_and_stays_typed(
    school: SchoolOfTest, technician: Browser, name: str, fields: dict[str, str], words: str
) -> None:
    shown = technician.submit(technician.get(f"/setup/{name}"), f"/setup/{name}", fields)
    assert (shown.status, words in shown.text) == (422, True), shown.text
    assert not Path(school.site.paths.state, DRAFT_NAME).exists()
    form = shown.form(f"/setup/{name}")
    assert {field: form[field] for field in fields} == {field: [value] for field, value in fields.items()}
    assert "<script>alert" not in shown.html


def test_a_draft_is_dropped(school: SchoolOfTest, technician: Browser) -> None:
    technician.submit(technician.get("/setup/upstreams"), "/setup/upstreams", servers="udp://192.0.2.53")
    done = technician.submit(technician.get("/setup/draft"), "/setup/draft/drop")
    assert done.headers["location"] == "/setup"
    assert "no draft that waits" in technician.get("/setup/draft").text


def test_a_network_from_which_somebody_asked_is_seen(school: SchoolOfTest, technician: Browser) -> None:
    assert "classrooms 192.0.2.0/24 not known" in technician.get("/setup/test").text
    watch(school, school.now)
    assert "nobody yet" in technician.get("/setup/test").text
    askers = Askers(
        Path(school.site.paths.runtime), 1, network_of=lambda _: "classrooms", wall_clock=school.now.timestamp
    )
    askers.seen.add(b"\xc0\0\2\5")
    askers.tick()
    shown = technician.get("/setup/test")
    assert "nobody yet" not in shown.text
    assert "192.0.2.5" not in shown.text


@pytest.mark.parametrize("language", ["fr", "nl", "ja"])
def test_it_speaks_the_language_of_the_reader(school: SchoolOfTest, language: str) -> None:
    reader = browser_of(school, "Theo", Role.TECHNICIAN, language=language)
    for path in ("/setup", "/setup/test", "/setup/draft", *(f"/setup/{name}" for name in FORMS)):
        assert reader.get(path).status == 200


def leave(school: SchoolOfTest, **parts: object) -> None:
    """Put parts into the draft, as somebody else would."""
    text = SITE
    for key, value in parts.items():
        text = replace_part(text, key, value)
    leave_draft(Path(school.site.paths.state), text)


def test_what_no_row_shows_stays(school: SchoolOfTest, technician: Browser) -> None:
    networks = {f"net{i:02}": {"audience": "pupil", "cidrs": [f"10.{i}.0.0/24"]} for i in range(MAX_ROWS + 10)}
    leave(school, networks=networks)
    shown = technician.get("/setup/networks")
    assert "10 more are not shown here and stay as they are." in shown.text
    done = technician.submit(shown, "/setup/networks", {"cidrs-0": "10.200.0.0/24"})
    assert done.status == 303, done.text
    assert draft(school)["networks"] == networks | {"net00": {"audience": "pupil", "cidrs": ["10.200.0.0/24"]}}
    taken = technician.submit(technician.get("/setup/networks"), "/setup/networks", {"name-0": "net65"})
    assert (taken.status, "has this name already" in taken.text) == (422, True)


def test_a_row_that_is_emptied_is_dropped(school: SchoolOfTest, technician: Browser) -> None:
    ours = {"source": "ours.txt", "category": "games"}
    leave(school, lists={"ours": ours, "more": ours})
    technician.submit(technician.get("/setup/lists"), "/setup/lists", {"name-1": "", "source-1": ""})
    assert draft(school)["lists"] == {"ours": ours}


@pytest.mark.parametrize(
    ("name", "take", "known", "fields"),
    [
        (
            "networks",
            _take_networks,
            {"classrooms": {"audience": "pupil", "cidrs": ["192.0.2.0/24"], "other": "kept"}},
            {"old-0": "classrooms", "name-0": "rooms", "audience-0": "pupil", "cidrs-0": "192.0.2.0/24"},
        ),
        (
            "lists",
            _take_lists,
            {"ours": {"source": "ours.txt", "other": "kept"}},
            {"old-0": "ours", "name-0": "theirs", "source-0": "ours.txt"},
        ),
    ],
)
def test_what_gets_another_name_keeps_its_other_settings(
    name: str, take: Callable[[Typed, Part], Part], known: dict[str, dict[str, str]], fields: dict[str, str]
) -> None:
    taken = take(Typed({key: [value] for key, value in fields.items()}), {name: known, "groups": None})
    assert taken[name] == {fields["name-0"]: known[fields["old-0"]]}


def test_two_at_once_do_not_overwrite_each_other(school: SchoolOfTest, technician: Browser) -> None:
    other = browser_of(school, "Tia", Role.TECHNICIAN)
    mine, theirs = technician.get("/setup/networks"), other.get("/setup/networks")
    library = {"name-1": "library", "audience-1": "pupil", "cidrs-1": "198.51.100.0/24"}
    assert other.submit(theirs, "/setup/networks", library).status == 303
    late = technician.submit(mine, "/setup/networks", {"cidrs-0": "192.0.2.0/25"})
    assert (late.status, late.form("/setup/networks")["cidrs-0"]) == (409, ["192.0.2.0/25"])
    assert technician.submit(late, "/setup/networks").status == 303
    assert draft(school)["networks"] == {
        "classrooms": {"audience": "pupil", "cidrs": ["192.0.2.0/25"]},
        "library": {"audience": "pupil", "cidrs": ["198.51.100.0/24"]},
    }


def test_a_draft_that_somebody_else_changed_is_not_dropped_unseen(school: SchoolOfTest, technician: Browser) -> None:
    technician.submit(technician.get("/setup/upstreams"), "/setup/upstreams", servers="udp://192.0.2.53")
    seen = technician.get("/setup/draft")
    technician.submit(technician.get("/setup/upstreams"), "/setup/upstreams", servers="udp://192.0.2.54")
    assert technician.submit(seen, "/setup/draft/drop").status == 409
    assert Path(school.site.paths.state, DRAFT_NAME).exists()


def test_what_the_check_says_is_marked_as_english(school: SchoolOfTest) -> None:
    reader = browser_of(school, "Theo", Role.TECHNICIAN, language="nl")
    shown = reader.submit(reader.get("/setup/networks"), "/setup/networks", {"cidrs-0": "not an address"})
    assert "Zo kan de site niet gebruikt worden." in shown.text
    assert '<ul class="refused" lang="en"><li>Netwerken, classrooms, ' in shown.html


def test_the_page_to_try_says_which_answer_means_open_and_asks_the_gateway(
    school: SchoolOfTest, technician: Browser
) -> None:
    listeners = school.site.listeners
    shown = {}
    for address, port in (("192.0.2.7", 53), ("127.0.0.1", 5335), ("0.0.0.0", 53), ("::", 53)):
        school.site = replace(school.site, listeners=replace(listeners, dns=(Endpoint(address, port),)))
        shown[address] = technician.get("/setup/test").text
    assert "nslookup gambling.canary.schoolgate.test 192.0.2.7" in shown["192.0.2.7"]
    assert "The answer 192.0.2.1 and 2001:db8::1: Gambling is open here." in shown["192.0.2.7"]
    assert "nslookup -port=5335 gambling.canary.schoolgate.test 127.0.0.1" in shown["127.0.0.1"]
    for address in ("0.0.0.0", "::"):
        assert "nslookup gambling.canary.schoolgate.test GATEWAY" in shown[address]
        assert "in the place of GATEWAY" in shown[address]
