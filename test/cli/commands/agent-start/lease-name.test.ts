// Lease names from agents' identities.

import { describe, expect, it } from "vitest";
import { leaseName } from "../../../../src/cli/commands/agent-start/wire.ts";

const named = (name: string): string => leaseName({ name, labels: [] });

describe("leaseName", () => {
  it.each(["agent", "team-1", "7"])("begins with the agent's name for %s", (name) => {
    expect(named(name)).toMatch(new RegExp(`^prefect-agent-${name}-[0-9a-f]{8}$`));
  });

  it.each(["Night Shift", "team_a", "-x-", "a..b", "агент", "", "!", "n".repeat(300), `${"n".repeat(31)} x`])(
    "is one that Kubernetes accepts for %j",
    (name) => {
      expect(named(name)).toMatch(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/);
    },
  );

  it("differs for different agent names, however similar", () => {
    const names = [
      "team-a",
      "team_a",
      "team.a",
      "Team-a",
      "team a",
      "team-a-",
      "a".repeat(99),
      "a".repeat(100),
    ];
    expect(new Set(names.map(named)).size).toBe(names.length);
  });

  it("differs for agents of one name with other labels or of another tenant, and not for the order of labels", () => {
    const names = [
      leaseName({ name: "agent", labels: [] }),
      leaseName({ name: "agent", labels: ["gpu"] }),
      leaseName({ name: "agent", labels: ["cpu", "gpu"] }),
      leaseName({ name: "agent", labels: ["gpu"], tenantId: "one" }),
      leaseName({ name: "agent", labels: ["gpu"], tenantId: "two" }),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(leaseName({ name: "agent", labels: ["gpu", "cpu"] })).toBe(names[2]);
  });
});
