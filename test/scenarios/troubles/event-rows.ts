// What the kubelet's events tell of a pod, and when that is over; each names the public report or the source it stands for.

import type { PodEvent, PodStep } from "../../fakes/kubernetes/pod-script.ts";
import type { Trouble } from "./rows.ts";
import { bound, ended, endsWell, restarted, running, step, waiting, warning } from "./steps.ts";

const SECOND = 1_000;
const IMAGE = "registry.example/team/flow:1";

const pulls: PodEvent = { reason: "Pulling", message: `Pulling image "${IMAGE}"` };
const pulled: PodEvent = { reason: "Pulled", message: `Successfully pulled image "${IMAGE}"` };
const failed = (cause: string): PodEvent => warning("Failed", `Failed to pull image "${IMAGE}": ${cause}`);
const NOT_FOUND = `failed to resolve reference "${IMAGE}": ${IMAGE}: not found`;
const noMap = warning(
  "FailedMount",
  'MountVolume.SetUp failed for volume "v" : configmap "settings" not found',
);
const noSecret = warning(
  "FailedMount",
  'MountVolume.SetUp failed for volume "creds" : secret "creds" not found',
);
const summary = warning(
  "FailedMount",
  "Unable to attach or mount volumes: unmounted volumes=[creds]: timed out waiting for the condition",
);
const creating = step(0, "Pending", [waiting("ContainerCreating")]);

/** So many seconds after the step before, these events come. */
const tells = (afterS: number, ...events: PodEvent[]): PodStep => ({ afterMs: afterS * SECOND, events });

/** The first pull fails; the second begins ten seconds later, and takes so long. */
function secondPull(cause: string, pullS: number): PodStep[] {
  return [
    bound(),
    step(1, "Pending", [waiting("ErrImagePull", cause)], { events: [pulls, failed(cause)] }),
    step(2, "Pending", [waiting("ImagePullBackOff", `Back-off pulling image "${IMAGE}"`)], {
      events: [{ reason: "BackOff", message: `Back-off pulling image "${IMAGE}"` }],
    }),
    tells(10, pulls),
    tells(pullS, pulled),
    ...endsWell(1),
  ];
}

export const EVENTS: readonly Trouble[] = [
  {
    name: "a ConfigMap that came in time, before a slow sandbox",
    source: "kubernetes/kubernetes#90725",
    steps: [
      bound(),
      creating,
      tells(0, noMap),
      tells(1, noMap),
      tells(2, noMap),
      tells(45, pulls),
      tells(5, pulled),
      ...endsWell(1),
    ],
    state: "Success",
    seconds: 90,
  },
  {
    name: "a mount that failed in the second in which the pull began",
    source: "kubernetes/kubernetes#95778 (the kubelet's first pause is half a second)",
    steps: [bound(), creating, tells(1, noMap), tells(0, pulls), tells(60, pulled), ...endsWell(1)],
    state: "Success",
    seconds: 90,
  },
  {
    name: "a volume that is mounted again while an init container runs",
    source: "kubernetes/kubernetes pkg/volume/configmap",
    pod: { initContainers: [{ name: "fetch", image: "fetch:1" }], containers: [{ name: "flow" }] },
    steps: [
      bound(),
      step(1, "Pending", [waiting("PodInitializing")], { inits: [running("fetch")] }),
      tells(60, noMap),
      step(120, "Running", [running()], { inits: [ended(0, "Completed", "fetch")] }),
      step(2, "Succeeded", [ended(0)]),
    ],
    state: "Success",
    seconds: 300,
  },
  {
    name: "a missing Secret, and the kubelet's summary every two minutes",
    source: "kubernetes/kubernetes pkg/kubelet/volumemanager",
    policy: { startGraceMs: 300 * SECOND },
    steps: [
      bound(),
      creating,
      ...[0, 1, 1, 2, 4, 8, 16, 32, 58].map((afterS) => tells(afterS, noSecret)),
      ...Array.from({ length: 4 }, () => [tells(1, summary), tells(121, noSecret)]).flat(),
    ],
    notFailedFor: 290,
    state: "Failed",
    seconds: 320,
    error: /secret "creds" not found/,
  },
  {
    name: "a ConfigMap that is told of only once",
    source: "kubernetes/kubernetes pkg/kubelet/events (events can be lost)",
    steps: [bound(), creating, tells(1, noMap)],
    notFailedFor: 25,
    state: "Failed",
    seconds: 60,
    error: /configmap "settings" not found/,
  },
  {
    name: "a ConfigMap that came after ten minutes, before a slow sandbox",
    source: "kubernetes/kubernetes pkg/util/goroutinemap/exponentialbackoff (at most 122 s)",
    policy: { startGraceMs: 745 * SECOND },
    steps: [
      bound(),
      creating,
      ...[0, 1, 2, 4, 8, 16, 32, 64, 122, 122, 122, 107].map((afterS) => tells(afterS, noMap)),
      tells(200, pulls),
      tells(5, pulled),
      ...endsWell(1),
    ],
    state: "Success",
    seconds: 900,
  },
  {
    name: "a volume in use elsewhere, behind a ConfigMap that came",
    source: "kubernetes/kubernetes pkg/controller/volume/attachdetach",
    steps: [
      bound(),
      creating,
      tells(1, warning("FailedAttachVolume", "Multi-Attach error for volume pvc-1")),
      ...[0, 1, 2, 4].map((afterS) => tells(afterS, noMap)),
    ],
    state: "Submitted",
    seconds: 300,
    warnings: [/Multi-Attach error/],
    jobsLeft: 1,
  },
  {
    name: "a pull that failed in the second in which it began",
    source: "kubernetes/kubernetes pkg/kubelet/images",
    steps: [
      bound(),
      step(1, "Pending", [waiting("ErrImagePull", NOT_FOUND)], { events: [failed(NOT_FOUND), pulls] }),
    ],
    notFailedFor: 25,
    state: "Failed",
    seconds: 60,
    error: /not found/,
  },
  {
    name: "a second pull that never ends",
    source: "kubernetes/kubernetes#83471",
    steps: secondPull(NOT_FOUND, 4_000),
    notFailedFor: 1_700,
    state: "Failed",
    seconds: 1_900,
    warnings: [/cannot be pulled/],
    error: /not found/,
  },
  {
    name: "a pull whose node was once too busy to tell its state",
    source: "kubernetes/kubernetes pkg/kubelet/pod_workers.go",
    steps: [
      bound(),
      step(1, "Pending", [waiting("ContainerCreating")], { events: [pulls] }),
      tells(60, warning("FailedSync", "error determining status: rpc error: code = DeadlineExceeded")),
      tells(840, pulled),
      ...endsWell(1),
    ],
    state: "Success",
    seconds: 1_000,
    warnings: [/cannot be started by its node/],
  },
  {
    name: "an ordinary sidecar that does not get ready while the flow's image is pulled",
    source: "kubernetes/kubernetes pkg/kubelet/prober",
    pod: {
      containers: [
        { name: "proxy", image: "proxy:1" },
        { name: "flow", image: IMAGE },
      ],
    },
    steps: [
      bound(),
      step(1, "Pending", [running("proxy"), waiting("ContainerCreating")], { events: [pulls] }),
      tells(3, warning("Unhealthy", "Startup probe failed: refused")),
      tells(300, pulled),
      step(1, "Running", [running("proxy"), running()]),
      step(2, "Running", [running("proxy"), ended(0)]),
    ],
    succeedsAfter: 306,
    state: "Success",
    seconds: 500,
  },
  {
    name: "an image that came late, pulled for longer than --start-grace",
    source: "kubernetes/test-infra#15102",
    steps: secondPull(NOT_FOUND, 90),
    state: "Success",
    seconds: 150,
    warnings: [/cannot be pulled .*not found/],
  },
  {
    name: "a large image, pulled once more for longer than --passing-grace",
    source: "kubernetes/test-infra#15102",
    steps: secondPull("unexpected EOF", 700),
    state: "Success",
    seconds: 900,
    warnings: [/cannot be pulled .*unexpected EOF/],
  },
  {
    name: "a container that is slow to be created after its image came late",
    source: "kubernetes/kubernetes pkg/kubelet/reason_cache.go",
    steps: [...secondPull(NOT_FOUND, 8).slice(0, 5), ...endsWell(25)],
    state: "Success",
    seconds: 90,
  },
  ...[
    warning("FailedCreatePodContainer", "unable to ensure pod container exists: cannot allocate memory"),
    warning(
      "FailedPrepareDynamicResources",
      "Failed to prepare dynamic resources: DRA driver not registered",
    ),
    warning("Failed", "error making pod data directories: mkdir /var/lib/kubelet: no space left on device"),
  ].map((event): Trouble => ({
    name: `a node that tells only ${event.reason}`,
    source: "kubernetes/kubernetes#90197, pkg/kubelet/kubelet.go",
    steps: [bound(), creating, ...Array.from({ length: 30 }, () => tells(12, event))],
    state: "Submitted",
    seconds: 300,
    warnings: [/is waiting: /],
    jobsLeft: 1,
  })),
  {
    name: "a native sidecar that does not get ready",
    source: "kubernetes/kubernetes pkg/kubelet/prober",
    pod: {
      initContainers: [{ name: "proxy", image: "proxy:1", restartPolicy: "Always" }],
      containers: [{ name: "flow" }],
    },
    steps: [
      bound(),
      step(1, "Pending", [waiting("PodInitializing")], { inits: [running("proxy")] }),
      ...Array.from({ length: 60 }, () => tells(10, warning("Unhealthy", "Startup probe failed: refused"))),
    ],
    state: "Submitted",
    seconds: 300,
    warnings: [/waiting for a sidecar to get ready/],
    jobsLeft: 1,
  },
  ...(
    [
      ["DeadlineExceeded", "fail", "Failed"],
      ["Terminated", "retry", "Scheduled"],
    ] as const
  ).map(([reason, onDisruption, state]): Trouble => ({
    name: `a flow that the kubelet stopped (${reason}), and that exits with 0`,
    source: "kubernetes/kubernetes pkg/kubelet/active_deadline.go, nodeshutdown",
    policy: { onDisruption },
    steps: [
      bound(),
      step(1, "Running", [running()]),
      step(10, "Failed", [ended(0)], { status: { reason, message: "stopped" } }),
    ],
    state,
    seconds: 14,
    ...(state === "Failed" ? { error: /stopped/ } : { warnings: [/stopped/] }),
  })),
  {
    name: "a container that its own rules start again",
    source: "kubernetes/enhancements#5307",
    pod: {
      containers: [
        {
          name: "flow",
          restartPolicy: "Never",
          restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
        },
      ],
    },
    steps: [
      bound(),
      step(1, "Running", [running()]),
      step(5, "Running", [ended(42)]),
      step(10, "Running", [restarted(1, 42)]),
      step(5, "Succeeded", [ended(0)]),
    ],
    state: "Success",
    seconds: 60,
    warnings: [/exited with code 42/],
  },
];
