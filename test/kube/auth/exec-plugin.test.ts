// Exec plugins: what they get, and what becomes of what they answer.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SettingsError } from "../../../src/base/errors.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { Secrets } from "../../../src/base/secrets.ts";
import { credentialsOf } from "../../../src/kube/auth/credentials.ts";
import { clockOf } from "../../support/clock.ts";
import type { CredentialDeps, Credentials } from "../../../src/kube/auth/identity.ts";

const API = "client.authentication.k8s.io/v1";
const START_MS = Date.parse("2026-11-21T00:00:00Z");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "exec-plugin-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function script(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

function answering(status: JsonObject, apiVersion = API): string {
  return `echo '${JSON.stringify({ apiVersion, kind: "ExecCredential", status })}'`;
}

interface Setting {
  readonly credentials: Promise<Credentials>;
  /** What was shown on stderr. */
  readonly shown: () => string;
  readonly pass: (ms: number) => void;
}

function withPlugin(
  command: string,
  {
    exec = {},
    cluster = {},
    ...more
  }: Partial<CredentialDeps> & { exec?: JsonObject; cluster?: JsonObject } = {},
): Setting {
  let nowMs = START_MS;
  let shown = "";
  const deps: CredentialDeps = {
    clock: clockOf({ now: () => new Date(nowMs), sleep: () => new Promise<void>(() => {}) }),
    env: { PATH: process.env["PATH"] },
    readFile: (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
    user: { isInteractive: false, show: (text) => (shown += text) },
    ...more,
  };
  const target = {
    server: "https://api.corp:6443",
    cluster,
    user: { exec: { apiVersion: API, command, interactiveMode: "Never", ...exec } },
    contextName: undefined,
    namespace: undefined,
    source: "test",
  };
  return { credentials: credentialsOf(target, deps), shown: () => shown, pass: (ms) => (nowMs += ms) };
}

async function failure({ credentials }: Setting): Promise<Error & { hint?: string; cause?: unknown }> {
  return (await credentials).headers().then(
    () => new Error("no failure"),
    (error: unknown) => error as Error,
  );
}

describe("an exec plugin", () => {
  it("gets its arguments, its variables and KUBERNETES_EXEC_INFO with the cluster", async () => {
    const seen = join(folder, "seen");
    const path = script(
      "sees",
      `printf '%s\\n' "$@" "$TEAM" "$KUBERNETES_EXEC_INFO" > ${seen}; ${answering({ token: "t" })}`,
    );
    const extension = { audience: "corp" };
    const { credentials } = withPlugin(path, {
      exec: { args: ["get token", "--now"], env: [{ name: "TEAM", value: "a" }], provideClusterInfo: true },
      cluster: {
        "certificate-authority-data": Buffer.from("pem").toString("base64"),
        "tls-server-name": "kubernetes",
        extensions: [{ name: "client.authentication.k8s.io/exec", extension }],
      },
    });
    expect(await (await credentials).headers()).toEqual({ authorization: "Bearer t" });
    const [first, second, team, info = ""] = readFileSync(seen, "utf8").split("\n");
    expect([first, second, team]).toEqual(["get token", "--now", "a"]);
    expect(JSON.parse(info)).toEqual({
      apiVersion: API,
      kind: "ExecCredential",
      spec: {
        interactive: false,
        cluster: {
          server: "https://api.corp:6443",
          "tls-server-name": "kubernetes",
          "certificate-authority-data": "cGVt",
          config: extension,
        },
      },
    });
  });

  it("runs once for all requests, and again a fifth of its life before its answer expires", async () => {
    const calls = join(folder, "calls");
    const path = script(
      "counts",
      `echo call >> ${calls}; ${answering({ token: "t", expirationTimestamp: "2026-11-21T00:00:20Z" })}`,
    );
    const { credentials, pass } = withPlugin(path);
    const known = await credentials;
    const count = (): number => readFileSync(calls, "utf8").trim().split("\n").length;
    await Promise.all([known.headers(), known.tls(), known.headers()]);
    pass(15_999);
    await known.headers();
    expect(count()).toBe(1);
    pass(1);
    await known.headers();
    expect(count()).toBe(2);
  });

  it("need not wait for what it has started in the background", async () => {
    const path = script("leaves-one", `sleep 30 >/dev/null </dev/null & ${answering({ token: "t" })}`);
    expect(await (await withPlugin(path).credentials).headers()).toEqual({ authorization: "Bearer t" });
  });

  it("runs again after a 401", async () => {
    const calls = join(folder, "refused");
    const path = script(
      "refused-once",
      `if [ -e ${calls} ]; then ${answering({ token: "second" })}; else touch ${calls}; ${answering({ token: "first" })}; fi`,
    );
    const known = await withPlugin(path).credentials;
    expect(await known.headers()).toEqual({ authorization: "Bearer first" });
    expect(known.refresh()).toBe(true);
    expect(await known.headers()).toEqual({ authorization: "Bearer second" });
  });

  it("may fail once while its last answer is good", async () => {
    const calls = join(folder, "fragile-calls");
    const expirationTimestamp = "2026-11-21T00:01:00Z";
    const path = script(
      "fragile",
      `if [ -e ${calls} ]; then exit 1; fi; touch ${calls}; ${answering({ token: "t", expirationTimestamp })}`,
    );
    const { credentials, pass } = withPlugin(path);
    const known = await credentials;
    await known.headers();
    pass(59_000);
    expect(await known.headers()).toEqual({ authorization: "Bearer t" });
    pass(2_000);
    // Not at once: it has just failed.
    pass(10_000);
    await expect(known.headers()).rejects.toThrow("it failed with exit code 1");
  });

  it("can answer with a client certificate", async () => {
    const status = { clientCertificateData: "cert", clientKeyData: "key" };
    const known = await withPlugin(script("certifies", answering(status))).credentials;
    expect(await known.tls()).toMatchObject({ cert: "cert", key: "key" });
    expect(await known.headers()).toEqual({});
  });

  it("can answer in YAML", async () => {
    const calls = join(folder, "yaml-calls");
    const answer = `apiVersion: ${API}
kind: ExecCredential
status:
  token: 100$(wc -l < ${calls})
  expirationTimestamp: 2026-11-21T00:01:00Z`;
    const path = script("writes-yaml", `echo >> ${calls}; cat <<END\n${answer}\nEND`);
    const { credentials, pass } = withPlugin(path);
    const known = await credentials;
    expect(await known.headers()).toEqual({ authorization: "Bearer 1001" });
    pass(61_000);
    expect(await known.headers()).toEqual({ authorization: "Bearer 1002" });
  });

  it("adds its token to the secrets", async () => {
    const secrets = new Secrets();
    const known = await withPlugin(script("tells", answering({ token: "hunter2-s3cret" })), { secrets })
      .credentials;
    await known.headers();
    expect(secrets.redact("Bearer hunter2-s3cret")).toBe("Bearer ***");
  });

  it("that fails is named, with what it said", async () => {
    const path = script("fails", 'echo "your login is over: run corp-login" >&2; exit 7');
    const setting = withPlugin(path, { exec: { installHint: "install corp-login" } });
    expect(await failure(setting)).toMatchObject({
      message: `cannot get credentials from "${path}": it failed with exit code 7: your login is over: run corp-login`,
      hint: "run the plugin by hand, or log in again",
      exitCode: 4,
    });
    expect(setting.shown()).toBe("your login is over: run corp-login\n");
  });

  it.each([
    ["no JSON", "echo hunter2-s3cret"],
    ["no credentials", answering({})],
    ["half a certificate", answering({ clientCertificateData: "hunter2-s3cret" })],
    ["another kind", `echo '{"kind": "Status", "status": {"token": "hunter2-s3cret"}}'`],
    ["another version", answering({ token: "hunter2-s3cret" }, "client.authentication.k8s.io/v1beta1")],
  ])("that prints %s fails, and what it printed is not repeated", async (_, body) => {
    const error = await failure(withPlugin(script("prints", body)));
    expect(error.message).toMatch(/it printed no ExecCredential|it did not answer in its apiVersion/);
    expect(`${error.message}${error.hint}${String(error.cause)}`).not.toContain("hunter2");
  });

  it("that does not exist is named, with the hint of the kubeconfig", async () => {
    const path = join(folder, "absent");
    const error = await failure(withPlugin(path, { exec: { installHint: "get it from\n  corp.example" } }));
    expect(error.message).toBe(`cannot get credentials: "${path}" is not installed`);
    expect(error.hint).toBe("get it from corp.example");
  });

  it.each([
    { exec: { command: "" }, want: "it has no command" },
    { exec: { command: ["aws"] }, want: "it has no command" },
    { exec: { command: "aws\0" }, want: "there is a NUL byte in its command, arguments or variables" },
    { exec: { args: ["hunter2\0"] }, want: "there is a NUL byte in its command, arguments or variables" },
    {
      exec: { env: [{ name: "A", value: "hunter2\0" }] },
      want: "there is a NUL byte in its command, arguments or variables",
    },
    { exec: { args: ["hunter2".repeat(400_000)] }, want: "spawn E2BIG" },
  ])("that cannot be started is the kubeconfig's fault: $want", async ({ exec, want }) => {
    const error = await failure(withPlugin("/bin/sh", { exec }));
    expect(error).toBeInstanceOf(SettingsError);
    expect(error.message).toBe(`cannot use the exec plugin of the user in test: ${want}`);
    expect(error.hint).toBe("correct it in the kubeconfig");
  });

  it("that must ask is not run without a terminal", async () => {
    const ran = join(folder, "ran");
    const setting = withPlugin(script("asks", `touch ${ran}`), { exec: { interactiveMode: "Always" } });
    expect((await failure(setting)).message).toContain("it asks on the terminal");
    expect(existsSync(ran)).toBe(false);
  });

  it("that hangs is named after 5 s, and ended after 60 s", async () => {
    const sleeps: { readonly ms: number; readonly end: () => void }[] = [];
    const sleep = (ms: number): Promise<void> => new Promise((end) => sleeps.push({ ms, end: () => end() }));
    const setting = withPlugin(script("hangs", "exec sleep 300"), {
      clock: clockOf({ now: () => new Date(START_MS), sleep }),
    });
    const failed = failure(setting);
    await expect.poll(() => sleeps.map(({ ms }) => ms)).toEqual([5_000]);
    sleeps[0]?.end();
    await expect.poll(() => sleeps.map(({ ms }) => ms)).toEqual([5_000, 55_000]);
    expect(setting.shown()).toBe(`waiting for credentials from "${join(folder, "hangs")}"\n`);
    sleeps[1]?.end();
    expect((await failed).message).toContain("it has not answered within 60 s");
  });

  it("that hangs ends when the command is interrupted", async () => {
    const stop = new AbortController();
    const clock = { ...systemClock, now: () => new Date(START_MS) };
    const failed = failure(withPlugin(script("hangs", "exec sleep 300"), { clock, signal: stop.signal }));
    stop.abort();
    expect((await failed).name).toBe("AbortError");
  });
});
