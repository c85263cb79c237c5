// get_runs_in_queue: which runs are due for whom.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { objectIn } from "../../../../src/base/json.ts";
import { startFakePrefect1 } from "../fake-prefect1.ts";
import type { FakePrefect1 } from "../fake-prefect1.ts";
import type { FlowRow } from "../rows.ts";
import { graphql, setTaskState, StillClock } from "../client.ts";

let api: FakePrefect1;
let clock: StillClock;
let flow: FlowRow;

beforeEach(async () => {
  clock = new StillClock();
  api = await startFakePrefect1({ clock });
  flow = api.createFlow({ name: "etl", tasks: [{ slug: "a-1" }] });
});

afterEach(() => api.stop());

function due(inSeconds: number, labels: string[] = []): string {
  return api.createFlowRun({ flow, labels, startTime: new Date(clock.now().getTime() + inSeconds * 1000) })
    .id;
}

async function queue(input: Record<string, unknown> = {}, headers = {}): Promise<unknown> {
  const reply = await graphql(
    api,
    "mutation($input: get_runs_in_queue_input!) { get_runs_in_queue(input: $input) { flow_run_ids } }",
    { variables: { input: { tenant_id: api.tenantId, ...input } }, headers },
  );
  return reply.errors?.[0]?.message ?? objectIn(reply.data?.["get_runs_in_queue"])["flow_run_ids"];
}

describe("get_runs_in_queue", () => {
  it("gives what is due, the oldest first, again and again", async () => {
    const [later, sooner] = [due(-1), due(-2)];
    due(5);
    expect(await queue()).toEqual([sooner, later]);
    expect(await queue()).toEqual([sooner, later]);
    api.setState(sooner, { type: "Submitted" });
    expect(await queue()).toEqual([later]);
  });

  it("looks ahead as far as `before` says", async () => {
    const run = due(10);
    expect(await queue({ before: "2022-03-04T05:06:16.999999+00:00" })).toEqual([]);
    expect(await queue({ before: "2022-03-04T05:06:17.000000+00:00" })).toEqual([run]);
  });

  it.each(["Scheduled", "Resume", "Retrying", "Queued"])("gives %s runs", async (type) => {
    const run = due(0);
    api.setState(run, { type });
    expect(await queue()).toEqual([run]);
  });

  it.each(["Paused", "Submitted", "Running", "Cancelled", "Pending"])("withholds %s runs", async (type) => {
    api.setState(due(0), { type });
    expect(await queue()).toEqual([]);
  });

  it("gives a Running run with a due task run, after those that are due themselves", async () => {
    const running = due(-9);
    api.setState(running, { type: "Running" });
    const task = api.taskRuns(running)[0]?.id ?? "";
    await setTaskState(api, task, { type: "Retrying", start_time: "2022-03-04T05:06:08+00:00" });
    expect(await queue()).toEqual([]);
    clock.forward(1000);
    const fresh = due(0);
    expect(await queue()).toEqual([fresh, running]);
    await setTaskState(api, task, { type: "Submitted" });
    expect(await queue()).toEqual([fresh]);
  });

  it("withholds a run that is not Running although a task run of it is due", async () => {
    const run = due(0);
    const task = api.taskRuns(run)[0]?.id ?? "";
    await setTaskState(api, task, { type: "Retrying", start_time: "2022-03-04T05:06:00+00:00" });
    api.setState(run, { type: "Cancelling" });
    expect(await queue()).toEqual([]);
  });

  it.each([
    { runs: [], agent: [], taken: true },
    { runs: [], agent: ["a"], taken: false },
    { runs: ["a"], agent: [], taken: false },
    { runs: ["a"], agent: ["a", "b"], taken: true },
    { runs: ["a", "b"], agent: ["a"], taken: false },
    { runs: ["a", "b"], agent: ["b", "a"], taken: true },
  ])("a run labelled $runs for an agent labelled $agent: $taken", async ({ runs, agent, taken }) => {
    const run = due(0, runs);
    expect(await queue({ labels: agent })).toEqual(taken ? [run] : []);
  });

  it("returns 25 runs at a time", async () => {
    const runs = Array.from({ length: 30 }, (_, i) => due(i - 60));
    expect(await queue()).toEqual(runs.slice(0, 25));
  });

  it("reads 75 runs at most, so that older ones of others hide ours", async () => {
    for (let i = 0; i < 74; i++) due(-100, ["theirs"]);
    const [ours] = [due(-2, ["ours"]), due(-1, ["ours"])];
    expect(await queue({ labels: ["ours"] })).toEqual([ours]);
  });

  it("notes when the agent asked", async () => {
    await graphql(
      api,
      `mutation { register_agent(input: {tenant_id: "${api.tenantId}", type: "K"}) { id } }`,
    );
    clock.forward(5000);
    await queue({}, { "x-prefect-agent-id": api.agents()[0]?.id ?? "" });
    expect(api.agents()[0]?.last_queried).toBe("2022-03-04T05:06:12.000000+00:00");
  });

  it("fails for labels that are null, as the original resolver does", async () => {
    expect(await queue({ labels: null })).toBe("'NoneType' object has no attribute 'sort'");
  });

  it("knows other tenants' runs from ours", async () => {
    due(0);
    expect(await queue({ tenant_id: "b5eb4a6f-0e4f-4ad5-a7de-3aa5b0b0a333" })).toEqual([]);
  });
});
