// The agent's access to the cluster and to Prefect under the real kubectl: every kind of credentials, and the errors if one of them
// is wrong.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { PluginProcess, runPlugin } from "./support/agent-process.ts";
import type { ProcessResult } from "./support/agent-process.ts";
import { currentCluster, hasContext, KubeconfigFolder, tokenOf } from "./support/kubeconfig.ts";
import { mustKubectl } from "./support/kubectl.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import { TestSetup } from "./support/test-setup.ts";

const KEY = "the-valid-key";

let setup: TestSetup;
let folder: KubeconfigFolder;
let cluster: JsonObject;
let token: string;
let tokenWithoutPermissions: string;

beforeAll(async () => {
  setup = await TestSetup.open("access");
  folder = new KubeconfigFolder();
  cluster = currentCluster();
  token = tokenOf("worker", setup.namespace, true);
  tokenWithoutPermissions = tokenOf("nobody", setup.namespace, false);
});

afterAll(async () => {
  folder?.remove();
  await setup?.close();
});

/** Starts an agent with these flags and variables, lets it launch one run, and stops it; returns the run's state and the agent's result. */
async function oneRunWith(
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ProcessResult & { readonly state: string }> {
  const id = setup.due();
  const agent = await setup.startAgent(flags, env);
  await setup.untilState(id, "Success");
  return { state: setup.prefect.stateOf(id) ?? "", ...(await agent.stop()) };
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
        return [
          "--kubeconfig",
          folder.kubeconfig("token-file", { cluster, user: { tokenFile: "token.txt" } }),
        ];
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
      name: "impersonating a member of a group that has the permissions",
      flags: () => ["--as", "somebody", "--as-group", "curious", "--as-group", "system:masters"],
    },
    {
      name: "with only the permissions of install --rbac=minimal",
      env: () => {
        const printed = setup.kubectl("prefect", "install", "--rbac=minimal", "--rbac-only");
        mustKubectl(["apply", "-f", "-"], printed);
        const minimal = setup.kubectl("create", "token", "prefect-agent").trim();
        return userOf({ token: minimal });
      },
    },
    // Without the context `cert`, the current user is used: kind's has a client certificate.
    { name: "with a client certificate", flags: () => (hasContext("cert") ? ["--context", "cert"] : []) },
  ])("$name", async ({ flags, env }) => {
    const ended = await oneRunWith(flags?.() ?? [], env?.() ?? {});
    expect(ended).toMatchObject({ state: "Success", code: 0, stderr: "" });
    expect(ended.stdout).not.toMatch(/WARNING|ERROR/);
  });
});

interface Rejected extends Access {
  readonly code: number;
  readonly error: RegExp;
}

describe("kubectl prefect agent start fails at once", () => {
  it.each<Rejected>([
    {
      name: "if the file of --kubeconfig does not exist",
      flags: () => ["--kubeconfig", "/absent/kubeconfig"],
      code: 2,
      error: /^cannot read kubeconfig "\/absent\/kubeconfig": no such file$/,
    },
    {
      name: "with a kubeconfig that is not YAML",
      flags: () => ["--kubeconfig", folder.file("broken", "clusters: [}\n")],
      code: 2,
      error: /^cannot read kubeconfig ".*broken": .*[^:]$/,
    },
    {
      name: "with a context that does not exist",
      flags: () => ["--context", "absent"],
      code: 2,
      error: /^cannot find context "absent" in the kubeconfig$/,
    },
    {
      name: "with an invalid token",
      env: () => userOf({ token: "wrong" }),
      code: 4,
      error: /Unauthorized/,
    },
    {
      name: "with the token of a user without permissions",
      env: () => userOf({ token: tokenWithoutPermissions }),
      code: 4,
      error: /^cannot work in namespace "access-.*": not allowed to .*create jobs\.batch/,
    },
    {
      name: "impersonating a user without permissions",
      flags: () => ["--as", "nobody-at-all"],
      code: 4,
      error: /^cannot work in namespace "access-.*": not allowed to .*create jobs\.batch/,
    },
    {
      name: "without the cluster's certificate authority",
      env: () => {
        const { "certificate-authority-data": _, ...withoutCa } = cluster;
        return { KUBECONFIG: folder.kubeconfig("without-ca", { cluster: withoutCa, user: { token } }) };
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
      name: "with an unknown option",
      flags: () => ["--absent"],
      code: 2,
      error: /--absent/,
    },
  ])("$name", async ({ flags, env, code, error }) => {
    const args = [
      "agent",
      "start",
      "-b",
      "server",
      "-a",
      setup.api,
      ...setup.namespaceFlags,
      ...(flags?.() ?? []),
    ];
    const ended = await runPlugin(args, env?.());
    expect(errorIn(ended.stderr)).toMatch(error);
    expect(ended.code).toBe(code);
    expect(ended.stdout + ended.stderr).not.toContain(token);
  });

  it.each([
    { how: "with GraphQL errors", unauthorized: "errors" as const },
    { how: "with 401", unauthorized: "401" as const },
  ])(
    "with an invalid API key, which Prefect rejects $how and which is not printed",
    async ({ unauthorized }) => {
      const cloud = await startReachablePrefect({ flavour: "cloud", apiKey: KEY, unauthorized });
      const ended = await runPlugin([
        "agent",
        "start",
        "-a",
        cloud.api,
        "-k",
        "a-wrong-key",
        ...setup.namespaceFlags,
      ]);
      await cloud.prefect.stop();
      expect(ended.code).toBe(3);
      expect(errorIn(ended.stderr)).toMatch(
        /^cannot use the Prefect API: the API (?:does not accept the key|answered 401)/,
      );
      expect(ended.stderr).toContain("hint: check the API key");
      expect(ended.stdout + ended.stderr).not.toContain("a-wrong-key");
    },
  );
});

describe("kubectl prefect agent start without --backend server", () => {
  it("prints a hint that a self-hosted server needs --backend server", async () => {
    const ended = await runPlugin(["agent", "start", "-a", setup.api, ...setup.namespaceFlags]);
    expect(ended.code).toBe(3);
    expect(errorIn(ended.stderr)).toBe(
      "cannot find the tenant: it is a self-hosted server, but --backend is cloud",
    );
    expect(ended.stderr).toContain("hint: add --backend server for a self-hosted server");
  });
});

describe("kubectl prefect agent start keeps running", () => {
  it("without a reachable cluster, logs the error, and exits with 0 on SIGTERM", async () => {
    const flags = ["-a", setup.api, ...setup.namespaceFlags, "-s", "https://127.0.0.1:1"];
    const agent = new PluginProcess(["agent", "start", "-b", "server", ...flags]);
    await agent.untilPrinted("Cannot reach the Kubernetes API; retrying");
    const ended = await agent.stop();
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain("https://127.0.0.1:1: connection refused");
  });

  it("while the Prefect API is unavailable, and logs the outage once", async () => {
    const { prefect } = setup;
    const agent = await setup.startAgent();
    await prefect.pause();
    await agent.untilPrinted("Cannot reach the Prefect API");
    await prefect.resume();
    await agent.untilPrinted("Prefect API is back");
    const ended = await agent.stop();
    expect(ended.code).toBe(0);
    expect(ended.stdout.match(/Cannot reach/g)).toHaveLength(1);
  });
});

/** The only error line, without its prefix. Fails if there is none or more than one. */
function errorIn(stderr: string): string {
  const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
  expect(errors).toHaveLength(1);
  return (errors[0] ?? "").slice("error: ".length);
}
