import { describe, expect, it } from "vitest";
import {
  grantHelp,
  permissionFindings,
  serviceAccountSubject,
} from "../../../src/doctor/checks/permissions.ts";
import { AGENT_PERMISSIONS, permissionName, permissionsIn } from "../../../src/kube/permissions.ts";

const ACCOUNT = { namespace: "flows", name: "prefect-agent" };
const HOLDER = { account: ACCOUNT, leaderElect: false, cleansUp: false };
const WANTED = permissionsIn(AGENT_PERMISSIONS, "flows");

function found(isGranted: (permission: string) => boolean) {
  const missing = WANTED.filter(({ access }) => !isGranted(permissionName(access)));
  return permissionFindings(HOLDER, WANTED, missing);
}

describe("permissions", () => {
  it("that are granted are ok, one finding for each feature with its calls", () => {
    const findings = found(() => true);
    expect(new Set(findings.map(({ status }) => status))).toEqual(new Set(["ok"]));
    expect(findings[0]).toMatchObject({
      check: "launching flow runs",
      subject: "ServiceAccount flows/prefect-agent",
      message: "ServiceAccount flows/prefect-agent may get, create jobs",
    });
  });

  it("that are missing are broken if the agent cannot work without them, else a warning", () => {
    expect(Object.fromEntries(found(() => false).map(({ check, status }) => [check, status]))).toEqual({
      "launching flow runs": "broken",
      "following flow runs": "broken",
      "following Jobs of agents that are gone": "warning",
      "deleting finished Jobs": "warning",
      "telling clusters apart": "warning",
      "logs of failed pods": "warning",
      "events in flow runs' logs": "warning",
      "deleting Dask clusters of cancelled flow runs": "warning",
      "leader election": "broken",
    });
  });

  it("that are missing are named, and those that are not are left out", () => {
    expect(found((name) => name !== "create jobs.batch")[0]?.message).toBe(
      "ServiceAccount flows/prefect-agent may not create jobs",
    );
  });

  it("says what the agent does where it may not read its namespace", () => {
    const finding = found((name) => name !== "get namespaces").find(({ status }) => status === "warning");
    expect(finding).toMatchObject({
      message: "ServiceAccount flows/prefect-agent may not get namespaces",
      details: [
        expect.stringMatching(/^without it: the agent goes by the uid of its ServiceAccount, else by the CA/),
      ],
    });
  });

  it("of a ServiceAccount are those of its user and its groups", () => {
    expect(serviceAccountSubject(ACCOUNT)).toEqual({
      user: "system:serviceaccount:flows:prefect-agent",
      groups: ["system:serviceaccounts", "system:serviceaccounts:flows", "system:authenticated"],
    });
  });
});

describe("the commands that grant permissions", () => {
  const MINIMAL = "kubectl prefect install --rbac=minimal --rbac-only";

  it.each([
    {
      name: "install's own ServiceAccount",
      holder: HOLDER,
      want: [`${MINIMAL} -n flows | kubectl apply -f - -n flows`],
    },
    {
      name: "the ServiceAccount default",
      holder: { ...HOLDER, account: { namespace: "flows", name: "default" } },
      want: ["kubectl prefect install --rbac --rbac-only -n flows | kubectl apply -f - -n flows"],
    },
    {
      name: "replicas with cleanup",
      holder: { account: ACCOUNT, leaderElect: true, cleansUp: true },
      want: [`${MINIMAL} --leader-elect --resource-manager -n flows | kubectl apply -f - -n flows`],
    },
    {
      name: "a ServiceAccount of another namespace, which needs a binding of its own",
      holder: { ...HOLDER, account: { namespace: "ops", name: "agent" } },
      want: [
        `${MINIMAL} -n flows | kubectl apply -f - -n flows`,
        ...["prefect-agent-rbac", "prefect-agent-rbac-dask"].map(
          (role) =>
            `kubectl create rolebinding ${role}-ops-agent --role=${role} --serviceaccount=ops:agent -n flows`,
        ),
      ],
    },
  ])("to $name print and bind nothing but permissions", ({ holder, want }) => {
    const given = { namespace: "flows", accounts: [holder.account] };
    expect(grantHelp(holder, given).fix).toEqual(want);
  });

  it.each([
    { name: "own", others: ["default"], rbac: "--rbac", bound: ["own"] },
    { name: "default", others: ["prefect-agent"], rbac: "--rbac", bound: ["prefect-agent"] },
    { name: "prefect-agent", others: ["default"], rbac: "--rbac", bound: ["prefect-agent"] },
    { name: "own", others: ["prefect-agent"], rbac: "--rbac=minimal", bound: ["own"] },
  ])("to $name take nothing from $others", ({ name, others, rbac, bound }) => {
    const accounts = [name, ...others].map((each) => ({ namespace: "flows", name: each }));
    const holder = { ...HOLDER, account: { namespace: "flows", name } };
    const { fix = [] } = grantHelp(holder, { namespace: "flows", accounts });
    expect(fix[0]).toContain(`install ${rbac} `);
    const accountsOf = fix.slice(1).map((command) => /--serviceaccount=flows:(\S+)/.exec(command)?.[1]);
    expect(new Set(accountsOf)).toEqual(new Set(bound));
  });

  it("are none for the user, who sees which Role is needed", () => {
    const { look, fix } = grantHelp(
      { leaderElect: false, cleansUp: false },
      { namespace: "my flows", accounts: [] },
    );
    expect({ look, fix }).toEqual({ look: `${MINIMAL} -n 'my flows'`, fix: undefined });
  });
});
