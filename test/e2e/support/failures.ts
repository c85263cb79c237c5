// The ways in which a flow run's pod can fail, as data: the pod, what is done to it, and what the agent must report to Prefect.

import type { JsonObject } from "../../../src/base/json.ts";
import type { Disturbance } from "./disturbances.ts";
import { RUNS_ON, shellRun } from "./shell-flow.ts";

/** One way to fail. */
export interface Failure {
  readonly name: string;
  /** The minor version of Kubernetes since which it happens; before, the pod is replaced or the feature does not exist. */
  readonly since?: number;
  /** The flow's shell script; `state TYPE MESSAGE` sets the run's state, UNTIL_TOLD waits for the expected warnings. */
  readonly script?: string;
  /** Fields of the flow's container, of the pod's spec and of the Job's spec and metadata. */
  readonly container?: JsonObject;
  readonly pod?: JsonObject;
  readonly job?: JsonObject;
  readonly meta?: JsonObject;
  /** In a namespace with the restricted Pod Security Standard. */
  readonly restricted?: boolean;
  /** Done once the flow is Running. */
  readonly disturbance?: Disturbance;
  /** The run's final state; undefined: the run is deleted. */
  readonly state: string | undefined;
  /** Matches the state's message and an ERROR in the log. */
  readonly message?: RegExp;
  /** Matches an ERROR in the log, if not `message` does. */
  readonly error?: RegExp;
  /** Match the WARNINGs in the log, in any order. */
  readonly warnings?: readonly RegExp[];
  /** Whether the agent deletes the Job in the end; default true. */
  readonly jobIsDeleted?: boolean;
}

/** Names of the objects that the fixtures use. */
export interface FailureNames {
  readonly quotaClass: string;
  readonly highClass: string;
  readonly resource: string;
  /** The label and taint of a node that accepts no pods. */
  readonly taint: string;
  /** A RuntimeClass that the node's container runtime does not have. */
  readonly runtimeClass: string;
}

/** What a run config may name in braces, such as `{NODE}`: known only when the tests run. */
export interface Places {
  /** The first node. */
  readonly NODE: string;
  /** A registry in which every image is missing. */
  readonly REGISTRY: string;
  /** Where flows ask whether they may end. */
  readonly GATE: string;
}

/** Waits until the expected warnings are in the run's log, and the disturbance is over. */
export const UNTIL_TOLD = `until [ "$(wget -q -O - {GATE}/$PREFECT__CONTEXT__FLOW_RUN_ID)" = open ]; do sleep 0.3; done`;

const POD_SECURITY = 23;
/** A Job counts pods by their finalizers: a deleted pod counts as failed. */
const COUNTED_PODS = 25;
/** Pods that are drained, preempted or lost with their node become Failed. */
export const DISRUPTIONS = 26;
export const NATIVE_SIDECARS = 29;
/** Without a network a pull fails for a reason that passes; this one fails for good, everywhere. */
export const NO_IMAGE = { image: "registry.invalid/none:1", imagePullPolicy: "Never" };
export const OTHER = { image: "busybox:latest", imagePullPolicy: "IfNotPresent" };
const FOREVER = { ...OTHER, command: ["sleep", "600"] };

const STARTS: readonly Failure[] = [
  {
    name: "image cannot be pulled",
    container: NO_IMAGE,
    state: "Failed",
    message: /image "registry.invalid\/none:1" of container 'flow' cannot be pulled/,
  },
  {
    name: "init container's image cannot be pulled",
    pod: { initContainers: [{ ...NO_IMAGE, name: "setup" }] },
    state: "Failed",
    message: /container 'setup' cannot be pulled/,
  },
  {
    name: "native sidecar's image cannot be pulled",
    pod: { initContainers: [{ ...NO_IMAGE, name: "proxy", restartPolicy: "Always" }] },
    state: "Failed",
    message: /container 'proxy' cannot be pulled/,
  },
  {
    name: "invalid image name",
    container: { image: "Not A Name" },
    state: "Failed",
    message: /image "Not A Name" of container 'flow' is no valid image name/,
  },
  {
    name: "missing Secret in env",
    container: { envFrom: [{ secretRef: { name: "nope" } }] },
    state: "Failed",
    message: /cannot be configured .*secret "nope" not found/,
  },
  {
    name: "missing key of a ConfigMap",
    container: {
      env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "kube-root-ca.crt", key: "nope" } } }],
    },
    state: "Failed",
    message: /cannot be configured .*couldn't find key nope/,
  },
  {
    name: "missing ConfigMap as a volume",
    pod: { volumes: [{ name: "v", configMap: { name: "nope" } }] },
    container: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
    state: "Failed",
    message: /cannot mount a volume: .*configmap "nope" not found/,
  },
  {
    name: "command is not in the image",
    container: { command: ["/no/such/command"] },
    state: "Failed",
    message: /container 'flow' could not be started \(StartError/,
  },
  {
    name: "missing ServiceAccount",
    pod: { serviceAccountName: "nope" },
    state: "Failed",
    message: /no pod can be created: .*serviceaccount "nope" not found/,
  },
  {
    name: "rejected by admission",
    since: POD_SECURITY,
    restricted: true,
    state: "Failed",
    message: /the cluster rejects the pod: .*violates PodSecurity/,
  },
];

const ENDS: readonly Failure[] = [
  {
    name: "exit code",
    script: "state Running Running; echo; echo last line; exit 3",
    state: "Failed",
    message: /container 'flow' exited with code 3/,
  },
  {
    name: "exit code while Submitted",
    script: "exit 4",
    state: "Failed",
    message: /exited with code 4/,
  },
  { name: "signal", script: "exit 139", state: "Failed", message: /killed by signal SIGSEGV/ },
  {
    name: "out of memory",
    script: "state Running Running; tail /dev/zero",
    container: { resources: { limits: { memory: "24Mi" } } },
    state: "Failed",
    message: /ran out of memory and was killed \(OOMKilled, exit code 137, limit 24Mi\)/,
  },
  {
    name: "init container fails",
    pod: { initContainers: [{ ...OTHER, name: "setup", command: ["sh", "-c", "exit 5"] }] },
    state: "Failed",
    message: /init container 'setup' exited with code 5/,
  },
  {
    name: "Job's deadline",
    script: RUNS_ON,
    job: { activeDeadlineSeconds: 30 },
    state: "Failed",
    message: /ran longer than its deadline of 30 s/,
  },
  {
    name: "pod's deadline",
    script: RUNS_ON,
    pod: { activeDeadlineSeconds: 3 },
    state: "Failed",
    message: /DeadlineExceeded/,
  },
  {
    name: "backoffLimit in the template",
    script: "exit 7",
    job: { backoffLimit: 1 },
    state: "Failed",
    warnings: [/Kubernetes starts another pod of Job .* exited with code 7/],
    message: /exited with code 7/,
  },
  {
    name: "native sidecar of a failing flow",
    since: NATIVE_SIDECARS,
    script: "exit 8",
    pod: { initContainers: [{ ...FOREVER, name: "proxy", restartPolicy: "Always" }] },
    state: "Failed",
    message: /container 'flow' exited with code 8/,
  },
];

const DELETED: readonly Failure[] = [
  {
    name: "pod deleted by hand",
    since: COUNTED_PODS,
    script: RUNS_ON,
    disturbance: "delete the pod",
    state: "Failed",
    message: /pod '.*' was deleted before it finished/,
  },
  {
    name: "pod deleted by hand, held by a finalizer",
    since: COUNTED_PODS,
    script: RUNS_ON,
    meta: { pod: true },
    disturbance: "delete the pod",
    state: "Failed",
    message: /was deleted before it finished/,
    jobIsDeleted: false,
  },
  {
    name: "Job deleted by hand",
    script: RUNS_ON,
    disturbance: "delete the Job",
    state: "Failed",
    message: /Job '.*' was deleted before it finished/,
  },
  {
    name: "Job deleted by hand, held by a finalizer",
    script: RUNS_ON,
    meta: { job: true },
    disturbance: "delete the Job",
    state: "Failed",
    message: /Job '.*' was deleted before it finished/,
    jobIsDeleted: false,
  },
  {
    name: "drained",
    since: DISRUPTIONS,
    script: RUNS_ON,
    disturbance: "evict the pod",
    state: "Failed",
    message: /was drained from its node/,
  },
  {
    name: "node lost",
    since: DISRUPTIONS,
    pod: { nodeName: "no-such-node" },
    state: "Failed",
    message: /was lost with its node/,
  },
  {
    name: "evicted by the kubelet for more storage than it may use",
    script: "state Running Running; dd if=/dev/zero of=/scratch/x bs=1M count=8; sleep 600",
    container: { volumeMounts: [{ name: "scratch", mountPath: "/scratch" }] },
    pod: { volumes: [{ name: "scratch", emptyDir: { sizeLimit: "1Mi" } }] },
    state: "Failed",
    message: /used more storage than it may \(Evicted: .*exceeds the limit/,
  },
];

const NOT_FAILED: readonly Failure[] = [
  { name: "succeeds", script: "state Running Running; state Success Done", state: "Success" },
  {
    name: "exits 0 while Submitted",
    script: "exit 0",
    state: "Submitted",
    warnings: [/completed with exit code 0, but the flow run is still Submitted/],
  },
  {
    name: "exits 0 while Running",
    script: "state Running Running",
    state: "Running",
    warnings: [/completed with exit code 0, but the flow run is still Running/],
  },
  {
    name: "native sidecar of a flow that succeeds",
    since: NATIVE_SIDECARS,
    script: "state Running Running; state Success Done",
    pod: { initContainers: [{ ...FOREVER, name: "proxy", restartPolicy: "Always" }] },
    state: "Success",
  },
  {
    name: "second Job that fails while the first one runs",
    script: RUNS_ON,
    disturbance: "start a second Job that fails",
    state: "Running",
    error: /^Job second-.*: container 'flow' exited with code 9/,
    jobIsDeleted: false,
  },
  {
    name: "sidecar that never ends",
    script: "state Running Running; state Success Done",
    pod: { containers: [{ ...FOREVER, name: "side" }] },
    state: "Success",
  },
  {
    name: "Job that still runs after its run has finished",
    script: "state Running Running; state Success Done; sleep 600",
    state: "Success",
  },
  { name: "run cancelled", script: RUNS_ON, disturbance: "cancel the run", state: "Cancelled" },
  { name: "flow run deleted", script: RUNS_ON, disturbance: "delete the run", state: undefined },
  {
    name: "no node by selector",
    pod: { nodeSelector: { nowhere: "true" } },
    state: "Submitted",
    warnings: [/is waiting: pod '.*' cannot be scheduled: 0\/\d+ nodes are available/],
    jobIsDeleted: false,
  },
  {
    name: "no node by resources",
    container: { resources: { requests: { memory: "9Ti" } } },
    state: "Submitted",
    warnings: [/cannot be scheduled: .*Insufficient memory/],
    jobIsDeleted: false,
  },
];

/** All fixtures for this minor version of Kubernetes. */
export function failures(names: FailureNames, minor: number): readonly Failure[] {
  return everyFailure(names).filter(({ since = 0 }) => since <= minor);
}

function everyFailure(names: FailureNames): readonly Failure[] {
  const slot = { resources: { requests: { [names.resource]: "1" }, limits: { [names.resource]: "1" } } };
  return [
    ...STARTS,
    ...ENDS,
    ...DELETED,
    {
      name: "preempted",
      since: DISRUPTIONS,
      script: RUNS_ON,
      container: slot,
      disturbance: "preempt the pod",
      state: "Failed",
      message: /was preempted by a pod of higher priority/,
    },
    ...NOT_FAILED,
    {
      name: "no node by taint",
      pod: { nodeSelector: { [names.taint]: "true" } },
      state: "Submitted",
      warnings: [/cannot be scheduled: .*had (?:untolerated )?taint/],
      jobIsDeleted: false,
    },
    {
      name: "quota exceeded",
      pod: { priorityClassName: names.quotaClass },
      state: "Submitted",
      warnings: [/is waiting: no pod can be created: .*exceeded quota/],
      jobIsDeleted: false,
    },
  ];
}

/** The run config for the failure's pod. */
export function runConfigOf(failure: Failure, places: Places): JsonObject {
  const text = JSON.stringify(templateOf(failure));
  const filled = text.replaceAll(/\{(NODE|REGISTRY|GATE)\}/g, (_, name: keyof Places) => places[name]);
  return JSON.parse(filled) as JsonObject;
}

function templateOf(failure: Failure): JsonObject {
  const { script = "sleep 600", container = {}, pod = {}, job = {}, meta = {} } = failure;
  const base = shellRun(script, container) as {
    job_template: { spec: { template: { spec: { containers: JsonObject[] } } } };
  };
  const { spec } = base.job_template.spec.template;
  const more = (pod["containers"] ?? []) as JsonObject[];
  const held = { finalizers: ["example.com/held"] };
  return {
    ...base,
    job_template: {
      ...base.job_template,
      metadata: meta["job"] === true ? held : {},
      spec: {
        ...job,
        template: {
          metadata: meta["pod"] === true ? held : {},
          spec: { ...spec, ...pod, containers: [...spec.containers, ...more] },
        },
      },
    },
  };
}
