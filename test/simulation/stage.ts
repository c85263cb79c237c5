// Makes a scene of a plan, with all that it is played with and all who note facts.

import { hash } from "node:crypto";
import { ActiveActs } from "./active-acts.ts";
import { flowsOf } from "./flows.ts";
import type { Exchange } from "./network.ts";
import { watchKubernetes } from "./observe-kubernetes.ts";
import { watchPrefect } from "./observe-prefect.ts";
import { noteReads } from "./observe-reads.ts";
import type { Plan } from "./plan.ts";
import { Replica } from "./replica.ts";
import { Scene } from "./scene.ts";

/** `isTraced`: every request is in the chronicle. */
export function stage(plan: Plan, isTraced: boolean): Scene {
  const scene = new Scene(plan, (of) => ({
    acts: new ActiveActs(of),
    flows: flowsOf(of),
    replicas: plan.agents.flatMap((agent, at) =>
      Array.from({ length: agent.replicas }, (_, replica) => new Replica(of, agent, { at, replica })),
    ),
  }));
  scene.world.kubes.forEach((kube, cluster) => watchKubernetes(scene, kube, cluster));
  scene.world.prefects.forEach((prefect) => watchPrefect(scene, prefect));
  if (isTraced) scene.watchers.push({ onExchange: (exchange) => trace(scene, exchange) });
  scene.watchers.push({ onDelivery: (exchange) => noteReads(scene, exchange) });
  return scene;
}

function trace(scene: Scene, { from, request, response }: Exchange): void {
  const { method, url, body = "" } = request;
  const sent = body === "" ? [] : [digest(body)];
  scene.tell([method, url.href, ...sent, "→", answerText(response)].join(" "), scene.actorOf(from).name);
}

function answerText(response: Exchange["response"]): string {
  if (response === "cut") return "cut";
  return "start" in response ? "a stream" : `${response.status} ${digest(response.body)}`;
}

function digest(text: string): string {
  return hash("sha256", text).slice(0, 8);
}
