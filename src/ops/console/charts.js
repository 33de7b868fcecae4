// Small charts of the last two minutes.

import { h } from "./dom.js";
import { LOOK_BACK } from "./metrics.js";
import { millis, often, perSecond } from "./words.js";

/** Of the drawing; it is stretched to the width that there is. */
const [WIDTH, HEIGHT] = [LOOK_BACK, 56];
/** Room for the thickness of a line. */
const MARGIN = 2;

/** Requests a second, those answered there upon those answered here. */
export function traffic(name, points, turns, now) {
  const sum = (point) => plus(point.here, point.there);
  const top = scale(points.map(sum), 1);
  const y = (value) => height(value, top);
  const last = points.at(-1) ?? {};
  const total = often(plus(last.here, last.there));
  const parts = `here ${perSecond(last.here)}, there ${perSecond(last.there)}`;
  return figure({
    label: "Requests",
    value: total,
    keys: [key("here", "here", perSecond(last.here)), key("there", "there", perSecond(last.there))],
    top: `${top}/s`,
    said: `${name}: requests ${total}, ${parts}`,
    drawn: [
      h("path", { key: "a", class: "area here", d: area(points, now, () => y(0), (p) => y(p.here)) }),
      h("path", { key: "b", class: "area there", d: area(points, now, (p) => y(p.here), (p) => y(sum(p))) }),
      h("path", { key: "c", class: "curve here", d: curve(points, now, (p) => y(p.here)) }),
      h("path", {
        key: "d",
        class: "curve there",
        d: curve(points, now, (p) => (p.there > 0 ? y(sum(p)) : null)),
      }),
    ],
    turns,
    now,
  });
}

/** What requests took, at the median and at the slow end. */
export function latency(name, points, turns, now) {
  const top = scale(points.map((point) => point.p99), 2);
  const y = (value) => height(value, top);
  const last = points.at(-1) ?? {};
  return figure({
    label: "Response time",
    value: null,
    keys: [key("p50", "p50", millis(last.p50)), key("p99", "p99", millis(last.p99))],
    top: top >= 1000 ? `${top / 1000} s` : `${top} ms`,
    said: `${name}: half of the requests within ${millis(last.p50)}, 99 % within ${millis(last.p99)}`,
    drawn: [
      h("path", { key: "a", class: "curve p99", d: curve(points, now, (p) => y(p.p99)) }),
      h("path", { key: "b", class: "curve p50", d: curve(points, now, (p) => y(p.p50)) }),
    ],
    turns,
    now,
  });
}

function figure({ label, value, keys, top, said, drawn, turns, now }) {
  const marks = turns.filter((turn) => turn.at > now - LOOK_BACK);
  return h(
    "figure",
    { class: "chart", key: label },
    h("figcaption", null, h("span", { class: "label" }, label), value !== null && h("strong", null, value), h("span", { class: "keys" }, keys)),
    h(
      "div",
      { class: "plot" },
      h("span", { class: "top", "aria-hidden": "true" }, top),
      h(
        "svg",
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": said },
        h("line", { key: "floor", class: "floor", x1: 0, x2: WIDTH, y1: HEIGHT - MARGIN, y2: HEIGHT - MARGIN }),
        h("line", { key: "top", class: "grid", x1: 0, x2: WIDTH, y1: MARGIN, y2: MARGIN }),
        marks.map((turn) =>
          h(
            "line",
            { key: `turn ${turn.at}`, class: "turn", x1: across(turn.at, now), x2: across(turn.at, now), y1: 0, y2: HEIGHT },
            h("title", null, `turned to ${turn.to}`),
          ),
        ),
        drawn,
      ),
      marks.slice(-1).map((turn) =>
        h(
          "span",
          {
            class: across(turn.at, now) > WIDTH / 2 ? "turned before" : "turned",
            style: { "--at": `${((100 * across(turn.at, now)) / WIDTH).toFixed(2)}%` },
            "aria-hidden": "true",
          },
          turn.to,
        ),
      ),
    ),
  );
}

function key(kind, word, value) {
  return h("span", { class: "key", key: kind }, h("i", { class: kind, "aria-hidden": "true" }), `${word} `, h("b", null, value));
}

function plus(a, b) {
  return a === undefined && b === undefined ? null : (a ?? 0) + (b ?? 0);
}

/** The next 1, 2 or 5 of its power of ten. */
function scale(values, least) {
  const most = Math.max(least, ...values.filter(Number.isFinite));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most);
}

function across(at, now) {
  return WIDTH - (now - at);
}

/** `null` where nothing is known. */
function height(value, top) {
  return Number.isFinite(value) ? HEIGHT - MARGIN - (value / top) * (HEIGHT - 2 * MARGIN) : null;
}

/** The parts in which something is known, each as a list of `[point, x]`. */
function runs(points, now, known) {
  const parts = [[]];
  for (const point of points) {
    if (known(point) === null) {
      parts.push([]);
    } else {
      parts.at(-1).push([point, across(point.at, now)]);
    }
  }
  return parts.filter((part) => part.length > 0);
}

const at = (x, y) => `${x.toFixed(2)} ${y.toFixed(2)}`;

function curve(points, now, y) {
  const parts = runs(points, now, y).map((part) => `M${part.map(([point, x]) => at(x, y(point))).join("L")}`);
  return parts.join("");
}

function area(points, now, bottom, y) {
  const parts = runs(points, now, y).map((part) => {
    const up = part.map(([point, x]) => at(x, y(point)));
    const back = part.map(([point, x]) => at(x, bottom(point) ?? y(point))).reverse();
    return `M${[...up, ...back].join("L")}Z`;
  });
  return parts.join("");
}
