// Which states and logs agents have read: from the responses of Prefect, as they arrive.

import { arrayIn, objectIn, parseJson, textIn } from "../../src/base/json.ts";
import type { Exchange } from "./network.ts";
import type { Scene } from "./scene.ts";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

export function noteReads(scene: Scene, { from, request, response, handledMs: atMs }: Exchange): void {
  const { body = "" } = request;
  if (response === "cut" || "start" in response || scene.actorOf(from).kind !== "agent") return;
  if (body.includes("log(where"))
    for (const [run] of body.matchAll(UUID))
      if (scene.runs.has(run)) scene.knowledge.readLog(from, run, atMs);
  if (!body.includes("serialized_state") || !body.includes("flow_run(where")) return;
  if (!response.body.startsWith("{")) return;
  const data = objectIn(objectIn(parseJson(response.body))["data"]);
  for (const row of arrayIn(data["flow_run"]).map(objectIn)) {
    const id = textIn(row["id"]);
    const version = row["version"];
    if (id !== undefined && typeof version === "number")
      scene.knowledge.readState(from, id, { atMs, version });
  }
}
