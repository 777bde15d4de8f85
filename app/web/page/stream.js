// Server-Sent Events over fetch (WHATWG HTML, 9.2). EventSource cannot send an API key.

const DEAD_MS = 45_000; // three heartbeats
let apiKey = sessionStorage.getItem("streamjoin-key");

export function useKey(key) {
  apiKey = key;
  sessionStorage.setItem("streamjoin-key", key);
}

// The events in a text that has come so far, and the rest of it.
export function parse(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop();
  const events = blocks.map((block) => {
    const event = { type: "message", data: "" };
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon < 1) continue;
      const name = line.slice(0, colon);
      const value = line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") event.type = value;
      else event[name] = value;
    }
    return event;
  });
  return [events, rest];
}

// Keeps one stream open while the page can be seen, from the state that it has.
export class Stream {
  // `told`: {event(type, data), open(), broken(text), keyWanted(refused)}.
  constructor(path, told) {
    this.path = path;
    this.told = told;
    this.retry = 2000;
    this.lastId = null;
    this.stopped = false;
    this.visible = () => (document.hidden ? this.abort?.abort() : this.wake?.());
    document.addEventListener("visibilitychange", this.visible);
    this.run();
  }

  stop() {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.visible);
    this.abort?.abort();
    this.wake?.();
  }

  // Try again at once.
  again() {
    this.wake?.();
  }

  async run() {
    while (!this.stopped) {
      if (document.hidden) await this.pause(Infinity);
      if (this.stopped) return;
      this.abort = new AbortController();
      let said = "the worker does not answer; trying again";
      try {
        said = (await this.read()) ?? said;
      } catch {
        // Broken off: the loop says so, and tries again.
      }
      this.abort.abort();
      clearTimeout(this.watchdog);
      if (this.stopped || document.hidden) continue;
      // What it said is taken back by the next event: so everything has to be sent again.
      this.lastId = null;
      this.told.broken(said);
      await this.pause(this.waitForKey ? Infinity : this.retry * (1 + Math.random() / 2));
    }
  }

  pause(ms) {
    return new Promise((resolve) => {
      this.wake = resolve;
      if (ms !== Infinity) setTimeout(resolve, ms);
    });
  }

  watch() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.abort.abort(), DEAD_MS);
  }

  // Read to the end; the reason, if there was one.
  async read() {
    const headers = {};
    if (apiKey) headers.Authorization = `Bearer ${apiKey}`;
    if (this.lastId) headers["Last-Event-ID"] = this.lastId;
    this.watch();
    const response = await fetch(this.path, { headers, signal: this.abort.signal, cache: "no-store" });
    // None, an unknown one, or one of another scope: another key may do.
    this.waitForKey = response.status === 401 || response.status === 403;
    if (!response.ok) {
      const problem = await response.json();
      if (this.waitForKey) this.told.keyWanted(Boolean(apiKey));
      return problem.detail;
    }
    this.told.open();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return null;
      this.watch();
      const [events, rest] = parse(text + value);
      text = rest;
      for (const event of events) {
        if (event.id) this.lastId = event.id;
        if (event.type === "problem") this.lastId = null;
        if (event.retry) this.retry = Number(event.retry);
        if (!event.data) continue;
        const data = JSON.parse(event.data);
        if (event.type === "end") return data.detail;
        this.told.event(event.type, data);
      }
    }
  }
}
