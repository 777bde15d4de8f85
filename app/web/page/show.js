// Numbers, times and tables. Whatever comes from records goes into the page as text, never as HTML.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const byId = (id) => document.getElementById(id);
export const count = (number) => (number === null ? "?" : whole.format(number));
export const money = (number) => cents.format(number);
export const compact = (number) => short.format(number);

// "2016-08-01T07:00:00.000Z" as "07:00:00", with the day before it where that is wanted.
export const clock = (iso) => iso.slice(11, 19);
export const minute = (iso) => iso.slice(11, 16);
export const moment = (iso) => `${iso.slice(0, 10)} ${clock(iso)}`;

export function say(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

export function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// A row of cells: a text, or an element. `numbers`: which of them are numbers.
// `labels` are shown beside the cells where a table becomes a list, on a narrow screen.
export function row(cells, numbers = [], labels = []) {
  const made = document.createElement("tr");
  cells.forEach((cell, at) => {
    const td = document.createElement("td");
    if (cell instanceof Node) td.append(cell);
    else td.textContent = cell;
    if (numbers.includes(at)) td.className = "n";
    if (labels[at]) td.dataset.label = labels[at];
    made.append(td);
  });
  return made;
}

export function fill(id, rows, columns, nothing) {
  const body = byId(id);
  if (rows.length === 0) {
    const td = element("td", nothing, "nothing");
    td.colSpan = columns;
    const empty = document.createElement("tr");
    empty.append(td);
    body.replaceChildren(empty);
  } else {
    body.replaceChildren(...rows);
  }
}

// Have a parent's children be those of the items, by key; what stays is not touched, so that it
// keeps the focus and the reader's place. `make` gives an element, `renew` brings it up to date.
export function keep(parent, items, keyOf, make, renew = () => {}) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = new Set(items.map(keyOf));
  for (const [key, child] of there) if (!wanted.has(key)) child.remove();
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = there.get(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    renew(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

// What is wrong with a view, or that a part of it is missing; empty for nothing. `loading`: nothing
// is wrong, it is only to come.
export function note(view, text, loading = false) {
  noteAt(document.querySelector(`[data-view="${view}"] .note`), text, loading);
}

export function noteAt(place, text, loading) {
  if (!place) return;
  place.hidden = !text;
  place.classList.toggle("loading", loading);
  if (place.textContent !== text) place.textContent = text;
}

// Problems that end by themselves: a partition is acquired, restored, gone through.
const PASSING = ["recovering", "owner-unknown", "no-owner"];
export const passing = (problem) => PASSING.includes(problem.type.split(":").pop());

export const missing = (answer) =>
  answer.complete === false ? `Incomplete: no answer for partitions ${answer.missing.join(", ")}` : "";
