// Where an agent is killed: at one call of a submission, before it has an effect or after. The call is named, not numbered,
// so that a case means the same when others come before it.

import type { FaultAction } from "../../fakes/kubernetes/faults.ts";
import type { RequestRecord } from "../../fakes/kubernetes/request-log.ts";
import type { FaultEffect } from "../../fakes/prefect1/faults.ts";
import type { ApiCall } from "../../fakes/prefect1/api-call.ts";
import type { World } from "./world.ts";

/** A call of the agent: `prefect set_flow_run_states`, `kubernetes create jobs`. */
export interface CallPoint {
  readonly call: string;
  /** Which of its kind, from 1. */
  readonly nth: number;
  readonly when: "before" | "after";
}

/** Calls, in order, from when it was made. */
export interface Trace {
  readonly calls: readonly string[];
  end(): void;
}

type Hook = (call: string, when: "before" | "after") => Promise<void> | void;

/** Writes down what the agents ask of both APIs. */
export function trace(world: World): Trace {
  const calls: string[] = [];
  const end = onCalls(world, (call, when) => {
    if (when === "before") calls.push(call);
  });
  return { calls, end };
}

/** What may come of a call without anybody being killed. */
export type Mishap = "500" | "cut before" | "cut after";

/** Lets the nth call of its kind fail once; the answer disarms it, and tells whether it struck. */
export function failAt(world: World, at: Omit<CallPoint, "when">, mishap: Mishap): () => boolean {
  const when = mishap === "cut after" ? "after" : "before";
  if (at.call.startsWith("prefect ")) {
    const effect: FaultEffect = mishap === "500" ? { kind: "status", status: 500 } : { kind: "cut", when };
    const match = (call: ApiCall): boolean => isAgents(call) && nameOf(call) === at.call;
    const fault = world.prefect.fault({ effect, match, nth: at.nth });
    return () => {
      fault.remove();
      return fault.hits() > 0;
    };
  }
  let seen = 0;
  const action: FaultAction = mishap === "500" ? { kind: "answer", status: 500 } : { kind: "cut", when };
  const match = (request: RequestRecord): boolean => {
    if (`kubernetes ${request.verb} ${request.resource}` !== at.call) return false;
    seen++;
    return true;
  };
  const disarm = world.kube.faults.add({ action, match, nth: at.nth });
  return () => {
    disarm();
    return seen >= at.nth;
  };
}

/** Every call of a trace, before and after its effect. */
export function pointsOf(calls: readonly string[]): CallPoint[] {
  const seen = new Map<string, number>();
  return calls.flatMap((call) => {
    const nth = (seen.get(call) ?? 0) + 1;
    seen.set(call, nth);
    return (["before", "after"] as const).map((when) => ({ call, nth, when }));
  });
}

/** A strike that waits for its call. */
export interface Armed {
  /** Resolves when it has struck. */
  readonly struck: Promise<void>;
  disarm(): void;
}

/** Does `strike` at the point, once, and lets the call come to nothing: before its effect, or after it without an answer. */
export function strikeAt(world: World, point: CallPoint, strike: () => Promise<void> | void): Armed {
  let seen = 0;
  let tell: () => void = () => undefined;
  const struck = new Promise<void>((resolve) => (tell = resolve));
  const disarm = onCalls(world, async (call, when) => {
    if (call !== point.call || when !== point.when) return;
    seen++;
    if (seen !== point.nth) return;
    disarm();
    await strike();
    tell();
    throw new Error("nobody is left to answer");
  });
  return { struck, disarm };
}

/** The flow's own calls, and the looks that every start-up begins with, are not the agent's submission. */
function onCalls(world: World, hook: Hook): () => void {
  const end = world.prefect.onRequest(async (call, when) => {
    if (isAgents(call)) await hook(nameOf(call), when);
  });
  world.kube.setOnRequest(async ({ verb, resource }, when) => {
    if (verb !== "watch" && resource !== "") await hook(`kubernetes ${verb} ${resource}`, when);
  });
  return () => {
    end();
    world.kube.setOnRequest(undefined);
  };
}

function isAgents({ headers }: ApiCall): boolean {
  return headers["x-prefect-agent-id"] !== undefined;
}

function nameOf({ fields }: ApiCall): string {
  return `prefect ${fields.join("+")}`;
}
