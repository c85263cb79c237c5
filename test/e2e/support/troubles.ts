// Troubles that pass, troubles beside the flow, and Kubernetes' own retries, as data: test/scenarios/troubles/rows.ts has the
// same and more against the fake.

import type { JsonObject } from "../../../src/base/json.ts";
import { DISRUPTIONS, NATIVE_SIDECARS, NO_IMAGE, OTHER, UNTIL_TOLD } from "./failures.ts";
import type { Failure, FailureNames } from "./failures.ts";

/** Jobs can be suspended. */
const SUSPENSION = 22;
const ENDS_WELL = "state Running Running; state Success Done";
const ENDS_WELL_WHEN_TOLD = `state Running Running; ${UNTIL_TOLD}; state Success Done`;
const crashesAfter = (seconds: number): JsonObject => ({
  ...OTHER,
  command: ["sh", "-c", `sleep ${seconds}; exit 1`],
});
const POLICY = {
  backoffLimit: 0,
  podFailurePolicy: {
    rules: [
      { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] },
      { action: "FailJob", onExitCodes: { containerName: "flow", operator: "In", values: [42] } },
    ],
  },
};

/** A sidecar that ends with 143 after the flow has ended, as one does that is told to stop. */
function toldToStop(flowScript: string): Pick<Failure, "script" | "container" | "pod"> {
  const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
  const command = ["sh", "-c", "until [ -e /shared/over ]; do sleep 0.2; done; sleep 1; exit 143"];
  return {
    script: `${flowScript}; touch /shared/over`,
    container: { volumeMounts },
    pod: {
      volumes: [{ name: "shared", emptyDir: {} }],
      containers: [{ ...OTHER, name: "proxy", command, volumeMounts }],
    },
  };
}

/** Fails twice with this code in the same pod, and then ends well. */
function failsTwice(exitCode: number): Pick<Failure, "script" | "container" | "pod"> {
  const count = "n=$(cat /count/n 2>/dev/null || echo 0); echo $((n + 1)) >/count/n";
  return {
    script: `${count}; [ $n -ge 2 ] || exit ${exitCode}; ${ENDS_WELL}`,
    container: { volumeMounts: [{ name: "count", mountPath: "/count" }] },
    pod: { restartPolicy: "OnFailure", volumes: [{ name: "count", emptyDir: {} }] },
  };
}

const IMAGES: readonly Failure[] = [
  {
    name: "misspelt image tag",
    container: { image: "{REGISTRY}/404/flow:typo" },
    state: "Failed",
    message: /image "\S+\/404\/flow:typo" of container 'flow' cannot be pulled \(.*not found\)/,
  },
  {
    name: "registry that wants to know who asks",
    container: { image: "{REGISTRY}/401/flow:1" },
    state: "Failed",
    message: /image "\S+\/401\/flow:1" of container 'flow' cannot be pulled/,
  },
  ...[429, 503].map((status): Failure => ({
    name: `registry that answers ${status}`,
    container: { image: `{REGISTRY}/${status}/flow:1` },
    state: "Failed",
    message: new RegExp(`cannot be pulled .*${status}`),
    warnings: [new RegExp(`is waiting: image ".*" of container 'flow' cannot be pulled .*${status}`)],
  })),
];

const BESIDE: readonly Failure[] = [
  {
    name: "sidecar in a crash loop",
    script: ENDS_WELL_WHEN_TOLD,
    pod: { restartPolicy: "OnFailure", containers: [{ ...crashesAfter(0), name: "shipper" }] },
    job: { backoffLimit: 6 },
    state: "Success",
    warnings: [/Container 'shipper' .* is in trouble while the flow runs: .*keeps crashing/],
  },
  {
    name: "native sidecar in a crash loop",
    since: NATIVE_SIDECARS,
    script: ENDS_WELL_WHEN_TOLD,
    pod: { initContainers: [{ ...crashesAfter(3), name: "proxy", restartPolicy: "Always" }] },
    state: "Success",
    warnings: [/Container 'proxy' .* is in trouble while the flow runs: .*keeps crashing/],
  },
  {
    name: "sidecar without its image",
    script: ENDS_WELL_WHEN_TOLD,
    pod: { containers: [{ ...NO_IMAGE, name: "shipper" }] },
    state: "Success",
    warnings: [/Container 'shipper' .* is in trouble while the flow runs: .*cannot be pulled/],
  },
  { name: "sidecar that is told to stop", ...toldToStop(ENDS_WELL), state: "Success" },
  {
    name: "sidecar that is told to stop while the run is Running",
    ...toldToStop("state Running Running"),
    state: "Running",
    warnings: [/completed with exit code 0, but the flow run is still Running/],
  },
];

const RETRIES: readonly Failure[] = [
  {
    name: "restarts up to the template's backoffLimit",
    ...failsTwice(3),
    job: { backoffLimit: 6 },
    state: "Success",
    warnings: [/after attempt 1: .* exited with code 3/, /after attempt 2: .* exited with code 3/],
  },
  {
    name: "restarts that the template does not ask for",
    ...failsTwice(6),
    state: "Failed",
    message: /container 'flow' exited with code 6/,
  },
  {
    name: "policy that fails the Job for this exit code",
    since: DISRUPTIONS,
    script: "state Running Running; exit 42",
    job: POLICY,
    state: "Failed",
    message: /exited with code 42 \(Container flow for pod .* matching FailJob rule at index 1\)/,
  },
  {
    name: "policy that ignores an eviction",
    since: DISRUPTIONS,
    script: ENDS_WELL_WHEN_TOLD,
    job: POLICY,
    disturbance: "evict the pod",
    state: "Success",
    warnings: [/Kubernetes starts another pod of Job .* was drained from its node/],
  },
];

const BY_HAND: readonly Failure[] = [
  {
    name: "Job deleted, but not its pod, which ends well",
    script: ENDS_WELL_WHEN_TOLD,
    disturbance: "delete the Job, but not its pod",
    state: "Success",
    warnings: [/was deleted, but its pod .* works on/],
  },
  {
    name: "Job deleted, but not its pod, which fails",
    script: `state Running Running; ${UNTIL_TOLD}; exit 5`,
    disturbance: "delete the Job, but not its pod",
    state: "Failed",
    message: /container 'flow' exited with code 5/,
    warnings: [/was deleted, but its pod .* works on/],
  },
  {
    name: "Job suspended and resumed",
    since: SUSPENSION,
    script: ENDS_WELL_WHEN_TOLD,
    disturbance: "suspend the Job, and resume it when its pod is gone",
    state: "Success",
  },
];

const TEXTS: readonly Failure[] = [
  {
    name: "NUL in the log",
    script: String.raw`state Running Running; printf 'reading block \000\000 done\nlast words\n'; exit 1`,
    state: "Failed",
    message: /exited with code 1/,
    error: /reading block \uFFFD\uFFFD done\n\tlast words$/,
  },
  {
    name: "NUL in the termination message",
    script: String.raw`state Running Running; printf 'bad block \000 at 7' >/dev/termination-log; exit 1`,
    state: "Failed",
    message: /exited with code 1: bad block \uFFFD at 7/,
  },
  {
    name: "long last lines",
    script: `state Running Running; line=$(head -c 2000 /dev/zero | tr '\\0' x); for i in $(seq 20); do echo $line; done; echo REAL ERROR 42; exit 1`,
    state: "Failed",
    message: /exited with code 1/,
    error: /REAL ERROR 42$/,
  },
];

const NODES: readonly Failure[] = [
  {
    name: "node without room for the pod",
    container: { resources: { requests: { cpu: "1000" } } },
    pod: { nodeName: "{NODE}" },
    state: "Failed",
    message: /was not taken by its node: OutOfcpu/,
  },
  {
    name: "node without the label that the pod wants",
    pod: { nodeName: "{NODE}", nodeSelector: { nowhere: "true" } },
    state: "Failed",
    message: /was not taken by its node: (?:NodeAffinity|MatchNodeSelector)/,
  },
  {
    name: "no scheduler",
    pod: { schedulerName: "nobody" },
    state: "Failed",
    message: /has not been looked at by its scheduler, 'nobody'/,
    warnings: [/is waiting: .* has not been looked at by its scheduler, 'nobody'/],
  },
  {
    name: "volume that nobody provides",
    pod: volume({ persistentVolumeClaim: { claimName: "nope" } }),
    state: "Failed",
    message: /cannot be scheduled: .*persistentvolumeclaim "nope" not found/,
    warnings: [/cannot be scheduled: .*persistentvolumeclaim "nope" not found/],
  },
  {
    name: "folder that is not on the node",
    pod: volume({ hostPath: { path: "/srv/none", type: "Directory" } }),
    container: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
    state: "Failed",
    message: /is waiting for a volume: .*\/srv\/none is not a directory/,
    warnings: [/is waiting for a volume: .*\/srv\/none is not a directory/],
  },
  {
    name: "user that the security context forbids",
    container: { securityContext: { runAsNonRoot: true } },
    state: "Failed",
    message: /cannot be configured .*runAsNonRoot/,
  },
];

function volume(source: JsonObject): JsonObject {
  return { volumes: [{ name: "v", ...source }] };
}

/** All troubles for this minor version of Kubernetes. */
export function troubles(names: FailureNames, minor: number): readonly Failure[] {
  const sandbox: Failure = {
    name: "sandbox that the runtime cannot make",
    pod: { runtimeClassName: names.runtimeClass },
    state: "Failed",
    message: /has no sandbox yet: /,
    warnings: [/is waiting: .* has no sandbox yet: /],
  };
  const all = [...IMAGES, ...BESIDE, ...RETRIES, ...BY_HAND, ...TEXTS, ...NODES, sandbox];
  return all.filter(({ since = 0 }) => since <= minor);
}
