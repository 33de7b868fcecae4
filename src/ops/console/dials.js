// A card for each module: its dial, what goes through it, and what that takes.

import { latency, traffic } from "./charts.js";
import { h } from "./dom.js";
import { count, host, millis, often, position, shareThere, SIGNS, STEPS, toneOf } from "./words.js";

/** Where each step stands on the dial, in degrees from the top. */
const ANGLES = { local: -90, shadow: -32, canary: 32, remote: 90 };
/** The dial's drawing. */
const [WIDTH, HEIGHT, X, Y, RADIUS] = [180, 118, 90, 70, 62];

/** By module, the step that somebody is about to choose. */
const pending = new Map();

/** `turn(name, step)` asks for the rest, and turns; `redraw()` shows what has changed meanwhile. */
export function card(name, state, { turn, redraw }) {
  const topology = state.topology?.modules?.[name];
  const health = state.health?.modules?.[name];
  if (!topology || topology.mode === "off") {
    return h(
      "article",
      { class: "card module off", key: name, "aria-labelledby": `card-${name}` },
      head(name, topology, null),
      h("p", { class: "quiet" }, topology ? "Off in this process." : "Not known yet."),
    );
  }
  const [points, turns] = [state.history.points.get(name), state.history.turns.get(name)];
  return h(
    "article",
    { class: "card module", key: name, "aria-labelledby": `card-${name}` },
    head(name, topology, health),
    dial(name, topology, { turn, redraw }),
    facts(topology),
    traffic(name, points, turns, state.now),
    latency(name, points, turns, state.now),
    comparison(name, topology, state.history.latest(name)),
  );
}

function head(name, topology, health) {
  const tone = toneOf(health?.status);
  return h(
    "header",
    null,
    h("h3", { id: `card-${name}` }, name),
    health && h("span", { class: `badge ${tone}` }, h("i", { "aria-hidden": "true" }, SIGNS[tone]), health.status),
    h("span", { class: "mode" }, topology?.mode === "remote" ? "not hosted here" : topology?.mode === "local" ? "hosted here" : ""),
  );
}

function dial(name, topology, { turn, redraw }) {
  const stands = topology.step ?? "local";
  const chosen = pending.get(name) ?? stands;
  const allowed = STEPS.filter((step) => topology.mode === "local" || step === "remote");
  const choose = (step) => {
    step === stands ? pending.delete(name) : pending.set(name, step);
    redraw();
  };
  const ask = (step) => turn(name, step).finally(() => choose(stands));
  const said = chosen === stands ? position(topology) : `${chosen}, not turned yet: Enter turns`;
  return h(
    "div",
    { class: "dial", key: "dial" },
    h(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: "slider",
        tabindex: 0,
        "aria-label": `Dial of ${name}`,
        "aria-valuemin": 0,
        "aria-valuemax": STEPS.length - 1,
        "aria-valuenow": STEPS.indexOf(chosen),
        "aria-valuetext": said,
        onkeydown: (event) => keys(event, { allowed, chosen, stands, choose, ask }),
        onblur: () => document.querySelector("dialog[open]") ?? choose(stands),
        onpointerdown: (event) => hold(event, { allowed, stands, choose, ask }),
      },
      face(topology, stands, chosen),
    ),
    STEPS.map((step) =>
      h(
        "button",
        {
          key: step,
          type: "button",
          class: `stop ${step}`,
          disabled: !allowed.includes(step),
          title: allowed.includes(step) ? `Turn ${name} to ${step}` : `${name} is not hosted by this process, and can only be remote`,
          "aria-pressed": String(step === stands),
          onclick: () => ask(step),
        },
        step,
      ),
    ),
  );
}

function face(topology, stands, chosen) {
  const share = topology.step === "shadow" ? topology.percent : shareThere(topology);
  const word = { local: "stays here", shadow: "asked twice", canary: "goes there", remote: "goes there" }[stands];
  const needle = (kind, step) =>
    h("line", { key: kind, class: kind, x1: X, x2: X, y1: Y - 44, y2: Y - 52, style: { "--turn": `${ANGLES[step]}deg` } });
  return [
    h("path", { key: "track", class: "track", d: arc(-90, 90) }),
    h("path", { key: "reach", class: `reach ${stands}`, d: arc(-90, ANGLES[stands]) }),
    STEPS.map((step) => {
      const [x, y] = on(ANGLES[step], RADIUS);
      return h("circle", { key: step, class: step === stands ? `tick here ${step}` : "tick", cx: x, cy: y, r: step === stands ? 6 : 4 });
    }),
    h("circle", { key: "knob", class: "knob", cx: X, cy: Y, r: 43 }),
    chosen !== stands && needle("ghost", chosen),
    needle("needle", stands),
    h("text", { key: "share", class: "share", x: X, y: Y + 4 }, `${stands === "local" ? 100 : share} %`),
    h("text", { key: "word", class: "word", x: X, y: Y + 19 }, word),
  ];
}

function on(angle, radius) {
  const turned = (angle * Math.PI) / 180;
  return [X + radius * Math.sin(turned), Y - radius * Math.cos(turned)];
}

function arc(from, to) {
  const [[x1, y1], [x2, y2]] = [on(from, RADIUS), on(to, RADIUS)];
  return from === to ? "" : `M${x1} ${y1}A${RADIUS} ${RADIUS} 0 0 1 ${x2} ${y2}`;
}

/** Arrows turn, Enter asks, Escape leaves it where it was. */
function keys(event, { allowed, chosen, stands, choose, ask }) {
  const at = allowed.indexOf(chosen);
  const next = {
    ArrowRight: at + 1,
    ArrowUp: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at - 1,
    Home: 0,
    End: allowed.length - 1,
  }[event.key];
  if (next !== undefined) {
    choose(allowed[Math.min(Math.max(next, 0), allowed.length - 1)]);
  } else if (event.key === "Escape") {
    choose(stands);
  } else if (event.key === "Enter" || event.key === " ") {
    ask(chosen);
  } else {
    return;
  }
  event.preventDefault();
}

/** The dial follows a pointer that holds it; letting go asks. */
function hold(event, { allowed, stands, choose, ask }) {
  const svg = event.currentTarget;
  let held = stands;
  const follow = (moved) => {
    const box = svg.getBoundingClientRect();
    const scale = box.width / WIDTH;
    const angle = (Math.atan2(moved.clientX - box.left - X * scale, box.top + Y * scale - moved.clientY) * 180) / Math.PI;
    const apart = (step) => Math.abs(ANGLES[step] - angle);
    held = allowed.reduce((best, step) => (apart(step) < apart(best) ? step : best));
    choose(held);
  };
  const end = (asks) => {
    svg.onpointermove = svg.onpointerup = svg.onpointercancel = null;
    asks && held !== stands ? ask(held) : choose(stands);
  };
  svg.setPointerCapture(event.pointerId);
  svg.onpointermove = follow;
  svg.onpointerup = () => end(true);
  svg.onpointercancel = () => end(false);
  follow(event);
}

function facts(topology) {
  const circuit = { closed: "good", half_open: "warn", open: "bad" }[topology.circuit] ?? "off";
  return h(
    "dl",
    { class: "facts", key: "facts" },
    fact("Peer", topology.url ? [h("span", { class: "mono" }, host(topology.url)), consoleOf(topology.url)] : "none"),
    fact("Circuit", topology.url ? [h("i", { class: circuit, "aria-hidden": "true" }, SIGNS[circuit]), ` ${topology.circuit.replace("_", " ")}`] : "–"),
    fact("In flight", count(topology.in_flight)),
  );
}

function fact(word, value) {
  return h("div", { key: word }, h("dt", null, word), h("dd", null, value));
}

function consoleOf(url) {
  const there = URL.canParse(url) ? new URL("/console", url) : null;
  if (!["http:", "https:"].includes(there?.protocol)) {
    return null;
  }
  return h("a", { href: there.href, target: "_blank", rel: "noopener noreferrer", title: "The peer's own console" }, "console");
}

/** Both sides, each by its last 1,024 answers. */
function comparison(name, topology, latest) {
  const row = (kind) => {
    const { local, remote } = topology.latency?.[kind] ?? {};
    const cells = [local?.p50_ms, local?.p99_ms, remote?.p50_ms, remote?.p99_ms];
    return h(
      "tr",
      { key: kind },
      h("th", { scope: "row" }, kind),
      cells.map((value, index) => h("td", { key: index, class: index === 2 ? "apart" : null }, millis(value))),
    );
  };
  return h(
    "details",
    { class: "sides", key: "sides" },
    h("summary", null, "Here and there, side by side"),
    h(
      "table",
      null,
      h("caption", null, `The last 1,024 answers of each. Calls come from other modules, ${often(latest.calls)} now.`),
      h(
        "thead",
        null,
        h("tr", null, h("td", null), h("th", { colspan: 2, scope: "colgroup" }, "here"), h("th", { colspan: 2, scope: "colgroup", class: "apart" }, "there")),
        h("tr", null, h("td", null), ["p50", "p99", "p50", "p99"].map((q, index) => h("th", { key: index, scope: "col", class: index === 2 ? "apart" : null }, q))),
      ),
      h("tbody", null, ["requests", "calls"].map(row)),
    ),
  );
}
