import { describe, expect, it } from "vitest";
import { flowContainerName } from "../../../src/job/observe/flow-container.ts";
import { pod } from "../observed-jobs.ts";

/** A container that is told for which flow run it works. */
function told(name: string): { readonly name: string; readonly env: { readonly name: string }[] } {
  return { name, env: [{ name: "PREFECT__CONTEXT__FLOW_RUN_ID" }] };
}

describe("the container that runs the flow", () => {
  it.each([
    { name: "the one that is told the run's id", containers: [{ name: "flow" }, told("main")], want: "main" },
    { name: "flow, if several are told", containers: [told("log-shipper"), told("flow")], want: "flow" },
    {
      name: "the default one, if several of other names are told",
      containers: [told("log-shipper"), told("main")],
      marked: "main",
      want: "main",
    },
    { name: "flow, if none is told", containers: [{ name: "proxy" }, { name: "flow" }], want: "flow" },
    {
      name: "the default one, if none is told or is called flow",
      containers: [{ name: "proxy" }, { name: "main" }],
      marked: "main",
      want: "main",
    },
    { name: "else the first", containers: [{ name: "main" }, { name: "proxy" }], want: "main" },
  ])("is $name", ({ containers, marked, want }) => {
    const annotations: Record<string, string> =
      marked === undefined ? {} : { "kubectl.kubernetes.io/default-container": marked };
    expect(flowContainerName(pod({ metadata: { annotations }, spec: { containers } }))).toBe(want);
  });
});
