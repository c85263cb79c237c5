// kubectl prefect cancel for Prefect 2 and 3: their REST API is told, in its own words.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { objectIn, textIn } from "../../../src/base/json.ts";
import { NAMESPACE, startWorld } from "./cleanup/cluster.ts";

const RUN = "0c0c0c0c-3333-4333-8333-cccccccccccc";

/** As much of the API as is asked of it: one flow run, which takes every state, or none of them. */
async function restApi(first: string, answer: "ACCEPT" | "REJECT") {
  const asked: unknown[] = [];
  let type = first;
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const body = objectIn(JSON.parse(text));
      const state = { type, name: type, timestamp: new Date(0).toISOString() };
      if (request.url === "/api/flow_runs/filter") {
        response.end(JSON.stringify([{ id: RUN, name: "wise-owl", state }]));
        return;
      }
      const wanted = textIn(objectIn(body["state"])["type"]) ?? "";
      asked.push([request.url, wanted, body["force"]]);
      if (answer === "ACCEPT") type = wanted;
      response.end(JSON.stringify({ status: answer, state, details: {} }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/api`, asked, state: () => type };
}

async function cancelled(first: string, answer: "ACCEPT" | "REJECT" = "ACCEPT") {
  const world = await startWorld();
  const api = await restApi(first, answer);
  const labels = { "prefect.io/flow-run-id": RUN, "prefect.io/flow-run-name": "wise-owl" };
  world.job("owl", "", { metadata: { labels }, status: { active: 1 } });
  const env = { PREFECT_API_URL: api.url };
  const result = await world.run(["cancel", "wise-owl", "--now"], { env, alone: true });
  return { ...result, api, left: world.kube.list("jobs", NAMESPACE).length };
}

describe("cancel with Prefect 2 and 3", () => {
  it("asks a running run to end, removes its Job, and then calls it cancelled", async () => {
    const { exitCode, api, left, stdout } = await cancelled("RUNNING");
    expect([exitCode, left, api.state()]).toEqual([0, 0, "CANCELLED"]);
    expect(api.asked).toEqual([
      [`/api/flow_runs/${RUN}/set_state`, "CANCELLING", false],
      [`/api/flow_runs/${RUN}/set_state`, "CANCELLED", true],
    ]);
    expect(stdout).toBe('job.batch "owl" deleted from flows namespace\n');
  });

  it("calls a run cancelled at once that has no process", async () => {
    const { exitCode, api } = await cancelled("SCHEDULED");
    expect([exitCode, api.asked]).toEqual([0, [[`/api/flow_runs/${RUN}/set_state`, "CANCELLED", false]]]);
  });

  it("does not ask again for what was asked for before", async () => {
    const { exitCode, api } = await cancelled("CANCELLING");
    expect([exitCode, api.asked]).toEqual([0, [[`/api/flow_runs/${RUN}/set_state`, "CANCELLED", true]]]);
  });

  it("leaves the state of a run alone that is over, and removes what it has", async () => {
    const { exitCode, api, left } = await cancelled("COMPLETED");
    expect([exitCode, api.asked, left]).toEqual([0, [], 0]);
  });

  it("removes nothing when Prefect does not take the state", async () => {
    const { exitCode, left, stderr } = await cancelled("RUNNING", "REJECT");
    expect([exitCode, left]).toEqual([1, 1]);
    expect(stderr).toContain(`error: cannot cancel flow run "${RUN}": the API answered REJECT`);
  });
});
