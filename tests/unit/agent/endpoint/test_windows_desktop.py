"""The desktop of Windows: what its tray is told, what a click does, and when nobody is disturbed."""

from collections.abc import Iterator
from typing import Any

import pytest
from windows_desktop_of_test import WM_USER, DesktopOfTest

from agent.endpoint.helper import Helper
from agent.endpoint.local_channel import LocalError
from agent.endpoint.notice_texts import Words, endpoint_texts, units_of
from agent.endpoint.presentation import Presentation, Presenting
from agent.endpoint.windows_api import NotifyIconData
from agent.endpoint.windows_desktop import WindowsDesktop, _write
from collectors.machine import Machine

ADD, MODIFY, DELETE, SETVERSION = 0, 1, 2, 4
LINK = "https://school.example/media"
WORDS = Words("This medium is not encrypted", "The USB stick PUPILS is not encrypted.\nWhat to do.")
STICK = {"number": "a1", "label": "PUPILS", "bus": "usb", "crypt": "plain"}
TEXTS = endpoint_texts("en")


class Session:
    """A session on these Windows."""

    def __init__(self, windows: DesktopOfTest) -> None:
        self.windows = windows
        self.opened: list[str] = []
        self.desktop = WindowsDesktop(windows.api, open_link=self.opened.append)
        self.work: dict[str, Any] = {}
        self.reports: list[Any] = []
        self.is_away = False
        self.helper = Helper(
            ask=self._ask,
            desktop=self.desktop,
            machine=Machine(platform="win32"),
            environment={},
            wall=lambda: 1_795_262_400.0,
            monotonic=lambda: 0.0,
        )

    def _ask(self, request: Any) -> dict[str, Any]:
        if self.is_away:
            raise LocalError("The endpoint service does not answer.")
        if request["ask"] == "work":
            return self.work
        if request["ask"] != "screen_lock":
            self.reports.append(request)
        return {}

    def told(self) -> dict[str, Any]:
        """Give what the tray shows now."""
        kind, shown = self.windows.shown[-1]
        assert kind == MODIFY
        return shown

    def finish(self) -> None:
        """Let what was clicked be heard, and end."""
        self.windows.end()
        if self.desktop._thread is not None:
            self.desktop._thread.join(10)
            assert not self.desktop._thread.is_alive()


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session(DesktopOfTest())
    yield made
    made.finish()
    made.windows.close()


@pytest.mark.parametrize(
    ("state", "presenting"),
    [
        pytest.param(1, Presenting.AWAY, id="QUNS_NOT_PRESENT"),
        pytest.param(2, Presenting.YES, id="QUNS_BUSY"),
        pytest.param(3, Presenting.YES, id="QUNS_RUNNING_D3D_FULL_SCREEN"),
        pytest.param(4, Presenting.YES, id="QUNS_PRESENTATION_MODE"),
        pytest.param(5, Presenting.NO, id="QUNS_ACCEPTS_NOTIFICATIONS"),
        pytest.param(6, Presenting.AWAY, id="QUNS_QUIET_TIME"),
        pytest.param(7, Presenting.YES, id="QUNS_APP"),
    ],
)
def test_windows_says_whether_a_notice_would_disturb(session: Session, state: int, presenting: Presenting) -> None:
    session.windows.presence = state
    assert session.desktop.presentation() == Presentation(presenting, "shell")


@pytest.mark.parametrize("state", [99, -2147467259], ids=["a-new-state", "E_FAIL"])
def test_what_windows_does_not_say_is_not_known(session: Session, state: int) -> None:
    session.windows.presence = state
    assert session.desktop.presentation() == Presentation(Presenting.NOT_KNOWN)


@pytest.mark.parametrize(
    ("number", "language"),
    [(0x0409, "en"), (0x0809, "en"), (0x040C, "fr"), (0x080C, "fr"), (0x0813, "nl"), (0x0411, "ja"), (0x0407, "en")],
)
def test_the_language_is_that_of_windows(session: Session, number: int, language: str) -> None:
    session.windows.language = number
    assert session.desktop.language == language


def test_a_notice_comes_from_the_tray(session: Session) -> None:
    assert session.desktop.show(WORDS, link=LINK)
    # One that is left of before goes; then the icon, how it tells of clicks, and the notice.
    assert [kind for kind, _ in session.windows.shown] == [DELETE, ADD, SETVERSION, MODIFY]
    _, icon = session.windows.shown[1]
    assert (icon["flags"], icon["callback"], icon["tip"], icon["window"]) == (0x7, 0x8001, "Schoolgate", 0x1_0001)
    assert session.windows.shown[2][1]["version"] == 4
    told = session.told()
    # NIF_INFO; NIIF_INFO and NIIF_RESPECT_QUIET_TIME.
    assert (told["flags"], told["info"]) == (0x10, 0x81)
    assert (told["title"], told["text"]) == (WORDS.headline, WORDS.body)
    assert session.windows.boxes == []


@pytest.mark.parametrize("event", [WM_USER, WM_USER + 1, WM_USER + 5], ids=["the-icon", "by-keys", "the-notice"])
def test_a_click_opens_the_page_and_tidies_up(session: Session, event: int) -> None:
    session.desktop.show(WORDS, link=LINK)
    session.windows.click(event=event)
    session.finish()
    assert session.opened == [LINK]
    assert session.windows.shown[-1][0] == DELETE


@pytest.mark.parametrize(
    "link", ["", "file:///C:/Windows/System32/calc.exe", "calc.exe", "https://[", "ms-settings:x"]
)
def test_what_is_no_page_is_not_opened(session: Session, link: str) -> None:
    session.desktop.show(WORDS, link=link)
    session.windows.click()
    session.finish()
    assert session.opened == []


def test_a_mouse_that_passes_by_does_nothing(session: Session) -> None:
    session.desktop.show(WORDS, link=LINK)
    session.windows.click(event=0x200)
    session.windows.click(icon=70)
    session.finish()
    assert session.opened == []


@pytest.mark.parametrize("function", ["CreateWindowExW", "Shell_NotifyIconW"])
def test_what_could_not_be_shown_is_not_said_to_be(session: Session, function: str) -> None:
    session.windows.refused[function] = 5
    assert not session.desktop.show(WORDS, link=LINK)


@pytest.mark.parametrize(("pressed", "answer"), [(6, True), (7, False)], ids=["yes", "no"])
def test_a_question_is_put_to_whoever_clicks(session: Session, pressed: int, answer: bool) -> None:
    session.windows.pressed = pressed
    said: list[bool] = []
    words = TEXTS.sign_in("2026-09", link=LINK)
    assert session.desktop.ask(words, TEXTS, said.append)
    assert session.windows.boxes == []
    session.windows.click(icon=1)
    session.finish()
    assert said == [answer]
    assert session.windows.boxes == [(words.headline, words.body)]


def test_a_box_that_is_closed_is_no_answer_and_can_be_opened_again(session: Session) -> None:
    said: list[bool] = []
    session.desktop.ask(WORDS, TEXTS, said.append)
    session.windows.click(icon=1)
    session.windows.click(icon=1)
    session.finish()
    assert said == []
    assert len(session.windows.boxes) == 2


def test_there_is_one_window_for_all_that_is_shown(session: Session) -> None:
    session.desktop.show(WORDS, link=LINK)
    session.desktop.show(WORDS, link=LINK)
    session.desktop.ask(WORDS, TEXTS, lambda _accepted: None)
    assert session.windows.windows == 1
    assert {shown["id"] for _, shown in session.windows.shown} == {1, 2, 3}


def test_notices_of_one_look_do_not_take_each_other_away(session: Session) -> None:
    session.work = {"notices": [STICK, {**STICK, "number": "a2", "label": "EXAMS"}]}
    session.helper.look()
    assert [report["number"] for report in session.reports] == ["a1", "a2"]
    assert [(kind, shown["id"]) for kind, shown in session.windows.shown if kind != SETVERSION] == [
        *((DELETE, 2), (ADD, 2), (MODIFY, 2)),
        *((DELETE, 3), (ADD, 3), (MODIFY, 3)),
    ]


def test_each_notice_opens_its_own_page(session: Session) -> None:
    session.desktop.show(WORDS, link=f"{LINK}/1")
    session.desktop.show(WORDS, link=f"{LINK}/2")
    session.windows.click(icon=2)
    session.windows.click(icon=3)
    session.finish()
    assert session.opened == [f"{LINK}/1", f"{LINK}/2"]


def test_icons_of_notices_are_bounded(session: Session) -> None:
    for _ in range(65):
        session.desktop.show(WORDS, link=LINK)
    assert {shown["id"] for _, shown in session.windows.shown} == set(range(2, 66))
    assert session.told()["id"] == 2


def test_what_could_not_be_shown_leaves_no_icons_behind(session: Session) -> None:
    session.windows.refused["Shell_NotifyIconW"] = 5
    session.desktop.show(WORDS, link=LINK)
    session.desktop.show(WORDS, link=LINK)
    del session.windows.refused["Shell_NotifyIconW"]
    session.desktop.show(WORDS, link=LINK)
    assert {shown["id"] for _, shown in session.windows.shown} == {2}


def test_the_helper_tells_what_was_shown_and_how(session: Session) -> None:
    session.work = {"notices": [STICK], "link": LINK, "grace_seconds": 600}
    session.helper.look()
    (report,) = session.reports
    told = session.told()
    assert {name: report[name] for name in ("ask", "number", "language", "how", "presentation")} == {
        "ask": "shown",
        "number": "a1",
        "language": "fr",
        "how": "Shell_NotifyIconW",
        "presentation": "no:shell",
    }
    assert report["text"] == f"{told['title']}\n{told['text']}"
    assert "PUPILS" in told["text"]


@pytest.mark.parametrize("language", ["en", "fr", "nl", "ja"])
def test_what_is_too_long_for_the_tray_ends_with_a_sentence(session: Session, language: str) -> None:
    session.windows.language = {"en": 0x0409, "fr": 0x040C, "nl": 0x0413, "ja": 0x0411}[language]
    long = {**STICK, "label": "\U0001f4be" * 40}
    session.work = {"notices": [long], "link": f"{LINK}/{'x' * 150}", "grace_seconds": 600}
    session.helper.look()
    told = session.told()
    whole = endpoint_texts(language).medium(long, link="", by="10:00").body.split("\n")
    assert told["text"].split("\n")[0] == whole[0]
    assert session.reports[0]["text"].split("\n")[1:] == told["text"].split("\n")
    assert units_of(told["text"]) <= 255
    assert LINK not in told["text"]


def test_somebody_who_presents_is_not_disturbed(session: Session) -> None:
    session.windows.presence = 2
    session.work = {"notices": [STICK], "link": LINK, "aup": "2026-09"}
    session.helper.look()
    assert session.reports == [{"ask": "deferred", "number": "a1", "presentation": "yes:shell"}]
    assert session.windows.shown == []


def test_somebody_who_is_away_is_told_later(session: Session) -> None:
    session.windows.presence = 1
    session.work = {"notices": [STICK], "link": LINK, "aup": "2026-09"}
    session.helper.look()
    assert (session.reports, session.windows.shown) == ([], [])
    session.windows.presence = 5
    session.helper.look()
    assert [report["ask"] for report in session.reports] == ["shown"]


def test_an_answer_goes_to_the_service_with_the_whole_text(session: Session) -> None:
    session.windows.pressed = 6
    session.work = {"aup": "2026-09", "link": LINK}
    session.helper.look()
    session.windows.click(icon=1)
    session.finish()
    (report,) = session.reports
    assert (report["ask"], report["accepted"], report["how"]) == ("answer", True, "Shell_NotifyIconW")
    assert LINK in report["text"]


def test_an_answer_that_the_service_does_not_take_is_asked_again(session: Session) -> None:
    session.windows.pressed = 6
    session.work = {"aup": "2026-09"}
    session.helper.look()
    session.is_away = True
    session.windows.click(icon=1)
    session.finish()
    assert "does not answer" in session.helper.problem
    assert session.helper._asked["2026-09"] == 0.0


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("x" * 300, "x" * 63, id="cut"),
        pytest.param("x" * 62 + "\U0001f4be", "x" * 62, id="no-half-of-a-pair"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_text_fills_its_place_and_is_ended(text: str, kept: str) -> None:
    icon = NotifyIconData()
    _write(icon.szInfoTitle, "y" * 63)
    _write(icon.szInfoTitle, text)
    assert bytes(icon.szInfoTitle).decode("utf-16-le").partition("\0")[0] == kept
