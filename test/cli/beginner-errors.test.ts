// The errors that a beginner meets, with everything that is printed.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import { agentPolls, everyRun } from "../support/every-run.ts";
import type { EveryRun } from "../support/every-run.ts";
import type { CliInput } from "../support/run-cli.ts";

interface Beginner {
  readonly name: string;
  readonly argv: readonly string[] | ((world: EveryRun) => readonly string[] | Promise<readonly string[]>);
  readonly input?: (world: EveryRun) => CliInput | Promise<CliInput>;
  readonly code: number;
  /** All lines; ids, ages and addresses are replaced. */
  readonly printed: readonly string[];
}

function templateFile(text: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "beginner-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "job.yaml"), text);
  return ["agent", "start", "--job-template", join(folder, "job.yaml")];
}

const BEGINNERS: readonly Beginner[] = [
  {
    name: "a wrong context",
    argv: ["jobs", "--context", "prod"],
    code: 2,
    printed: ['error: cannot find context "prod" in the kubeconfig', "hint: it has: fake"],
  },
  {
    name: "no rights",
    argv: (world) => {
      world.cluster.fake.forbid({ verbs: ["list"], resources: ["jobs"] });
      return ["jobs", "-n", "default"];
    },
    code: 4,
    printed: [
      'error: cannot list jobs in namespace "default": jobs.batch is forbidden: User "admin" cannot list resource "jobs" in API group "batch" in the namespace "default"',
      "hint: check the permissions of this user with: kubectl prefect doctor -n default",
    ],
  },
  {
    name: "no API",
    argv: ["open", "works"],
    input: () => ({ env: { PREFECT__CLOUD__API: "", PREFECT__BACKEND: "" } }),
    code: 1,
    printed: [
      'error: cannot find flow run "works": it has no Job in namespace "default"',
      "hint: to find a run by name, set the Prefect API: --api or PREFECT__CLOUD__API; for Prefect 2 and 3 PREFECT_API_URL",
    ],
  },
  {
    name: "a wrong key",
    argv: ["agent", "start"],
    input: async () => {
      const cloud = await startFakePrefect1({ flavour: "cloud", apiKey: "the-right-one" });
      onTestFinished(() => cloud.stop());
      return {
        env: {
          PREFECT__CLOUD__API: cloud.url,
          PREFECT__BACKEND: "cloud",
          PREFECT__CLOUD__API_KEY: "a-wrong-one",
        },
      };
    },
    code: 3,
    printed: [
      "error: cannot use the Prefect API: the API does not accept the key (AuthenticationError: Forbidden)",
      "hint: check the API key: --key, PREFECT__CLOUD__API_KEY or auth.toml",
    ],
  },
  {
    name: "a typo in a command",
    argv: ["isntall"],
    code: 2,
    printed: ['error: unknown command "isntall"', 'hint: did you mean "install"?'],
  },
  {
    name: "a typo in a flag",
    argv: ["jobs", "--all-namespace"],
    code: 2,
    printed: ['error: unknown flag "--all-namespace"', 'hint: did you mean "--all-namespaces"?'],
  },
  {
    name: "a template that is not YAML",
    argv: () => templateFile("spec: [}"),
    code: 2,
    printed: [
      'error: cannot use job template "job.yaml": it is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ] at line 1, column 8',
      "hint: a template is a Job with spec.template.spec, in YAML or JSON; kind and apiVersion may be left out",
    ],
  },
  {
    name: "a template of Prefect 3",
    argv: () => templateFile("job_configuration:\n  image: '{{ image }}'\n"),
    code: 2,
    printed: [
      'error: cannot use job template "job.yaml": it looks like a template of Jinja, Helm or Prefect 2 and 3, whose braces nobody fills in here',
      "hint: a template is a Job with spec.template.spec, in YAML or JSON; kind and apiVersion may be left out",
    ],
  },
  {
    name: "a missing image",
    argv: ["inspect", "pulls"],
    code: 0,
    printed: [
      'STATUS stuck: image "flows:1" of container \'flow\' cannot be pulled (ImagePullBackOff: Back-off pulling image "flows:1": ErrImagePull: manifest unknown)',
      "  Job job-pulls",
      "    Hint: check the image's name and tag, and image_pull_secrets for a private registry",
      "  Pod job-pulls-pod (Pending, node node-1)",
      "",
      "flow run pulls ID (Prefect 1)",
      "|- state Submitted",
      "`- job/job-pulls stuck, 3d old",
      "   `- pod/job-pulls-pod ImagePullBackOff, on node-1, 3d old",
      "      `- container flow (flows:1) waiting: ImagePullBackOff",
      "",
      "AN AGENT WOULD",
      "  set the flow run Failed",
      "  delete Job job-pulls",
      "",
      "CLEANUP WOULD (--older-than 10m)",
      "  leave job.batch/job-pulls: not finished, its flow run is Submitted",
    ],
  },
  {
    name: "labels that do not match",
    argv: async ({ prefect }) => {
      await agentPolls(prefect, "cpu", ["eu"]);
      return ["inspect", "due"];
    },
    code: 0,
    printed: [
      'STATUS pending: due AGO: no running agent has label gpu (the run needs eu, gpu); running: "cpu" with label eu',
      "",
      "flow run due ID (Prefect 1)",
      "|- state Scheduled: Flow run scheduled.",
      '`- no objects in namespace "default"',
      "",
      "AN AGENT WOULD",
      "  start it, once it is due, if the agent has all of its labels",
      "",
      "CLEANUP WOULD (--older-than 10m)",
      "  nothing",
    ],
  },
  {
    name: "an unknown run",
    argv: ["logs", "nosuch"],
    code: 1,
    printed: [
      'error: cannot find flow run "nosuch": it has no Job in namespace "default", and Prefect has no such run',
      "hint: list the flow runs with: kubectl prefect jobs -A",
    ],
  },
  {
    name: "a missing namespace",
    argv: ["agent", "start", "-n", "nosuch"],
    code: 4,
    printed: [
      'error: cannot create Jobs in namespace "nosuch": it does not exist',
      "hint: create it with: kubectl create namespace nosuch; or choose another with -n",
    ],
  },
  {
    name: "an expired token",
    argv: ["jobs"],
    input: async () => {
      const kube = await startFakeKubernetes({ controller: false, tokens: { good: "me" } });
      onTestFinished(() => kube.stop());
      return { files: { "/kubeconfig": kube.kubeconfig({ token: "expired" }) } };
    },
    code: 4,
    printed: [
      'error: cannot list jobs in namespace "default": Unauthorized',
      "hint: log in to the cluster again: it does not accept the credentials of this context",
    ],
  },
  {
    name: "a wrong backend",
    argv: ["agent", "start", "-b", "cloud", "-k", "a-key"],
    code: 3,
    printed: [
      "error: cannot find the tenant: it is a self-hosted server, but --backend is cloud",
      "hint: add --backend server for a self-hosted server",
    ],
  },
  {
    name: "no kubeconfig",
    argv: ["jobs"],
    input: () => ({ env: { KUBECONFIG: "" } }),
    code: 2,
    printed: [
      "error: cannot connect to a cluster: there is no kubeconfig, and this is not a pod",
      "hint: specify a kubeconfig with --kubeconfig or KUBECONFIG",
    ],
  },
  {
    name: "no key for Cloud",
    argv: ["agent", "start", "-b", "cloud"],
    input: () => ({ env: { PREFECT__CLOUD__API: "" } }),
    code: 2,
    printed: [
      "error: cannot start the agent: no API key is set for Prefect Cloud",
      "hint: set it with --key or PREFECT__CLOUD__API_KEY; for your own server, use --backend server and --api URL",
    ],
  },
];

function shown(text: string): readonly string[] {
  return text
    .trimEnd()
    .replaceAll(/[0-9a-f]{8}-[-0-9a-f]{27}/g, "ID")
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "http://ADDRESS")
    .replaceAll(/\/tmp\/\S*\//g, "")
    .replaceAll(/\b\d+s ago/g, "AGO")
    .split("\n");
}

describe("a beginner with", () => {
  it.each(BEGINNERS)("$name reads what is wrong and what to do", async ({ argv, input, code, printed }) => {
    const world = await everyRun();
    const words = typeof argv === "function" ? await argv(world) : argv;
    const { stdout, stderr, exitCode } = await world.cli(words, await input?.(world));
    expect({ printed: shown(stdout + stderr), code: exitCode }).toEqual({ printed, code });
  });
});
