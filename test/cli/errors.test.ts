// How commands fail: stream, exit code and message; the API key is never printed.

import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import { runCli } from "../support/run-cli.ts";

const KEY = "KEY-THAT-IS-NEVER-PRINTED";
const KUBECONFIG = "/home/user/.kube/config";
const RUN = JSON.stringify({
  id: "11111111-2222-4333-8444-555555555555",
  flow: { id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", storage: { type: "Local" } },
});

let kube: FakeKubernetes;
let cloud: FakePrefect1;
let website: Server;
/** Nobody listens on port 1, and nobody is given it. */
const nowhere = "http://127.0.0.1:1";

beforeAll(async () => {
  kube = await startFakeKubernetes({ tokens: { good: "alice" }, controller: false });
  cloud = await startFakePrefect1({ flavour: "cloud", apiKey: "the-right-one" });
  website = createServer((_, response) => response.end("<html>"));
  await new Promise<void>((listening) => website.listen(0, "127.0.0.1", listening));
});

afterAll(async () => {
  await kube.stop();
  await cloud.stop();
  await new Promise((closed) => website.close(closed));
});

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Case {
  readonly name: string;
  readonly argv: readonly string[] | (() => readonly string[]);
  readonly files?: () => Readonly<Record<string, string>>;
  readonly code: number;
  readonly want: RegExp;
  /** On stdout; nothing without it. */
  readonly printed?: RegExp;
}

/** What render prints even if the cluster then does not answer, or refuses it. */
const JOB = /^apiVersion: batch\/v1\nkind: Job\n/;

const USAGE: readonly Case[] = [
  {
    name: "an unknown command",
    argv: ["nosuch"],
    code: 2,
    want: /^error: unknown command "nosuch"\nhint: all commands: kubectl prefect --help\n$/,
  },
  {
    name: "an unknown command of a group",
    argv: ["agent", "nosuch"],
    code: 2,
    want: /^error: unknown command "agent nosuch"\nhint: /,
  },
  {
    name: "flags and no command",
    argv: ["-v"],
    code: 2,
    want: /^error: no command given\nhint: all commands: kubectl prefect --help\n$/,
  },
  {
    name: "an unknown option",
    argv: ["agent", "start", "--nosuch", "x"],
    code: 2,
    want: /^error: unknown flag "--nosuch"\nhint: usage: kubectl prefect agent start \[options\]; all options: kubectl prefect agent start --help\n$/,
  },
  {
    name: "a misspelled command",
    argv: ["isntall"],
    code: 2,
    want: /^error: unknown command "isntall"\nhint: did you mean "install"\?\n$/,
  },
  {
    name: "a misspelled command of a group",
    argv: ["agent", "strat"],
    code: 2,
    want: /^error: unknown command "agent strat"\nhint: did you mean "agent start"\?\n$/,
  },
  {
    name: "a misspelled option",
    argv: ["install", "--replica", "2"],
    code: 2,
    want: /^error: unknown flag "--replica"\nhint: did you mean "--replicas"\?\n$/,
  },
  {
    name: "the beginning of several options",
    argv: ["install", "--image-p", "x"],
    code: 2,
    want: /^error: unknown flag "--image-p"\nhint: did you mean "--image-pull-policy" or "--image-pull-secrets"\?\n$/,
  },
  {
    name: "the beginning of a command",
    argv: ["clean"],
    code: 2,
    want: /^error: unknown command "clean"\nhint: did you mean "cleanup"\?\n$/,
  },
  {
    name: "a command of another tool",
    argv: ["worker", "start"],
    code: 2,
    want: /^error: unknown command "worker"\nhint: work pools are not supported; .* kubectl prefect agent start\n$/,
  },
  {
    name: "an option of another tool",
    argv: ["jobs", "--sort-by=.metadata.name"],
    code: 2,
    want: /^error: unknown flag "--sort-by"\nhint: use -o json and jq\n$/,
  },
  {
    name: "an unknown option before the command, whose value is not shown",
    argv: ["--kye", KEY, "jobs"],
    code: 2,
    want: /^error: unknown flag "--kye"\nhint: did you mean "--key"\?\n$/,
  },
  {
    name: "--yes where nothing is asked",
    argv: ["cancel", "quick-fox", "--yes"],
    code: 2,
    want: /^error: unknown flag "--yes"\nhint: only cleanup asks: leave it out\n$/,
  },
  {
    name: "an option that is gone",
    argv: ["jobs", "--stale"],
    code: 2,
    want: /^error: unknown flag "--stale"\nhint: use: kubectl prefect cleanup --dry-run\n$/,
  },
  {
    name: "a value for a switch",
    argv: ["jobs", "--watch=yes"],
    code: 2,
    want: /^error: --watch takes no value\nhint: usage: kubectl prefect jobs \[options\]; /,
  },
  {
    name: "an argument that is missing",
    argv: ["cancel", "--now"],
    code: 2,
    want: /^error: RUN is missing\nhint: usage: kubectl prefect cancel RUN \.\.\. \[options\]; /,
  },
  {
    name: "a template of kubectl",
    argv: ["jobs", "-o", "jsonpath={.items}"],
    code: 2,
    want: /^error: cannot read -o "jsonpath=\{\.items\}": templates are not supported\nhint: use -o json and jq/,
  },
  {
    name: "an option without its value",
    argv: ["install", "--name"],
    code: 2,
    want: /^error: --name needs a value\nhint: usage: kubectl prefect install \[options\]; /,
  },
  {
    name: "an unexpected argument",
    argv: ["install", "flows"],
    code: 2,
    want: /^error: unexpected argument "flows"\nhint: usage: kubectl prefect install \[options\]; /,
  },
  {
    name: "a flow run and a file",
    argv: ["render", "quick-fox", "-f", "run.json"],
    code: 2,
    want: /^error: cannot render: both RUN and -f are given\nhint: use either RUN or -f FILE\n$/,
  },
  {
    name: "neither a flow run nor a file",
    argv: ["render"],
    code: 2,
    want: /^error: cannot render: no flow run given\nhint: use either RUN or -f FILE\n$/,
  },
  {
    name: "completion with a shell",
    argv: ["completion", "csh"],
    code: 2,
    want: /^error: cannot print completion for "csh": .*\nhint: /,
  },
];

const SETTINGS: readonly Case[] = [
  {
    name: "a bad duration",
    argv: ["agent", "start", "--start-grace", "soon"],
    files: () => ({ [KUBECONFIG]: kube.kubeconfig({ token: "good" }) }),
    code: 2,
    want: /^error: cannot read --start-grace "soon": not a duration\nhint: /,
  },
  {
    name: "a bad variable",
    argv: ["agent", "start", "--env", "A"],
    files: () => ({ [KUBECONFIG]: kube.kubeconfig({ token: "good" }) }),
    code: 2,
    want: /^error: cannot read --env "A": not NAME=VALUE\nhint: /,
  },
  {
    name: "a bad number",
    argv: ["agent", "start", "--limit", "few"],
    files: () => ({ [KUBECONFIG]: kube.kubeconfig({ token: "good" }) }),
    code: 2,
    want: /^error: cannot read --limit "few": not a whole number/,
  },
  {
    name: "a bad backend",
    argv: ["render", "-f", "run.json", "-b", "cluod"],
    code: 2,
    want: /^error: cannot read --backend flag "cluod": not one of cloud, server\nhint: did you mean cloud\?\n$/,
  },
  {
    name: "a flow run's file that is missing",
    argv: ["render", "-f", "nosuch.json"],
    code: 2,
    want: /^error: cannot read flow run "nosuch.json": no such file\nhint: /,
  },
  {
    name: "a flow run that is not JSON",
    argv: ["render", "-f", KUBECONFIG],
    files: () => ({ [KUBECONFIG]: "a: b" }),
    code: 2,
    want: /^error: cannot read flow run ".*": it is not JSON\nhint: /,
  },
  {
    name: "a flow run without a flow",
    argv: ["render", "-f", "run.json"],
    files: () => ({ "run.json": '{"id": "1"}' }),
    code: 2,
    want: /^error: cannot read flow run "run\.json": flow is missing\nhint: /,
  },
  {
    name: "a job template that is missing",
    argv: ["render", "-f", "run.json", "--job-template", "/nowhere/job.yaml"],
    code: 2,
    want: /^error: cannot use job template "\/nowhere\/job.yaml": there is no such file/,
  },
  {
    name: "an unknown kind of dry run",
    argv: ["render", "-f", "run.json", "--dry-run=sure"],
    code: 2,
    want: /^error: cannot read --dry-run "sure"\nhint: use --dry-run=client or --dry-run=server\n$/,
  },
];

/** A kubeconfig whose user logs in with a program that is not there. */
function withPlugin(): string {
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "aws-iam-authenticator",
    interactiveMode: "Never",
    installHint: "Install it from\nhttps://example.com/login",
  };
  return JSON.stringify({
    clusters: [{ name: "c", cluster: { server: kube.url } }],
    users: [{ name: "u", user: { exec } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}

const KUBECONFIGS: readonly Case[] = [
  {
    name: "needs a program that is not installed",
    argv: ["jobs"],
    files: () => ({ [KUBECONFIG]: withPlugin() }),
    code: 4,
    want: /^error: cannot [^\n]*"aws-iam-authenticator" is not installed\nhint: Install it from https:\/\/example\.com\/login\n$/,
  },
  {
    name: "does not parse",
    argv: ["agent", "start"],
    files: () => ({ [KUBECONFIG]: "clusters: [" }),
    code: 2,
    want: /^error: cannot read kubeconfig "\/home\/user\/.kube\/config": [^\n]+\n/,
  },
  {
    name: "has no such context",
    argv: ["agent", "start", "--context", "prod"],
    files: () => ({ [KUBECONFIG]: kube.kubeconfig() }),
    code: 2,
    want: /^error: cannot find context "prod" in the kubeconfig\nhint: it has: fake\n$/,
  },
  {
    name: "is named but missing",
    argv: ["agent", "start", "--kubeconfig", "nosuch"],
    code: 2,
    want: /^error: cannot read kubeconfig "nosuch": no such file\n/,
  },
  {
    name: "does not exist",
    argv: ["agent", "start"],
    code: 2,
    want: /^error: cannot connect to a cluster: there is no kubeconfig.*\nhint: /,
  },
  {
    name: "names a cluster that does not answer",
    argv: ["render", "-f", "run.json", "--dry-run=server", "--key-secret", "a"],
    files: () => ({ [KUBECONFIG]: kube.kubeconfig({ token: "good" }).replaceAll(kube.url, nowhere) }),
    code: 4,
    printed: JOB,
    want: /^error: cannot create Job ".*" in namespace "default": http:.*: connection refused\nhint: /,
  },
  {
    name: "has a wrong token",
    argv: ["render", "-f", "run.json", "--dry-run=server", "--key-secret", "a"],
    files: () => ({ [KUBECONFIG]: kube.kubeconfig({ token: KEY }) }),
    code: 4,
    printed: JOB,
    want: /^error: cannot create Job ".*" in namespace "default": Unauthorized\nhint: log in/,
  },
];

const PREFECTS: readonly Case[] = [
  {
    name: "does not answer",
    argv: () => ["render", "fox", "-a", nowhere],
    code: 3,
    want: /^error: cannot [^\n]*: the Prefect API at http:[^\n]* cannot be reached: connection refused\nhint: check the URL/,
  },
  {
    name: "does not take the key",
    argv: () => ["render", "fox", "-a", cloud.url],
    code: 3,
    want: /^error: cannot [^\n]*\nhint: check the API key: --key, /,
  },
  {
    name: "is no Prefect API",
    argv: () => ["render", "fox", "-a", urlOf(website)],
    code: 3,
    want: /^error: cannot [^\n]* is not a Prefect API: it answered 200 with a web page, perhaps one to sign in\nhint: /,
  },
  {
    name: "is no address",
    argv: ["render", "fox", "-a", "localhost:4200"],
    code: 2,
    want: /^error: cannot use Prefect API URL "localhost:4200": not an http\(s\) URL\nhint: /,
  },
];

describe.each([
  { what: "a command line with", cases: USAGE },
  { what: "settings with", cases: SETTINGS },
  { what: "a kubeconfig that", cases: KUBECONFIGS },
  { what: "a Prefect API that", cases: PREFECTS },
])("$what", ({ cases }) => {
  it.each(cases)(
    "$name prints one error line and a hint on stderr",
    async ({ argv, files, code, want, printed = /^$/ }) => {
      const words = typeof argv === "function" ? argv() : argv;
      const { stdout, stderr, exitCode } = await runCli(words, {
        env: { PREFECT__CLOUD__API_KEY: KEY },
        files: { "run.json": RUN, ...files?.() },
      });
      expect(stderr).toMatch(want);
      expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(3);
      expect(stderr).not.toMatch(/internal error|^ {4}at /m);
      expect(exitCode).toBe(code);
      expect(stdout).toMatch(printed);
      expect(stderr).not.toContain(KEY);
    },
  );
});

describe("a Prefect API that wants a key, and none is set,", () => {
  it("is not the one to blame", async () => {
    const { stderr, exitCode } = await runCli(["render", "fox", "-a", cloud.url]);
    expect(stderr).toMatch(/^error: cannot [^\n]*: no API key is set\nhint: set it with --key, /);
    expect(exitCode).toBe(3);
  });
});

describe("-v", () => {
  it("prints the causes of an error", async () => {
    const { stderr } = await runCli(["render", "fox", "-a", nowhere, "-v"]);
    expect(stderr).toMatch(/^because: /m);
  });
});
