import { describe, expect, it } from "vitest";
import { labelsText, takesRun } from "../../src/orchestrator/agent-identity.ts";

describe("an agent", () => {
  it.each([
    { agent: ["k8s", "eu"], run: ["k8s"], takes: true },
    { agent: ["k8s"], run: ["k8s", "gpu"], takes: false },
    { agent: [], run: [], takes: true },
    { agent: ["k8s"], run: [], takes: false },
    { agent: [], run: ["k8s"], takes: false },
  ])("with labels $agent and a run with labels $run: $takes", ({ agent, run, takes }) => {
    expect(takesRun(agent, run)).toBe(takes);
  });

  it("has the same labels in any order", () => {
    expect(labelsText(["b", "a"])).toBe("labels a, b");
    expect(labelsText(["a"])).toBe("label a");
    expect(labelsText([])).toBe("no labels");
  });
});
