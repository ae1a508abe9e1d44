// Requests and effects in one list, newest first.

import { byId, element, keyed, setText } from "./elements.js";

const MOST = 200;
const UUID = /[0-9a-f]{8}-[0-9a-f-]{27}/g;
const entries = [];
const names = new Map(); // by id, of what is there and of what was
let filter = "all";
let paused = false;

export function learn(overview) {
  for (const each of [...overview.volumes, ...overview.droplets, ...overview.snapshots]) names.set(String(each.id), each.name);
  for (const entry of overview.timeline) {
    if (entry.detail?.name) names.set(entry.subject, entry.detail.name);
    entries.unshift(entry);
  }
  entries.length = Math.min(entries.length, MOST);
}

export function forget() {
  entries.length = 0;
}

const called = (id) => names.get(String(id)) ?? String(id).slice(0, 8);
const to = (detail) => (detail.droplet_id ? ` ${called(detail.droplet_id)}` : "");

function effectText({ effect, subject, detail }) {
  const name = called(subject);
  const texts = {
    volume_created: `${name} created, ${detail.size_gib} GiB`,
    volume_deleted: `${name} deleted`,
    action_started: `${String(detail.type).replace("_volume", "")} of ${name} begins${detail.droplet_id ? `,${to(detail)}` : ""}`,
    attached: `${name} attached to${to(detail)}`,
    detached: `${name} detached from${to(detail)}`,
    resized: `${name} is ${detail.size_gib} GiB now`,
    action_errored: `an action of ${name} failed: ${detail.reason}`,
    snapshot_created: `snapshot ${detail.name} of ${called(detail.volume_id)}`,
    snapshot_deleted: `snapshot ${name} deleted`,
  };
  return texts[effect] ?? `${effect.replaceAll("_", " ")} ${name}`;
}

function status(entry) {
  if (entry.effect) return ["good", "effect"];
  if (entry.status === 0) return ["bad", "cut"];
  if (entry.status === 429) return ["warn", "429"];
  return [entry.status < 400 ? "good" : "bad", String(entry.status)];
}

function what(entry) {
  if (entry.effect) return effectText(entry);
  const path = entry.path.replace("/v2/", "").replace(UUID, called);
  return `${entry.method} ${path}${entry.query ? `?${decodeURIComponent(entry.query)}` : ""}`;
}

function why(entry) {
  if (!entry.effect) return entry.why || `${Math.round(entry.seconds * 1000)} ms`;
  return entry.request_id ? `request ${entry.request_id.slice(0, 4)}…` : "";
}

const SHOWN = {
  all: () => true,
  effects: (entry) => Boolean(entry.effect),
  requests: (entry) => !entry.effect,
  refused: (entry) => !entry.effect && (entry.status === 0 || entry.status >= 400),
};

function make(entry) {
  const [tone, word] = status(entry);
  const at = new Date(entry.at * 1000);
  const text = `${at.toTimeString().slice(0, 8)}.${Math.floor(at.getMilliseconds() / 100)}`;
  return element("li", {}, element("time", { datetime: at.toISOString() }, text), element("span", { class: tone }, word),
    element("span", { class: "what mono" }, what(entry)),
    element("span", { class: "why", title: entry.request_id }, why(entry)));
}

export function drawTimeline() {
  if (paused) return;
  keyed(byId("timeline"), entries.filter(SHOWN[filter]), (entry) => entry.seq, make);
  byId("timeline-empty").hidden = entries.length > 0;
}

export function startTimeline() {
  byId("filters").addEventListener("click", (event) => {
    const chosen = event.target.dataset.filter;
    if (!chosen) return;
    filter = chosen;
    for (const each of byId("filters").querySelectorAll("[data-filter]"))
      each.setAttribute("aria-pressed", String(each.dataset.filter === chosen));
    drawTimeline();
  });
  byId("pause").addEventListener("click", () => {
    paused = !paused;
    byId("pause").setAttribute("aria-pressed", String(paused));
    drawTimeline();
  });
}

export function drawTraffic(overview) {
  const svg = byId("traffic");
  const limit = overview.minute.limit / 60;
  const most = Math.max(limit * 1.2, 1, ...overview.traffic.map(([served, refused]) => served + refused));
  const scale = 64 / most;
  const bars = overview.traffic.flatMap(([served, refused], at) => [
    ["served", at, 64 - served * scale, served * scale],
    ["refused", at, 64 - (served + refused) * scale, refused * scale],
  ]).filter(([, , , height]) => height > 0);
  svg.replaceChildren(...bars.map(([kind, at, y, height]) => shape("rect", { class: kind, x: at * 5, y, width: 4, height })));
  if (limit) svg.append(shape("line", { x1: 0, x2: 300, y1: 64 - limit * scale, y2: 64 - limit * scale }));
  const left = ({ limit: all, remaining }, unit) => (all ? `${remaining} / ${all} ${unit}` : `no limit ${unit}`);
  setText(byId("budget"), `${left(overview.minute, "min")} · ${left(overview.hour, "h")}`);
}

function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
