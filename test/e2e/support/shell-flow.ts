// A flow as a shell script in a real pod: it sets its states in Prefect itself, as Prefect Core does.

import type { JsonObject } from "../../../src/base/json.ts";

/** Defines `state TYPE MESSAGE`, which sets the flow run's state and fails if Prefect cannot be reached. */
const PRELUDE = `
state() {
  wget -q -O - --header 'Content-Type: application/json' --post-data "{\\"query\\":\\"mutation(\\$input: set_flow_run_states_input!) { set_flow_run_states(input: \\$input) { states { status } } }\\",\\"variables\\":{\\"input\\":{\\"states\\":[{\\"flow_run_id\\":\\"$PREFECT__CONTEXT__FLOW_RUN_ID\\",\\"state\\":{\\"type\\":\\"$1\\",\\"message\\":\\"$2\\"}}]}}}" "$PREFECT__CLOUD__API"
}
`;

/** The script of a flow that succeeds. */
export const SUCCEEDS = "state Running Running && state Success Done";

/** The script of a flow that runs on until it is told to end. */
export const RUNS_ON = "state Running Running; trap 'exit 143' TERM; while true; do sleep 0.2; done";

/** The script of a flow that runs on until it is killed. */
export const NEVER_ENDS = "state Running Running; while true; do sleep 0.2; done";

/** A run config whose pod runs the script in busybox; `container` overrides the container's fields. */
export function shellRun(script: string, container: JsonObject = {}): JsonObject {
  const flow = {
    name: "flow",
    image: "busybox:latest",
    imagePullPolicy: "IfNotPresent",
    // The agent appends `prefect execute flow-run`, which the shell ignores.
    command: ["sh", "-c", `${PRELUDE}${script}`],
    ...container,
  };
  return {
    type: "KubernetesRun",
    job_template: {
      apiVersion: "batch/v1",
      kind: "Job",
      spec: { template: { spec: { containers: [flow], terminationGracePeriodSeconds: 1 } } },
    },
  };
}
