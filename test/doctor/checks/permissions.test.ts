import { describe, expect, it } from "vitest";
import {
  rightKey,
  rightsFindings,
  serviceAccountSubject,
  wantedRights,
} from "../../../src/doctor/checks/permissions.ts";
import type { RightsQuestion, Role } from "../../../src/doctor/checks/permissions.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";

const ACCOUNT = serviceAccountSubject("flows", "prefect-agent");

function found(
  roles: readonly Role[],
  isGranted: (right: string) => boolean,
  change: Partial<RightsQuestion> = {},
) {
  const question: RightsQuestion = { roles, subject: "you", who: undefined, leaderElect: false, ...change };
  const wanted = wantedRights(roles, "flows");
  const answers = wanted.map(({ access }) => [rightKey(access), isGranted(rightKey(access))] as const);
  return rightsFindings(question, wanted, { ok: true, value: new Map(answers) });
}

function statuses(...given: Parameters<typeof found>): Record<string, string> {
  return Object.fromEntries(found(...given).map(({ check, status }) => [check, status]));
}

const nothing = (): boolean => false;

describe("rights", () => {
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
      "removing Dask of cancelled flow runs": "warning",
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
    const [dask] = found(["flows"], (right) => !right.startsWith("create  pods"));
    expect(dask).toMatchObject({
      status: "skipped",
      message: "not granted, and only flows with Dask workers need it: create pods",
      hint: undefined,
      data: { missing: ["create pods"] },
    });
  });

  it("name what is missing, and what is not, as RBAC spells it", () => {
    const [launching] = found(["agent"], (right) => right !== "create batch jobs ");
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
      want: { status: "skipped", message: /not allowed to ask for others' rights/ },
    },
    { who: undefined, status: 403, want: { status: "broken", message: /not even allowed to ask: down/ } },
    { who: undefined, status: 500, want: { status: "warning", message: /cannot be asked for: down/ } },
  ])("that cannot be asked for ($status) are one finding", ({ who, status, want }) => {
    const error = new KubeError("ask for rights", "down", { status, reason: "x" });
    const question: RightsQuestion = { roles: ["agent"], subject: "s", who, leaderElect: false };
    const [only, ...rest] = rightsFindings(question, wantedRights(["agent"], "flows"), { ok: false, error });
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
