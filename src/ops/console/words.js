// Numbers and states as people read them.

export const MODULES = ["users", "products", "orders"];
export const STEPS = ["local", "shadow", "canary", "remote"];

/** What is not known. */
export const NOTHING = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const hundredths = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function known(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function count(value) {
  return known(value) ? whole.format(value) : NOTHING;
}

/** `1 event`, `2 events`. */
export function counted(value, thing) {
  return `${count(value)} ${thing}${value === 1 ? "" : "s"}`;
}

export function perSecond(value) {
  return known(value) ? (value >= 99.95 ? whole : tenths).format(value) : NOTHING;
}

/** `12.3/s`. */
export function often(value) {
  return known(value) ? `${perSecond(value)}/s` : NOTHING;
}

export function millis(value) {
  if (!known(value)) {
    return NOTHING;
  }
  if (value >= 1000) {
    return `${tenths.format(value / 1000)} s`;
  }
  const digits = value >= 99.5 ? whole : value >= 9.95 ? tenths : hundredths;
  return `${digits.format(value)} ms`;
}

export function span(seconds) {
  if (!known(seconds)) {
    return NOTHING;
  }
  const units = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
  ];
  const unit = units.find(([length]) => seconds >= 2 * length);
  return unit ? `${whole.format(Math.floor(seconds / unit[0]))} ${unit[1]}` : `${whole.format(seconds)} s`;
}

export function bytes(value) {
  if (!known(value)) {
    return NOTHING;
  }
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  return `${(power > 0 && scaled < 99.95 ? tenths : whole).format(scaled)} ${units[power]}`;
}

/** A moment, in the reader's time zone; with the day when it is not today's. */
export function moment(value) {
  const at = new Date(value);
  if (value === null || value === undefined || Number.isNaN(at.getTime())) {
    return NOTHING;
  }
  const time = at.toLocaleTimeString("en-GB");
  const today = at.toDateString() === new Date().toDateString();
  return today ? time : `${at.toLocaleDateString("en-CA")} ${time}`;
}

/** Host and port of a peer. */
export function host(url) {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

/** `canary 10 %`. */
export function position(module) {
  if (!module.step) {
    return module.mode ?? "off";
  }
  const shared = module.step === "shadow" || module.step === "canary";
  return shared ? `${module.step} ${module.percent} %` : module.step;
}

/** Of calls and requests, in percent, how many the peer answers. */
export function shareThere(module) {
  return { canary: module.percent ?? 0, remote: 100 }[module.step] ?? 0;
}

/** By shape and word, not by colour alone. */
export const SIGNS = { good: "●", warn: "▲", bad: "◆", off: "○" };

const OF_HEALTH = { healthy: "good", degraded: "warn", unhealthy: "bad" };

export function toneOf(status) {
  return OF_HEALTH[status] ?? "off";
}
