// Droplets as boxes, with their volumes as chips; volumes that no droplet has come last.

import { act, call, curl } from "./api.js";
import { byId, element, keyed, setAttribute, setText } from "./elements.js";

const FREE = "free";

function dropped(event, box, overview, choose) {
  event.preventDefault();
  box.classList.remove("over");
  const volume = overview().volumes.find((each) => each.id === event.dataTransfer.getData("text/plain"));
  if (!volume) return;
  choose(volume.id);
  const target = box.dataset.key;
  if (target === FREE && volume.droplet_id !== null) act(volume, { type: "detach", droplet_id: volume.droplet_id });
  else if (target !== FREE && String(volume.droplet_id) !== target) act(volume, { type: "attach", droplet_id: Number(target) });
}

function makeBox(droplet, overview, choose) {
  const free = droplet.id === FREE;
  const box = element("div", { class: free ? "droplet free" : "droplet" });
  box.append(element("div", { class: "head" }, element("h3", {}, droplet.name), element("span", { class: "hint mono" })));
  if (!free) {
    const power = element("button", { type: "button", class: "power" });
    power.addEventListener("click", () =>
      call("POST", `/v2/droplets/${droplet.id}/actions`, { type: box.dataset.status === "active" ? "power_off" : "power_on" }));
    box.firstChild.append(power);
    box.append(element("progress", { class: "meter", "aria-label": `Volumes of ${droplet.name}` }));
  }
  box.append(element("ul"));
  box.addEventListener("dragover", (event) => { event.preventDefault(); box.classList.add("over"); });
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => dropped(event, box, overview, choose));
  return box;
}

function makeChip(volume, choose) {
  const chip = element("button", { type: "button", class: "chip", draggable: "true" },
    element("span", { class: "name" }), element("span", { class: "what" }));
  chip.addEventListener("click", () => choose(volume.id));
  chip.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", volume.id));
  chip.dataset.volume = volume.id;
  return element("li", {}, chip);
}

export function describe(volume, action) {
  const trouble = volume.trouble;
  if (action) {
    const names = { attach: "attaching", detach: "detaching", resize: "growing" };
    const left = action.endsAt === null ? "never ends" : `${Math.max(0, Math.ceil((action.endsAt - performance.now()) / 1000))} s`;
    return ["busy", `${names[action.type] ?? action.type} · ${left}`];
  }
  if (trouble.fails_writes) return ["trouble", "writes fail"];
  if (trouble.hangs) return ["trouble", "hangs"];
  if (trouble.bytes_per_second) return ["trouble", "slow"];
  return [volume.droplet_id === null ? "" : "attached", `${volume.size_gib} GiB`];
}

function updateChip(item, volume, overview, chosen) {
  const chip = item.firstChild;
  const [state, text] = describe(volume, overview.actionOf.get(volume.id));
  const classes = `chip ${state}`;
  setAttribute(chip, "class", classes);
  setText(chip.children[0], volume.name);
  setText(chip.children[1], text);
  setAttribute(chip, "title", volume.name);
  setAttribute(chip, "aria-pressed", volume.id === chosen);
}

export function drawDroplets(overview, chosen, current, choose) {
  const boxes = [...overview.droplets, { id: FREE, name: "Not attached" }];
  const volumesOf = Map.groupBy(overview.volumes, (volume) => volume.droplet_id ?? FREE);
  keyed(byId("droplets"), boxes, (box) => box.id, (box) => makeBox(box, current, choose), (made, box) => {
    const volumes = volumesOf.get(box.id) ?? [];
    const [head, ...rest] = made.children;
    const facts = box.id === FREE ? String(volumes.length)
      : `${box.id} · ${box.region} · ${volumes.length} of ${box.most_volumes}`;
    setText(head.children[1], facts);
    if (box.id !== FREE) {
      setAttribute(made, "data-status", box.status);
      const off = box.status !== "active";
      setText(head.children[2], off ? "Power on" : "Power off");
      setAttribute(head.children[2], "aria-label", `${off ? "Power on" : "Power off"} ${box.name}`);
      setText(head.children[0], off ? `${box.name} (off)` : box.name);
      setAttribute(rest[0], "max", box.most_volumes);
      setAttribute(rest[0], "value", volumes.length);
    }
    keyed(rest.at(-1), volumes, (volume) => volume.id, (volume) => makeChip(volume, choose),
      (item, volume) => updateChip(item, volume, overview, chosen));
  });
  byId("volumes-more").hidden = overview.volumes.length >= overview.volumes_total;
  setText(byId("volumes-more"), `The newest ${overview.volumes.length} of ${overview.volumes_total} volumes.`);
  byId("first-volume").hidden = overview.volumes_total > 0;
  if (overview.volumes_total === 0) {
    const region = overview.droplets[0]?.region ?? "nyc1";
    setText(byId("first-curl"), curl("POST", "/v2/volumes", { name: "orders", size_gigabytes: 1, region }));
  }
}
