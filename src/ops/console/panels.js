// Databases, shadow differences and the books.

import { h } from "./dom.js";
import { bytes, count, counted, millis, moment, MODULES, NOTHING, SIGNS } from "./words.js";

/** `report` is of `/ops/databases`; any part of it may be missing. */
export function databases(report, health) {
  if (report === null) {
    return h("p", { class: "quiet" }, "Not available: this instance does not tell of its pools.");
  }
  const entries = Object.entries(report.modules ?? {});
  if (entries.length === 0) {
    return h("p", { class: "quiet" }, "No module is hosted here.");
  }
  return h("ul", { class: "databases" }, entries.map(([name, module]) => database(name, module ?? {}, health?.modules?.[name]?.database)));
}

function database(name, module, health) {
  const { pool, migrations, error } = module;
  return h(
    "li",
    { key: name },
    h("header", null, h("h3", null, name), h("span", { class: "aligned" }, bytes(module.size_bytes)), migrated(migrations)),
    error && h("p", { class: "bad" }, `${SIGNS.bad} ${error}`),
    pool ? usage(name, pool) : h("p", { class: "quiet" }, "Pool: not available."),
    h(
      "dl",
      { class: "facts" },
      fact("Waiting", count(pool?.waiting), pool?.waiting > 0 ? "warn" : null),
      fact("Acquire p50", millis(pool?.acquire_ms?.p50)),
      fact("Acquire p99", millis(pool?.acquire_ms?.p99)),
      fact("Answers in", millis(health?.latency_ms)),
    ),
    statements(name, module.statements),
  );
}

function fact(word, value, tone) {
  return h("div", { key: word }, h("dt", null, word), h("dd", { class: tone }, tone ? `${SIGNS[tone]} ` : "", value));
}

function usage(name, { max, size, idle, in_use: inUse }) {
  const part = (number) => `${max > 0 ? (100 * (number ?? 0)) / max : 0}%`;
  const words = `${count(inUse)} in use, ${count(idle)} idle, of ${count(max)}`;
  return h(
    "div",
    { class: "usage", key: "usage" },
    h(
      "div",
      { class: "bar", role: "img", "aria-label": `Pool of ${name}: ${words}; ${count(size)} open` },
      h("span", { key: "used", class: "used", style: { "--part": part(inUse) } }),
      h("span", { key: "idle", class: "idle", style: { "--part": part(idle) } }),
    ),
    h("span", { class: "aligned" }, words),
  );
}

function migrated(migrations) {
  if (!migrations) {
    return h("span", { class: "badge off" }, "migrations unknown");
  }
  const { state, applied, latest } = migrations;
  const pending = migrations.pending?.length ?? 0;
  const tone = pending > 0 ? "warn" : "good";
  const words = state === "ahead" ? `ahead of this program, at ${applied}` : pending > 0 ? `${counted(pending, "migration")} missing` : `migrated${applied ? ` to ${applied}` : ""}`;
  const title = [state, latest ? `newest ${latest}` : null, ...(migrations.pending ?? [])].filter(Boolean).join(", ");
  return h("span", { class: `badge ${tone}`, title }, h("i", { "aria-hidden": "true" }, SIGNS[tone]), words);
}

function statements(name, list) {
  if (!Array.isArray(list)) {
    return h("p", { class: "quiet" }, "Slowest statements: not available, Postgres does not offer them.");
  }
  const line = ({ statement, calls, mean_ms: mean, total_ms: total }, index) =>
    h(
      "tr",
      { key: index },
      h("td", { class: "mono wide", "data-label": "Statement" }, statement),
      h("td", { class: "number", "data-label": "Calls" }, count(calls)),
      h("td", { class: "number", "data-label": "Mean" }, millis(mean)),
      h("td", { class: "number", "data-label": "Total" }, millis(total)),
    );
  return h(
    "details",
    { key: "statements" },
    h("summary", null, "Slowest statements"),
    list.length === 0
      ? h("p", { class: "quiet" }, "None yet.")
      : h(
          "table",
          { class: "stacked" },
          h("caption", { class: "unseen" }, `Slowest statements of ${name}`),
          h("thead", null, h("tr", null, ["Statement", "Calls", "Mean", "Total"].map((word, index) => h("th", { key: word, scope: "col", class: index > 0 ? "number" : null }, word)))),
          h("tbody", null, list.map(line)),
        ),
  );
}

/** Where the peer answered otherwise than this process. */
export function shadows(topology) {
  const compared = MODULES.map((name) => [name, topology?.modules?.[name]?.shadow]).filter(([, shadow]) => shadow && shadow.compared + shadow.unanswered > 0);
  if (compared.length === 0) {
    return h("p", { class: "quiet" }, "Nothing was compared. Turn a dial to shadow, and both sides are asked.");
  }
  return compared.map(([name, shadow]) => {
    const tone = shadow.differed > 0 ? "warn" : "good";
    return h(
      "section",
      { class: "shadow", key: name, "aria-label": `Shadow of ${name}` },
      h(
        "header",
        null,
        h("h3", null, name),
        h("span", { class: `badge ${tone}` }, h("i", { "aria-hidden": "true" }, SIGNS[tone]), `${count(shadow.differed)} of ${count(shadow.compared)} differed`),
        shadow.unanswered > 0 && h("span", { class: "quiet" }, `${count(shadow.unanswered)} unanswered`),
      ),
      h("ul", { class: "rows" }, (shadow.last ?? []).map(difference)),
    );
  });
}

function difference(found) {
  return h(
    "li",
    { key: `${found.at} ${found.request_id}` },
    h(
      "details",
      { class: "what" },
      h("summary", null, h("strong", { class: "mono" }, found.call), ` ${moment(found.at)}`),
      h("p", { class: "quiet" }, `request ${found.request_id}`),
      h("div", { class: "both" }, side("here", found.local), side("there", found.remote)),
    ),
  );
}

function side(word, answer) {
  return h("div", { key: word }, h("h4", null, word), h("pre", null, answer));
}

/** `books` is `{ running, repairing, report, problem, at }`. */
export function reconciled(books) {
  if (books.running) {
    return h("p", { class: "quiet" }, books.repairing ? "Repairing…" : "Comparing orders and stock…");
  }
  const problem = books.problem && h("p", { class: "bad", key: "problem" }, `${SIGNS.bad} ${books.problem}`);
  if (!books.report) {
    return problem || h("p", { class: "quiet" }, "Not run yet. A run only reads, and may take place while the shop sells.");
  }
  const { checked, in_flight: inFlight, total, remaining, differences } = books.report;
  const tone = problem ? "off" : remaining > 0 ? "bad" : total > 0 ? "warn" : "good";
  const verdict = problem ? "not finished" : remaining > 0 ? counted(remaining, "difference") : total > 0 ? `${counted(total, "difference")}, repaired` : "the books agree";
  return [
    problem,
    h(
      "p",
      { key: "verdict" },
      h("span", { class: `badge ${tone}` }, h("i", { "aria-hidden": "true" }, SIGNS[tone]), verdict),
      ` ${count(checked?.orders)} orders, ${count(checked?.reservations)} reservations, ${count(checked?.products)} products; ${count(inFlight)} on their way; ${moment(books.at)}`,
    ),
    differences?.length > 0 && h("ul", { class: "rows apart", key: "differences" }, differences.slice(0, 200).map(booked)),
    differences?.length > 200 && h("p", { class: "quiet", key: "rest" }, `and ${count(total - 200)} more: cleave reconcile shows them all.`),
  ].filter(Boolean);
}

function booked(found, index) {
  const about = [
    found.number && `order ${found.number}`,
    found.sku && `product ${found.sku}`,
    !found.number && !found.sku && found.reservation_id && `reservation ${found.reservation_id}`,
  ].filter(Boolean);
  const repaired = { true: "repaired", false: "not repaired" }[found.repaired];
  return h(
    "li",
    { key: index },
    h(
      "div",
      { class: "what" },
      h("strong", { class: "mono" }, found.kind),
      ` ${about.join(", ") || NOTHING}: expected ${found.expected}, found ${found.found}`,
      repaired && " ",
      repaired && h("span", { class: `badge ${found.repaired ? "good" : "warn"}` }, repaired),
      h("p", { class: "reason" }, found.detail),
    ),
  );
}
