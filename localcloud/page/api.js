// Calls of the cloud: below /v2 with the token, as any client sends them; below /_localcloud without.

import { toast } from "./elements.js";

export const connection = { url: location.origin, token: "", state: "" };

export async function connect() {
  Object.assign(connection, await (await fetch("/_localcloud/connection")).json());
}

// Returns the JSON of the answer, or null; a refusal, or no answer, is said on the page.
export async function call(method, path, body) {
  const headers = { "content-type": "application/json" };
  if (path.startsWith("/v2/")) headers.authorization = `Bearer ${connection.token}`;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    toast(`${method} ${path}: no answer`);
    return null;
  }
  const text = await answer.text();
  let json = {};
  try {
    json = text ? JSON.parse(text) : {};
  } catch {
    // what a fault put there
  }
  if (answer.ok) return json;
  toast(`${method} ${path}: ${answer.status} ${json?.message ?? ""}`);
  return null;
}

export function curl(method, path, body) {
  const data = body === undefined ? "" : ` -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
  const token = path.startsWith("/v2/") ? ` -H 'Authorization: Bearer ${connection.token}'` : "";
  return `curl -X ${method} '${connection.url}${path}'${token}${data}`;
}

export const act = (volume, body) => call("POST", `/v2/volumes/${volume.id}/actions`, body);
