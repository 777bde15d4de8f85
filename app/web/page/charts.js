// Charts by uPlot (a global of uplot.js). Colours come from the style sheet, for light and dark.
import { byId, compact, count, money } from "./show.js";

const HEIGHT = 200;
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const utc = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");

// A chart that has the width of its place, and is made anew when the colours change.
class Chart {
  constructor(id, options) {
    this.place = byId(id);
    this.options = options;
    this.data = null;
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.place);
    dark.addEventListener("change", () => this.make());
  }

  size() {
    return { width: this.place.clientWidth, height: HEIGHT };
  }

  make() {
    this.plot?.destroy();
    this.plot = this.data && new uPlot({ ...this.options(), ...this.size() }, this.data, this.place);
  }

  show(data, label) {
    this.data = data;
    if (this.plot) this.plot.setData(data);
    else this.make();
    this.place.setAttribute("aria-label", label);
  }
}

const axis = (more) => ({
  stroke: colour("--quiet"),
  grid: { stroke: colour("--line"), width: 1 },
  ticks: { show: false },
  font: "12px system-ui, sans-serif",
  ...more,
});
const upwards = axis.bind(null, { size: 48, values: (_, ticks) => ticks.map(compact) });
// From nothing to a little more than the highest; never flat, and not so low that ticks are fractions.
const fromZero = (_, low, high) => [0, Math.max(high * 1.1, 4)];

const throughput = new Chart("throughput-chart", () => ({
  scales: { x: { time: false }, y: { range: fromZero } },
  axes: [axis({ values: (_, ticks) => ticks.map((tick) => (tick === 0 ? "now" : `${tick} s`)) }), upwards()],
  cursor: { y: false, points: { size: 6 } },
  series: [
    { label: "seconds ago", value: (_, at) => (at === null ? "–" : String(-at)) },
    {
      label: "events/s",
      stroke: colour("--accent"),
      fill: colour("--accent-soft"),
      width: 2,
      points: { show: false },
      value: (_, rate) => (rate === null ? "–" : count(rate)),
    },
  ],
}));

const bars = (label, stroke, fill) => ({
  label,
  stroke: colour(stroke),
  fill: colour(fill),
  width: 1,
  points: { show: false },
  paths: uPlot.paths.bars({ size: [0.8, 40, 2], align: 1 }),
  value: (_, revenue) => (revenue === null ? "–" : money(revenue)),
});

// From the oldest window to the newest, an hour at least. Not by what uPlot says: of one window alone it
// makes a thousand days, and a bar of the greatest width, which needs room.
const HOUR = 3600;
function windowsShown({ data: [starts] }) {
  if (starts.length === 0) return [null, null];
  const newest = starts.at(-1);
  const end = newest + (starts.length === 1 ? 900 : 450);
  return [Math.min(starts[0] - 150, end - HOUR), end];
}

const revenue = new Chart("revenue-chart", () => ({
  tzDate: utc,
  scales: { x: { range: windowsShown }, y: { range: fromZero } },
  axes: [axis({ space: 60, values: (_, ticks) => ticks.map(hours) }), upwards()],
  cursor: { y: false, points: { show: false } },
  series: [
    { label: "window", value: (_, at) => (at === null ? "–" : iso(at).slice(0, 16)) },
    bars("closed", "--accent", "--accent"),
    bars("open", "--accent", "--accent-soft"),
  ],
}));

const iso = (seconds) => new Date(seconds * 1000).toISOString().replace("T", " ");
// A time of the day; at midnight the day.
function hours(seconds) {
  const text = iso(seconds);
  return seconds % 86_400 === 0 ? text.slice(5, 10) : text.slice(11, 16);
}

// Of records per second, the oldest first, the last one a second ago.
export function showThroughput(rates) {
  const seconds = rates.map((_, at) => at - rates.length + 1);
  throughput.show([seconds, rates], `Throughput: ${count(rates.at(-1))} events in the last second`);
}

// Of windows of revenue, the newest first.
export function showRevenue(windows) {
  const old = [...windows].reverse();
  const data = [
    old.map((window) => Date.parse(window.start) / 1000),
    old.map((window) => (window.closed ? window.revenue : null)),
    old.map((window) => (window.closed ? null : window.revenue)),
  ];
  const newest = windows[0];
  const said = newest ? `; the newest has ${money(newest.revenue)}` : "";
  revenue.show(data, `Revenue of ${windows.length} windows of 5 minutes${said}`);
}
