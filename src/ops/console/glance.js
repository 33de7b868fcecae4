// What one looks at first: six figures, each leading to where it comes from.

import { h } from "./dom.js";
import { parkedCounts } from "./events.js";
import { count, millis, MODULES, NOTHING, often, SIGNS, span } from "./words.js";

export function glance(state) {
  const latest = MODULES.map((name) => state.history.latest(name));
  const modules = Object.values(state.topology?.modules ?? {});
  const outboxes = Object.values(state.events?.modules ?? {}).flatMap((module) => Object.values(module.subscribers ?? {}));
  const parked = sum([...parkedCounts(state.events).values()]);
  const pending = sum(outboxes.map((waiting) => waiting.pending));
  const oldest = Math.max(0, ...outboxes.map((waiting) => waiting.oldest_seconds ?? 0));
  const circuits = modules.filter((module) => module.url).map((module) => module.circuit);
  const [open, trying] = ["open", "half_open"].map((word) => circuits.filter((circuit) => circuit === word).length);
  const differed = sum(modules.map((module) => module.shadow?.differed));
  const slowest = Math.max(...latest.map((point) => point.p99 ?? -1));
  const rates = latest.map((point) => point.here + point.there).filter(Number.isFinite);
  return [
    figure("Requests", rates.length > 0 ? often(sum(rates)) : NOTHING, "all modules", null, "modules-title"),
    figure("Slowest p99", slowest < 0 ? NOTHING : millis(slowest), "of the last seconds", null, "modules-title"),
    figure("Circuits", open > 0 ? `${open} open` : trying > 0 ? `${trying} half open` : circuits.length > 0 ? "closed" : "none", "to peers", open > 0 ? "bad" : trying > 0 ? "warn" : null, "topology-title"),
    figure("Events waiting", known(state.events, count(pending)), pending > 0 ? `oldest ${span(oldest)}` : "none late", oldest > 10 ? "warn" : null, "events-title"),
    figure("Parked", known(state.events, count(parked)), parked > 0 ? "wait for you" : "nothing to do", parked > 0 ? "bad" : null, "parked-title"),
    figure("Shadow", known(state.topology, count(differed)), "answers differed", differed > 0 ? "warn" : null, "shadows-title"),
  ];
}

function figure(label, value, note, tone, leads) {
  return h(
    "a",
    { key: label, href: `#${leads}`, class: tone },
    h("span", { class: "label" }, label),
    h("strong", null, tone && h("i", { "aria-hidden": "true" }, SIGNS[tone]), value),
    h("span", { class: "note" }, note),
  );
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + (number ?? 0), 0);
}

function known(report, words) {
  return report ? words : NOTHING;
}
