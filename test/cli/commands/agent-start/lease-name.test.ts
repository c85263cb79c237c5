// Lease names from agent names.

import { describe, expect, it } from "vitest";
import { leaseName } from "../../../../src/cli/commands/agent-start/lease-name.ts";

describe("leaseName", () => {
  it.each(["agent", "team-1", "7"])("is readable for %s", (agent) => {
    expect(leaseName(agent)).toBe(`prefect-agent-${agent}`);
  });

  it.each(["Night Shift", "team_a", "-x-", "a..b", "агент", "", "!", "n".repeat(300), `${"n".repeat(31)} x`])(
    "is one that Kubernetes accepts for %j",
    (agent) => {
      expect(leaseName(agent)).toMatch(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/);
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
    expect(new Set(names.map(leaseName)).size).toBe(names.length);
  });
});
