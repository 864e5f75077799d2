"""Problems and notices with their places."""

from agent.sites.findings import MAX_SUGGESTIONS, Findings
from rules.document import parse_document

TEXT = "a: 1\ngroups:\n  office: {devices: [x]}\na: 2\n"


def findings() -> Findings:
    return Findings(parse_document(TEXT, file="site.yaml"))


def test_the_faults_of_the_text_are_among_the_problems() -> None:
    assert [problem.found for problem in findings().problems] == ["the key a a second time (first in line 1)"]


def test_notices_stand_at_the_key() -> None:
    subject = findings()
    subject.notice(("groups", "office", "devices"), "nobody")
    assert [str(notice) for notice in subject.notices] == ["site.yaml:3:12: nobody"]


def test_what_is_written_and_what_is_not() -> None:
    assert findings().is_written(("groups", "office"))
    assert not findings().is_written(("groups", "media"))
    assert findings().written_names("groups") == {"office"}
    assert findings().written_names("a") == frozenset()


def test_a_word_that_is_not_known_is_a_problem_with_what_was_meant() -> None:
    subject = findings()
    assert subject.is_known(("groups",), "office", ["office"], "group")
    assert not subject.is_known(("groups",), "ofice", ["office", "media"], "group")
    assert not subject.is_known(("groups",), "zoo", ["office", "media"], "group")
    assert not subject.is_known(("groups",), "zoo", [], "group")
    assert [problem.expected for problem in subject.problems[1:]] == [
        "office",
        "one of office, media",
        "no group: the site has none",
    ]


def test_among_very_many_problems_nobody_looks_for_what_was_meant() -> None:
    subject = findings()
    for _ in range(MAX_SUGGESTIONS + 1):
        subject.is_known(("groups",), "ofice", ["office", "media"], "group")
    assert subject.problems[-1].expected == "a group that exists"
