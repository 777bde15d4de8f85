// Revenue and the newest purchases.
import { showRevenue } from "./charts.js";
import { byId, clock, count, element, fill, keep, minute, moment, money, row, say } from "./show.js";

const ROWS = 12;
const PAGES = 6;

export function totals({ purchases, revenue }) {
  say("tile-purchases", count(purchases));
  say("tile-revenue", money(revenue));
}

export function revenue({ windows }) {
  showRevenue(windows);
  const rows = windows.slice(0, ROWS).map(({ start, end, revenue, purchases, closed }) => {
    const span = `${moment(start).slice(0, 16)} – ${minute(end)}`;
    return row([span, money(revenue), count(purchases), closed ? "closed" : "open"], [1, 2]);
  });
  fill("revenue-rows", rows, 4, "no purchase yet");
}

// The last pages; how many came before them is said.
export function pages(list) {
  if (list.length === 0) return element("span", "none", "nothing");
  const shown = list.slice(-PAGES).join(" → ");
  const made = element("span", list.length > PAGES ? `${list.length - PAGES} more → ${shown}` : shown, "pages");
  made.title = list.join(" → ");
  return made;
}

// The table of the newest purchases: it stands still while a reader is on it.
export class Newest {
  constructor(lookUp) {
    this.lookUp = lookUp;
    this.waiting = null;
    const section = byId("newest");
    const rows = section.querySelector(".scroll");
    const look = () => this.hold(rows.matches(":hover") || rows.contains(document.activeElement));
    rows.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && look());
    rows.addEventListener("pointerleave", look);
    rows.addEventListener("focusin", look);
    rows.addEventListener("focusout", () => setTimeout(look));
  }

  hold(held) {
    this.held = held;
    byId("held").hidden = !held;
    if (!held && this.waiting) this.show(this.waiting);
  }

  show(answer) {
    this.waiting = this.held ? answer : null;
    if (this.held) return;
    const place = (one) => JSON.stringify([one.timestamp, one.user_id, one.product_id, one.amount]);
    const seen = new Map();
    const items = answer.purchases.map((one) => {
      const key = place(one);
      seen.set(key, (seen.get(key) ?? 0) + 1);
      return { ...one, key: `${key} ${seen.get(key)}` };
    });
    keep(byId("newest-rows"), items, ({ key }) => key, (one) => this.row(one));
  }

  row(one) {
    const user = element("button", one.user_id, "link");
    user.type = "button";
    user.addEventListener("click", () => this.lookUp(one.user_id));
    const labels = ["", "user", "product", "amount", "pages"];
    const time = element("time", clock(one.timestamp));
    time.dateTime = one.timestamp;
    time.title = moment(one.timestamp);
    return row([time, user, one.product_id, money(one.amount), pages(one.recent_pages)], [3], labels);
  }
}
