import type { Credentials } from "../../../src/kube/auth/identity.ts";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { clockOf } from "../../support/clock.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { Secrets } from "../../../src/base/secrets.ts";
import { credentialsOf } from "../../../src/kube/auth/credentials.ts";

const START = new Date("2024-01-01T00:00:00Z");

function withUser(
  user: JsonObject,
  files: Record<string, string> = {},
  server = "https://x",
): { credentials: Promise<Credentials>; pass: (ms: number) => void; secrets: Secrets } {
  let now = START;
  const secrets = new Secrets();
  const deps = {
    clock: clockOf({ now: () => now, sleep: () => new Promise<void>(() => {}) }),
    env: {},
    readFile: (path: string) => files[path],
    secrets,
  };
  const target = {
    server,
    cluster: {},
    user,
    contextName: undefined,
    namespace: undefined,
    source: "test",
  };
  const pass = (ms: number): Date => (now = new Date(now.getTime() + ms));
  return { credentials: credentialsOf(target, deps), pass, secrets };
}

async function headers(user: JsonObject, files?: Record<string, string>, server?: string): Promise<unknown> {
  return (await withUser(user, files, server).credentials).headers();
}

describe("credentialsOf", () => {
  it("sends a token, a password, or no header with a client certificate", async () => {
    expect(await headers({ token: "t" })).toEqual({ authorization: "Bearer t" });
    expect(await headers({ username: "a", password: "b" })).toEqual({ authorization: "Basic YTpi" });
    const pem = Buffer.from("pem").toString("base64");
    expect(await headers({ "client-certificate-data": pem, "client-key-data": pem })).toEqual({});
    expect(await headers({ token: "t", tokenFile: "/absent" })).toEqual({ authorization: "Bearer t" });
    const files = { "/empty": "\n" };
    expect(await (await withUser({ token: "t", tokenFile: "/empty" }, files).credentials).headers()).toEqual({
      authorization: "Bearer t",
    });
    const provider = { name: "oidc", config: {} };
    expect(await headers({ token: "t", "auth-provider": provider })).toEqual({ authorization: "Bearer t" });
  });

  it("sends nothing but impersonation over plain http, and runs no plugin", async () => {
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "absent" };
    for (const user of [{ token: "t" }, { username: "a", password: "b" }, { exec }])
      expect(await headers({ ...user, as: "jane" }, {}, "http://x")).toEqual({ "Impersonate-User": "jane" });
  });

  it("runs no plugin beside a client certificate", async () => {
    const pem = Buffer.from("pem").toString("base64");
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "absent" };
    expect(await headers({ "client-certificate-data": pem, "client-key-data": pem, exec })).toEqual({});
  });

  it.each([
    { user: { as: 5 }, problem: "its as is not a text" },
    { user: { as: "jane", "as-groups": "g1" }, problem: "its as-groups is not a list of texts" },
    { user: { as: "jane", "as-user-extra": { scopes: "x" } }, problem: "its as-user-extra is not lists" },
    { user: { "as-user-extra": { scopes: ["x"] } }, problem: "without a user: --as is missing" },
  ])("refuses an impersonation that would be another: $problem", async ({ user, problem }) => {
    await expect(headers({ token: "t", ...user })).rejects.toThrow(problem);
  });

  it("sends no empty impersonation", async () => {
    expect(await headers({ token: "t", as: "", "as-uid": "" })).toEqual({ authorization: "Bearer t" });
  });

  it("reads certificates given as data or as files", async () => {
    const data = Buffer.from("cert").toString("base64");
    const { credentials } = withUser(
      { "client-certificate-data": data, "client-key": "/key" },
      { "/key": "key" },
    );
    expect(await (await credentials).tls()).toMatchObject({ cert: "cert", key: "key" });
  });

  it("prefers the token file, and reads it again after ten seconds or a 401", async () => {
    const files = { "/token": "first\n" };
    const { credentials, pass } = withUser({ tokenFile: "/token", token: "other" }, files);
    const known = await credentials;
    expect(await known.headers()).toEqual({ authorization: "Bearer first" });
    files["/token"] = "second";
    expect(await known.headers()).toEqual({ authorization: "Bearer first" });
    pass(11_000);
    expect(await known.headers()).toEqual({ authorization: "Bearer second" });
    files["/token"] = "third";
    expect(known.refresh()).toBe(true);
    expect(await known.headers()).toEqual({ authorization: "Bearer third" });
  });

  it("keeps the token of a file out of sight, and forgets it when many have come after it", async () => {
    const files = { "/token": "token-of-the-pod" };
    const { credentials, pass, secrets } = withUser({ tokenFile: "/token" }, files);
    const known = await credentials;
    for (let day = 0; day < 30; day++) {
      pass(86_400_000);
      files["/token"] = `token-of-day-${day}`;
      await known.headers();
    }
    expect(secrets.redact("token-of-day-29, token-of-day-28")).toBe("***, ***");
    expect(secrets.redact("token-of-day-1")).toBe("token-of-day-1");
  });

  it("impersonates a user with groups, uid and extras", async () => {
    expect(
      await headers({
        as: "jane",
        "as-groups": ["a", "b"],
        "as-uid": "7",
        "as-user-extra": { reason: ["x"], "example.org/team": ["a b", "c"], "Reason%": ["50%"], é: ["1"] },
      }),
    ).toEqual({
      "Impersonate-User": "jane",
      "Impersonate-Group": ["a", "b"],
      "Impersonate-Uid": "7",
      "Impersonate-Extra-reason": ["x"],
      // As client-go encodes them.
      "Impersonate-Extra-example.org%2Fteam": ["a b", "c"],
      "Impersonate-Extra-Reason%25": ["50%"],
      "Impersonate-Extra-%C3%A9": ["1"],
    });
    // The bytes of UTF-8, each as one character, as Node sends them.
    expect(await headers({ as: "Zoë" })).toEqual({ "Impersonate-User": "Zo\u00C3\u00AB" });
  });

  it("refuses groups without a user, and a file that is missing", async () => {
    await expect(headers({ "as-groups": ["a"] })).rejects.toThrow("--as is missing");
    await expect(headers({ "client-certificate": "/absent", "client-key": "/key" })).rejects.toThrow(
      'cannot read client-certificate "/absent"',
    );
  });

  it("refuses a CA together with insecure-skip-tls-verify, as kubectl does", async () => {
    const cluster = { "certificate-authority-data": "cGVt", "insecure-skip-tls-verify": true };
    const target = { server: "https://api", cluster, user: {}, clusterName: "c", source: "test" };
    const deps = { clock: clockOf({ now: () => START }), env: {}, readFile: () => undefined };
    await expect(credentialsOf(target, deps)).rejects.toThrow(
      'cannot use cluster "c" of test: it has a certificate-authority and insecure-skip-tls-verify',
    );
  });

  it.each([
    [{ token: 12_345 }, "its token is not a text: put it in quotes"],
    [{ token: "abc\n" }, "its token has a line break"],
    [{ username: "me", password: 1 }, "its password is not a text"],
    [
      { "client-certificate-data": "!", "client-key-data": "!" },
      "client-certificate-data of the kubeconfig: it is not",
    ],
    [{ "client-certificate": "/cert" }, "it has a client-certificate without its key"],
    [{ "client-key-data": "a2V5" }, "it has a client-key without its certificate"],
    [{ "client-certificate": "/cert", token: "t" }, "it has a client-certificate without its key"],
  ])("refuses %j, with which one would be nobody", async (user, problem) => {
    await expect(headers(user)).rejects.toThrow(problem);
  });

  describe("with an exec plugin", () => {
    const folder = mkdtempSync(join(tmpdir(), "exec-plugin-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    const script = (name: string, body: string): string => {
      const path = join(folder, name);
      writeFileSync(path, `#!/bin/sh\n${body}\n`);
      chmodSync(path, 0o755);
      return path;
    };
    const exec = (command: string): JsonObject => ({
      exec: { apiVersion: "client.authentication.k8s.io/v1", command, interactiveMode: "Never" },
    });

    it("runs the plugin once for several requests, and passes its API version", async () => {
      const log = join(folder, "calls");
      const path = script(
        "good",
        `echo call >> ${log}; case "$KUBERNETES_EXEC_INFO" in *authentication.k8s.io/v1*) t=with-info;; *) t=without-info;; esac
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$t'"}}'`,
      );
      const known = await withUser(exec(path)).credentials;
      const all = await Promise.all([known.headers(), known.headers(), known.headers()]);
      expect(all).toEqual(all.map(() => ({ authorization: "Bearer with-info" })));
      expect(readFileSync(log, "utf8")).toBe("call\n");
    });

    it("names the plugin that failed", async () => {
      const known = await withUser(exec(script("bad", "echo 'login expired' >&2; exit 1"))).credentials;
      await expect(known.headers()).rejects.toThrow(`cannot get credentials from "${join(folder, "bad")}"`);
      const absent = await withUser(exec(join(folder, "absent"))).credentials;
      const message = `cannot get credentials: "${join(folder, "absent")}" is not installed`;
      await expect(absent.headers()).rejects.toMatchObject({ message, exitCode: 4 });
    });
  });
});
