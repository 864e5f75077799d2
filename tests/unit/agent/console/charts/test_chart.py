"""What a chart is made of."""

from agent.console.charts.chart import Mark, Panel, Series


def test_the_values_of_a_panel_are_those_that_are_known() -> None:
    marks = (Mark(1.0, "1"), Mark(None, "fewer than 5"), Mark(0.0, "0"))
    panel = Panel("Blocked", "", "Hour", ("08", "09", "10"), (Series("Blocked", marks),))
    assert panel.values() == [1.0, 0.0]
