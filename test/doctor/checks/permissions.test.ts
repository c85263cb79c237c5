import { describe, expect, it } from "vitest";
import {
  permissionFindings,
  serviceAccountSubject,
  wantedPermissions,
} from "../../../src/doctor/checks/permissions.ts";
import type { Role, User } from "../../../src/doctor/checks/permissions.ts";
import { permissionName } from "../../../src/kube/permissions.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";

const ACCOUNT = serviceAccountSubject("flows", "prefect-agent");

function found(
  roles: readonly Role[],
  isGranted: (permission: string) => boolean,
  change: Partial<User> = {},
) {
  const user: User = { roles, subject: "you", who: undefined, leaderElect: false, ...change };
  const wanted = wantedPermissions(roles, "flows");
  const missing = wanted.filter(({ access }) => !isGranted(permissionName(access)));
  return permissionFindings(user, wanted, { ok: true, value: missing });
}

function statuses(...arguments_: Parameters<typeof found>): Record<string, string> {
  return Object.fromEntries(found(...arguments_).map(({ check, status }) => [check, status]));
}

const nothing = (): boolean => false;

describe("permissions", () => {
  it("that are all granted are ok, with the calls by resource", () => {
    const findings = found(["agent", "person", "flows"], () => true);
    expect(new Set(findings.map(({ status }) => status))).toEqual(new Set(["ok"]));
    expect(findings.find(({ check }) => check === "launching flow runs")?.message).toBe(
      "may get, create jobs",
    );
  });

  it("of the agent weigh by what fails without them", () => {
    expect(statuses(["agent"], nothing)).toEqual({
      "launching flow runs": "broken",
      "following flow runs": "broken",
      "deleting finished Jobs": "warning",
      "logs of failed pods": "warning",
      "events in flow runs' logs": "warning",
      "deleting Dask clusters of cancelled flow runs": "warning",
      "leader election": "skipped",
      cleanup: "skipped",
    });
  });

  it("for a Lease are needed by an agent that is to elect a leader", () => {
    expect(statuses(["agent"], nothing, { leaderElect: true })["leader election"]).toBe("broken");
  });

  it("of a person who only types commands are those of cleanup", () => {
    expect(statuses(["person"], nothing)).toEqual({ cleanup: "warning" });
  });

  it("of flows matter only to some flows", () => {
    const [dask] = found(["flows"], (name) => !name.startsWith("create pods"));
    expect(dask).toMatchObject({
      status: "skipped",
      message: "not granted, and only flows with Dask workers need it: create pods",
      hint: undefined,
      data: { missing: ["create pods"] },
    });
  });

  it("name what is missing, and what is not, as RBAC spells it", () => {
    const [launching] = found(["agent"], (name) => name !== "create jobs.batch");
    expect(launching).toMatchObject({
      message: "may not create jobs",
      data: { missing: ["create jobs.batch"], granted: ["get jobs.batch"] },
    });
    expect(launching?.hint).toContain("kubectl prefect install --rbac=minimal");
  });

  it.each([
    {
      who: ACCOUNT,
      status: 403,
      want: { status: "skipped", message: /not allowed to check others' permissions/ },
    },
    {
      who: undefined,
      status: 403,
      want: { status: "broken", message: /not allowed to check permissions: down/ },
    },
    { who: undefined, status: 500, want: { status: "warning", message: /cannot be checked: down/ } },
  ])("that cannot be checked ($status) are one finding", ({ who, status, want }) => {
    const error = new KubeError("check permissions", "down", { status, reason: "x" });
    const user: User = { roles: ["agent"], subject: "s", who, leaderElect: false };
    const [only, ...rest] = permissionFindings(user, wantedPermissions(["agent"], "flows"), {
      ok: false,
      error,
    });
    expect(only?.status).toBe(want.status);
    expect(only?.message).toMatch(want.message);
    expect(rest).toEqual([]);
  });

  it("of a ServiceAccount are those of its user and its groups", () => {
    expect(ACCOUNT).toEqual({
      user: "system:serviceaccount:flows:prefect-agent",
      groups: ["system:serviceaccounts", "system:serviceaccounts:flows", "system:authenticated"],
    });
  });
});
