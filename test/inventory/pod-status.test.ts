import { describe, expect, it } from "vitest";
import { isReady, podStatus, restartsOf } from "../../src/inventory/pod-status.ts";
import { decodeObject } from "../../src/kube/client/decode.ts";
import type { Pod } from "../../src/kube/client/objects.ts";
import type { JsonObject } from "../../src/base/json.ts";

const pod = (status: JsonObject, more: JsonObject = {}): Pod =>
  decodeObject<"pods">({ metadata: { name: "p" }, status, ...more });
const main = (state: JsonObject, more: JsonObject = {}): JsonObject => ({ name: "flow", state, ...more });

describe("podStatus", () => {
  it.each([
    { want: "Pending", status: { phase: "Pending" } },
    { want: "Running", status: { phase: "Running", containerStatuses: [main({ running: {} })] } },
    { want: "Evicted", status: { phase: "Failed", reason: "Evicted" } },
    {
      want: "ContainerCreating",
      status: { phase: "Pending", containerStatuses: [main({ waiting: { reason: "ContainerCreating" } })] },
    },
    {
      want: "OOMKilled",
      status: {
        phase: "Failed",
        containerStatuses: [main({ terminated: { exitCode: 137, reason: "OOMKilled" } })],
      },
    },
    {
      want: "ExitCode:3",
      status: { phase: "Failed", containerStatuses: [main({ terminated: { exitCode: 3 } })] },
    },
    {
      want: "Signal:9",
      status: { phase: "Failed", containerStatuses: [main({ terminated: { exitCode: 137, signal: 9 } })] },
    },
    {
      want: "Running",
      status: {
        phase: "Running",
        containerStatuses: [
          main({ terminated: { exitCode: 0, reason: "Completed" } }),
          main({ running: {} }, { name: "sidecar", ready: true }),
        ],
      },
    },
    {
      want: "SchedulingGated",
      status: {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
      },
    },
  ])("is $want", ({ want, status }) => {
    expect(podStatus(pod(status))).toBe(want);
  });

  it.each([
    { want: "Init:0/1", state: { running: {} } },
    { want: "Init:ImagePullBackOff", state: { waiting: { reason: "ImagePullBackOff" } } },
    { want: "Init:Error", state: { terminated: { exitCode: 1, reason: "Error" } } },
    { want: "Pending", state: { terminated: { exitCode: 0, reason: "Completed" } } },
  ])("is $want by its init container", ({ want, state }) => {
    const spec = { initContainers: [{ name: "setup" }] };
    const status = { phase: "Pending", initContainerStatuses: [{ name: "setup", state }] };
    expect(podStatus(pod(status, { spec }))).toBe(want);
  });

  it("is Terminating while it is being deleted, unless it has terminated before", () => {
    const metadata = { name: "p", deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(podStatus(pod({ phase: "Running" }, { metadata }))).toBe("Terminating");
    expect(podStatus(pod({ phase: "Failed" }, { metadata }))).toBe("Failed");
  });
});

describe("isReady and restartsOf", () => {
  it("count all containers of a pod", () => {
    const both = [main({}, { ready: true, restartCount: 2 }), main({}, { ready: false, restartCount: 1 })];
    const init = [{ name: "setup", restartCount: 4 }];
    const one = pod({ phase: "Running", containerStatuses: both, initContainerStatuses: init });
    expect({ ready: isReady(one), restarts: restartsOf([one]) }).toEqual({ ready: false, restarts: 7 });
    expect(isReady(pod({ phase: "Running", containerStatuses: [main({}, { ready: true })] }))).toBe(true);
    expect(isReady(pod({ phase: "Running" }))).toBe(false);
  });
});
