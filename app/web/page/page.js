// Starts the page: one stream for what all users share, another one for the user looked up.
import { setAside, throughput, workers } from "./group.js";
import { byId, missing, note, passing, say } from "./show.js";
import { Newest, revenue, totals } from "./shop.js";
import { Stream, useKey } from "./stream.js";
import { Lookup } from "./user.js";

const WINDOWS = "72";

let overall = null;
const lookup = new Lookup(askForKey);
const newest = new Newest((user) => {
  lookup.show(user);
  byId("lookup").focus({ preventScroll: true });
  byId("lookup").scrollIntoView({ block: "start" });
});
const SHOW = {
  throughput,
  revenue,
  totals,
  workers,
  "newest-purchases": (answer) => newest.show(answer),
  "set-aside": setAside,
};

function status(state, text) {
  byId("status").dataset.state = state;
  say("status-text", text);
}

// What has come since the last frame is shown with the next one, each view once.
const changed = new Map();

function show() {
  const due = [...changed];
  changed.clear();
  for (const [view, answer] of due) {
    SHOW[view](answer);
    note(view, missing(answer));
  }
}

function event(type, data) {
  if (type === "problem") {
    note(data.view, data.problem.detail, passing(data.problem));
    return;
  }
  if (!(type in SHOW)) return;
  if (changed.size === 0) requestAnimationFrame(show);
  changed.set(type, data);
}

function askForKey(refused) {
  byId("key-note").hidden = !refused;
  byId("key-note").textContent = "That key was refused.";
  if (!byId("key-dialog").open) byId("key-dialog").showModal();
}

byId("key-form").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  useKey(byId("key").value);
  byId("key-dialog").close();
  overall.again();
  lookup.again();
});

const query = new URLSearchParams({ view: Object.keys(SHOW).join(), limit: WINDOWS });
overall = new Stream(`/v1/stream?${query}`, {
  open: () => status("live", "live"),
  broken: (text) => status("broken", text),
  keyWanted: askForKey,
  event,
});
