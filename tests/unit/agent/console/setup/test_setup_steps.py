"""Each step of the guide is looked at; what nobody could look at is not done."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread

import pytest
from api_of_test import SchoolOfTest
from day_of_test import watch
from starlette.requests import Request

from agent.console.page import Page
from agent.console.setup.setup_steps import Step, open_steps, progress, steps_of
from agent.sites.site import Endpoint, Paths
from agent.texts import load_texts
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    school = SchoolOfTest(tmp_path)
    school.site = replace(school.site, paths=Paths(state=str(tmp_path), runtime=str(tmp_path)))
    return school


def found(school: SchoolOfTest) -> dict[str, Step]:
    page = Page(Request({"type": "http", "headers": []}), school.parts, load_texts("en"))
    return {each.path: each for each in steps_of(page)}


def test_an_example_is_not_set_up(school: SchoolOfTest) -> None:
    school.site = replace(
        school.site,
        school=replace(school.site.school, name="Example School"),
        networks=tuple(replace(each, cidrs=("127.0.0.1/32", "::1/128")) for each in school.site.networks),
    )
    watch(school, school.now)
    steps = found(school)
    assert ip_network("127.0.0.1/32").is_loopback
    assert {path for path, step in steps.items() if step.state == "open"} >= {
        "/setup/school",
        "/setup/networks",
        "/setup/test",
        "/people",
    }


def test_without_figures_nobody_knows_whether_resolvers_answer(school: SchoolOfTest) -> None:
    nobody = Endpoint("127.0.0.1", 1)
    for metrics in (None, nobody):
        school.site = replace(school.site, listeners=replace(school.site.listeners, metrics=metrics))
        assert found(school)["/setup/upstreams"].state == "unknown"


@contextmanager
def figures(text: str) -> Iterator[Endpoint]:
    """Serve a page of figures."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_request(self, *_: object) -> None:
            """Be silent."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield Endpoint("127.0.0.1", server.server_port)
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("healthy", "state", "words"),
    [
        (["NaN", "NaN"], "unknown", "Whether they answer is not known: none of them had anything to answer yet."),
        (["1.0", "NaN"], "unknown", "1 of 2 resolvers answer; 1 had nothing to answer yet."),
        (["0.0", "NaN"], "open", "0 of 2 resolvers answer; 1 had nothing to answer yet."),
        (["1.0", "0.0"], "open", "1 of 2 resolvers answer."),
        (["0.0", "0.0"], "open", "None of the resolvers answers."),
        (["1.0", "1.0"], "done", "2 of 2 resolvers answer."),
        ([], "open", "None of the resolvers answers."),
    ],
)
def test_resolvers_are_done_when_each_has_answered(
    school: SchoolOfTest, healthy: list[str], state: str, words: str
) -> None:
    lines = (f'schoolgate_upstream_healthy{{upstream="{place}"}} {value}\n' for place, value in enumerate(healthy, 1))
    with figures("".join(lines)) as endpoint:
        school.site = replace(school.site, listeners=replace(school.site.listeners, metrics=endpoint))
        step = found(school)["/setup/upstreams"]
    assert (step.state, step.found) == (state, words)


def test_who_has_asked_is_told_as_long_as_it_is_known(school: SchoolOfTest) -> None:
    assert found(school)["/setup/test"].state == "unknown"
    names = [each.name for each in school.site.networks]
    watch(school, school.now - timedelta(hours=1))
    step = found(school)["/setup/test"]
    assert (step.state, step.found.partition(":")[0]) == ("open", "Nobody has asked yet from")
    watch(school, school.now - timedelta(days=3), {names[0]: school.now - timedelta(days=2)})
    step = found(school)["/setup/test"]
    assert (step.state, step.found.partition(":")[0]) == ("open", "Nobody has asked since yesterday from")
    watch(school, school.now - timedelta(hours=1), dict.fromkeys(names, school.now))
    assert found(school)["/setup/test"].state == "done"


def test_people_are_enough_when_two_decide_and_two_manage(school: SchoolOfTest) -> None:
    assert found(school)["/people"].state == "open"
    school.person("Grace", Role.ICT_COORDINATOR)
    school.person("Hana", Role.HEAD_TEACHER)
    assert found(school)["/people"].state == "done"


def test_progress_counts_what_is_done(school: SchoolOfTest) -> None:
    steps = list(found(school).values())
    done, whole = progress(steps)
    assert whole == len(steps) == done + len(list(open_steps(steps)))
    assert steps[0].state == "done"
