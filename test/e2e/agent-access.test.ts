// How the agent gets at the cluster and at Prefect: every kind of credentials under the real kubectl, and what it says when
// one of them is wrong.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { PluginProcess, runPlugin, startAgent } from "./support/agent-process.ts";
import type { Ended } from "./support/agent-process.ts";
import { currentCluster, hasContext, KubeconfigFolder, tokenOf } from "./support/kubeconfig.ts";
import { mustKubectl } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { GOES_WELL, shellRun } from "./support/shell-flow.ts";

const KEY = "the-right-key";

let namespace: string;
let world: ReachablePrefect;
let folder: KubeconfigFolder;
let cluster: JsonObject;
let token: string;
let powerless: string;

beforeAll(async () => {
  namespace = await createNamespace("access");
  world = await startReachablePrefect();
  folder = new KubeconfigFolder();
  cluster = currentCluster();
  token = tokenOf("worker", namespace, true);
  powerless = tokenOf("nobody", namespace, false);
});

afterAll(async () => {
  folder.remove();
  await world.prefect.stop();
  removeNamespace(namespace);
});

/** Takes one flow run with these flags and variables, and is stopped; answers the run's state and how it ended. */
async function oneRunWith(
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended & { readonly state: string }> {
  const { prefect, api } = world;
  const flow = prefect.createFlow({ name: "shell" });
  const { id } = prefect.createFlowRun({ flow, runConfig: shellRun(GOES_WELL) });
  const stateOf = (): string => prefect.flowRun(id)?.state ?? "";
  const agent = await startAgent(["-a", api, "-n", namespace, ...flags], env);
  await prefect.until(() => stateOf() === "Success", { what: "success", timeoutMs: 90_000 });
  return { state: stateOf(), ...(await agent.stop()) };
}

function execUser(content: string): JsonObject {
  folder.file("login", `#!/bin/sh\n${content}\n`, 0o700);
  const apiVersion = "client.authentication.k8s.io/v1beta1";
  return { exec: { apiVersion, command: "./login", interactiveMode: "Never" } };
}

const userOf = (user: JsonObject) => ({ KUBECONFIG: folder.kubeconfig("config", { cluster, user }) });

interface Access {
  readonly name: string;
  readonly flags?: () => readonly string[];
  readonly env?: () => Readonly<Record<string, string>>;
}

describe("kubectl prefect agent start works", () => {
  it.each<Access>([
    { name: "with a bearer token", env: () => userOf({ token }) },
    {
      name: "with a token file beside the kubeconfig",
      flags: () => {
        folder.file("token.txt", `${token}\n`);
        return ["--kubeconfig", folder.kubeconfig("beside", { cluster, user: { tokenFile: "token.txt" } })];
      },
    },
    {
      name: "with KUBECONFIG of two files, the cluster in one and the user in the other",
      env: () => {
        const files = [
          folder.kubeconfig("first", { cluster }),
          folder.kubeconfig("second", { user: { token } }),
        ];
        return { KUBECONFIG: files.join(":") };
      },
    },
    {
      name: "with an exec plugin",
      env: () => {
        const apiVersion = "client.authentication.k8s.io/v1beta1";
        const credential = { apiVersion, kind: "ExecCredential", status: { token } };
        return userOf(execUser(`echo '${JSON.stringify(credential)}'`));
      },
    },
    {
      name: "as somebody of a group that has the rights",
      flags: () => ["--as", "somebody", "--as-group", "curious", "--as-group", "system:masters"],
    },
    {
      name: "with no more rights than install --rbac=minimal gives",
      env: () => {
        const list = JSON.parse(
          mustKubectl(["prefect", "install", "--rbac=minimal", "-n", namespace, "-o", "json"]),
        );
        // The agent that it starts is not wanted here, only its rights.
        const items = list.items.filter(({ kind }: { kind: string }) => kind !== "Deployment");
        mustKubectl(["apply", "-f", "-"], JSON.stringify({ ...list, items }));
        const minimal = mustKubectl(["create", "token", "prefect-agent", "-n", namespace]).trim();
        return userOf({ token: minimal });
      },
    },
    // Where KUBECONFIG has no such context, its own user stands in: kind's has a client certificate.
    { name: "with a client certificate", flags: () => (hasContext("cert") ? ["--context", "cert"] : []) },
  ])("$name", async ({ flags, env }) => {
    const ended = await oneRunWith(flags?.() ?? [], env?.() ?? {});
    expect(ended).toMatchObject({ state: "Success", code: 0, stderr: "" });
    expect(ended.stdout).not.toMatch(/WARNING|ERROR/);
  });
});

interface Refusal extends Access {
  readonly code: number;
  readonly error: RegExp;
}

describe("kubectl prefect agent start ends at once", () => {
  it.each<Refusal>([
    {
      name: "without the kubeconfig that --kubeconfig names",
      flags: () => ["--kubeconfig", "/absent/kubeconfig"],
      code: 2,
      error: /^cannot read kubeconfig "\/absent\/kubeconfig": no such file$/,
    },
    {
      name: "with a kubeconfig that is no YAML",
      flags: () => ["--kubeconfig", folder.file("broken", "clusters: [}\n")],
      code: 2,
      error: /^cannot read kubeconfig ".*broken": .*[^:]$/,
    },
    {
      name: "with a context that is not there",
      flags: () => ["--context", "absent"],
      code: 2,
      error: /^cannot find context "absent" in the kubeconfig$/,
    },
    {
      name: "with a token that is not accepted",
      env: () => userOf({ token: "wrong" }),
      code: 4,
      error: /Unauthorized/,
    },
    {
      name: "with a user who has no rights",
      env: () => userOf({ token: powerless }),
      code: 4,
      error: /^cannot work in namespace "access-.*": not allowed to .*create jobs\.batch/,
    },
    {
      name: "as a user who has no rights",
      flags: () => ["--as", "nobody-at-all"],
      code: 4,
      error: /^cannot work in namespace "access-.*": not allowed to .*create jobs\.batch/,
    },
    {
      name: "with a certificate authority that is not the cluster's",
      env: () => {
        const { "certificate-authority-data": _, ...stranger } = cluster;
        return { KUBECONFIG: folder.kubeconfig("stranger", { cluster: stranger, user: { token } }) };
      },
      code: 4,
      error: /certificate/,
    },
    {
      name: "with an exec plugin that is not installed",
      env: () =>
        userOf({ exec: { apiVersion: "client.authentication.k8s.io/v1beta1", command: "absent-login" } }),
      code: 4,
      error: /absent-login/,
    },
    {
      name: "with an exec plugin that fails",
      env: () => userOf(execUser("echo session expired >&2; exit 1")),
      code: 4,
      error: /session expired/,
    },
    {
      name: "with an option that there is not",
      flags: () => ["--absent"],
      code: 2,
      error: /--absent/,
    },
  ])("$name", async ({ flags, env, code, error }) => {
    const args = ["agent", "start", "-b", "server", "-a", world.api, "-n", namespace, ...(flags?.() ?? [])];
    const ended = await runPlugin(args, env?.());
    expect(errorIn(ended.stderr)).toMatch(error);
    expect(ended.code).toBe(code);
    expect(ended.stdout + ended.stderr).not.toContain(token);
  });

  it.each([
    { refused: "with GraphQL errors", unauthorized: "errors" as const },
    { refused: "with 401", unauthorized: "401" as const },
  ])("with a wrong API key that is refused $refused, and does not print it", async ({ unauthorized }) => {
    const cloud = await startReachablePrefect({ flavour: "cloud", apiKey: KEY, unauthorized });
    const ended = await runPlugin(["agent", "start", "-a", cloud.api, "-k", "a-wrong-key", "-n", namespace]);
    await cloud.prefect.stop();
    expect(ended.code).toBe(3);
    expect(errorIn(ended.stderr)).toMatch(/^cannot find the tenant: /);
    expect(ended.stderr).toContain("hint: check the API key");
    expect(ended.stdout + ended.stderr).not.toContain("a-wrong-key");
  });
});

describe("kubectl prefect agent start without --backend server", () => {
  it("says what a server of one's own needs", async () => {
    const ended = await runPlugin(["agent", "start", "-a", world.api, "-n", namespace]);
    expect(ended.code).toBe(3);
    expect(errorIn(ended.stderr)).toMatch(/^cannot find the tenant: .*auth_info/);
    expect(ended.stderr).toContain("hint: a server of your own needs --backend server");
  });
});

describe("kubectl prefect agent start rides out", () => {
  it("a cluster that does not answer, says so once, and ends on SIGTERM with 0", async () => {
    const flags = ["-a", world.api, "-n", namespace, "-s", "https://127.0.0.1:1"];
    const agent = new PluginProcess(["agent", "start", "-b", "server", ...flags]);
    await agent.says("Registration successful!");
    await agent.says("Kubernetes API");
    const ended = await agent.stop();
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain("https://127.0.0.1:1: connection refused");
  });

  it("a Prefect API that goes away: one line, and work goes on when it is back", async () => {
    const { prefect, api } = world;
    const agent = await startAgent(["-a", api, "-n", namespace]);
    await prefect.pause();
    await agent.says("Prefect API does not answer");
    await prefect.resume();
    await agent.says("Prefect API is back");
    const ended = await agent.stop();
    expect(ended.code).toBe(0);
    expect(ended.stdout.match(/does not answer/g)).toHaveLength(1);
  });
});

/** The one error line, without its prefix. Fails when there is none or several. */
function errorIn(stderr: string): string {
  const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
  expect(errors).toHaveLength(1);
  return (errors[0] ?? "").slice("error: ".length);
}
