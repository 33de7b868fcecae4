// The topology as a picture: this process and its modules, their databases and peers, and what goes
// where. It is laid out for the width that there is, so that its letters keep their size.

import { h } from "./dom.js";
import { count, host, millis, MODULES, often, position, shareThere, SIGNS, toneOf } from "./words.js";

/** Narrower than this, the modules are rows instead of columns. */
const WIDE = 810;
/** Narrower than this, a box says less. */
const SMALL = 180;
/** Widths of letters, for cutting what is too long. */
const [LETTER, MONO] = [6.7, 7.3];

/** `state` has `topology`, `health`, `databases` and `history`, as far as they are known. */
export function picture(state, width) {
  const things = MODULES.map((name) => thing(name, state));
  const plan = width >= WIDE ? columns(things, width) : rows(things, width);
  return h(
    "svg",
    {
      class: "picture",
      viewBox: `0 0 ${width} ${plan.height}`,
      width,
      height: plan.height,
      role: "img",
      "aria-label": inWords(things, state),
    },
    patterns(),
    clients(plan, things),
    process(plan, state),
    things.map((thing, index) => module(thing, plan.of[index])),
    cache(plan, state.health?.cache),
  );
}

/** What is known of one module. */
function thing(name, state) {
  const topology = state.topology?.modules?.[name] ?? { mode: "off" };
  const health = state.health?.modules?.[name];
  const { here, there, p99, calls } = state.history.latest(name);
  return {
    name,
    topology,
    health,
    hosted: topology.mode === "local",
    share: shareThere(topology),
    figures: state.databases?.modules?.[name],
    here,
    there,
    p99,
    calls,
  };
}

function inWords(things, state) {
  const words = things.map(({ name, topology, health }) => {
    const peer = topology.url ? `, peer ${topology.url}, circuit ${topology.circuit}, ${topology.in_flight} in flight` : "";
    return `${name}: ${position(topology)}, ${health?.status ?? "unknown"}${peer}`;
  });
  const cache = state.health?.cache;
  return [...words, `cache: ${cache ? `${cache.mode} ${cache.status}` : "unknown"}`].join("; ");
}

// Layouts: rectangles as { x, y, w, h }, and for each module the ends of its lines.

function columns(things, width) {
  const [side, gap, padding] = [148, 20, 16];
  const frame = { x: 1, y: 62, w: width - side - 44, h: 148 };
  const w = (frame.w - 2 * padding - 2 * gap) / 3;
  const peers = things.some((thing) => thing.topology.url);
  const below = frame.y + frame.h + (peers ? 150 : 46);
  const of = things.map((_, index) => {
    const x = frame.x + padding + index * (w + gap);
    const module = { x, y: frame.y + 44, w, h: 88 };
    const peer = { x: x + w * 0.26, y: frame.y + frame.h + 52, w: w * 0.74, h: 68 };
    const database = { x, y: below, w, h: 54 };
    const [left, right, foot] = [x + w * 0.12, peer.x + peer.w / 2, module.y + module.h];
    return {
      module,
      peer,
      database,
      own: [left, foot, left, below],
      sent: [right, foot, right, peer.y],
      theirs: [right, peer.y + peer.h, right, below],
    };
  });
  const cache = { x: width - side - 1, y: frame.y + 44, w: side, h: 54 };
  return {
    of,
    frame,
    cache,
    toCache: [frame.x + frame.w, cache.y + 27, cache.x, cache.y + 27],
    clients: { x: frame.x + frame.w / 2 - 110, y: 1, w: 220, h: 30 },
    arrival: [frame.x + frame.w / 2, 31, frame.x + frame.w / 2, frame.y],
    height: below + 58,
  };
}

function rows(things, width) {
  const w = Math.round((width - 36) / 2);
  const right = { x: width - w - 1, w };
  let y = 104;
  const of = things.map((thing) => {
    const peered = Boolean(thing.topology.url);
    const module = { x: 9, y, w: w - 16, h: peered ? 138 : 108 };
    const peer = { ...right, y, h: 68 };
    const database = { ...right, y: y + (peered ? 84 : 27), h: 54 };
    const [edge, middle, level] = [module.x + module.w, peer.y + 34, database.y + 27];
    y += module.h + 18;
    const centre = right.x + w / 2;
    return {
      module,
      peer,
      database,
      own: [edge, level, right.x, level],
      sent: [edge, middle, right.x, middle],
      theirs: [centre, peer.y + 68, centre, database.y],
    };
  });
  const frame = { x: 1, y: 62, w, h: y - 62 - 6 };
  const cache = { x: 1, y: y + 24, w, h: 54 };
  return {
    of,
    frame,
    cache,
    toCache: [w / 2, frame.y + frame.h, w / 2, cache.y],
    clients: { x: 1, y: 1, w, h: 30 },
    arrival: [w / 2, 31, w / 2, frame.y],
    height: y + 82,
  };
}

// Painting.

function patterns() {
  const stripes = h("path", { class: "stripes", d: "M-2 2l4-4M0 8l8-8M6 10l4-4" });
  return h("defs", null, h("pattern", { id: "there", width: 8, height: 8, patternUnits: "userSpaceOnUse" }, stripes));
}

function clients(plan, things) {
  const rates = things.map((thing) => (thing.here ?? NaN) + (thing.there ?? NaN));
  const { x, y, w, h: height } = plan.clients;
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  return h(
    "g",
    { key: "clients" },
    line("arrival", plan.arrival, total > 0 ? "live" : "base"),
    h("rect", { class: "clients", x, y, width: w, height, rx: 15 }),
    text(x + w / 2, y + 20, `clients ${often(total)}`, "small middle"),
  );
}

function process(plan, state) {
  const { x, y, w, h: height } = plan.frame;
  const tone = toneOf(state.health?.status);
  const version = state.health?.version ? `cleave ${state.health.version}` : "cleave";
  return h(
    "g",
    { key: "process" },
    h("rect", { class: "frame", x, y, width: w, height, rx: 14 }),
    sign(x + 16, y + 28, tone),
    text(x + 32, y + 28, w > 300 ? `this process · ${version}` : version, "title"),
    w > 300 && text(x + w - 16, y + 28, location.host, "mono end faint"),
  );
}

function module(thing, place) {
  const { name, topology } = thing;
  const { x, y, w, h: height } = place.module;
  const kind = topology.mode === "off" ? "off" : thing.hosted ? "local" : "remote";
  const [rate, slow] = [often((thing.here ?? NaN) + (thing.there ?? NaN)), `p99 ${millis(thing.p99)}`];
  return h(
    "g",
    { key: name },
    lines(thing, place),
    h("rect", { class: `module ${kind}`, x, y, width: w, height, rx: 9 }),
    sign(x + 14, y + 25, kind === "off" ? "off" : toneOf(thing.health?.status)),
    text(x + 30, y + 25, name, "name"),
    text(x + 14, y + 46, kind === "remote" ? "remote, not hosted" : position(topology), `step ${topology.step ?? "off"}`),
    kind !== "off" && (w < SMALL ? [rate, slow] : [`${rate} · ${slow}`]).map((words, line) => text(x + 14, y + 65 + 17 * line, words, "small")),
    kind !== "off" && shares(thing, { x: x + 14, y: y + height - 13, w: w - 28 }),
    topology.url && peer(thing, place.peer),
    kind !== "off" && database(thing, place.database),
  );
}

/** Which part is answered here and which there. */
function shares({ share }, { x, y, w }) {
  const there = (w * share) / 100;
  return h(
    "g",
    { key: "shares" },
    share < 100 && h("rect", { key: "here", class: "share here", x, y, width: w - there, height: 4, rx: 2 }),
    share > 0 && h("rect", { key: "there", class: "share there", x: x + w - there, y: y - 1, width: there, height: 6, rx: 2 }),
  );
}

function lines(thing, { own, sent, theirs }) {
  const { topology, hosted, here, there } = thing;
  if (topology.mode === "off") {
    return [];
  }
  const asked = { canary: "live", remote: "live", shadow: "asked" }[topology.step];
  const moves = there > 0 || topology.in_flight > 0 || topology.step === "shadow";
  return [
    hosted && line("own", own, topology.step === "remote" ? "idle" : here > 0 || thing.calls > 0 ? "live" : "base"),
    topology.url && line("theirs", theirs, asked ? "base" : "idle"),
    topology.url && through(sent, topology.circuit, asked ? (moves ? `${asked} there` : "base there") : "idle"),
  ];
}

/** A line with the circuit as a switch in it. */
function through([x1, y1, x2, y2], circuit, kind) {
  const upright = x1 === x2;
  const middle = upright ? [x1, (y1 + y2) / 2] : [(x1 + x2) / 2, y1];
  const half = upright ? 8 : 6;
  const [before, after] = upright
    ? [[x1, y1, x1, middle[1] - half], [x1, middle[1] + half, x1, y2]]
    : [[x1, y1, middle[0] - half, y1], [middle[0] + half, y1, x2, y1]];
  const turned = { open: 42, half_open: 20 }[circuit] ?? 0;
  const state = { open: "bad", half_open: "warn" }[circuit] ?? "good";
  const lever = h("line", { class: "lever", x1: 0, y1: -half, x2: 0, y2: half, transform: `rotate(${-turned} 0 ${-half})` });
  const stands = `translate(${middle[0]} ${middle[1]}) rotate(${upright ? 0 : -90})`;
  return h(
    "g",
    { key: "sent" },
    line("before", before, kind),
    line("after", after, circuit === "open" ? "idle" : kind),
    h(
      "g",
      { key: "circuit", class: `circuit ${state}`, transform: stands },
      h("circle", { cx: 0, cy: -half, r: 2.5 }),
      h("circle", { key: "far", cx: 0, cy: half, r: 2.5 }),
      lever,
    ),
  );
}

function peer(thing, { x, y, w, h: height }) {
  const { topology, health } = thing;
  const asked = topology.step !== "local";
  const known = health?.peer;
  const answers = asked ? `${known?.status ?? "unknown"}${known?.latency_ms ? ` ${millis(known.latency_ms)}` : ""}` : "standing by";
  const closed = topology.circuit === "closed";
  const circuit = topology.circuit.replace("_", " ");
  const brief = closed ? (asked ? (known?.status ?? "unknown") : "standing by") : circuit;
  const full = closed ? `${answers} · ${count(topology.in_flight)} in flight` : `circuit ${circuit}`;
  return h(
    "g",
    { key: "peer" },
    h("rect", { class: asked ? "peer" : "peer idle", x, y, width: w, height, rx: 9 }),
    text(x + 12, y + 20, "peer", "label"),
    text(x + 12, y + 38, fit(host(topology.url), w - 20, MONO), "mono"),
    sign(x + 12, y + 56, closed ? (asked ? toneOf(known?.status) : "off") : topology.circuit === "open" ? "bad" : "warn"),
    text(x + 26, y + 56, fit(w < SMALL ? brief : full, w - 34, LETTER), "small"),
  );
}

function database({ name, hosted, health, figures }, { x, y, w, h: height }) {
  const [cap, known] = [6, health?.database];
  const wall = `M${x} ${y + cap}v${height - 2 * cap}a${w / 2} ${cap} 0 0 0 ${w} 0v${2 * cap - height}`;
  const pool = figures?.pool;
  const use = pool && Number.isFinite(pool.in_use) ? `${pool.in_use} of ${pool.max} in use` : null;
  const answers = known?.latency_ms ? millis(known.latency_ms) : known?.error;
  const told = [answers, w > 200 ? (use ?? (hosted ? null : "told by the peer")) : null].filter(Boolean).join(" · ");
  return h(
    "g",
    { key: "database" },
    h("path", { class: "database", d: `${wall}a${w / 2} ${cap} 0 0 0 ${-w} 0` }),
    h("ellipse", { class: "database", cx: x + w / 2, cy: y + cap, rx: w / 2, ry: cap }),
    sign(x + 12, y + 30, toneOf(known?.status)),
    text(x + 26, y + 30, w < SMALL ? "database" : `${name} database`, "small strong"),
    text(x + 26, y + 46, fit(told, w - 34, LETTER), "small faint"),
  );
}

function cache(plan, known) {
  const { x, y, w, h: height } = plan.cache;
  const redis = known?.mode === "redis";
  return h(
    "g",
    { key: "cache" },
    line("cache", plan.toCache, redis ? (known.status === "healthy" ? "base" : "idle") : "idle"),
    h("rect", { class: redis ? "cache" : "cache idle", x, y, width: w, height, rx: 9 }),
    sign(x + 12, y + 23, toneOf(known?.status)),
    text(x + 26, y + 23, redis ? "Redis" : "no Redis", "small strong"),
    text(x + 26, y + 40, redis ? (known.latency_ms ? millis(known.latency_ms) : (known.error ?? "")) : w < 140 ? "in-process" : "in-process cache", "small faint"),
  );
}

/** Of what kind: `base`, `live` with something moving along it, `asked` beside the way, or `idle`. */
function line(key, [x1, y1, x2, y2], kind) {
  return h("line", { key, class: `line ${kind}`, x1, y1, x2, y2 });
}

function text(x, y, words, kind) {
  return h("text", { key: `${kind} ${y}`, x, y, class: kind }, words);
}

function sign(x, y, tone) {
  return h("text", { key: `sign ${y}`, x, y, class: `sign ${tone}` }, SIGNS[tone]);
}

function fit(words, width, letter) {
  const most = Math.max(4, Math.floor(width / letter));
  return words.length > most ? `${words.slice(0, most - 1)}…` : words;
}
