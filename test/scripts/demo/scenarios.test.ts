import { describe, expect, it } from "vitest";
import { SCENARIOS, outcomeOf, runConfigOf, scriptOf } from "../../../scripts/demo/scenarios.ts";
import { flowReport } from "../../../scripts/demo/flow-report.ts";
import { eventLines, logEvent, podEvent, stateEvent } from "../../../scripts/demo/events.ts";
import { readRunConfig } from "../../../src/prefect1/build/run-config.ts";
import type { ContainerState, Pod } from "../../../src/kube/client/objects.ts";
import { plain } from "../../../src/output/palette.ts";

function pod(state: ContainerState, phase = "Running"): Pod {
  const metadata = { name: "p", namespace: "n", uid: "u", resourceVersion: "1", creationTimestamp: "" };
  return {
    metadata,
    spec: { nodeName: "node-1" },
    status: { phase, containerStatuses: [{ name: "flow", state }] },
  };
}

const RUNNING = pod({ running: {} });
const EXITED = (exitCode: number): Pod => pod({ terminated: { exitCode, reason: "Error" } });

describe("the demo's scenarios", () => {
  it.each(SCENARIOS)("have a valid run config: $name", (scenario) => {
    const config = readRunConfig({ id: scenario.name, run_config: runConfigOf(scenario) });
    expect(config.image).toBe(scenario.image ?? null);
    expect(config.jobTemplate).toMatchObject({ kind: "Job" });
  });

  it.each(SCENARIOS)("run the same on the fake as in busybox: $name", ({ process }) => {
    const { log = "", runMs } = outcomeOf(process);
    expect(log.split("\n").filter((line) => line !== "")).toEqual(process.log);
    for (const line of process.log) expect(scriptOf(process)).toContain(`echo "${line}"; `);
    expect(scriptOf(process)).toContain(`sleep ${(runMs ?? 0) / 1_000}; `);
  });
});

describe("flowReport", () => {
  it.each([
    { what: "a container that runs", pod: RUNNING, state: "Submitted", type: "Running" },
    { what: "a run that is Running already", pod: RUNNING, state: "Running", type: undefined },
    { what: "a container that exited with 0", pod: EXITED(0), state: "Running", type: "Success" },
    { what: "a pod that succeeded at once", pod: pod({}, "Succeeded"), state: "Submitted", type: "Success" },
    { what: "a process that died", pod: EXITED(3), state: "Running", type: undefined },
    { what: "a cancelled run", pod: EXITED(0), state: "Cancelling", type: undefined },
  ])("returns the state that the flow would set for $what", ({ pod, state, type }) => {
    expect(flowReport(pod, state)?.type).toBe(type);
  });
});

describe("demo events", () => {
  it.each([
    { type: "Running", message: "Running flow.", what: "Running flow." },
    { type: "Failed", message: "no\nluck", what: "Failed: no luck" },
    { type: "Submitted", message: null, what: "Submitted" },
  ])("show the state $type with message $message", ({ type, message, what }) => {
    expect(stateEvent(type, message).what).toBe(what);
  });

  it("show only warnings and errors of a run's log", () => {
    expect(logEvent({ level: "DEBUG", message: "DemoEvent" })).toBeUndefined();
    expect(logEvent({ level: "ERROR", message: "a\nb" })).toMatchObject({
      what: "log ERROR: a",
      details: ["b"],
    });
  });

  it("show a pod's status once", () => {
    const change = { type: "set", object: RUNNING, before: undefined } as const;
    expect(podEvent(change)?.what).toBe("pod p runs on node-1");
    expect(podEvent({ ...change, before: RUNNING })).toBeUndefined();
    expect(podEvent({ ...change, object: EXITED(3), before: RUNNING })?.what).toBe(
      "pod p ended with exit code 3 (Error)",
    );
  });

  it("are printed in columns, with details below", () => {
    const context = { sinceMs: 2_640, run: "etl", nameWidth: 5, paint: plain };
    const lines = eventLines({ where: "Prefect", what: "log ERROR: a", details: ["\tb"] }, context);
    expect(lines).toEqual(["  2.6s  etl    Prefect     log ERROR: a", `${" ".repeat(29)}b`]);
  });
});
