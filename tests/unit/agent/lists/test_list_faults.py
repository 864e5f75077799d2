"""The closed set of reasons not to take a list."""

from agent.lists.list_faults import FORCEABLE, TRANSIENT, Fault, ListFaultError
from rules.errors import ListRejectedError


def test_what_passes_by_itself_is_not_a_matter_of_force() -> None:
    assert not TRANSIENT & FORCEABLE


def test_a_fault_is_a_rejected_list_and_says_whether_it_may_pass() -> None:
    assert isinstance(ListFaultError(Fault.HTML, "a web page"), ListRejectedError)
    assert ListFaultError(Fault.TIME_OUT, "silence").transient
    assert not ListFaultError(Fault.HTTP_STATUS, "403").transient
    assert ListFaultError(Fault.HTTP_STATUS, "503", transient=True).transient
