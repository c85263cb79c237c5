// How a container terminated, in words.

import type { Container, Terminated } from "../../kube/client/objects.ts";
import { oneLine, type Problem, type ProblemReason } from "./problem.ts";

interface TerminationKind {
  /** The runtime's or kubelet's reason. */
  readonly reasons: readonly string[];
  /** What its message says. */
  readonly pattern?: RegExp;
  readonly problem: ProblemReason;
  readonly hint: string;
  readonly text: (terminated: Terminated, spec: Container | undefined) => string;
}

const NOT_STARTED = {
  reasons: ["StartError", "ContainerCannotRun"],
  problem: "StartError",
  text: ({ reason, message = "no reason given" }: Terminated): string =>
    `could not be started (${reason}: ${oneLine(message)})`,
} as const;

/** Reasons that say more than the exit code. Sources: containerd, CRI-O, dockershim; kubelet_pods.go, container/helpers.go. */
const KINDS: readonly TerminationKind[] = [
  {
    reasons: ["OOMKilled"],
    problem: "OOMKilled",
    hint: "raise memory_limit in the run config, or use less memory",
    text: ({ exitCode }, spec) => {
      const limit = spec?.resources?.limits?.["memory"] ?? "none: the node ran out of memory";
      return `ran out of memory and was killed (OOMKilled, exit code ${exitCode}, limit ${limit})`;
    },
  },
  {
    ...NOT_STARTED,
    pattern: /OOM-killed|memory limit too low/i,
    hint: "raise memory_limit in the run config",
  },
  {
    ...NOT_STARTED,
    pattern: /\bnvidia\b|\bCDI devices\b/i,
    hint: "look at the GPU driver and the container toolkit of the node",
  },
  {
    ...NOT_STARTED,
    pattern: /exec format error|does not match the host operating system/i,
    hint: "use an image that is built for the processor and operating system of the node",
  },
  {
    ...NOT_STARTED,
    // runc: `exec: "x": stat x: no such file or directory`, `chdir to cwd`, `unable to find user`; crun: `executable file x not found`.
    pattern:
      /^(?!.*error mounting).*(?:\bexec\b|executable file|chdir|find user|find the file|no such file)/is,
    hint: "check that the command exists in the image and may be executed, and its user and working folder",
  },
  { ...NOT_STARTED, hint: "restart the flow run; if it happens again, look at the node's container runtime" },
  {
    reasons: ["ContainerStatusUnknown", "Unknown"],
    problem: "NodeLost",
    hint: "restart the flow run; its node was restarted or took the pod away",
    text: ({ reason, message = "" }) =>
      `was lost: how it ended is not known (${reason}${message === "" ? "" : `: ${oneLine(message)}`})`,
  },
];

/** Why a container failed; undefined if it exited with 0. */
export function terminationProblem(
  terminated: Terminated,
  spec: Container | undefined,
  where: { pod: string; container: string; init: boolean },
): Problem | undefined {
  if (terminated.exitCode === 0 && terminated.reason !== "OOMKilled") return undefined;
  const title = where.init ? `init container '${where.container}'` : `container '${where.container}'`;
  const kind = kindOf(terminated);
  return {
    reason: where.init
      ? "InitContainer"
      : (kind?.problem ?? (signalOf(terminated) === undefined ? "ExitCode" : "Signal")),
    message: `${title} ${describeTermination(terminated, spec)}`,
    hint: kind?.hint ?? HINTS[terminated.exitCode] ?? "see the last lines of its log",
    pod: where.pod,
    container: where.container,
  };
}

/** The exit code, the signal's name, the runtime's reason and the memory limit, as text. */
export function describeTermination(terminated: Terminated, spec: Container | undefined): string {
  const kind = kindOf(terminated);
  if (kind !== undefined) return kind.text(terminated, spec);
  const signal = signalOf(terminated);
  const { exitCode, message = "" } = terminated;
  const details = message === "" ? "" : `: ${oneLine(message)}`;
  return signal === undefined
    ? `exited with code ${exitCode}${details}`
    : `was killed by signal ${signal} (exit code ${exitCode})${details}`;
}

function kindOf({ reason = "", message = "" }: Terminated): TerminationKind | undefined {
  return KINDS.find(({ reasons, pattern }) => reasons.includes(reason) && pattern?.test(message) !== false);
}

/** Linux' signals, from number 1 on. */
const SIGNALS = "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM".split(" ");

/** The signal that killed a container: reported by the runtime, or in an exit code of 128 + n. */
export function signalOf({ signal = 0, exitCode }: Terminated): string | undefined {
  const number = signal > 0 ? signal : exitCode - 128;
  if (number <= 0 || number > 64) return undefined;
  const name = SIGNALS[number - 1];
  return name === undefined ? String(number) : `SIG${name}`;
}

const HINTS: Readonly<Record<number, string>> = {
  127: "a command was not found: check that prefect is installed in the image",
  137: "it was killed with SIGKILL: check whether the node ran out of memory or the pod was deleted",
  143: "it was stopped with SIGTERM: check who deleted the pod or drained its node",
};
