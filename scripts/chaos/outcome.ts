// The intended outcomes of flow runs, and their expected final states.

import type { JsonObject } from "../../src/base/json.ts";

export interface Outcome {
  readonly name: string;
  /** Relative frequency. */
  readonly weight: number;
  /** The expected final state. */
  readonly state: "Success" | "Failed";
  /** Exit code of the flow's container; undefined: its image cannot be pulled. */
  readonly exitCode: number | undefined;
  /** How long the flow runs. */
  readonly seconds: number;
}

const OUTCOMES: readonly Outcome[] = [
  { name: "success", weight: 12, state: "Success", exitCode: 0, seconds: 1 },
  { name: "slow", weight: 3, state: "Success", exitCode: 0, seconds: 6 },
  { name: "crash", weight: 3, state: "Failed", exitCode: 3, seconds: 1 },
  { name: "image", weight: 2, state: "Failed", exitCode: undefined, seconds: 0 },
];

/** A random outcome. */
export function chooseOutcome(random: () => number): Outcome {
  let left = random() * OUTCOMES.reduce((sum, { weight }) => sum + weight, 0);
  for (const outcome of OUTCOMES) if ((left -= outcome.weight) < 0) return outcome;
  throw new Error("the weights do not add up");
}

/** The outcome in a flow run's name. */
export function outcomeNamed(name: string): Outcome {
  const found = OUTCOMES.find((outcome) => name.startsWith(`${outcome.name}-`));
  if (found === undefined) throw new Error(`no outcome for flow run ${name}`);
  return found;
}

/** The flow as a shell script, which sets its states in Prefect and retries while Prefect is unavailable. */
export function runConfigOf(outcome: Outcome, api: string): JsonObject {
  const mutation = (type: string): string => {
    const state = { type, message: type };
    const variables = { input: { states: [{ flow_run_id: "RUN", state }] } };
    const query =
      "mutation($input: set_flow_run_states_input!) { set_flow_run_states(input: $input) { states { id } } }";
    return JSON.stringify({ query, variables });
  };
  const script = [
    `set_state() { until wget -q -O /dev/null --header 'Content-Type: application/json' --post-data "$(echo "$1" | sed "s/RUN/$PREFECT__CONTEXT__FLOW_RUN_ID/")" ${api}; do sleep 1; done; }`,
    `set_state '${mutation("Running")}'`,
    `sleep ${outcome.seconds}`,
    ...(outcome.exitCode === 0 ? [`set_state '${mutation("Success")}'`] : []),
    `exit ${outcome.exitCode ?? 0}`,
  ].join("; ");
  const container = { name: "flow", imagePullPolicy: "IfNotPresent", command: ["/bin/sh", "-c", script] };
  const podSpec = { terminationGracePeriodSeconds: 1, containers: [container] };
  const image = outcome.exitCode === undefined ? "chaos.invalid/none:1" : "busybox";
  return { type: "KubernetesRun", image, job_template: { spec: { template: { spec: podSpec } } } };
}
