// The page: what is asked when, and what is drawn from the answers.

import { ask, Refused, token, Unreachable } from "./ask.js";
import * as dialogs from "./dialogs.js";
import { card } from "./dials.js";
import { draw } from "./dom.js";
import { errors } from "./errors.js";
import { outboxes, parked, parkedCounts } from "./events.js";
import { glance } from "./glance.js";
import { blank, look, seconds } from "./look.js";
import { databases, reconciled, shadows } from "./panels.js";
import { picture } from "./picture.js";
import { counted, moment, MODULES, position, SIGNS, toneOf } from "./words.js";

/** Between two looks, in milliseconds. */
const PAUSE = 2000;
/** How long a sentence about what was done stays, in milliseconds. */
const TOLD = 6000;

const element = (id) => document.getElementById(id);

let state;
let looking = null;
let telling;

// Looking.

/** One look after the other, for as long as somebody is signed in. */
function watch() {
  const mine = { timer: 0, busy: false };
  mine.stop = () => {
    clearTimeout(mine.timer);
    looking = looking === mine ? null : looking;
  };
  mine.soon = () => {
    clearTimeout(mine.timer);
    mine.timer = setTimeout(mine.turn, 0);
  };
  mine.turn = async () => {
    if (mine.busy || looking !== mine) {
      return;
    }
    mine.busy = true;
    try {
      await look(state);
      reached();
    } catch (error) {
      failed(error, mine);
    }
    mine.busy = false;
    if (looking === mine) {
      show();
      // A page that nobody sees asks for nothing.
      document.hidden || (mine.timer = setTimeout(mine.turn, PAUSE));
    }
  };
  looking?.stop();
  looking = mine;
  mine.soon();
}

function reached() {
  if (state.away !== null) {
    state.away = null;
    element("away").hidden = true;
    tell("The instance answers again.");
  }
}

function failed(error, mine) {
  if (looking !== mine) {
    return;
  }
  if (error.status === 401) {
    leave("The instance no longer accepts this token.");
    return;
  }
  if (!(error instanceof Refused || error instanceof Unreachable)) {
    console.error(error);
  }
  state.away = error instanceof Refused ? error.message : "The instance does not answer.";
  const since = state.answered ? ` What you see is from ${moment(state.answered)}.` : "";
  const words = `${state.away}${since} The page goes on asking.`;
  if (element("away").textContent !== words || element("away").hidden) {
    element("away").textContent = words;
    element("away").hidden = false;
  }
}

// Showing.

function show() {
  const { topology, health, events } = state;
  const tone = state.away ? "bad" : toneOf(health?.status);
  const word = state.away ? "away" : (health?.status ?? "unknown");
  const badge = element("state");
  badge.className = `badge ${tone}`;
  draw(badge, `${SIGNS[tone]} ${word}`);
  document.title = `${tone === "good" ? "" : `${SIGNS[tone]} `}Cleave ${location.host}`;
  element("desk").classList.toggle("stale", state.away !== null);
  if (topology === undefined) {
    return;
  }
  draw(element("glance"), glance(state));
  draw(element("picture"), picture(state, Math.max(280, element("picture").clientWidth)));
  draw(element("modules"), MODULES.map((name) => card(name, state, { turn, redraw: show })));
  draw(element("outboxes"), outboxes(events));
  draw(element("parked"), parked(state.parked, parkedCounts(events), { replay, replayAll, more }));
  draw(element("databases"), databases(state.databases, health));
  draw(element("errors"), errors(state));
  draw(element("shadows"), shadows(topology));
  draw(element("books"), reconciled(state.books));
  for (const id of ["compare", "repair"]) {
    element(id).disabled = state.books.running;
  }
}

function tell(words) {
  element("told").textContent = words;
  clearTimeout(telling);
  telling = setTimeout(() => (element("told").textContent = ""), TOLD);
}

// Doing.

/** Looks at once, at everything. */
function refresh() {
  state.looks = 0;
  looking?.soon();
}

async function attempt(what) {
  try {
    await what();
  } catch (error) {
    if (error.status === 401) {
      leave("The instance no longer accepts this token.");
      return;
    }
    tell(dialogs.inWords(error));
  }
}

async function turn(name, step) {
  const topology = state.topology?.modules?.[name];
  const turned = await dialogs.turning(name, step, topology);
  if (turned !== null) {
    state.history.turned(name, seconds(), position(turned));
    state.topology.modules[name] = turned;
    state.turns += 1;
    tell(`${name} stands at ${position(turned)}.`);
    show();
    refresh();
  }
}

function replay(module, row) {
  return attempt(async () => {
    await ask(`/ops/events/${module}/parked/${row.id}/replay`, { method: "POST" });
    tell(`${row.type ?? "The event"} is delivered again to ${row.subscriber}.`);
    refresh();
  });
}

async function replayAll(module, number) {
  const words = `To be delivered again, in their order: ${counted(number, "parked event")} of ${module}. Subscribers have each event's effect once, however often it comes.`;
  if (!(await dialogs.sure(`Replay all of ${module}?`, words, "Replay all"))) {
    return;
  }
  await attempt(async () => {
    const { replayed } = await ask(`/ops/events/${module}/parked/replay`, { method: "POST", patience: 0 });
    tell(`Delivered again: ${counted(replayed, "event")} of ${module}.`);
    refresh();
  });
}

function more(module) {
  state.depth.set(module, (state.depth.get(module) ?? 1) + 1);
  refresh();
}

async function reconcile(repair) {
  const words =
    "Products is told again what became of orders, holds past their time are given back, and sums of stock are written anew where that is safe. What only a person can settle stays, and is listed.";
  if (repair && !(await dialogs.sure("Repair the books?", words, "Compare and repair"))) {
    return;
  }
  state.books = { running: true, repairing: repair };
  show();
  const of = state;
  const [at, books] = [new Date(), {}];
  try {
    books.report = await ask("/ops/reconcile", { method: "POST", body: { repair }, patience: 0 });
  } catch (error) {
    if (error.status === 401) {
      leave("The instance no longer accepts this token.");
      return;
    }
    // What was found until then.
    books.report = error.document?.report;
    books.problem = dialogs.inWords(error);
  }
  of.books = { running: false, at, ...books };
  of === state && show();
}

// Coming and going.

function enter() {
  state = blank();
  element("enter").hidden = true;
  element("desk").hidden = false;
  element("leave").hidden = false;
  element("state").hidden = false;
  element("desk").classList.add("stale");
  watch();
}

function leave(words = "") {
  token.forget();
  looking?.stop();
  for (const dialog of document.querySelectorAll("dialog[open]")) {
    dialog.close();
  }
  state = blank();
  for (const id of ["desk", "leave", "state", "away"]) {
    element(id).hidden = true;
  }
  for (const id of ["glance", "picture", "modules", "outboxes", "parked", "databases", "errors", "shadows", "books"]) {
    draw(element(id));
  }
  element("told").textContent = "";
  document.title = "Cleave";
  element("enter").hidden = false;
  element("enter-refused").textContent = words;
  element("token").focus();
}

element("enter").onsubmit = async (event) => {
  event.preventDefault();
  const [field, button] = [element("token"), element("enter-go")];
  element("enter-refused").textContent = "";
  button.disabled = true;
  try {
    // Headers take no other letters, so no token has them.
    if (/[^ -~]/.test(field.value)) {
      throw new Refused(401);
    }
    token.keep(field.value.trim());
    await ask("/ops/topology");
    field.value = "";
    enter();
    element("main").focus();
  } catch (error) {
    token.forget();
    const refused = error.status === 401;
    element("enter-refused").textContent = refused ? "This is not the token of this instance." : dialogs.inWords(error);
    field.setAttribute("aria-invalid", String(refused));
    field.select();
    field.focus();
  } finally {
    button.disabled = false;
  }
};

element("leave").onclick = () => leave();
element("compare").onclick = () => reconcile(false);
element("repair").onclick = () => reconcile(true);
element("instance").textContent = location.host;
document.addEventListener("visibilitychange", () => document.hidden || looking?.soon());
let drawnFor = 0;
new ResizeObserver(([{ contentRect: { width } }]) => {
  if (width !== drawnFor) {
    drawnFor = width;
    requestAnimationFrame(show);
  }
}).observe(element("picture"));

for (const radio of document.querySelectorAll("[name=theme]")) {
  radio.checked = radio.value === (document.documentElement.dataset.theme ?? "auto");
  radio.onchange = () => {
    if (radio.value === "auto") {
      localStorage.removeItem("cleave.theme");
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem("cleave.theme", radio.value);
      document.documentElement.dataset.theme = radio.value;
    }
  };
}

dialogs.start();
state = blank();
token.get() === null ? leave() : enter();
