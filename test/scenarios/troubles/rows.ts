// Troubles of pods that pass, troubles beside the flow, and those that end a run; each names the public report it stands for.

import type { JsonObject } from "../../../src/base/json.ts";
import type { Policy } from "../../../src/job/decide/policy.ts";
import type { PodStep } from "../../fakes/kubernetes/pod-script.ts";
import {
  bound,
  crashed,
  ended,
  endsWell,
  pulling,
  restarted,
  running,
  step,
  waiting,
  warning,
} from "./steps.ts";

const SECOND = 1_000;
const IMAGE = "registry.example/team/flow:1";

/** A pod in trouble, and what becomes of its run. */
export interface Trouble {
  readonly name: string;
  readonly source: string;
  readonly steps: readonly PodStep[];
  /** The pod's spec in the template. */
  readonly pod?: JsonObject;
  /** The rest of the Job's spec in the template. */
  readonly job?: JsonObject;
  readonly policy?: Partial<Policy>;
  /** When the flow's own process sets Success, where the pod's phase does not tell. */
  readonly succeedsAfter?: number;
  /** The state after `seconds`. */
  readonly state: string;
  readonly seconds: number;
  /** The run has not failed so many seconds after its Job was created. */
  readonly notFailedFor?: number;
  /** The WARNING lines in the run's log. */
  readonly warnings?: readonly RegExp[];
  /** The post-mortem in the run's log. */
  readonly error?: RegExp;
  /** How many Jobs are left at the end; 0 without it. */
  readonly jobsLeft?: number;
}

const SIDECAR = { containers: [{ name: "flow" }, { name: "shipper", image: "nowhere.test/shipper:1" }] };
const NATIVE = {
  initContainers: [{ name: "proxy", image: "proxy:1", restartPolicy: "Always" }],
  containers: [{ name: "flow" }],
};
const reserved = 'failed to reserve container name "flow_a": name "flow_a" is reserved for "77a1"';
const noAddress = 'plugin type="aws-cni" failed (add): failed to assign an IP address to container';
const started = step(1, "Running", [running()]);

export const PASSING: readonly Trouble[] = [
  {
    name: "a node that throttles its pulls, and repeats no cause meanwhile",
    source: "tektoncd/pipeline#10588",
    steps: [...pulling(75, "pull QPS exceeded", IMAGE), ...endsWell(5)],
    state: "Success",
    seconds: 150,
    warnings: [/cannot be pulled .*pull QPS exceeded/],
  },
  {
    name: "a registry that is down",
    source: "tilt-dev/tilt#5893",
    steps: [
      ...pulling(
        75,
        `unexpected status from HEAD request to https://registry.example/v2/team/flow/manifests/1: 503 Service Unavailable`,
        IMAGE,
      ),
      ...endsWell(5),
    ],
    state: "Success",
    seconds: 150,
    warnings: [/cannot be pulled .*503/],
  },
  {
    name: "a registry out of reach for longer than --passing-grace",
    source: "kubernetes-sigs/karpenter#1269",
    steps: pulling(900, "dial tcp 192.0.2.7:443: i/o timeout", IMAGE),
    policy: { passingGraceMs: 300 * SECOND },
    notFailedFor: 295,
    state: "Failed",
    seconds: 310,
    warnings: [/cannot be pulled/],
    error: /cannot be pulled .*i\/o timeout/,
  },
  {
    name: "a name that the runtime still holds",
    source: "flyteorg/flyte#1234",
    steps: [bound(), step(0, "Pending", [waiting("CreateContainerError", reserved)]), ...endsWell(120)],
    state: "Success",
    seconds: 150,
    warnings: [/is reserved/],
  },
  {
    name: "a node without addresses",
    source: "aws/karpenter-provider-aws#4202",
    steps: [
      bound(),
      step(0, "Pending", [waiting("ContainerCreating")]),
      ...Array.from({ length: 5 }, () =>
        step(15, "Pending", [waiting("ContainerCreating")], {
          events: [warning("FailedCreatePodSandBox", noAddress)],
        }),
      ),
      ...endsWell(10),
    ],
    state: "Success",
    seconds: 120,
    warnings: [/failed to assign an IP address/],
  },
  {
    name: "a kubelet that has just started and has not read the Secrets",
    source: "kubernetes/kubernetes#110158",
    steps: [
      bound(),
      step(0, "Pending", [
        waiting(
          "CreateContainerConfigError",
          "failed to sync secret cache: timed out waiting for the condition",
        ),
      ]),
      ...endsWell(45),
    ],
    state: "Success",
    seconds: 70,
    warnings: [],
  },
];

export const LASTING: readonly Trouble[] = [
  ...[
    `failed to pull and unpack image "${IMAGE}": failed to resolve reference "${IMAGE}": ${IMAGE}: not found`,
    `failed to resolve reference "${IMAGE}": unexpected status: manifest unknown: manifest unknown`,
    `failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized`,
  ].map((cause) => ({
    name: `a pull that fails with: ${cause.slice(-30)}`,
    source: "pachyderm/pachyderm#4815",
    steps: pulling(120, cause, IMAGE),
    notFailedFor: 28,
    state: "Failed",
    seconds: 35,
    error: /registry\.example\/team\/flow:1/,
  })),
  {
    name: "an image name that is none",
    source: "kubernetes/kubernetes#52226",
    steps: [bound(), step(0, "Pending", [waiting("InvalidImageName", "couldn't parse image name")])],
    state: "Failed",
    seconds: 2,
    error: /is no valid image name/,
  },
  {
    name: "a mount that is not there",
    source: "flyteorg/flyte#1234, the other side",
    steps: [
      bound(),
      step(0, "Pending", [
        waiting("CreateContainerError", 'failed to stat "/srv/none": no such file or directory'),
      ]),
    ],
    notFailedFor: 28,
    state: "Failed",
    seconds: 35,
    error: /no such file or directory/,
  },
  {
    name: "an init container without its image",
    source: "buildkite/agent-stack-k8s#862",
    pod: { initContainers: [{ name: "prep", image: "nowhere.test/prep:1" }], containers: [{ name: "flow" }] },
    steps: [
      bound(),
      step(0, "Pending", [waiting("PodInitializing")], {
        inits: [
          waiting(
            "ImagePullBackOff",
            'Back-off pulling image "nowhere.test/prep:1": ErrImagePull: nowhere.test/prep:1: not found',
            "prep",
          ),
        ],
      }),
    ],
    notFailedFor: 28,
    state: "Failed",
    seconds: 35,
    error: /container 'prep'/,
  },
  {
    name: "a flow that fails beside a proxy that was put first",
    source: "linkerd/linkerd2#7122",
    pod: { containers: [{ name: "main" }] },
    steps: [
      bound(),
      step(1, "Running", [running("linkerd-proxy"), running("main")]),
      step(2, "Running", [running("linkerd-proxy"), ended(1, "Error", "main")]),
    ],
    state: "Failed",
    seconds: 10,
    error: /container 'main' exited with code 1/,
  },
  {
    name: "a container that restarts without the template asking for it",
    source: "kubernetes/kubernetes#54870",
    pod: { restartPolicy: "OnFailure", containers: [{ name: "flow" }] },
    steps: [bound(), started, step(2, "Running", [restarted(1, 3)])],
    state: "Failed",
    seconds: 10,
    error: /exited with code 3/,
  },
];

export const BESIDE: readonly Trouble[] = [
  {
    name: "a native sidecar in a crash loop",
    source: "buildkite/agent-stack-k8s#873",
    pod: NATIVE,
    steps: [
      bound(),
      step(1, "Running", [running()], { inits: [running("proxy")] }),
      ...[1, 2, 3, 4].flatMap((times) => [
        step(5, "Running", [running()], { inits: [crashed(times, 1, "proxy")] }),
        step(13, "Running", [running()], { inits: [restarted(times, 1, "proxy")] }),
      ]),
      step(5, "Succeeded", [ended(0)], { inits: [ended(137, "Error", "proxy")] }),
    ],
    state: "Success",
    seconds: 120,
    warnings: [/Container 'proxy' .* is in trouble while the flow runs/],
  },
  {
    name: "a sidecar whose image is not there",
    source: "buildkite/agent-stack-k8s#827",
    pod: SIDECAR,
    steps: [
      bound(),
      step(1, "Pending", [running(), waiting("ErrImagePull", "not found", "shipper")]),
      step(1, "Pending", [
        running(),
        waiting("ImagePullBackOff", 'Back-off pulling image "nowhere.test/shipper:1"', "shipper"),
      ]),
      step(50, "Pending", [
        ended(0),
        waiting("ImagePullBackOff", 'Back-off pulling image "nowhere.test/shipper:1"', "shipper"),
      ]),
    ],
    succeedsAfter: 51,
    state: "Success",
    seconds: 120,
    warnings: [/Container 'shipper' .* is in trouble while the flow runs/],
  },
  {
    name: "a sidecar that is told to stop",
    source: "GoogleCloudPlatform/cloud-sql-proxy#388",
    pod: SIDECAR,
    steps: [
      bound(),
      step(1, "Running", [running(), running("shipper")]),
      step(2, "Running", [ended(0), running("shipper")]),
      step(2, "Failed", [ended(0), ended(143, "Error", "shipper")]),
    ],
    succeedsAfter: 3,
    state: "Success",
    seconds: 30,
    warnings: [],
  },
];

export const RETRIES: readonly Trouble[] = [
  {
    name: "restarts up to the template's backoffLimit",
    source: "openebs/node-disk-manager#694",
    pod: { restartPolicy: "OnFailure", containers: [{ name: "flow" }] },
    job: { backoffLimit: 6 },
    steps: [
      bound(),
      started,
      step(2, "Running", [crashed(1, 3)]),
      step(10, "Running", [restarted(1, 3)]),
      step(2, "Running", [crashed(2, 3)]),
      step(20, "Running", [restarted(2, 3)]),
      step(5, "Succeeded", [ended(0)]),
    ],
    state: "Success",
    seconds: 90,
    warnings: [/after attempt 1: .* exited with code 3/, /after attempt 2: .* exited with code 3/],
  },
  {
    name: "a policy that fails the Job for this exit code",
    source: "TangleML/tangle#358",
    job: {
      backoffLimit: 3,
      podFailurePolicy: {
        rules: [{ action: "FailJob", onExitCodes: { containerName: "flow", operator: "In", values: [42] } }],
      },
    },
    steps: [bound(), started, step(2, "Failed", [ended(42)])],
    state: "Failed",
    seconds: 6,
    error: /exited with code 42 \(Container flow .* matching FailJob rule at index 0\)/,
  },
  {
    name: "a sidecar that keeps a dead pod from being counted",
    source: "kubernetes/kubernetes#106893",
    pod: SIDECAR,
    job: { backoffLimit: 3 },
    steps: [
      bound(),
      step(1, "Running", [running(), running("shipper")]),
      step(2, "Running", [ended(7), running("shipper")]),
    ],
    notFailedFor: 55,
    state: "Failed",
    seconds: 75,
    warnings: [/exited with code 7/],
    error: /exited with code 7/,
  },
];

export const NODES: readonly Trouble[] = [
  {
    name: "a node that restarted",
    source: "kubernetes/kubernetes#104107",
    steps: [bound(), started, step(2, "Failed", [ended(137, "ContainerStatusUnknown")])],
    state: "Failed",
    seconds: 10,
    error: /^(?!.*(?:SIGKILL|memory)).*was lost when its node restarted/s,
  },
  ...["OutOfcpu", "OutOfephemeral-storage", "OutOfnvidia.com/gpu", "TopologyAffinityError"].map((reason) => ({
    name: `a node that does not take the pod: ${reason}`,
    source: "kubernetes/kubernetes#44438, volcano-sh/volcano#1818",
    steps: [
      bound(),
      step(0, "Failed", [], { status: { reason, message: "Node didn't have enough resource" } }),
    ],
    policy: { onDisruption: "retry" as const },
    state: "Scheduled",
    seconds: 10,
    warnings: [new RegExp(`was not taken by its node: ${reason}`)],
  })),
  {
    name: "no scheduler",
    source: "kubernetes-sigs/scheduler-plugins#853",
    pod: { schedulerName: "nobody", containers: [{ name: "flow" }] },
    steps: [],
    state: "Submitted",
    seconds: 300,
    jobsLeft: 1,
    warnings: [/its scheduler, 'nobody'/],
  },
  {
    name: "no scheduler, with --pending-timeout",
    source: "gocrane/crane-scheduler#5",
    pod: { schedulerName: "nobody", containers: [{ name: "flow" }] },
    steps: [],
    policy: { pendingTimeoutMs: 90 * SECOND },
    notFailedFor: 88,
    state: "Failed",
    seconds: 95,
    warnings: [/its scheduler, 'nobody'/],
    error: /its scheduler, 'nobody'/,
  },
  {
    name: "a kubelet that says nothing",
    source: "kubernetes/kubernetes#57263",
    steps: [bound()],
    state: "Submitted",
    seconds: 300,
    jobsLeft: 1,
    warnings: [/assigned to node n1, which reports nothing/],
  },
  {
    name: "an image that is pulled for longer than --pending-timeout",
    source: "the rule: counted to the flow's first start, whatever the reason",
    steps: [
      bound(),
      step(0, "Pending", [waiting("ContainerCreating")], {
        events: [{ reason: "Pulling", message: "Pulling image" }],
      }),
    ],
    policy: { pendingTimeoutMs: 120 * SECOND },
    notFailedFor: 118,
    state: "Failed",
    seconds: 125,
    error: /has not started within --pending-timeout/,
  },
];
