// The chosen volume: its facts, what can be done with it, and the dialog that makes a new one.

import { act, call, curl } from "./api.js";
import { describe } from "./droplets.js";
import { byId, copy, element, keyed, setAttribute, setText, toast } from "./elements.js";

const DISK = [
  ["writes fail", (trouble) => trouble.fails_writes, { writes: "fail" }, { writes: "work" }],
  ["hangs", (trouble) => trouble.hangs, { requests: "hang" }, { requests: "work" }],
  ["slow, 1 MB/s", (trouble) => trouble.bytes_per_second > 0, { bytes_per_second: 1e6 }, { bytes_per_second: 0 }],
];

let chosen = null; // the volume as the last overview had it
let overview = null;
let sight = { of: null, device: null, used_bytes: null };

async function look() {
  const id = chosen?.id;
  if (!id) return;
  const answer = await fetch(`/_localcloud/volumes/${id}`).catch(() => null);
  if (answer?.ok) sight = { of: id, ...(await answer.json()) };
  drawFacts();
}

const change = (body) => chosen && act(chosen, body);

export function attach() {
  change({ type: "attach", droplet_id: Number(byId("attach-to").value) });
}

export function detach() {
  if (chosen?.droplet_id != null) change({ type: "detach", droplet_id: chosen.droplet_id });
  else toast("The volume is attached to no droplet.");
}

export function startVolume() {
  byId("attach").addEventListener("click", attach);
  byId("detach").addEventListener("click", detach);
  byId("grow").addEventListener("click", () => change({ type: "resize", size_gigabytes: Number(byId("grow-to").value) }));
  byId("snapshot").addEventListener("click", () => {
    const name = `${chosen.name}-${new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, "-").toLowerCase()}`;
    call("POST", `/v2/volumes/${chosen.id}/snapshots`, { name });
  });
  byId("delete").addEventListener("click", () => call("DELETE", `/v2/volumes/${chosen.id}`));
  byId("copy-curl").addEventListener("click", () => copy(curl("POST", `/v2/volumes/${chosen.id}/actions`,
    chosen.droplet_id === null ? { type: "attach", droplet_id: Number(byId("attach-to").value) }
      : { type: "detach", droplet_id: chosen.droplet_id })));
  for (const [text, isOn, on, off] of DISK) {
    const pill = element("button", { type: "button" }, text);
    pill.addEventListener("click", () => call("POST", `/_localcloud/volumes/${chosen.id}/disk`, isOn(chosen.trouble) ? off : on));
    byId("disk").append(pill);
  }
  startCreate();
  setInterval(look, 2000);
}

function startCreate() {
  const dialog = byId("create");
  byId("new-volume").addEventListener("click", () => openCreate());
  byId("create-cancel").addEventListener("click", () => dialog.close());
  byId("create-form").addEventListener("submit", (event) => {
    const form = new FormData(event.target);
    const body = { name: form.get("name"), size_gigabytes: Number(form.get("size")), region: form.get("region") };
    if (form.get("snapshot")) body.snapshot_id = form.get("snapshot");
    call("POST", "/v2/volumes", body);
  });
}

export function openCreate(snapshot) {
  const regions = [...new Set((overview?.droplets ?? []).map((droplet) => droplet.region))];
  byId("create-region").replaceChildren(...(regions.length ? regions : ["nyc1"]).map((slug) => element("option", {}, slug)));
  byId("create-from").replaceChildren(element("option", { value: "" }, "empty"),
    ...(overview?.snapshots ?? []).filter((each) => each.ready).map((each) =>
      element("option", { value: each.id, selected: each.id === snapshot?.id }, each.name)));
  const form = byId("create-form");
  form.elements.size.value = snapshot?.size_gib ?? 1;
  form.elements.name.value = "";
  byId("create").showModal();
  form.elements.name.focus();
}

function drawFacts() {
  if (!chosen) return;
  const seen = sight.of === chosen.id ? sight : { device: null, used_bytes: null };
  const droplet = overview.droplets.find((each) => each.id === chosen.droplet_id);
  const used = seen.used_bytes === null ? "–" : `${Math.round(seen.used_bytes / (1 << 20))} MiB of ${chosen.size_gib} GiB`;
  const facts = [
    ["id", chosen.id], ["device", seen.device ?? "–"], ["droplet", droplet?.name ?? "–"], ["used", used],
    ["state", describe(chosen, overview.actionOf.get(chosen.id))[1]], ["tags", chosen.tags.join(", ") || "–"],
  ];
  const cells = facts.flatMap(([name, value]) => [["dt", name, value], ["dd", name, value], ["copy", name, value]]);
  keyed(byId("volume-facts"), cells, ([kind, name]) => `${kind} ${name}`, ([kind, name]) => {
    if (kind === "dt") return element("dt", {}, name);
    if (kind === "dd") return element("dd", { class: "mono" });
    const button = element("button", { type: "button", "aria-label": `Copy ${name}` }, "Copy");
    button.addEventListener("click", () => copy(button.dataset.value));
    return element("dd", {}, button);
  }, (made, [kind, , value]) => {
    if (kind === "dd") {
      setText(made, value);
      setAttribute(made, "title", value);
    } else if (kind === "copy") {
      made.firstChild.dataset.value = value;
      made.firstChild.disabled = value === "–";
    }
  });
}

function drawDroplets() {
  keyed(byId("attach-to"), overview.droplets.filter((droplet) => droplet.region === chosen.region), (droplet) => droplet.id,
    (droplet) => element("option", { value: droplet.id }, droplet.name));
}

export function drawVolume(now, id) {
  overview = now;
  const before = chosen;
  chosen = now.volumes.find((volume) => volume.id === id) ?? null;
  byId("volume-some").hidden = chosen === null;
  byId("volume-none").hidden = chosen !== null;
  setText(byId("volume-title"), chosen ? `Volume ${chosen.name}` : "Volume");
  if (chosen) {
    if (before?.id !== chosen.id) {
      byId("grow-to").value = chosen.size_gib + 1;
      look();
    }
    byId("detach").disabled = chosen.droplet_id === null;
    drawDroplets();
    drawFacts();
    DISK.forEach(([, isOn], at) => setAttribute(byId("disk").children[at], "aria-pressed", isOn(chosen.trouble)));
  }
  setText(byId("snapshots-total"), now.snapshots_total ? `(${now.snapshots_total})` : "");
  byId("snapshots-none").hidden = now.snapshots.length > 0;
  keyed(byId("snapshots"), now.snapshots, (each) => each.id, makeSnapshot, (item, each) => {
    setText(item.firstChild, `${each.name} · ${each.size_gib} GiB${each.ready ? "" : " · copying"}`);
    item.children[1].disabled = item.children[2].disabled = !each.ready;
  });
}

function makeSnapshot(snapshot) {
  const use = element("button", { type: "button", "aria-label": `New volume from snapshot ${snapshot.name}` }, "New volume");
  use.addEventListener("click", () => openCreate(snapshot));
  const remove = element("button", { type: "button", "aria-label": `Delete snapshot ${snapshot.name}` }, "Delete");
  remove.addEventListener("click", () => call("DELETE", `/v2/snapshots/${snapshot.id}`));
  return element("li", {}, element("span", { class: "text mono" }), use, remove);
}
