import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/doctor/answer.ts";
import { namespaceFinding, serverFinding, whoAmIFindings } from "../../../src/doctor/checks/cluster.ts";
import { credentialKind, kubeconfigFindings } from "../../../src/doctor/checks/kubeconfig.ts";
import { secretFinding, serviceAccountFinding } from "../../../src/doctor/checks/named-objects.ts";
import { quotaFindings } from "../../../src/doctor/checks/quotas.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";
import type { Meta } from "../../../src/kube/client/objects.ts";
import { lines } from "../samples.ts";

const SERVER = "https://kube:6443";

function refused(status: number): Answer<never> {
  return {
    ok: false,
    error: new KubeError("ask", "no", { status, reason: "x", hint: "ask an administrator" }),
  };
}

function known<T>(value: T): Answer<T> {
  return { ok: true, value };
}

function meta(change: Partial<Meta> = {}): { readonly metadata: Meta } {
  const times = { resourceVersion: "1", creationTimestamp: "2026-11-21T03:00:00Z" };
  return { metadata: { name: "one", namespace: "flows", uid: "u", ...times, ...change } };
}

describe("the API server", () => {
  it.each([
    {
      version: { major: "1", minor: "35", gitVersion: "v1.35.4" },
      status: "ok",
      message: /answers, Kubernetes v1\.35\.4/,
    },
    {
      version: { major: "1", minor: "20+", gitVersion: "v1.20.2-gke" },
      status: "ok",
      message: /v1\.20\.2-gke/,
    },
    {
      version: { major: "1", minor: "19", gitVersion: "v1.19.1" },
      status: "warning",
      message: /older than 1\.20/,
    },
    { version: { major: "", minor: "", gitVersion: "strange" }, status: "ok", message: /strange/ },
  ])("of version $version.gitVersion is $status", ({ version, status, message }) => {
    const finding = serverFinding(SERVER, known(version));
    expect(finding.status).toBe(status);
    expect(finding.message).toMatch(message);
  });

  it("is ok without permission to read its version", () => {
    expect(serverFinding(SERVER, refused(403))).toMatchObject({ status: "ok" });
    expect(serverFinding(SERVER, refused(401))).toMatchObject({ status: "broken", message: `${SERVER}: no` });
  });

  it("is named once when there is no answer", () => {
    const error = new KubeError("ask", `${SERVER}: connection refused`, { status: 0, reason: "Unreachable" });
    expect(serverFinding(SERVER, { ok: false, error }).message).toBe(
      `cannot reach ${SERVER}: connection refused`,
    );
  });

  it.each([
    { answer: known({ user: "me", groups: [] }), want: ['ok user: logged in as "me"'] },
    { answer: known(undefined), want: [] },
    {
      answer: known({ user: "system:anonymous", groups: [] }),
      want: ["broken user: not logged in: the kubeconfig has no credentials for this user"],
    },
  ])("shows the user: $want", ({ answer, want }) => {
    expect(lines(whoAmIFindings(answer))).toEqual(want);
  });
});

describe("the namespace", () => {
  const flows = { value: "flows", source: "-n" };

  it.each([
    { answer: known(meta()), status: "ok", message: '"flows" exists (from -n)' },
    { answer: known(undefined), status: "broken", message: '"flows" does not exist' },
    {
      answer: known(meta({ deletionTimestamp: "2026-11-21T03:00:00Z" })),
      status: "broken",
      message: '"flows" is being deleted, so nothing can be created in it',
    },
    {
      answer: refused(403),
      status: "skipped",
      message: '"flows": no permission to check whether it exists',
    },
    { answer: refused(500), status: "warning", message: "cannot ask: no" },
  ])("is $status: $message", ({ answer, status, message }) => {
    expect(namespaceFinding(flows, answer)).toMatchObject({ status, message });
  });
});

describe("the kubeconfig's user", () => {
  it.each([
    { user: { exec: { command: "aws" } }, want: 'the exec plugin "aws"' },
    { user: { "auth-provider": { name: "oidc" } }, want: 'the auth provider "oidc"' },
    { user: { tokenFile: "/token", token: "t" }, want: "the token in /token" },
    { user: { token: "t0p-secret" }, want: "a token" },
    { user: { "client-certificate-data": "…" }, want: "a client certificate" },
    { user: { username: "u", password: "p" }, want: "a password" },
    { user: {}, want: "no credentials" },
  ])("has $want", ({ user, want }) => {
    expect(credentialKind({ user })).toBe(want);
  });

  it("gets a warning about an unverified certificate", () => {
    const cluster = { server: SERVER, "insecure-skip-tls-verify": true };
    const target = { server: SERVER, cluster, user: { token: "t", as: "you" }, source: "/kubeconfig" };
    const names = { contextName: "prod", clusterName: "c", userName: "u", namespace: undefined };
    expect(lines(kubeconfigFindings({ ...target, ...names }))).toEqual([
      'ok kubeconfig: /kubeconfig, context "prod", cluster "c"',
      'ok credentials: user "u" with a token, acting as "you"',
      "warning certificate: the API server's certificate is not verified, so credentials can be intercepted",
    ]);
  });
});

describe("named objects", () => {
  const naming = { imagePullSecrets: ["pull"], keySecret: { name: "keys", key: "api-key" } };
  const secret = (type: string, ...keys: string[]) =>
    known({ ...meta(), type, data: Object.fromEntries(keys.map((key) => [key, "c2VjcmV0"])) });

  it.each([
    {
      name: "pull",
      answer: secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
      status: "ok",
      message: '"pull" exists',
    },
    {
      name: "pull",
      answer: secret("Opaque", "x"),
      status: "broken",
      message: '"pull" has type Opaque, which cannot be used to pull images',
    },
    { name: "pull", answer: known(undefined), status: "broken", message: '"pull" does not exist' },
    {
      name: "pull",
      answer: refused(403),
      status: "skipped",
      message: '"pull": no permission to read Secrets',
    },
    { name: "keys", answer: secret("Opaque", "api-key"), status: "ok", message: '"keys" has key "api-key"' },
    {
      name: "keys",
      answer: secret("Opaque", "key"),
      status: "broken",
      message: '"keys" has no key "api-key"; it has key',
    },
    {
      name: "keys",
      answer: secret("Opaque"),
      status: "broken",
      message: '"keys" has no key "api-key"; it is empty',
    },
  ])("Secret $message", ({ name, answer, status, message }) => {
    const finding = secretFinding(name, naming, answer);
    expect(finding).toMatchObject({ status, message });
    expect(JSON.stringify(finding)).not.toContain("c2VjcmV0");
  });

  it("ServiceAccount with its image pull Secrets", () => {
    const account = { ...meta(), imagePullSecrets: [{ name: "registry" }] };
    expect(serviceAccountFinding("flow", "flows", known(account)).message).toBe(
      'flows run as "flow"; pulls images with "registry"',
    );
    expect(serviceAccountFinding("flow", "flows", known(undefined))).toMatchObject({ status: "broken" });
    expect(serviceAccountFinding("flow", "flows", refused(403))).toMatchObject({ status: "skipped" });
  });
});

describe("quotas", () => {
  const quota = (hard: object, used: object) =>
    known([{ ...meta({ name: "compute" }), status: { hard, used } }]);

  it.each([
    { name: "none", answer: known([]), want: ["ok quota: no quota in the namespace"] },
    {
      name: "not used up",
      answer: quota({ pods: "10" }, { pods: "9" }),
      want: ["ok quota: 1 quota, not used up"],
    },
    {
      name: "used up, whatever the unit",
      answer: quota({ pods: "10", "limits.memory": "2Gi" }, { pods: "10", "limits.memory": "2048Mi" }),
      want: [
        'warning quota: "compute" is used up (pods 10 of 10, limits.memory 2048Mi of 2Gi), so no more pods of flow runs can start',
      ],
    },
    {
      name: "other things used up",
      answer: quota({ secrets: "1" }, { secrets: "1" }),
      want: ["ok quota: 1 quota, not used up"],
    },
    { name: "not known yet", answer: quota({ pods: "10" }, {}), want: ["ok quota: 1 quota, not used up"] },
    {
      name: "forbidden",
      answer: refused(403),
      want: ["skipped quota: no permission to list ResourceQuotas"],
    },
  ])("$name", ({ answer, want }) => {
    expect(lines(quotaFindings(answer))).toEqual(want);
  });
});
