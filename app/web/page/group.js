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

function workerItem({ url }) {
  const item = element("li");
  item.append(element("span", undefined, "dot"), element("span", address(url), "where"), element("span", "", "what"));
  return item;
}

function renewWorker(item, { state, reasons, partitions }) {
  const many = partitions.length === 1 ? "1 partition" : `${partitions.length} partitions`;
  item.dataset.state = state;
  item.querySelector(".what").textContent = [state, many, ...reasons].join(", ");
}

function partitionRow({ partition }) {
  const bar = element("meter");
  bar.min = 0;
  bar.setAttribute("aria-label", `lag of partition ${partition}`);
  return row([String(partition), "", "", bar], [2]);
}

function renewPartition(tr, { url, lag, state }, most) {
  const [, where, records, bar] = tr.cells;
  tr.dataset.state = state;
  where.textContent = address(url);
  records.textContent = state === "running" ? count(lag) : state;
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
