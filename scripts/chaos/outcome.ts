// What flow runs are meant to come to, and what must stand in Prefect at the end.

import type { JsonObject } from "../../src/base/json.ts";

export interface Fate {
  readonly name: string;
  /** How often, against the others. */
  readonly weight: number;
  /** The final state that is true. */
  readonly ends: "Success" | "Failed";
  /** Exit code of the flow's container; undefined: its image cannot be pulled. */
  readonly exitCode: number | undefined;
  /** Seconds that the flow runs. */
  readonly seconds: number;
}

export const FATES: readonly Fate[] = [
  { name: "well", weight: 12, ends: "Success", exitCode: 0, seconds: 1 },
  { name: "slow", weight: 3, ends: "Success", exitCode: 0, seconds: 6 },
  { name: "crash", weight: 3, ends: "Failed", exitCode: 3, seconds: 1 },
  { name: "image", weight: 2, ends: "Failed", exitCode: undefined, seconds: 0 },
];

/** A fate by chance. */
export function chooseFate(random: () => number): Fate {
  let left = random() * FATES.reduce((sum, { weight }) => sum + weight, 0);
  for (const fate of FATES) if ((left -= fate.weight) < 0) return fate;
  throw new Error("the weights do not add up");
}

/** The fate that a flow run's name tells. */
export function fateNamed(name: string): Fate {
  const found = FATES.find((fate) => name.startsWith(`${fate.name}-`));
  if (found === undefined) throw new Error(`no fate for flow run ${name}`);
  return found;
}

/** The flow in a shell: it tells Prefect itself, as a flow does, and keeps trying while Prefect is away. */
export function runConfigOf(fate: Fate, api: string): JsonObject {
  const mutation = (type: string): string => {
    const state = { type, message: type };
    const variables = { input: { states: [{ flow_run_id: "RUN", state }] } };
    const query =
      "mutation($input: set_flow_run_states_input!) { set_flow_run_states(input: $input) { states { id } } }";
    return JSON.stringify({ query, variables });
  };
  const script = [
    `tell() { until wget -q -O /dev/null --header 'Content-Type: application/json' --post-data "$(echo "$1" | sed "s/RUN/$PREFECT__CONTEXT__FLOW_RUN_ID/")" ${api}; do sleep 1; done; }`,
    `tell '${mutation("Running")}'`,
    `sleep ${fate.seconds}`,
    ...(fate.exitCode === 0 ? [`tell '${mutation("Success")}'`] : []),
    `exit ${fate.exitCode ?? 0}`,
  ].join("; ");
  const container = { name: "flow", imagePullPolicy: "IfNotPresent", command: ["/bin/sh", "-c", script] };
  const podSpec = { terminationGracePeriodSeconds: 1, containers: [container] };
  const image = fate.exitCode === undefined ? "chaos.invalid/none:1" : "busybox";
  return { type: "KubernetesRun", image, job_template: { spec: { template: { spec: podSpec } } } };
}
