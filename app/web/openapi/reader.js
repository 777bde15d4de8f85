// "Try it": asks the worker that served this page, and shows what it answered.
"use strict";

// Indents JSON by its text, so that every digit of an amount stays as it was sent.
function indented(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) || [];
  let depth = 0;
  let shown = "";
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    const line = () => "\n" + "  ".repeat(depth);
    if (token === "{" || token === "[") {
      shown += token;
      if (next !== "}" && next !== "]") {
        depth += 1;
        shown += line();
      }
    } else if (token === "}" || token === "]") {
      const before = tokens[index - 1];
      if (before !== "{" && before !== "[") {
        depth -= 1;
        shown += line();
      }
      shown += token;
    } else if (token === ",") {
      shown += token + line();
    } else {
      shown += token === ":" ? ": " : token;
    }
  });
  return shown;
}

function target(form) {
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const field of form.querySelectorAll("input")) {
    if (field.dataset.place === "path") {
      path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    } else if (field.value !== "") {
      query.set(field.name, field.value);
    }
  }
  return query.size ? `${path}?${query}` : path;
}

async function ask(form) {
  const shown = form.parentElement.querySelector("output");
  const key = document.getElementById("key").value;
  const url = target(form);
  shown.className = "";
  shown.textContent = `GET ${url} ...`;
  try {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const answer = await fetch(url, { headers, redirect: "error" });
    const type = answer.headers.get("Content-Type") || "";
    const text = await answer.text();
    const body = type.includes("json") ? indented(text) : text;
    shown.className = answer.ok ? "good" : "bad";
    shown.textContent = `GET ${url}\n${answer.status} ${type}\n\n${body}`;
  } catch (error) {
    shown.className = "bad";
    shown.textContent = `GET ${url}\nThe worker did not answer: ${error.message}`;
  }
}

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form);
  });
}

// A link to an operation or a model opens what it leads to.
function open() {
  const found = document.getElementById(location.hash.slice(1));
  if (found instanceof HTMLDetailsElement) {
    found.open = true;
  }
}
addEventListener("hashchange", open);
open();
