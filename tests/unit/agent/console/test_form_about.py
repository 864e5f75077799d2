"""What each form of a page is: its title, and the words of the button that was pressed."""

import re
from html import unescape

import pytest

from agent.console.form_about import of_one, read_about, tell_about

PAGE = "<title>Tom &amp; Una&#39;s \n request · Oak School</title>"
SEVERAL = (
    '<button name="look" value="1">Look</button><button type="button">Print</button>'
    '<button formaction="/x/refuse?a=1&amp;b=2">Refuse</button><button class="main">Agree</button>'
)


def told(form: str, path: str = "/x", *sent: str) -> tuple[str, str]:
    html = tell_about(f'{PAGE}<form><input value="MARK">{form}</form><button>Other</button>', "MARK", "Oak School")
    (value,) = re.findall(r'<input value="([^"]*)">', html)
    return read_about(unescape(value), path, sent)


@pytest.mark.parametrize(
    ("form", "button"),
    [('<button class="danger">Withdraw <b>it</b> &quot;now&quot;</button>', 'Withdraw it "now"'), ("", "")],
    ids=["one", "none"],
)
def test_a_form_tells_the_title_of_its_page_and_its_button(form: str, button: str) -> None:
    assert told(form) == ("Tom & Una's request", button)


@pytest.mark.parametrize(
    ("path", "sent", "button"),
    [("/x", ["reason"], "Agree"), ("/x/refuse?a=1&b=2", [], "Refuse"), ("/x", ["reason", "look"], "Look")],
)
def test_of_several_buttons_it_is_the_one_that_was_pressed(path: str, sent: list[str], button: str) -> None:
    assert told(SEVERAL, path, *sent)[1] == button


def test_each_form_of_a_page_has_its_own_button() -> None:
    forms = "<form>MARK<button>A</button></form><form>MARK<button>B</button></form>"
    html = tell_about(PAGE + forms, "MARK", "Oak School")
    assert [read_about(form.partition("<")[0], "/x", ())[1] for form in html.split("<form>")[1:]] == ["A", "B"]


def test_a_page_without_a_form_is_as_it_was() -> None:
    assert tell_about(PAGE, "MARK", "Oak School") == PAGE


@pytest.mark.parametrize(("sent", "about"), [("", ("", "")), ("x", ("x", "")), ("x" * 9999, ("x" * 1000, ""))])
def test_what_a_browser_sends_back_is_bounded(sent: str, about: tuple[str, str]) -> None:
    assert read_about(sent, "/x", ()) == about


@pytest.mark.parametrize("about", [("A request", "Agree"), ("A request", ""), ("", "")])
def test_what_is_known_of_a_form_is_written_as_it_is_read(about: tuple[str, str]) -> None:
    assert read_about(of_one(*about), "/x", ()) == about
