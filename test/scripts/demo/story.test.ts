import { describe, expect, it } from "vitest";
import { SCENARIOS, fateOf, runConfigOf, scriptOf } from "../../../scripts/demo/scenarios.ts";
import { flowReport } from "../../../scripts/demo/flow-part.ts";
import { happeningLines, logHvent, podHvent, stateHvent } from "../../../scripts/demo/events.ts";
import { readRunConfig } from "../../../src/prefect1/build/run-config.ts";
import type { ContainerState, Pod } from "../../../src/kube/client/objects.ts";
import { plainPalette } from "../../../src/output/palette.ts";

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

describe("the cast", () => {
  it.each(SCENARIOS)("gives $name a run config that the agent can read", (role) => {
    const config = readRunConfig({ id: role.name, run_config: runConfigOf(role) });
    expect(config.image).toBe(role.image ?? null);
    expect(config.jobTemplate).toMatchObject({ kind: "Job" });
  });

  it.each(SCENARIOS)("plays $name on the fake as in busybox", ({ life }) => {
    const { log = "", runMs } = fateOf(life);
    expect(log.split("\n").filter((line) => line !== "")).toEqual(life.log);
    for (const line of life.log) expect(scriptOf(life)).toContain(`echo "${line}"; `);
    expect(scriptOf(life)).toContain(`sleep ${(runMs ?? 0) / 1_000}; `);
  });
});

describe("flowReport", () => {
  it.each([
    { what: "a container that runs", given: RUNNING, state: "Submitted", type: "Running" },
    { what: "a run that is Running already", given: RUNNING, state: "Running", type: undefined },
    { what: "a container that ended well", given: EXITED(0), state: "Running", type: "Success" },
    { what: "a pod that was over at once", given: pod({}, "Succeeded"), state: "Submitted", type: "Success" },
    { what: "a process that died", given: EXITED(3), state: "Running", type: undefined },
    { what: "a cancelled run", given: EXITED(0), state: "Cancelling", type: undefined },
  ])("answers for $what", ({ given, state, type }) => {
    expect(flowReport(given, state)?.type).toBe(type);
  });
});

describe("happenings", () => {
  it.each([
    { type: "Running", message: "Running flow.", what: "Running flow." },
    { type: "Failed", message: "no\nluck", what: "Failed: no luck" },
    { type: "Submitted", message: null, what: "Submitted" },
  ])("tell the state $type with $message", ({ type, message, what }) => {
    expect(stateHvent(type, message).what).toBe(what);
  });

  it("tell warnings and errors of a run's log, and leave out the rest", () => {
    expect(logHvent({ level: "DEBUG", message: "Event" })).toBeUndefined();
    expect(logHvent({ level: "ERROR", message: "a\nb" })).toMatchObject({
      what: "log ERROR: a",
      details: ["b"],
    });
  });

  it("tell a pod's standing once", () => {
    const change = { type: "set", object: RUNNING, before: undefined } as const;
    expect(podHvent(change)?.what).toBe("pod p runs on node-1");
    expect(podHvent({ ...change, before: RUNNING })).toBeUndefined();
    expect(podHvent({ ...change, object: EXITED(3), before: RUNNING })?.what).toBe(
      "pod p ended with exit code 3 (Error)",
    );
  });

  it("stand in columns, details below", () => {
    const scene = { sinceMs: 2_640, run: "etl", nameWidth: 5, palette: plainPalette };
    const lines = happeningLines({ where: "Prefect", what: "log ERROR: a", details: ["\tb"] }, scene);
    expect(lines).toEqual(["  2.6s  etl    Prefect     log ERROR: a", `${" ".repeat(29)}b`]);
  });
});
