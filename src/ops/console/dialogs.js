// What is asked before something is done.

import { ask, Refused } from "./ask.js";
import { position } from "./words.js";

const element = (id) => document.getElementById(id);

const MEANS = {
  local: () => "This process answers everything. Calls under way end where they began.",
  shadow: (percent) =>
    `This process answers everything. Of ${percent} % of the reads the peer is asked too, and differences are counted.`,
  canary: (percent) =>
    `The peer answers ${percent} % of calls and requests. What cannot be delivered there is answered here.`,
  remote: (_, hosted) =>
    hosted
      ? "The peer answers everything. This process still hosts the module, and can take it back at once."
      : "The peer answers everything. This process does not host the module.",
};

function first(step, force) {
  if (step === "local") {
    return "";
  }
  return force ? "The peer is not asked first. " : "The peer is asked first; if it is not ready, nothing changes. ";
}

/** Lets somebody turn a dial; ends when the dialog is closed, with the new state if it was turned. */
export function turning(name, step, topology) {
  const dialog = element("turn");
  const form = dialog.querySelector("form");
  const { percent, share, url, force } = form.elements;
  const hosted = topology.mode === "local";
  const before = topology.url ?? "";
  const of = () => form.elements.step.value;

  const show = () => {
    const shared = of() === "shadow" || of() === "canary";
    element("turn-share").hidden = !shared;
    element("turn-peer").hidden = of() === "local";
    url.required = of() !== "local";
    url.disabled = of() === "local";
    percent.disabled = !shared;
    element("turn-means").textContent = `${MEANS[of()](percent.value || 0, hosted)} ${first(of(), force.checked)}A restart keeps it.`;
    element("turn-go").textContent = `Turn ${name} to ${of()}${shared ? `, ${percent.value || 0} %` : ""}`;
  };
  const refuse = (words) => {
    element("turn-refused").hidden = words === null;
    element("turn-refused").textContent = words ?? "";
  };

  element("turn-title").textContent = `Turn ${name}`;
  element("turn-now").textContent = `It stands at ${position(topology)}.`;
  form.reset();
  for (const radio of form.elements.step) {
    radio.checked = radio.value === step;
    radio.disabled = !hosted && radio.value !== "remote";
  }
  percent.value = share.value = topology.percent > 0 && topology.percent < 100 ? topology.percent : 10;
  url.value = before;
  refuse(null);
  show();

  return new Promise((resolve) => {
    let turned = null;
    form.oninput = (event) => {
      if (event.target === share) {
        percent.value = share.value;
      } else if (event.target === percent) {
        share.value = percent.value;
      }
      show();
    };
    form.onsubmit = async (event) => {
      event.preventDefault();
      const body = { step: of(), force: force.checked };
      if (!percent.disabled) {
        body.percent = Number(percent.value);
      }
      if (!url.disabled && url.value.trim() !== before) {
        body.url = url.value.trim();
      }
      element("turn-go").disabled = true;
      try {
        // Longer than a turn takes, which asks the peer first.
        turned = await ask(`/ops/modules/${name}`, { method: "PUT", body, patience: 15_000 });
        dialog.close();
      } catch (error) {
        refuse(inWords(error));
      } finally {
        element("turn-go").disabled = false;
      }
    };
    dialog.onclose = () => resolve(turned);
    dialog.showModal();
    form.querySelector("[name=step]:checked").focus();
  });
}

/** Whether somebody wants that. */
export function sure(title, words, verb) {
  const dialog = element("sure");
  element("sure-title").textContent = title;
  element("sure-words").textContent = words;
  element("sure-go").textContent = verb;
  return new Promise((resolve) => {
    let wanted = false;
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      wanted = true;
      dialog.close();
    };
    dialog.onclose = () => resolve(wanted);
    dialog.showModal();
  });
}

/** The buttons that change nothing. */
export function start() {
  for (const button of document.querySelectorAll("dialog .cancel")) {
    button.onclick = () => button.closest("dialog").close();
  }
}

export function inWords(error) {
  if (error instanceof Refused) {
    return error.code ? `${error.message} (${error.code})` : error.message;
  }
  return `The instance did not answer: ${error.message}`;
}
