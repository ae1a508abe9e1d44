// Faults on requests and actions: presets that are on or off, one of any kind, and the list of those that are on.

import { call } from "./api.js";
import { byId, element, keyed, setAttribute, setText } from "./elements.js";

const PRESETS = {
  "request-faults": [
    ["503 · 20%", { kind: "error", probability: 0.2 }],
    ["429 · 20%", { kind: "rate_limited", probability: 0.2 }],
    ["slow · 1–4 s", { kind: "latency", seconds: "1-4" }],
    ["reply lost · 10%", { kind: "drop_after", where: { method: "POST" }, probability: 0.1 }],
    ["stale lists", { kind: "stale", where: { path: "/v2/volumes" }, seconds: "30" }],
  ],
  "action-faults": [
    ["fail · 20%", { kind: "action_error", probability: 0.2 }],
    ["never end", { kind: "action_stuck" }],
    ["slow · 20–60 s", { kind: "action_latency", seconds: "20-60" }],
  ],
};
const KINDS = ["latency", "error", "rate_limited", "answer", "drop_before", "drop_after", "lost_reply", "stale", "action_latency",
  "action_error", "action_stuck", "action_unseen", "action_forgotten", "droplet_vanishes", "attachments_stay"];

let faults = [];

const turnOn = (rule) => call("POST", "/_localcloud/faults", rule);
const turnOff = (fault) => call("DELETE", `/_localcloud/faults/${fault.id}`);

function like(fault, rule) {
  const { where = {}, ...rest } = rule;
  return Object.entries(rest).every(([key, value]) => fault.rule[key] === value)
    && (where.method ?? null) === fault.rule.where.method && (where.path ?? "*") === fault.rule.where.path
    && fault.rule.where.action === null && fault.rule.times === null && fault.rule.nth.length === 0
    && (rest.probability ?? 1) === fault.rule.probability;
}

export function startFaults() {
  for (const [place, presets] of Object.entries(PRESETS)) {
    for (const [text, rule] of presets) {
      const pill = element("button", { type: "button", "aria-pressed": "false" }, text);
      pill.addEventListener("click", () => {
        const on = faults.filter((fault) => like(fault, rule));
        if (on.length) on.forEach(turnOff);
        else turnOn(rule);
      });
      pill.rule = rule;
      byId(place).append(pill);
    }
  }
  byId("builder-kind").append(...KINDS.map((kind) => element("option", {}, kind)));
  byId("builder").addEventListener("submit", (event) => {
    event.preventDefault();
    turnOn(built(new FormData(event.target)));
  });
  byId("all-off").addEventListener("click", () => {
    call("DELETE", "/_localcloud/faults");
    byId("new-volume").focus();
  });
}

function built(form) {
  const rule = { kind: form.get("kind"), probability: Number(form.get("chance")) / 100, where: { path: form.get("path") || "*" } };
  for (const key of ["method", "action"]) if (form.get(key)) rule.where[key] = form.get(key);
  for (const key of ["times", "status"]) if (form.get(key)) rule[key] = Number(form.get(key));
  if (form.get("seconds")) rule.seconds = form.get("seconds");
  return rule;
}

export function drawFaults(overview) {
  faults = overview.faults;
  const on = faults.filter((fault) => !fault.spent).length;
  byId("faults-on").hidden = byId("all-off").hidden = faults.length === 0;
  setText(byId("faults-on"), on === 1 ? "1 fault on" : `${on} faults on`);
  for (const pill of document.querySelectorAll("#request-faults button, #action-faults button"))
    setAttribute(pill, "aria-pressed", faults.some((fault) => like(fault, pill.rule)));
  keyed(byId("faults"), faults, (fault) => fault.id, makeFault, (item, fault) => {
    const struck = fault.spent ? "spent" : `struck ${fault.strikes}×`;
    setText(item.firstChild, `#${fault.id} ${fault.rule.kind} · ${fault.when} · ${struck}`);
  });
}

function makeFault(fault) {
  const off = element("button", { type: "button", "aria-label": `Turn off fault ${fault.id}, ${fault.rule.kind}` }, "×");
  off.addEventListener("click", () => {
    turnOff(fault);
    byId("faults-title").nextElementSibling.nextElementSibling.firstChild.focus();
  });
  return element("li", {}, element("span", { class: "text mono" }), off);
}
