// -o json is an interface: docs/json.md names each field that is printed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { isObject } from "../../src/base/json.ts";
import { ownerText } from "../../src/job/owner.ts";
import { DAYS_AGO, ended, POD, putJob, runId } from "../inventory/test-cluster.ts";
import { everyRun } from "../support/every-run.ts";
import { fakePrefect3 } from "../support/prefect3.ts";

const DOC = readFileSync(join(import.meta.dirname, "../../docs/json.md"), "utf8");
const DOCUMENTED = new Set([...DOC.matchAll(/^\| `([^`]+)` /gm)].map(([, field = ""]) => field));
/** What Kubernetes says of these is printed as it is. */
const OPAQUE =
  /^(?:metadata\.labels|jobStatus|pods\[\]\.containers\[\]\.\w*[sS]tate|jobs\[\]\.events\[\]\.involvedObject)$/;
/** Objects in others, and what is documented of them once. */
const NESTED = /^(?:dask\[\]\.|jobs\[\]\.(?=metadata\.|pods\[\]|jobStatus))(?=.)/;

/** The fields as docs/json.md writes them: `jobs[].events[].count`. */
function fieldsIn(value: unknown, at = ""): readonly string[] {
  const name = at.replace(NESTED, "");
  if (Array.isArray(value)) return value.flatMap((each) => fieldsIn(each, `${at}[]`));
  if (OPAQUE.test(name) || !isObject(value)) return [name];
  const inside = Object.entries(value);
  return inside.flatMap(([key, each]) => fieldsIn(each, at === "" ? key : `${at}.${key}`));
}

/** Objects of every kind, with all their fields. */
async function objects(): Promise<readonly JsonObject[]> {
  const { cli, cluster, prefect, ids } = await everyRun();
  const { fake, url } = await fakePrefect3();
  fake.putPool({ name: "held", is_paused: true });
  const [id, timestamp] = [runId(3), DAYS_AGO];
  const late = {
    state: { type: "SCHEDULED", name: "Late", timestamp },
    next_scheduled_start_time: timestamp,
  };
  fake.put({ id, name: "late", work_pool_name: "held", ...late });
  const run = (name: string): string => ids[name] ?? "";
  const gone = { name: "gpu", labels: ["gpu"], tenantId: prefect.tenantId, process: "p" };
  const terminated = { exitCode: 1, startedAt: DAYS_AGO, finishedAt: DAYS_AGO };
  const [container] = POD.running.containerStatuses;
  const restarted = { ...POD.running, containerStatuses: [{ ...container, lastState: { terminated } }] };
  const annotations = { "prefect.io/agent": ownerText(gone) };
  const createdAt = new Date().toISOString();
  putJob(cluster, "job-again", { run: run("works"), annotations, pod: restarted, createdAt });
  putJob(cluster, "job-old", { run: run("works"), pod: POD.failed, status: ended("Failed") });
  const { uid } = cluster.fake.get("jobs", "default", "job-again")?.metadata ?? {};
  cluster.fake.put("events", {
    metadata: { name: "event", namespace: "default" },
    involvedObject: { kind: "Job", name: "job-again", namespace: "default", uid },
    type: "Warning",
    reason: "FailedCreate",
    message: "no room",
    count: 2,
    lastTimestamp: DAYS_AGO,
  });
  const name = `dask-${run("works")}-03d5b8bb-0`;
  const labels = { "dask.org/cluster-name": name, "dask.org/component": "scheduler" };
  cluster.fake.put("services", { metadata: { name, labels }, spec: { selector: labels } });
  const budget = { selector: { matchLabels: labels } };
  cluster.fake.put("poddisruptionbudgets", { metadata: { name, labels }, spec: budget });
  cluster.fake.put("pods", {
    metadata: { name: `${name}-s`, labels },
    spec: { nodeName: "node-1", containers: [{ name: "flow", image: "dask:1" }] },
    status: POD.running,
  });
  const print = async (...argv: readonly string[]): Promise<JsonObject> =>
    JSON.parse((await cli([...argv, "-o", "json"], { env: { PREFECT_API_URL: url } })).stdout) as JsonObject;
  const inspected = ["works", "pulls", "lost", "late"].map((each) => print("inspect", each));
  const { items } = await print("jobs");
  const reports = [print("doctor"), print("doctor", "--for", "default/nobody")];
  return [...(items as JsonObject[]), ...(await Promise.all([...inspected, ...reports]))];
}

describe("docs/json.md", () => {
  it("names each field that is printed, and no other", async () => {
    const printed = new Set((await objects()).flatMap((each) => fieldsIn(each)));
    expect([...printed].filter((field) => !DOCUMENTED.has(field))).toEqual([]);
    // Those of objects are there with what is in them.
    const parents = /^(?:flowRun(?:\.state)?|dask\[\]|jobs\[\]\.\w+(?:\[\])?|pods\[\])$/;
    expect([...DOCUMENTED].filter((field) => !printed.has(field) && !parents.test(field))).toEqual([]);
  });
});
