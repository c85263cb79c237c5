// A flow run played by a few lines of shell in a real pod: it tells Prefect of its states itself, as Core does.

import type { JsonObject } from "../../../src/base/json.ts";

/** Functions for the script: `state TYPE MESSAGE` sets the flow run's state; it fails when Prefect cannot be reached. */
const PRELUDE = `
state() {
  wget -q -O - --header 'Content-Type: application/json' --post-data "{\\"query\\":\\"mutation(\\$input: set_flow_run_states_input!) { set_flow_run_states(input: \\$input) { states { status } } }\\",\\"variables\\":{\\"input\\":{\\"states\\":[{\\"flow_run_id\\":\\"$PREFECT__CONTEXT__FLOW_RUN_ID\\",\\"state\\":{\\"type\\":\\"$1\\",\\"message\\":\\"$2\\"}}]}}}" "$PREFECT__CLOUD__API"
}
`;

/** What a flow that goes well does. */
export const GOES_WELL = "state Running Running && state Success Done";

/** A run config whose pod runs the script in busybox; `container` overrides the container's fields. */
export function shellRun(script: string, container: JsonObject = {}): JsonObject {
  const flow = {
    name: "flow",
    image: "busybox:latest",
    imagePullPolicy: "IfNotPresent",
    // What the agent puts behind it, `prefect execute flow-run`, become the shell's unused parameters.
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
