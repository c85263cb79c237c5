// The agent's API calls: records them, and makes one of them fail or runs a function at it. A call is identified by its name
// and its position among calls of that name, so that additional calls before it do not matter.

import { arrayIn, objectIn } from "../../../src/base/json.ts";
import type { FaultSwitch } from "../../fakes/faults.ts";
import type { RequestRecord } from "../../fakes/kubernetes/request-log.ts";
import type { ApiCall } from "../../fakes/prefect1/api-call.ts";
import type { Fakes } from "./fakes.ts";

type Apis = Pick<Fakes, "prefect" | "kube">;

/** A call of the agent: `prefect set_flow_run_states`, `kubernetes create jobs`. */
export interface CallPoint {
  readonly call: string;
  /** Its position among calls of this name, from 1. */
  readonly nth: number;
  readonly when: "before" | "after";
}

/** Calls in order, from the start of the recording. */
export interface Trace {
  readonly calls: readonly string[];
  end(): void;
}

type Hook = (call: string, when: "before" | "after") => Promise<void> | void;

/** Records the agents' calls to both APIs. */
export function trace(fakes: Apis): Trace {
  const calls: string[] = [];
  const end = onCalls(fakes, (call, when) => {
    if (when === "before") calls.push(call);
  });
  return { calls, end };
}

/** How a call fails: with status 500, or with the connection cut before or after its effect. */
export const CALL_FAILURES = {
  "500": { kind: "status", status: 500 },
  "cut before": { kind: "cut", when: "before" },
  "cut after": { kind: "cut", when: "after" },
} as const;

export type CallFailure = keyof typeof CALL_FAILURES;

/** Makes the nth call of this name fail once. */
export function failAt(
  fakes: Apis,
  { call: name, nth }: Omit<CallPoint, "when">,
  failure: CallFailure,
): FaultSwitch {
  if (name.startsWith("prefect ")) {
    const match = (call: ApiCall): boolean => isFromAgent(call) && nameOf(call) === name;
    return fakes.prefect.fault({ nth, match, effect: CALL_FAILURES[failure] });
  }
  const match = ({ verb, resource }: RequestRecord): boolean => `kubernetes ${verb} ${resource}` === name;
  return fakes.kube.fault({ nth, match, effect: CALL_FAILURES[failure] });
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

/** A function that waits for its call. */
export interface Interception {
  /** Resolves when the function has run. */
  readonly done: Promise<void>;
  cancel(): void;
}

/** Runs `action` at this call, once. The call gets no response; it has its effect if `when` is `after`. */
export function interceptAt(fakes: Apis, point: CallPoint, action: () => Promise<void> | void): Interception {
  let seen = 0;
  let markDone: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (markDone = resolve));
  const cancel = onCalls(fakes, async (call, when) => {
    if (call !== point.call || when !== point.when) return;
    seen++;
    if (seen !== point.nth) return;
    cancel();
    await action();
    markDone();
    throw new Error("the agent was killed");
  });
  return { done, cancel };
}

/** Calls `hook` for every call of an agent, except watches and API discovery; calls of flows do not count. */
function onCalls(fakes: Apis, hook: Hook): () => void {
  const end = fakes.prefect.onRequest(async (call, when) => {
    if (isFromAgent(call)) await hook(nameOf(call), when);
  });
  fakes.kube.setOnRequest(async ({ verb, resource }, when) => {
    if (verb !== "watch" && resource !== "") await hook(`kubernetes ${verb} ${resource}`, when);
  });
  return () => {
    end();
    fakes.kube.setOnRequest(undefined);
  };
}

/** Not a call of a flow. */
export function isFromAgent({ headers }: Pick<ApiCall, "headers">): boolean {
  return headers["x-prefect-agent-id"] !== undefined;
}

function nameOf({ fields }: ApiCall): string {
  return `prefect ${fields.join("+")}`;
}

/** Whether it asks for claims that may have no Job; their pages have an offset. */
export function listsClaims({ fields, variables }: ApiCall): boolean {
  return fields[0] === "flow_run" && "offset" in variables;
}

/** The flow runs whose states it asks for, by id. */
export function askedStates({ fields, variables }: ApiCall): readonly unknown[] {
  return fields[0] === "flow_run" ? arrayIn(objectIn(objectIn(variables["where"])["id"])["_in"]) : [];
}
