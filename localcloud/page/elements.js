// Elements that live on: an item keeps its element, so focus and selection survive every update.

export const byId = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

export function setAttribute(target, name, value) {
  if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
}

// Gives `parent` one child for each item, in order. `make(item)` makes it, `update(child, item)` brings it up to date.
export function keyed(parent, items, key, make, update) {
  const held = document.activeElement;
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, at) => {
    const name = String(key(item));
    let child = before.get(name);
    if (child) before.delete(name);
    else {
      child = make(item);
      child.dataset.key = name;
    }
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
    update?.(child, item);
  });
  before.forEach((child) => child.remove());
  if (held !== document.activeElement && held?.isConnected) held.focus();
}

let hide = 0;

export function toast(text) {
  setText(byId("toast"), text);
  clearTimeout(hide);
  hide = setTimeout(() => setText(byId("toast"), ""), 8000);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`Copied: ${text}`);
  } catch {
    toast(text);
  }
}
