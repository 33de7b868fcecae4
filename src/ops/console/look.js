// What is known of the process, and asking for it.

import { ask, Unreachable } from "./ask.js";
import { Failures } from "./errors.js";
import { parkedCounts } from "./events.js";
import { History, read } from "./metrics.js";
import { MODULES, position } from "./words.js";

/** Each so many looks, what costs the databases something. */
const SELDOM = 3;

/** Seconds of one clock, which nobody sets. */
export const seconds = () => performance.now() / 1000;

/** Reports are `undefined` until they are there, and `null` when they cannot be told. */
export function blank() {
  return {
    now: seconds(),
    topology: undefined,
    health: undefined,
    events: undefined,
    databases: undefined,
    history: new History(),
    failures: new Failures(),
    /** Pages of parked events by module, and how many of them somebody wants to see. */
    parked: new Map(),
    depth: new Map(),
    books: { running: false },
    looks: 0,
    /** Dials that were turned from here. */
    turns: 0,
    answered: null,
    away: null,
  };
}

/** What cannot be told is `null`: the rest is shown without it. */
async function optional(path) {
  try {
    return await ask(path);
  } catch (error) {
    if (error instanceof Unreachable || error.status === 401) {
      throw error;
    }
    // Health says so with a 503.
    return error.document?.modules ? error.document : null;
  }
}

/** Brings everything up to date; throws when the process is away or knows no such operator. */
export async function look(of) {
  const seldom = of.looks % SELDOM === 0;
  of.looks += 1;
  const turns = of.turns;
  const [asked, metrics, health, events, databases] = await Promise.all([
    ask("/ops/topology"),
    optional("/metrics"),
    optional("/health"),
    seldom ? optional("/ops/events") : of.events,
    seldom ? optional("/ops/databases") : of.databases,
  ]);
  // Asked before a dial was turned, it may say where it stood.
  const topology = turns === of.turns ? asked : of.topology;
  of.now = seconds();
  noticeTurns(of, topology);
  Object.assign(of, { topology, health, events, databases, answered: new Date() });
  if (metrics !== null) {
    const sample = read(metrics);
    of.history.add(of.now, sample);
    of.failures.add(of.now, sample.failures);
  }
  if (seldom) {
    await readParked(of);
  }
}

function noticeTurns(of, topology) {
  for (const name of MODULES) {
    const [before, after] = [of.topology?.modules?.[name], topology.modules?.[name]];
    if (before && after && position(before) !== position(after)) {
      of.history.turned(name, of.now, position(after));
    }
  }
}

async function readParked(of) {
  for (const [module, number] of parkedCounts(of.events)) {
    if (number === 0) {
      of.parked.delete(module);
      of.depth.delete(module);
      continue;
    }
    let page = { items: [], next_cursor: undefined };
    for (let pages = of.depth.get(module) ?? 1; pages > 0 && page.next_cursor !== null; pages -= 1) {
      const after = page.next_cursor ? `?cursor=${encodeURIComponent(page.next_cursor)}` : "";
      const next = await optional(`/ops/events/${module}/parked${after}`);
      page = { items: [...page.items, ...(next?.items ?? [])], next_cursor: next?.next_cursor ?? null };
    }
    of.parked.set(module, page);
  }
}
