// Prometheus' text, and what becomes of its counters over the last two minutes.

import { MODULES } from "./words.js";

/** Seconds that the charts look back. */
export const LOOK_BACK = 120;
/** Rates and quantiles are taken over so many seconds. */
const WINDOW = 5;
/** Two samples further apart do not belong together: the page was hidden, or nobody answered. */
const GAP = 15;

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Each line as `{ name, labels, value }`. */
export function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const found = line.startsWith("#") ? null : SAMPLE.exec(line);
    if (found === null) {
      continue;
    }
    const labels = {};
    for (const [, name, value] of (found[2] ?? "").matchAll(LABEL)) {
      labels[name] = value.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
    }
    samples.push({ name: found[1], labels, value: Number(found[3].replace("Inf", "Infinity")) });
  }
  return samples;
}

/** A histogram: how many were observed, and how many of them took at most so many seconds. */
class Histogram {
  count = 0;
  within = new Map();

  add(sample) {
    if (sample.name.endsWith("_count")) {
      this.count += sample.value;
    } else if (sample.name.endsWith("_bucket")) {
      const bound = Number(sample.labels.le.replace("Inf", "Infinity"));
      this.within.set(bound, (this.within.get(bound) ?? 0) + sample.value);
    }
  }

  plus(other) {
    const sum = new Histogram();
    sum.count = this.count + other.count;
    for (const bound of new Set([...this.within.keys(), ...other.within.keys()])) {
      sum.within.set(bound, (this.within.get(bound) ?? 0) + (other.within.get(bound) ?? 0));
    }
    return sum;
  }

  minus(earlier) {
    const rest = new Histogram();
    rest.count = this.count - earlier.count;
    for (const [bound, value] of this.within) {
      rest.within.set(bound, value - (earlier.within.get(bound) ?? 0));
    }
    return rest;
  }

  /** In milliseconds, evenly spread within a bucket, as Prometheus' `histogram_quantile` has it. */
  quantile(q) {
    if (!(this.count > 0)) {
      return null;
    }
    const wanted = q * this.count;
    let below = 0;
    let reached = 0;
    for (const [bound, within] of [...this.within].sort(([a], [b]) => a - b)) {
      if (within >= wanted) {
        const inBucket = within - reached;
        const part = inBucket > 0 ? (wanted - reached) / inBucket : 0;
        return 1000 * (bound === Infinity ? below : below + (bound - below) * part);
      }
      [below, reached] = [bound, within];
    }
    return 1000 * below;
  }
}

const OUTCOMES_OF_NOBODY = ["timeout", "unavailable", "internal"];

function of(map, key) {
  if (!map.has(key)) {
    map.set(key, new Histogram());
  }
  return map.get(key);
}

/** What the page shows of a scrape. `failures` are counters, by what failed. */
export function read(text) {
  const [histograms, failures] = [new Map(), new Map()];
  const fail = (key, value) => failures.set(key, (failures.get(key) ?? 0) + value);
  for (const sample of parse(text)) {
    const { name, labels, value } = sample;
    if (name.startsWith("cleave_request_seconds")) {
      // What nobody answered there was asked here again, or took no time that tells anything.
      if (labels.status !== "none") {
        of(histograms, `${labels.module} ${labels.side}`).add(sample);
      }
      if (name.endsWith("_count") && (labels.status === "none" || labels.status >= "500")) {
        const answer = labels.status === "none" ? "nobody answered" : labels.status;
        fail(`request|${labels.module}|${answer}|${labels.side}`, value);
      }
    } else if (name.startsWith("cleave_port_call_seconds")) {
      of(histograms, `${labels.module} calls`).add(sample);
      if (name.endsWith("_count") && OUTCOMES_OF_NOBODY.includes(labels.outcome)) {
        fail(`call|${labels.module}.${labels.call}|${labels.outcome}|${labels.side}`, value);
      }
    } else if (name === "cleave_events_failed_total") {
      fail(`event|${labels.module} → ${labels.subscriber}|${labels.reason}|`, value);
    }
  }
  return { histograms, failures };
}

/** The last two minutes. Times are seconds of one clock. */
export class History {
  samples = [];
  /** By module, what the charts draw. */
  points = new Map(MODULES.map((module) => [module, []]));
  /** By module, when its dial was turned: `{ at, to }`. */
  turns = new Map(MODULES.map((module) => [module, []]));

  add(at, sample) {
    if (this.restarted(sample)) {
      this.samples = [];
    }
    this.samples.push({ at, ...sample });
    const fits = this.samples.filter((old) => at - old.at >= WINDOW && at - old.at <= GAP);
    const first = this.samples.find((old) => at - old.at <= GAP);
    const base = fits.at(-1) ?? (first.at < at ? first : null);
    for (const module of MODULES) {
      const points = this.points.get(module);
      points.push(base === null ? { at } : point(module, at, sample, base));
      forget(points, at);
      forget(this.turns.get(module), at);
    }
    forget(this.samples, at);
  }

  turned(module, at, to) {
    this.turns.get(module).push({ at, to });
  }

  /** The newest, which has fields as far as they are known. */
  latest(module) {
    return this.points.get(module).at(-1) ?? {};
  }

  /** A process that starts again counts from nothing. */
  restarted(sample) {
    const last = this.samples.at(-1);
    const fewer = ([key, histogram]) => (sample.histograms.get(key)?.count ?? 0) < histogram.count;
    return last !== undefined && [...last.histograms].some(fewer);
  }
}

function forget(list, now) {
  while (list.length > 0 && list[0].at < now - LOOK_BACK - WINDOW) {
    list.shift();
  }
}

function point(module, at, sample, base) {
  const since = (key) => {
    const [now, then] = [sample.histograms.get(key), base.histograms.get(key)];
    return (now ?? new Histogram()).minus(then ?? new Histogram());
  };
  const seconds = at - base.at;
  const [here, there, calls] = ["local", "remote", "calls"].map((side) => since(`${module} ${side}`));
  const requests = here.plus(there);
  return {
    at,
    here: here.count / seconds,
    there: there.count / seconds,
    p50: requests.quantile(0.5),
    p99: requests.quantile(0.99),
    calls: calls.count / seconds,
    callsP99: calls.quantile(0.99),
  };
}
