// The pure parts of checks that have little else.

import { describe, expect, it } from "vitest";
import { isTooOld } from "../../../src/doctor/checks/api-server.ts";
import { clockFindings } from "../../../src/doctor/checks/clocks.ts";
import { kubeconfigFindings } from "../../../src/doctor/checks/kubeconfig.ts";
import { exhaustedIn } from "../../../src/doctor/checks/quotas.ts";
import { lines } from "../samples.ts";

describe("the version of Kubernetes", () => {
  it.each([
    { major: "1", minor: "35", want: false },
    { major: "1", minor: "20+", want: false },
    { major: "1", minor: "19", want: true },
    { major: "", minor: "", want: false },
  ])("$major.$minor is too old: $want", ({ want, ...version }) => {
    expect(isTooOld(version)).toBe(want);
  });
});

describe("this machine's clock", () => {
  it.each([
    { aheadMs: undefined, want: [] },
    { aheadMs: -4_000, want: ["ok clock: agrees with that of the API"] },
    { aheadMs: 300_000, want: ["warning clock: it is 5m behind that of the API"] },
    { aheadMs: -60_000, want: ["warning clock: it is 60s ahead of that of the API"] },
  ])("is compared with one that is $aheadMs ms ahead", ({ aheadMs, want }) => {
    expect(lines(clockFindings("the API", aheadMs))).toEqual(want);
  });
});

describe("the kubeconfig", () => {
  const names = { contextName: "prod", userName: "u", namespace: undefined, source: "/kubeconfig" };
  const target = { ...names, server: "https://kube:6443", cluster: {} };

  it.each([
    { user: { exec: { command: "aws" } }, want: "exec aws" },
    { user: { token: "t0p-secret" }, want: "token" },
    { user: { "client-certificate-data": "…" }, want: "client-certificate-data" },
    { user: {}, want: "no credentials" },
  ])("shows the kind of the credentials: $want", ({ user, want }) => {
    expect(lines(kubeconfigFindings({ ...target, user }))).toEqual([
      `ok kubeconfig: /kubeconfig, context "prod", user "u" with ${want}`,
    ]);
  });

  it("with a certificate that is not verified gets a warning", () => {
    const cluster = { "insecure-skip-tls-verify": true };
    expect(lines(kubeconfigFindings({ ...target, cluster, user: { token: "t", as: "you" } }))).toEqual([
      'ok kubeconfig: /kubeconfig, context "prod", user "u", acting as "you" with token',
      "warning certificate: the API server's certificate is not verified, so credentials can be intercepted",
    ]);
  });
});

describe("a quota", () => {
  it.each([
    { hard: { pods: "10" }, used: { pods: "9" }, want: [] },
    {
      hard: { pods: "10", "limits.memory": "2Gi" },
      used: { pods: "10", "limits.memory": "2048Mi" },
      want: ["pods 10 of 10", "limits.memory 2048Mi of 2Gi"],
    },
    { hard: { secrets: "1" }, used: { secrets: "1" }, want: [] },
    { hard: { pods: "10" }, used: {}, want: [] },
  ])("of $hard with $used used is used up: $want", ({ hard, used, want }) => {
    expect(exhaustedIn({ status: { hard, used } })).toEqual(want);
  });
});
