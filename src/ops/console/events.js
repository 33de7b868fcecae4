// What modules have still to tell each other, and events that wait for an operator.

import { h } from "./dom.js";
import { count, counted, moment, SIGNS, span } from "./words.js";

const ADDRESSES = { local: "this process", remote: "elsewhere", none: "nowhere: they wait" };

/** One line for each outbox and subscriber. */
export function outboxes(report) {
  if (report === null) {
    return h("p", { class: "quiet" }, "Not available.");
  }
  const lines = Object.entries(report.modules ?? {}).flatMap(([module, events]) => {
    const subscribers = Object.entries(events.subscribers ?? {});
    const failed = events.error ? [h("tr", { key: module }, h("th", { scope: "row" }, module), h("td", { colspan: 5, class: "bad" }, `${SIGNS.bad} ${events.error}`))] : [];
    return [...failed, ...subscribers.map(([name, waiting]) => line(module, name, waiting))];
  });
  if (lines.length === 0) {
    return h("p", { class: "quiet" }, "No module that is hosted here tells others anything.");
  }
  return h(
    "table",
    { class: "stacked" },
    h("caption", { class: "unseen" }, "What waits in each outbox, by subscriber"),
    h("thead", null, h("tr", null, ["From", "To", "Pending", "Oldest", "Parked", "Goes to"].map((word, index) => h("th", { key: word, scope: "col", class: index > 1 && index < 5 ? "number" : null }, word)))),
    h("tbody", null, lines),
  );
}

function line(module, name, waiting) {
  const [late, parked] = [waiting.oldest_seconds > 10, waiting.parked > 0];
  return h(
    "tr",
    { key: `${module} ${name}` },
    h("th", { scope: "row", "data-label": "From" }, module),
    h("td", { "data-label": "To" }, name),
    h("td", { class: "number", "data-label": "Pending" }, count(waiting.pending)),
    h("td", { class: late ? "number warn" : "number", "data-label": "Oldest" }, late ? `${SIGNS.warn} ` : "", span(waiting.oldest_seconds)),
    h("td", { class: parked ? "number bad" : "number", "data-label": "Parked" }, parked ? `${SIGNS.bad} ` : "", count(waiting.parked)),
    h("td", { class: waiting.address === "none" ? "warn" : null, "data-label": "Goes to" }, ADDRESSES[waiting.address] ?? waiting.address),
  );
}

/** How many are parked in each module that is hosted here. */
export function parkedCounts(report) {
  const of = (events) => Object.values(events.subscribers ?? {}).reduce((sum, { parked }) => sum + (parked ?? 0), 0);
  return new Map(Object.entries(report?.modules ?? {}).map(([module, events]) => [module, of(events)]));
}

/** `pages` by module; `act` has `replay(module, row)`, `replayAll(module, number)`, `more(module)`. */
export function parked(pages, counts, act) {
  const modules = [...counts].filter(([, number]) => number > 0);
  if (modules.length === 0) {
    return h("p", { class: "quiet" }, "None. Events that fail too often are parked here until somebody has them delivered again.");
  }
  return modules.map(([module, number]) => {
    const page = pages.get(module);
    return h(
      "section",
      { class: "parked", key: module, "aria-label": `Parked events of ${module}` },
      h(
        "header",
        null,
        h("h4", null, `${module}: ${count(number)} parked`),
        h("button", { type: "button", class: "small", onclick: () => act.replayAll(module, number) }, `Replay all of ${module}`),
      ),
      page ? h("ul", { class: "rows" }, page.items.map((row) => event(module, row, act))) : h("p", { class: "quiet" }, "Reading them…"),
      page?.next_cursor && h("button", { type: "button", class: "small", onclick: () => act.more(module) }, "Show more"),
    );
  });
}

function event(module, row, act) {
  return h(
    "li",
    { key: row.id },
    h(
      "div",
      { class: "what" },
      h("strong", null, row.type ?? "event"),
      h("span", null, ` to ${row.subscriber}, ${counted(row.attempts, "attempt")}, parked ${moment(row.parked_at)}`),
      h("p", { class: "reason" }, row.last_error ?? "No reason was kept."),
      h(
        "details",
        null,
        h("summary", null, `The event, of ${row.aggregate_id}`),
        h("pre", null, JSON.stringify(row.event, null, 2)),
      ),
    ),
    h("button", { type: "button", class: "small", "aria-label": `Replay ${row.type ?? "event"} ${row.event_id}`, onclick: () => act.replay(module, row) }, "Replay"),
  );
}
