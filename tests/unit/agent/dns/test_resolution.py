"""What is known of the world outside: failures, stale answers, prefetching, and too many questions at once."""

import dns.message
import dns.rcode
import pytest
from answering import STAFF, Answering

from agent.dns.resolution import FAILURE_SECONDS, MAX_WAITERS, STALE_AFTER_SECONDS
from agent.dns.upstream import FailureKind
from agent.sites.site import Limits
from rules.policy import Effect, Policy, Rulebook
from rules.subject import Scope

WWW = "www.example. 300 A 192.0.2.1"


@pytest.mark.parametrize(
    ("failure", "ede"),
    [
        pytest.param(FailureKind.TIMEOUT, 22, id="silence"),
        pytest.param(FailureKind.NETWORK, 23, id="no-network"),
        pytest.param(b"", 23, id="nothing"),
        pytest.param(b"\0\0\x81\x80\0\x01\0\x01\0\0\0\0\x03www", 23, id="half-a-message"),
    ],
)
def test_a_failure_is_told_and_remembered_briefly(failure: FailureKind | bytes, ede: int) -> None:
    school = Answering(zone=(WWW,))
    sent = school.ask("www.example", use_edns=0)
    school.upstream.fail(failure)
    assert (sent.rcode, sent.ede) == ("SERVFAIL", ede)
    school.advance(FAILURE_SECONDS - 0.1)
    again = school.ask("www.example", use_edns=0)
    assert (again.rcode, again.ede) == ("SERVFAIL", 13)
    school.advance(0.2)
    assert school.resolve("www.example").addresses == ["192.0.2.1"]


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_an_error_of_an_upstream_is_passed_on_and_remembered(rcode: str) -> None:
    def spoil(message: dns.message.Message) -> None:
        message.answer.clear()
        message.set_rcode(dns.rcode.from_text(rcode))

    school = Answering(zone=(WWW,))
    sent = school.ask("www.example")
    school.upstream.answer(spoil)
    assert sent.rcode == rcode
    assert school.ask("www.example", use_edns=0).ede == 13


def test_a_stale_answer_is_better_than_none() -> None:
    school = Answering(zone=(WWW,))
    for name in ("www.example", "gone.example"):
        school.resolve(name)
    school.advance(400)
    sent, gone = school.ask("www.example", use_edns=0), school.ask("gone.example", use_edns=0)
    school.upstream.fail()
    assert (sent.records, sent.ede) == (["www.example. 30 A 192.0.2.1"], 3)
    assert (gone.rcode, gone.ede, gone.ttls) == ("NXDOMAIN", 19, {30})
    assert school.ask("www.example").addresses == ["192.0.2.1"], "also while the failure is remembered"
    assert school.counters.plain["stale_answers"] == 3
    assert len(school.upstream.asked) == 4


def test_nobody_waits_long_where_a_stale_answer_is_at_hand() -> None:
    school = Answering(zone=(WWW,))
    school.resolve("www.example")
    school.advance(400)
    sent, other = school.ask("www.example"), school.ask("other.example")
    school.advance(STALE_AFTER_SECONDS - 0.1)
    assert sent.waits
    school.advance(0.2)
    assert sent.records == ["www.example. 30 A 192.0.2.1"]
    assert other.waits
    school.upstream.answer()
    assert school.ask("www.example").ttls == {300}, "the question stayed in flight"


def test_a_stale_answer_is_not_older_than_the_site_allows() -> None:
    school = Answering(zone=(WWW,), limits=Limits(stale_seconds=60))
    school.resolve("www.example")
    school.advance(361)
    sent = school.ask("www.example")
    school.advance(5)
    assert sent.waits
    school.upstream.fail()
    assert sent.rcode == "SERVFAIL"


def test_a_stale_answer_is_decided_about_like_a_fresh_one() -> None:
    school = Answering(zone=(WWW,))
    school.resolve("www.example")
    school.advance(400)
    sent = school.ask("www.example")
    no_example = Policy("no-example", Effect.BLOCK, frozenset({"name:www.example"}), Scope(), "site.yaml:1:1")
    school.adopt(rulebook=Rulebook((no_example,)))
    school.upstream.fail()
    assert sent.rcode == "NXDOMAIN"


def test_what_is_in_use_is_asked_for_again_before_it_expires() -> None:
    school = Answering(zone=("www.example. 100 A 192.0.2.1",))
    school.resolve("www.example")
    for _ in range(4):
        school.advance(22)
        assert school.ask("www.example").answers
    assert len(school.upstream.asked) == 1
    school.advance(3)
    assert school.ask("www.example").ttls == {9}
    assert school.ask("www.example", to=STAFF).ttls == {9}
    assert len(school.upstream.asked) == 2
    school.upstream.answer()
    school.advance(1)
    assert school.ask("www.example", to=STAFF).ttls == {99}
    assert school.counters.plain["prefetches"] == 1


def test_a_failed_prefetch_is_tried_again_and_harms_nobody() -> None:
    school = Answering(zone=("www.example. 100 A 192.0.2.1",))
    school.resolve("www.example")
    for _ in range(5):
        school.advance(18.5)
        assert school.ask("www.example").answers
    school.upstream.fail()
    school.advance(1)
    assert school.ask("www.example").ttls == {7}
    assert not school.upstream.waiting, "not as long as the failure is remembered"
    school.advance(FAILURE_SECONDS)
    assert school.ask("www.example").ttls == {2}
    assert len(school.upstream.waiting) == 1
    school.advance(20)
    sent = school.ask("www.example")
    assert len(school.upstream.waiting) == 1, "who comes later waits for the same answer"
    school.upstream.answer()
    assert sent.ttls == {100}


def test_an_answer_of_no_lifetime_is_given_to_all_who_wait_and_not_kept() -> None:
    school = Answering(zone=("www.example. 0 A 192.0.2.1",))
    sent = [school.ask("www.example"), school.ask("www.example", to=STAFF)]
    school.upstream.answer()
    assert [each.ttls for each in sent] == [{0}, {0}]
    assert school.ask("www.example").waits


def test_too_many_questions_in_flight_are_refused_with_a_reason() -> None:
    school = Answering(limits=Limits(pending_questions=2))
    assert all(school.ask(f"n{number}.example").waits for number in range(2))
    sent = school.ask("n2.example", use_edns=0)
    assert (sent.rcode, sent.ede) == ("SERVFAIL", 14)
    assert school.ask("n1.example").waits, "whoever asks what is asked already may wait"
    assert school.counters.plain["overloaded"] == 1


def test_too_many_who_wait_for_one_answer_are_refused_with_a_reason() -> None:
    school = Answering(zone=(WWW,))
    sent = [school.ask("www.example") for _ in range(MAX_WAITERS + 1)]
    assert [each.waits for each in sent[-2:]] == [True, False]
    school.upstream.answer()
    assert all(each.answers for each in sent)


def test_a_fault_of_ours_with_one_answer_does_not_keep_the_others_waiting() -> None:
    school = Answering(zone=(WWW,))
    sent = [school.ask("www.example") for _ in range(3)]
    (question,) = school.responder.resolution.inflight.values()
    del question.waiters[1].ruling
    school.upstream.answer()
    assert [each.rcode for each in sent] == ["NOERROR", "SERVFAIL", "NOERROR"]
    assert school.counters.plain["unexpected_errors"] == 1
