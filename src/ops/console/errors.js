// What goes wrong, as far as the private listener tells: counters that rise, and what is ill now.

import { h } from "./dom.js";
import { count, moment, NOTHING, SIGNS } from "./words.js";

/** How long a counter that has risen is called recent, in seconds. */
const RECENT = 120;

/** Follows the counters of failures. */
export class Failures {
  /** By what failed: `{ total, rises: [{ at, by }], last }`, newest last. */
  seen = new Map();

  /** `at` in seconds, `counters` as `metrics.read` has them. */
  add(at, counters) {
    const first = this.started === undefined;
    this.started ??= at;
    for (const [key, total] of counters) {
      const before = this.seen.get(key) ?? { total: first ? total : 0, rises: [], last: null };
      // A process that starts again counts from nothing.
      const by = total < before.total ? total : total - before.total;
      const rises = before.rises.filter((rise) => rise.at > at - RECENT);
      if (by > 0) {
        rises.push({ at, by });
      }
      this.seen.set(key, { total, rises, last: by > 0 ? new Date() : before.last });
    }
  }

  lines() {
    const lines = [...this.seen].filter(([, { total }]) => total > 0).map(([key, { total, rises, last }]) => {
      const [kind, what, answer, side] = key.split("|");
      const recent = rises.reduce((sum, rise) => sum + rise.by, 0);
      return { key, what: WORDS[kind](what, answer, side), recent, total, last };
    });
    return lines.sort((a, b) => b.recent - a.recent || b.total - a.total);
  }
}

const place = (side) => ({ local: "here", remote: "there" })[side] ?? side;

const WORDS = {
  request: (module, answer, side) =>
    answer === "nobody answered" ? `Requests to ${module} that nobody answered ${place(side)}` : `Requests to ${module} answered ${answer} ${place(side)}`,
  call: (call, outcome, side) => `Calls of ${call} that ended as ${outcome} ${place(side)}`,
  event: (way, reason) => `Events ${way} not delivered: ${reason}`,
};

/** What is ill at this moment, in words. */
function ills(state) {
  const found = [];
  for (const [name, module] of Object.entries(state.health?.modules ?? {})) {
    const add = (part, what) => part?.error && found.push(`${name}: ${what}, ${part.error}`);
    add(module.database, "database");
    add(module.peer, "peer");
    add(module.media, "pictures");
  }
  for (const [name, module] of Object.entries(state.topology?.modules ?? {})) {
    if (module.url && module.circuit !== "closed") {
      found.push(`${name}: the circuit to ${module.url} is ${module.circuit.replace("_", " ")}`);
    }
  }
  for (const [name, module] of Object.entries(state.databases?.modules ?? {})) {
    if (module.error) {
      found.push(`${name}: ${module.error}`);
    }
  }
  if (state.health?.cache?.error) {
    found.push(`Redis: ${state.health.cache.error}`);
  }
  return found;
}

export function errors(state) {
  const [now, lines] = [ills(state), state.failures.lines()];
  if (now.length === 0 && lines.length === 0) {
    return h("p", { class: "quiet" }, `${SIGNS.good} Nothing has failed since this process started.`);
  }
  return [
    now.length > 0 && h("ul", { class: "ills", key: "now" }, now.map((what) => h("li", { key: what }, h("i", { "aria-hidden": "true" }, SIGNS.bad), ` ${what}`))),
    lines.length > 0 && table(lines),
  ].filter(Boolean);
}

function table(lines) {
  return h(
    "table",
    { class: "stacked", key: "counted" },
    h("caption", { class: "unseen" }, "Failures, counted"),
    h("thead", null, h("tr", null, ["What", "Last 2 min", "Since start", "Last seen"].map((word, index) => h("th", { key: word, scope: "col", class: index > 0 ? "number" : null }, word)))),
    h(
      "tbody",
      null,
      lines.map(({ key, what, recent, total, last }) =>
        h(
          "tr",
          { key },
          h("th", { scope: "row", "data-label": "What" }, what),
          h("td", { class: recent > 0 ? "number bad" : "number", "data-label": "Last 2 min" }, recent > 0 ? `${SIGNS.bad} ` : "", count(recent)),
          h("td", { class: "number", "data-label": "Since start" }, count(total)),
          h("td", { class: "number", "data-label": "Last seen" }, last ? moment(last) : NOTHING),
        ),
      ),
    ),
  );
}
