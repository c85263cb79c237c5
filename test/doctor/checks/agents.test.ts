import { PrefectError } from "../../../src/orchestrator/errors.ts";
import { describe, expect, it } from "vitest";
import { agentFindings } from "../../../src/doctor/checks/agents.ts";
import { agent, lines, NOW } from "../samples.ts";

const expected = { labels: undefined, now: NOW };

describe("agents", () => {
  it("are a warning when none has registered", () => {
    const [found] = agentFindings({ ok: true, value: [] }, expected);
    expect(found?.status).toBe("warning");
    expect(found?.hint).toContain("kubectl prefect install");
  });

  it("are shown with their labels when they are running", () => {
    const value = [agent("prod", ["eu", "k8s"], 3), agent("old", [], 7_200)];
    const [found, ...rest] = agentFindings({ ok: true, value }, expected);
    expect(found?.message).toBe("1 agent is running; 1 registered earlier is not");
    expect(found?.details).toEqual(['"prod" with labels eu, k8s, polled 3s ago']);
    expect(rest).toEqual([]);
  });

  it("of another kind are shown with their kind", () => {
    const docker = { ...agent("box", ["x"]), type: "DockerAgent" };
    expect(agentFindings({ ok: true, value: [docker] }, expected)[0]?.details).toEqual([
      '"box" (DockerAgent) with label x, polled 5s ago',
    ]);
  });

  it("that have stopped are a warning, with the last one", () => {
    const value = [agent("prod", ["k8s"], 10_800)];
    expect(lines(agentFindings({ ok: true, value }, expected))).toEqual([
      'warning agents: no agent is running; last seen: "prod" with label k8s, polled 3h ago',
    ]);
  });

  it("with the expected labels are found, whatever their order", () => {
    const value = [agent("prod", ["k8s", "eu"])];
    const found = (labels: string[]) =>
      lines(agentFindings({ ok: true, value }, { labels, now: NOW })).slice(1);
    expect(found(["eu", "k8s"])).toEqual(['ok agent\'s labels: "prod" with labels k8s, eu, polled 5s ago']);
    expect(found(["eu"])).toEqual(["warning agent's labels: no agent with exactly label eu is running"]);
  });

  it("that cannot be listed are a warning", () => {
    const error = new PrefectError("list agents", "no", { failure: "refused" });
    expect(lines(agentFindings({ ok: false, error }, expected))).toEqual([
      "warning agents: cannot list agents: no",
    ]);
  });
});
