// What ends the agent before its first poll, and what only costs it a feature.

import { describe, expect, it } from "vitest";
import { checkStart } from "../../src/agent/start-check.ts";
import type { Log } from "../../src/base/log.ts";
import { silentLog } from "../../src/base/log.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import type { Access } from "../../src/kube/permissions.ts";
import { KubeError } from "../../src/kube/client/errors.ts";
import { PrefectError } from "../../src/orchestrator/errors.ts";
import { clockOf } from "../support/clock.ts";

interface Given {
  readonly may?: (access: Access) => boolean;
  readonly leaderElect?: boolean;
  /** As whom the API server sees the agent; undefined: it does not tell. */
  readonly user?: string;
  readonly namespace?: "exists" | "missing" | "unreadable";
  /** Errors of the first questions for permissions. */
  readonly kubeErrors?: readonly number[];
  /** Errors of the first calls to Prefect. */
  readonly prefectErrors?: readonly PrefectError["failure"][];
}

/** Checks, and returns the warnings. */
async function check(given: Given = {}): Promise<string[]> {
  const { may = () => true, leaderElect = false, namespace = "exists" } = given;
  const kubeErrors = [...(given.kubeErrors ?? [])];
  const prefectErrors = [...(given.prefectErrors ?? [])];
  const kube = {
    canI: (access: Access) => {
      const status = kubeErrors.shift();
      return status === undefined
        ? Promise.resolve(may(access))
        : Promise.reject(new KubeError("ask", "no", { status, reason: "x" }));
    },
    whoAmI: () => Promise.resolve(given.user === undefined ? undefined : { user: given.user, groups: [] }),
    get: () => {
      if (namespace === "unreadable")
        return Promise.reject(new KubeError("read", "no", { status: 403, reason: "Forbidden" }));
      return Promise.resolve(namespace === "missing" ? undefined : {});
    },
  } as unknown as KubeApi;
  const work = {
    authenticate: () => {
      const failure = prefectErrors.shift();
      return failure === undefined
        ? Promise.resolve()
        : Promise.reject(new PrefectError("ask", "no", { failure }));
    },
  };
  const warnings: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (message, fields) => warnings.push(`${message}: ${JSON.stringify(fields?.["missing"] ?? "")}`),
  };
  const clock = clockOf({ now: () => new Date(0) });
  await checkStart(
    { kube, work, log, clock },
    { namespace: "flows", leaderElect },
    new AbortController().signal,
  );
  return warnings;
}

describe("checkStart", () => {
  it("says nothing when nothing is missing", async () => {
    expect(await check()).toEqual([]);
  });

  it("names a missing permission and the feature that is off", async () => {
    expect(await check({ may: ({ resource }) => resource !== "events" })).toEqual([
      `Missing permissions for events in flow runs' logs: "list events, watch events"`,
    ]);
    expect(await check({ may: ({ subresource }) => subresource !== "log" })).toEqual([
      'Missing permissions for logs of failed pods: "get pods/log"',
    ]);
  });

  it.each([
    { what: "create", may: (access: Access) => access.verb !== "create", named: "create jobs.batch" },
    { what: "list", may: (access: Access) => access.verb !== "list", named: "list jobs.batch" },
    { what: "watch", may: (access: Access) => access.verb !== "watch", named: "watch jobs.batch" },
  ])(
    "ends the agent without permission to $what Jobs, with a hint that grants only permissions",
    async (row) => {
      const error: unknown = await check({ may: row.may }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        exitCode: 4,
        hint: "grant it with: kubectl prefect install --rbac-only -n flows | kubectl apply -f -",
      });
      expect(String(error)).toContain(row.named);
    },
  );

  it.each([
    { user: undefined, leaderElect: false, flags: "--rbac-only" },
    { user: undefined, leaderElect: true, flags: "--rbac-only --leader-elect" },
    { user: "system:serviceaccount:flows:default", leaderElect: false, flags: "--rbac-only" },
    {
      user: "system:serviceaccount:flows:prefect-agent",
      leaderElect: true,
      flags: "--rbac=minimal --rbac-only --leader-elect",
    },
  ])("hints at $flags for $user (leader election: $leaderElect)", async ({ user, leaderElect, flags }) => {
    const may = ({ verb }: Access): boolean => verb !== "create";
    await expect(check({ may, leaderElect, ...(user && { user }) })).rejects.toMatchObject({
      hint: `grant it with: kubectl prefect install ${flags} -n flows | kubectl apply -f -`,
    });
  });

  it("ends the agent when the namespace does not exist", async () => {
    await expect(check({ namespace: "missing" })).rejects.toMatchObject({
      exitCode: 4,
      message: 'cannot create Jobs in namespace "flows": it does not exist',
    });
  });

  it("takes a namespace for granted that it may not read", async () => {
    expect(await check({ namespace: "unreadable" })).toEqual([]);
  });

  it("asks for the Lease only where a leader is elected", async () => {
    const may = ({ resource }: Access): boolean => resource !== "leases";
    expect(await check({ may })).toEqual([]);
    await expect(check({ may, leaderElect: true })).rejects.toThrow("leases");
  });

  it("waits, with one line, for an API that does not answer", async () => {
    expect(await check({ kubeErrors: [0, 500, 503] })).toEqual([
      'Cannot reach the Kubernetes API; retrying: ""',
    ]);
    expect(await check({ prefectErrors: ["unreachable", "overloaded"] })).toEqual([
      'Cannot reach the Prefect API; retrying: ""',
    ]);
  });

  it("ends the agent when an API refuses its credentials", async () => {
    await expect(check({ kubeErrors: [401] })).rejects.toMatchObject({ exitCode: 4 });
    await expect(check({ prefectErrors: ["unauthorized"] })).rejects.toMatchObject({ exitCode: 3 });
  });
});
