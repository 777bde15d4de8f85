// Throughput, workers, partitions, what was set aside: the group's parts of the page.
import { showThroughput } from "./charts.js";
import { byId, count, element, fill, keep, row, say } from "./show.js";

const RATE_SECONDS = 5;
// A bar is full at this lag or the largest one: a few records are no reason for alarm.
const FULL_BAR = 1000;

export function throughput({ records_per_second: rates }) {
  showThroughput(rates);
  const last = rates.slice(-RATE_SECONDS);
  say("tile-rate", count(last.reduce((sum, rate) => sum + rate, 0) / last.length));
}

// A partition's state as a sign and a word: the colour that goes with it says nothing of its own.
const SIGNS = { ok: "●", slow: "▲", stalled: "■", running: "●", recovering: "◌", unknown: "?" };
const BEHIND = ["slow", "stalled"];

const address = (url) => url.replace(/^https?:\/\//, "");
// Of all topics; null where nothing is known.
function lagOf({ lag }) {
  const lags = Object.values(lag);
  return lags.length ? lags.reduce((sum, one) => sum + one, 0) : null;
}

export function workers({ workers: group }) {
  const ready = group.filter(({ state }) => state === "ready").length;
  say("tile-workers", `${ready} of ${group.length}`);
  keep(byId("workers"), group, ({ url }) => url, workerItem, renewWorker);
  const partitions = group
    .flatMap(({ url, partitions }) => partitions.map((one) => ({ ...one, url, lag: lagOf(one) })))
    .sort((one, other) => one.partition - other.partition);
  const lags = partitions.map(({ lag }) => lag ?? 0);
  say("tile-lag", count(lags.reduce((sum, lag) => sum + lag, 0)));
  const most = Math.max(FULL_BAR, ...lags);
  keep(
    byId("partition-rows"),
    partitions,
    ({ partition, url }) => `${partition} ${url}`,
    partitionRow,
    (tr, one) => renewPartition(tr, one, most),
  );
}

// Whether it runs, and if it does, whether it keeps up.
const verdictOf = ({ state, progress }) => (state === "running" && progress) || state;

function workerItem({ url }) {
  const item = element("li");
  item.append(element("span", undefined, "dot"), element("span", address(url), "where"), element("span", "", "what"));
  return item;
}

function renewWorker(item, { state, reasons, partitions }) {
  const many = partitions.length === 1 ? "1 partition" : `${partitions.length} partitions`;
  item.dataset.state = state;
  const behind = BEHIND.map((word) => [partitions.filter((one) => verdictOf(one) === word).length, word])
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}`);
  item.querySelector(".what").textContent = [state, many, ...behind, ...reasons].join(", ");
}

function partitionRow({ partition }) {
  const bar = element("meter");
  bar.min = 0;
  bar.setAttribute("aria-label", `lag of partition ${partition}`);
  const verdict = element("span");
  const sign = element("span", "", "sign");
  sign.setAttribute("aria-hidden", "true");
  verdict.append(sign, element("span", "", "word"));
  return row([String(partition), "", verdict, "", bar], [3]);
}

function renewPartition(tr, one, most) {
  const [, where, verdict, records, bar] = tr.cells;
  const { url, lag, lag_seconds: seconds } = one;
  const word = verdictOf(one);
  verdict.className = `verdict ${word}`;
  verdict.querySelector(".sign").textContent = SIGNS[word];
  verdict.querySelector(".word").textContent = BEHIND.includes(word) ? `${word}, ${count(seconds)} s` : word;
  where.textContent = address(url);
  records.textContent = count(lag);
  bar.firstChild.max = most;
  bar.firstChild.value = lag ?? 0;
}

export function setAside({ late_events: late, dead_letters: dead }) {
  const lateRows = Object.entries(late);
  say("tile-late", count(lateRows.reduce((sum, [, events]) => sum + events, 0)));
  say("tile-dead", count(dead.reduce((sum, letter) => sum + letter.count, 0)));
  const cells = lateRows.map(([name, events]) => row([name, count(events)], [1]));
  fill("late-rows", cells, 2, "none");
  const letters = dead.map((one) => row([one.topic, one.reason, count(one.count)], [2]));
  fill("dead-rows", letters, 3, "none");
}
