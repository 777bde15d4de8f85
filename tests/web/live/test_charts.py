"""The page's charts, by what their axes show: of no window, of one alone, of many."""

from pathlib import Path

import pytest

from tests.support.browser import browsing
from tests.web.group import WINDOW, Member, State, serving

# The library makes charts that nobody else can reach: they are kept as they are made.
_KEEPING = """
globalThis.plots = [];
let made;
Object.defineProperty(globalThis, "uPlot", {
  get: () => made,
  set: (library) => {
    made = class extends library {
      constructor(...given) {
        const plot = super(...given);
        plots.push(plot);
      }
    };
  },
});
"""
_CHART = "plots.find((one) => one.root.parentNode.id === 'revenue-chart')"
_LABEL = "document.getElementById('revenue-chart').ariaLabel.startsWith('Revenue of {} windows')"
START = 1_470_000_000_000
HOUR = 3_600


@pytest.mark.parametrize(("windows", "seconds"), [(0, None), (1, HOUR), (3, HOUR), (30, 9_300)])
async def test_revenue_spans_its_windows_an_hour_at_least(
    tmp_path: Path, windows: int, seconds: int | None
) -> None:
    state = State(0)
    for number in range(windows):
        state.window(START + number * WINDOW, 1_000_000)
    member = Member(1, {0: state})
    async with serving(member) as url, browsing(tmp_path) as page:
        member.table = {0: url}
        await page.send("Page.addScriptToEvaluateOnNewDocument", source=_KEEPING)
        await page.open(f"{url}/")
        await page.until(_LABEL.format(windows))
        await page.until(f"{_CHART}?.data[0].length === {windows}")
        low, high = await page.value(f"[{_CHART}.scales.x.min, {_CHART}.scales.x.max]")
        if seconds is None:
            assert (low, high) == (None, None)
        else:
            assert low <= START / 1000 < high
            assert high - low == seconds
        assert await page.value(f"{_CHART}.scales.y.max") >= 4
        assert page.errors == []
        await page.picture(tmp_path / f"{windows}.png")
