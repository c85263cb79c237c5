// Facts about runs, from every change in a Prefect.

import { claimIn } from "../../src/prefect1/claim.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { RunFact } from "./facts.ts";
import type { Scene } from "./scene.ts";

export function watchPrefect(scene: Scene, prefect: FakePrefect1): void {
  const { flow_run_state, task_run_state, task_run, log } = prefect.store.tables;
  prefect.on(({ table, id, action }) => {
    if (action === "delete" && table === "flow_run") noteDeletion(scene, id);
    if (action !== "insert") return;
    if (table === "flow_run_state") noteState(scene, flow_run_state.get(id));
    else if (table === "task_run_state") {
      const row = task_run_state.get(id);
      const run = scene.runs.get(task_run.get(row?.task_run_id ?? "")?.flow_run_id ?? "");
      const claim = row === undefined ? undefined : claimIn(row.serialized_state)?.id;
      if (run === undefined) return;
      if (claim !== undefined) noteClaim(scene, run, claim);
      scene.tell(`sets the task of ${run.name} to ${String(row?.state)}`);
    } else if (table === "log") noteLine(scene, log.get(id));
  });
}

function noteDeletion(scene: Scene, id: string): void {
  const run = scene.runs.get(id);
  if (run !== undefined) run.isDeleted = true;
}

type Tables = FakePrefect1["store"]["tables"];

function noteState(scene: Scene, row: ReturnType<Tables["flow_run_state"]["get"]>): void {
  const run = scene.runs.get(row?.flow_run_id ?? "");
  if (row === undefined || run === undefined) return;
  const claim = claimIn(row.serialized_state)?.id;
  const { state: type, version } = row;
  const message = row.message ?? "";
  const now = { atMs: scene.nowMs, by: scene.actor, type, message, version, claim };
  const before = run.states.at(-1);
  run.states.push(now);
  if (claim !== undefined) noteClaim(scene, run, claim);
  if (scene.actor.kind === "Prefect" && type === "Failed") scene.cause(run, "Prefect's services fail it");
  scene.tell(`sets ${run.name} to ${type}${message === "" ? "" : `: ${message.slice(0, 120)}`}`);
  for (const { onState } of scene.watchers) onState?.({ run, before, now });
}

function noteClaim(scene: Scene, run: RunFact, claim: string): void {
  run.claims.add(claim);
  run.claimer = scene.actor;
}

function noteLine(scene: Scene, row: ReturnType<Tables["log"]["get"]>): void {
  const run = scene.runs.get(row?.flow_run_id ?? "");
  if (row === undefined || run === undefined || scene.actor.kind !== "agent") return;
  const message = row.message ?? "";
  const earlier = run.lines.get(message);
  const by = scene.actor;
  if (earlier === undefined) run.lines.set(message, { atMs: scene.nowMs, by });
  const [first = ""] = message.split("\n");
  scene.tell(`writes to the log of ${run.name}: ${first.slice(0, 120)}`);
  for (const { onLine } of scene.watchers) onLine?.({ run, message, by, sentMs: scene.sentMs, earlier });
}
