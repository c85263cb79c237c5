// A gateway or load balancer before one of the APIs answers in its place for a while: what it says is no word of the API. In
// virtual time. Reports: kubernetes/ingress-nginx#3888, #12206.

import { afterEach, describe, expect, it } from "vitest";
import type { HttpAnswer } from "../../../src/http/exchange.ts";
import { seededRandom } from "../../simulation/virtual-time.ts";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const TEXT = { "content-type": "text/plain" };
const JSON_TYPE = { "content-type": "application/json" };
const RUNS = 40;
let world: World;

afterEach(() => world.close());

const ANSWERS: Readonly<Record<string, HttpAnswer>> = {
  "200 with {}": { status: 200, headers: JSON_TYPE, body: "{}" },
  "200 with ok": { status: 200, headers: TEXT, body: "ok" },
  "200 with a page": { status: 200, headers: { "content-type": "text/html" }, body: "<html></html>" },
  "302 to a login": { status: 302, headers: { location: "https://login.example.com/" }, body: "" },
  "400 with text": { status: 400, headers: TEXT, body: "Bad Request" },
  "403 with text": { status: 403, headers: TEXT, body: "RBAC: access denied" },
  "403 with JSON": { status: 403, headers: JSON_TYPE, body: '{"type":"error","code":"Forbidden"}' },
  "404 with text": { status: 404, headers: TEXT, body: "404 page not found" },
  "404 without a body": { status: 404, headers: {}, body: "" },
  "404 with JSON": { status: 404, headers: JSON_TYPE, body: '{"type":"error","code":"NotFound"}' },
  "409 with text": { status: 409, headers: TEXT, body: "conflict" },
  "503 with text": { status: 503, headers: TEXT, body: "no healthy upstream" },
};

/** Runs that fail and succeed in turn, while `share` of the requests to the API get the answer for as long as `forMs`. */
async function runBehindGateway(
  api: "kubernetes" | "prefect",
  { answer, share, forMs }: { readonly answer: string; readonly share: number; readonly forMs: number },
): Promise<readonly string[]> {
  const random = seededRandom(7);
  let isOn = false;
  world = new World({
    network: {
      mishap: ({ url }) => {
        const instead = ANSWERS[answer];
        const isHit = isOn && url.origin.includes(api) && random() < share;
        return isHit && instead !== undefined ? { instead: { ...instead } as never } : undefined;
      },
    },
  });
  world.start();
  await world.time.pass(5 * SECOND);
  const ids = Array.from({ length: RUNS }, (_, at) =>
    world.dueRun({ script: { outcome: at % 2 === 0 ? "fail" : "succeed", runMs: (at % 20) * 3 * SECOND } }),
  );
  await world.time.pass(10 * SECOND);
  isOn = true;
  await world.time.pass(forMs);
  isOn = false;
  await world.time.pass(30 * MINUTE);
  return ids;
}

/** What is lost: runs in a wrong state or without the cause of their failure, Jobs that are left, or made twice. */
function lost(ids: readonly string[]): readonly string[] {
  const wrong = ids.filter((id, at) => world.state(id) !== (at % 2 === 0 ? "Failed" : "Success"));
  const tellsWhy = (id: string): boolean => world.logs(id).some(({ level }) => level === "ERROR");
  const untold = ids.filter((id, at) => at % 2 === 0 && !tellsWhy(id));
  const left = world.kube.list("jobs").map(({ metadata }) => metadata.name);
  const made = world.createdJobs().length;
  return [...wrong, ...untold, ...left, ...(made === RUNS ? [] : [`${made} Jobs for ${RUNS} runs`])];
}

describe("a gateway before Kubernetes", () => {
  it.each(Object.keys(ANSWERS))("that answers %s for five seconds loses nothing", async (answer) => {
    const ids = await runBehindGateway("kubernetes", { answer, share: 1, forMs: 5 * SECOND });
    expect(lost(ids)).toEqual([]);
  });

  it.each(["404 with text", "403 with text"])(
    "that answers one in four requests %s for a minute loses nothing",
    async (answer) => {
      const ids = await runBehindGateway("kubernetes", { answer, share: 0.25, forMs: MINUTE });
      expect(lost(ids)).toEqual([]);
    },
  );
});

describe("a gateway before Prefect", () => {
  it.each(["404 with text", "400 with text", "503 with text"])(
    "that answers one in four requests %s for a minute loses no line and no state",
    async (answer) => {
      const ids = await runBehindGateway("prefect", { answer, share: 0.25, forMs: MINUTE });
      expect(lost(ids)).toEqual([]);
    },
  );

  it("that answers 403, and then 404, does not end the agent", async () => {
    let status = 0;
    world = new World({
      network: {
        mishap: ({ url }) =>
          status > 0 && url.origin.includes("prefect")
            ? { instead: { status, headers: TEXT, body: "no" } as never }
            : undefined,
      },
    });
    const agent = world.start();
    await world.time.pass(MINUTE);
    status = 403;
    await world.time.pass(12 * SECOND);
    status = 404;
    await world.time.pass(3 * MINUTE);
    status = 0;
    const id = world.dueRun({ script: { outcome: "succeed" } });
    await world.time.until(() => world.state(id) === "Success", 2 * MINUTE);
    expect(agent.end()).toBeUndefined();
  });
});
