// Keeps the page in step with the cloud: one event, one overview, and each part draws what differs.

import { connect, connection } from "./api.js";
import { drawDroplets } from "./droplets.js";
import { byId, copy, setText } from "./elements.js";
import { drawFaults, startFaults } from "./faults.js";
import { drawTimeline, drawTraffic, forget, learn, startTimeline } from "./timeline.js";
import { attach, detach, drawVolume, openCreate, startVolume } from "./volume.js";

const TICK_MILLISECONDS = 250; // the seconds that actions have left count down

let overview = null;
let chosen = null;

function choose(id) {
  chosen = id;
  draw();
}

function draw() {
  if (!overview) return;
  drawDroplets(overview, chosen, () => overview, choose);
  drawVolume(overview, chosen);
}

function take(now) {
  for (const action of now.actions) action.endsAt = action.left_seconds === null ? null : performance.now() + action.left_seconds * 1000;
  now.actionOf = new Map(now.actions.map((action) => [action.volume_id, action]));
  overview = now;
  learn(now);
  draw();
  drawTimeline();
  drawTraffic(now);
  drawFaults(now);
  document.title = now.volumes_total === 1 ? "localcloud · 1 volume" : `localcloud · ${now.volumes_total} volumes`;
}

function say(text, lost) {
  setText(byId("state"), text);
  byId("state").classList.toggle("lost", lost);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, dialog")) return;
  if (event.key === "n") openCreate();
  else if (event.key === "a" && chosen) attach();
  else if (event.key === "d" && chosen) detach();
  else if (event.key === "Escape") choose(null);
  else return;
  event.preventDefault();
});

async function start() {
  startTimeline();
  startFaults();
  startVolume();
  await connect();
  setText(byId("address"), connection.url);
  byId("copy-url").addEventListener("click", () => copy(connection.url));
  byId("copy-token").addEventListener("click", () => copy(connection.token));
  byId("copy-env").addEventListener("click", () =>
    copy(`export AIOCSI_API_URL=${connection.url} AIOCSI_TOKEN=${connection.token}`));
  const events = new EventSource("/_localcloud/events");
  events.addEventListener("open", forget); // all of it comes again
  events.addEventListener("error", () => say("the cloud does not answer; trying again", true));
  events.addEventListener("message", (event) => {
    take(JSON.parse(event.data));
    say("live", false); // not before the cloud is on the page
  });
  setInterval(() => { if (overview?.actions.length) draw(); }, TICK_MILLISECONDS);
}

start();
