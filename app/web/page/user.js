// The look-up of a user, which then stays up to date.
import { pages } from "./shop.js";
import { byId, clock, count, fill, minute, moment, money, noteAt, passing, row, say } from "./show.js";
import { Stream } from "./stream.js";

const VIEWS = ["recent-clicks", "event-counts", "moving-average", "sessions", "totals", "enriched-purchases"];
const ROWS = 12;
const LABELS = ["", "product", "amount", "pages"];
const state = (closed) => (closed ? "closed" : "open");
// The newest of what comes oldest first.
const newest = (list) => list.slice(-ROWS).reverse();

const SHOW = {
  "recent-clicks": ({ clicks }) => {
    const rows = newest(clicks).map(({ timestamp, page }) => row([clock(timestamp), page]));
    fill("user-clicks", rows, 2, "none in the last 10 minutes of stream time");
  },
  "event-counts": ({ windows }) => {
    const rows = newest(windows).map(({ start, end, count: events, closed }) =>
      row([`${minute(start)} – ${minute(end)}`, count(events), state(closed)], [1]),
    );
    fill("user-counts", rows, 3, "none kept");
  },
  "moving-average": ({ average, count: events }) => {
    const said = average === null ? "no value" : `${average.toFixed(2)} of ${count(events)}`;
    say("user-average", said);
  },
  sessions: ({ sessions }) => {
    const rows = newest(sessions).map(({ start, end, count: events, closed }) =>
      row([clock(start), clock(end), count(events), state(closed)], [2]),
    );
    fill("user-sessions", rows, 4, "none kept");
  },
  totals: ({ actions, purchases, revenue }) => {
    say("user-purchases", count(purchases));
    say("user-revenue", money(revenue));
    const parts = Object.entries(actions).map(([action, events]) => `${action} ${count(events)}`);
    say("user-actions", parts.join(", ") || "none");
  },
  "enriched-purchases": ({ purchases }) => {
    const rows = purchases.slice(0, ROWS).map((one) =>
      row([clock(one.timestamp), one.product_id, money(one.amount), pages(one.recent_pages)], [2], LABELS),
    );
    fill("user-bought", rows, 4, "none kept");
  },
};

export class Lookup {
  // `keyWanted`: asks for the API key.
  constructor(keyWanted) {
    this.keyWanted = keyWanted;
    byId("lookup-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.show(byId("user").value.trim());
    });
    addEventListener("hashchange", () => this.fromAddress());
    this.fromAddress();
  }

  // A user is part of the address, to be kept and sent on: /#user=...
  fromAddress() {
    const user = new URLSearchParams(location.hash.slice(1)).get("user");
    if (user && user !== this.user) this.show(user);
  }

  again() {
    this.stream?.again();
  }

  show(user) {
    if (!user) return;
    this.stream?.stop();
    this.user = user;
    this.seen = new Set();
    byId("user").value = user;
    byId("user-answer").hidden = true;
    this.note(`looking for ${user}`, true);
    history.replaceState(null, "", `#${new URLSearchParams({ user })}`);
    const query = new URLSearchParams({ view: VIEWS.join(), user, limit: String(ROWS) });
    this.stream = new Stream(`/v1/stream?${query}`, {
      open: () => {},
      broken: (text) => this.note(text),
      keyWanted: this.keyWanted,
      event: (type, data) => this.event(type, data),
    });
  }

  note(text, loading = false) {
    noteAt(byId("user-note"), text, loading);
  }

  event(type, data) {
    if (type === "problem") {
      this.note(data.problem.detail, passing(data.problem));
      return;
    }
    SHOW[type](data);
    this.seen.add(type);
    if (this.seen.size < VIEWS.length) return;
    this.note("");
    byId("user-answer").hidden = false;
    const asOf = data.as_of === null ? "" : `, as of ${moment(data.as_of)} UTC`;
    say("user-place", `partition ${data.partition}${asOf}`);
  }
}
