import { PrefectError } from "../../../src/orchestrator/errors.ts";
import { describe, expect, it } from "vitest";
import { agentFindings } from "../../../src/doctor/checks/agents.ts";
import { agent, lines, NOW } from "../subjects.ts";

const given = { labels: undefined, now: NOW };

describe("agents", () => {
  it("are missed when none has registered", () => {
    const [found] = agentFindings({ ok: true, value: [] }, given);
    expect(found?.status).toBe("warning");
    expect(found?.hint).toContain("kubectl prefect install");
  });

  it("are shown when they poll, with their labels", () => {
    const value = [agent("prod", ["eu", "k8s"], 3), agent("old", [], 7_200)];
    const [found, ...rest] = agentFindings({ ok: true, value }, given);
    expect(found?.message).toBe("1 agent polls; 1 older registration no longer does");
    expect(found?.details).toEqual(['"prod" with labels eu, k8s, polled 3s ago']);
    expect(rest).toEqual([]);
  });

  it("of another kind say so", () => {
    const docker = { ...agent("box", ["x"]), type: "DockerAgent" };
    expect(agentFindings({ ok: true, value: [docker] }, given)[0]?.details).toEqual([
      '"box" (DockerAgent) with label x, polled 5s ago',
    ]);
  });

  it("that have gone silent are a warning, with the last of them", () => {
    const value = [agent("prod", ["k8s"], 10_800)];
    expect(lines(agentFindings({ ok: true, value }, given))).toEqual([
      'warning agents: none polls now; the last was "prod" with label k8s, polled 3h ago',
    ]);
  });

  it("with the given labels are found in any order, or missed", () => {
    const value = [agent("prod", ["k8s", "eu"])];
    const found = (labels: string[]) =>
      lines(agentFindings({ ok: true, value }, { labels, now: NOW })).slice(1);
    expect(found(["eu", "k8s"])).toEqual(['ok agent\'s labels: "prod" with labels k8s, eu, polled 5s ago']);
    expect(found(["eu"])).toEqual(["warning agent's labels: no agent with exactly label eu polls"]);
  });

  it("that cannot be listed leave the rest of the report alone", () => {
    const error = new PrefectError("list agents", "no", { failure: "refused" });
    expect(lines(agentFindings({ ok: false, error }, given))).toEqual([
      "warning agents: cannot list agents: no",
    ]);
  });
});
