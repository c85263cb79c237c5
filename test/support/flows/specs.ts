// The flows of this folder as they are registered with Prefect 1: names, storage, and the task slugs that Prefect Core gives them.

import type { FlowSpec, TaskSpec } from "../../fakes/prefect1/flows.ts";

const PARAMETER = "prefect.core.parameter.Parameter";

/** Succeeds, with `count` mapped children, 3 by default. */
export function mappedFlow(): FlowSpec {
  return moduleFlow("mapped", [
    { slug: "count", type: PARAMETER },
    { slug: "numbers-1" },
    { slug: "double-1", mapped: true },
    { slug: "total-1" },
  ]);
}

/** Fails: its task raises. */
export function failingFlow(): FlowSpec {
  return moduleFlow("failing", [{ slug: "explode-1" }, { slug: "never_reached-1" }]);
}

/** Succeeds at the second attempt of its task, two seconds after the first. */
export function retryingFlow(): FlowSpec {
  return moduleFlow("retrying", [{ slug: "flaky-1", maxRetries: 2 }]);
}

/** Sleeps for `seconds`, 600 by default, and can be interrupted at any time. */
export function slowFlow(): FlowSpec {
  return moduleFlow("slow", [{ slug: "seconds", type: PARAMETER }, { slug: "nap-1" }, { slug: "wake-1" }]);
}

/** Starts a Dask cluster of `workers` pods and runs there until `gate` opens. */
export function daskFlow(): FlowSpec {
  return moduleFlow("dask", [
    { slug: "gate", type: PARAMETER },
    { slug: "workers", type: PARAMETER },
    { slug: "parts-1" },
    { slug: "work-1", mapped: true },
  ]);
}

/** Succeeds even if its pod is lost while `hold` sleeps for `seconds`. */
export function resumingFlow(): FlowSpec {
  const tasks: readonly TaskSpec[] = [
    { slug: "seconds", type: PARAMETER },
    { slug: "extract-1" },
    { slug: "fetch-1" },
    { slug: "mail-1" },
    { slug: "double-1", mapped: true },
    { slug: "hold-1" },
    { slug: "report-1" },
  ];
  const edges = [
    { from: "extract-1", to: "mail-1", key: "numbers" },
    { from: "extract-1", to: "double-1", key: "number", mapped: true },
    { from: "double-1", to: "hold-1", key: "numbers" },
    { from: "fetch-1", to: "hold-1", key: "more" },
    { from: "seconds", to: "hold-1", key: "seconds" },
    { from: "mail-1", to: "hold-1" },
    { from: "hold-1", to: "report-1", key: "total" },
  ];
  return { ...moduleFlow("resuming", tasks), edges };
}

/** Module storage: the flow is imported by name, from a folder in PYTHONPATH. */
function moduleFlow(name: string, tasks: readonly TaskSpec[]): FlowSpec {
  const module = `${name}_flow`;
  const storage = { type: "Module", __version__: "1.4.1", module, flows: { [name]: module }, secrets: [] };
  return { name, tasks, storage };
}
