// Keeps the page in step with the cloud: one event, one overview, and only what differs is drawn anew.
"use strict";

const PRESETS = [
  ["503 on one in five", { kind: "error", probability: 0.2 }],
  ["429 on one in five", { kind: "rate_limited", probability: 0.2 }],
  ["1 to 4 s for each request", { kind: "latency", seconds: "1-4" }],
  ["lost replies to one in ten changes", { kind: "drop_after", where: { method: "POST" }, probability: 0.1 }],
  ["one in five actions errs", { kind: "action_error", probability: 0.2 }],
  ["actions never end", { kind: "action_stuck" }],
];

const drawn = new Map();

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function labels(body) {
  return [...body.closest("table").querySelectorAll("th")].map((head) => head.textContent);
}

function drawRows(id, items, cells) {
  const seen = JSON.stringify(items);
  if (drawn.get(id) === seen) return;
  drawn.set(id, seen);
  const body = document.getElementById(id);
  const names = labels(body);
  const rows = items.map((item) => {
    const row = document.createElement("tr");
    cells(item).forEach((cell, at) => {
      const made = cell instanceof Node ? element("td", "") : element("td", String(cell));
      if (cell instanceof Node) made.append(cell);
      made.dataset.label = names[at];
      row.append(made);
    });
    return row;
  });
  if (rows.length === 0) {
    const row = document.createElement("tr");
    row.append(element("td", "none", { colspan: String(names.length) }));
    rows.push(row);
  }
  body.replaceChildren(...rows);
}

function drawBudget(overview) {
  const left = (budget) => (budget.limit ? `${budget.remaining} of ${budget.limit}` : "no limit");
  const values = [
    ["in the last minute", overview.requests_last_minute],
    ["left this minute", left(overview.minute)],
    ["left this hour", left(overview.hour)],
  ];
  const list = document.getElementById("budget");
  list.replaceChildren(...values.map(([name, value]) => {
    const pair = document.createElement("div");
    pair.append(element("dt", name), element("dd", String(value)));
    return pair;
  }));
}

async function turnOff(id) {
  await fetch(`/_localcloud/faults/${id}`, { method: "DELETE" });
}

async function turnOn(rule) {
  const headers = { "content-type": "application/json" };
  await fetch("/_localcloud/faults", { method: "POST", headers, body: JSON.stringify(rule) });
}

function button(text, label, act) {
  const made = element("button", text, { type: "button", "aria-label": label });
  made.addEventListener("click", act);
  return made;
}

function total(id, shown, all) {
  document.getElementById(id).textContent = shown < all ? `(${shown} of ${all})` : `(${all})`;
}

function draw(overview) {
  drawBudget(overview);
  drawRows("droplets", overview.droplets, (d) => [d.name, d.id, d.region, d.status, d.volumes.join(", ") || "–"]);
  drawRows("actions", overview.actions,
    (a) => [a.type, a.volume, a.droplet_id ?? "–", a.left_seconds === null ? "never ends" : a.left_seconds]);
  drawRows("volumes", overview.volumes,
    (v) => [v.name, `${v.size_gib} GiB`, v.region, v.droplet ?? "–", v.tags.join(", ") || "–", v.id]);
  drawRows("snapshots", overview.snapshots,
    (s) => [s.name, `${s.size_gib} GiB`, s.ready ? "ready" : "copying", s.volume_id]);
  drawRows("faults", overview.faults,
    (f) => [f.kind, f.when, f.strikes, button("Turn off", `Turn off ${f.kind}`, () => turnOff(f.id))]);
  total("volumes-total", overview.volumes.length, overview.volumes_total);
  total("snapshots-total", overview.snapshots.length, overview.snapshots_total);
}

function say(text, lost) {
  const state = document.getElementById("state");
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("lost", lost);
}

const presets = document.getElementById("presets");
for (const [text, rule] of PRESETS) presets.append(button(text, `Turn on: ${text}`, () => turnOn(rule)));

const events = new EventSource("/_localcloud/events");
events.addEventListener("open", () => say("live", false));
events.addEventListener("error", () => say("the cloud does not answer; trying again", true));
events.addEventListener("message", (event) => draw(JSON.parse(event.data)));
