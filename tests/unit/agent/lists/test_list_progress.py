"""Bars on a terminal, plain lines elsewhere."""

import io

from rich.console import Console

from agent.lists.list_progress import BarProgress, PlainProgress, Progress, SilentProgress, progress_for


def tell(progress: Progress) -> None:
    progress.begin("ut1", 1000)
    progress.advance("ut1", 400)
    progress.begin("ut1", None)
    progress.advance("ut1", 400)
    progress.step("ut1", "checking")
    progress.finish("ut1", "251,219 names taken [sic]")
    progress.finish("other", "unchanged")


def test_elsewhere_each_list_is_one_line() -> None:
    stream = io.StringIO()
    progress = progress_for(stream)
    assert isinstance(progress, PlainProgress)
    with progress:
        tell(progress)
    assert stream.getvalue() == "ut1: 251,219 names taken [sic]\nother: unchanged\n"


def test_a_terminal_has_bars_and_keeps_the_lines() -> None:
    stream = io.StringIO()
    with BarProgress(Console(file=stream, force_terminal=True, width=120)) as progress:
        tell(progress)
    shown = stream.getvalue()
    assert "ut1: 251,219 names taken [sic]" in shown
    assert "other: unchanged" in shown


def test_silence_is_silent() -> None:
    tell(SilentProgress())
