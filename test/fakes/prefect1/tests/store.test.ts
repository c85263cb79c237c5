// The store: its indexes and what it forgets.

import { describe, expect, it } from "vitest";
import { SortedIndex } from "../sorted-index.ts";
import { startFakePrefect1 } from "../fake-prefect1.ts";

describe("SortedIndex", () => {
  it("keeps the order of keys through inserts, changes and deletions", () => {
    const index = new SortedIndex<string>();
    // A fixed pseudo-random walk; the model is a plain map that is sorted at the end.
    const model = new Map<string, string>();
    let seed = 7;
    for (let i = 0; i < 2000; i++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const row = `r${seed % 101}`;
      const key = seed % 5 === 0 ? null : String(1000 + (seed % 97));
      index.put(row, key);
      if (key === null) model.delete(row);
      else model.set(row, key);
    }
    const found = [...index.upTo("1050")];
    expect(found.map((row) => model.get(row))).toEqual(
      [...model.values()].filter((key) => key <= "1050").sort(),
    );
    expect(index.size).toBe(model.size);
    for (const row of model.keys()) index.remove(row);
    expect([...index.upTo("9")]).toEqual([]);
  });

  it("keeps the order of arrival for equal keys", () => {
    const index = new SortedIndex<string>();
    for (const row of ["c", "a", "b"]) index.put(row, "1");
    expect([...index.upTo("1")]).toEqual(["c", "a", "b"]);
  });
});

describe("an index", () => {
  it("follows its rows through every change", async () => {
    const api = await startFakePrefect1();
    const { id } = api.createFlowRun({ flow: api.createFlow({ name: "f" }) });
    const { flow_run } = api.store.tables;
    const found = (state: string) => [...flow_run.having("state", state)].map((run) => run.id);
    expect([found("Scheduled"), flow_run.sortedBy("state_start_time")?.size]).toEqual([[id], 1]);
    api.setState(id, { type: "Running" });
    expect([found("Scheduled"), found("Running")]).toEqual([[], [id]]);
    expect(flow_run.sortedBy("state_start_time")?.size).toBe(0);
    api.deleteFlowRun(id);
    expect(found("Running")).toEqual([]);
    await api.stop();
  });
});

describe("keepFinished", () => {
  it("forgets the runs that finished first, with all that is theirs", async () => {
    const api = await startFakePrefect1({ keepFinished: 2 });
    const flow = api.createFlow({ name: "f", tasks: [{ slug: "a-1" }] });
    const runs = [1, 2, 3, 4].map(() => api.createFlowRun({ flow }).id);
    const [a = "", b = "", c = "", d = ""] = runs;
    for (const id of [b, a, c]) api.setState(id, { type: "Success" });
    await api.stop();
    expect(runs.filter((id) => api.flowRun(id) !== undefined)).toEqual([a, c, d]);
    const { task_run, flow_run_state } = api.store.tables;
    expect([task_run.size, flow_run_state.size]).toEqual([3, 5]);
  });

  it("keeps a run that was started again", async () => {
    const api = await startFakePrefect1({ keepFinished: 1 });
    const flow = api.createFlow({ name: "f" });
    const [a = "", b = "", c = ""] = [1, 2, 3].map(() => api.createFlowRun({ flow }).id);
    api.setState(a, { type: "Failed" });
    api.setState(a, { type: "Running" });
    api.setState(b, { type: "Failed" });
    api.setState(c, { type: "Failed" });
    await api.stop();
    expect([a, b, c].map((id) => api.flowRun(id)?.state)).toEqual(["Running", undefined, "Failed"]);
  });
});
