// Text that others wrote never reaches a terminal as it is: neither control characters nor invisible ones, nor line breaks that
// would make another message of it. Each place where such text enters holds the same text here.

import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createLog } from "../../src/base/log.ts";
import { Secrets } from "../../src/base/secrets.ts";
import { cleanStream } from "../../src/output/clean.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import { DAYS_AGO, ended, POD, putJob, runId, startTestCluster } from "../inventory/test-cluster.ts";
import type { TestCluster } from "../inventory/test-cluster.ts";
import { fakePrefect3 } from "../support/prefect3.ts";
import { Writable } from "node:stream";

const HOSTILE =
  "harm\u001b[2J\u001b]0;t\u0007\u001b]8;;http://e\u001b\\less\u001b[5;41m\r\b\u0000\u007f\u009b2J" +
  "\u202e\u2066\u200b\u00ad\ufeff\u2028\u{E0041}tail\nerror: forged\n";

/** What the program itself sends to a terminal: the palette's colours, and the cursor of a progress line. */
// oxlint-disable-next-line no-control-regex -- colours and movements are control sequences
const OWN = /\u001b\[(?:1|2|22|31|32|33|35|36|39)m|\u001b\[\d*A|\u001b\[[KJ]|\r(?=\u001b)/g;

function expectClean(text: string, isYaml = false): void {
  const left = text.replaceAll(OWN, "");
  // oxlint-disable-next-line no-control-regex -- they are what must not be there
  expect(left).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\p{Cf}|\p{Cs}|[\u2028\u2029]/u);
  // A text of YAML may go on in the next line, indented.
  expect(left).not.toMatch(isYaml ? /^error: forged/m : /^\W*error: forged/m);
}

let cluster: TestCluster;
let prefect: FakePrefect1;
let url3: string;
let env: Record<string, string>;

beforeEach(async () => {
  cluster = await startTestCluster();
  prefect = await startFakePrefect1();
  onTestFinished(() => prefect.stop());
  const flow = prefect.createFlow({ name: `flow ${HOSTILE}` });
  const ids = ["one", "two"].map(() => prefect.createFlowRun({ flow, name: `run ${HOSTILE}` }).id);
  for (const id of ids) prefect.setState(id, { type: "Failed", message: `state ${HOSTILE}` });
  const [flowContainer] = POD.failed.containerStatuses;
  const terminated = { ...flowContainer.state.terminated, message: `terminated ${HOSTILE}`, reason: HOSTILE };
  const waiting = { reason: HOSTILE, message: `waiting ${HOSTILE}` };
  putJob(cluster, "failed", {
    run: ids[0]!,
    status: { conditions: [{ type: "Failed", status: "True", reason: HOSTILE, message: HOSTILE }] },
    pod: {
      phase: "Failed",
      reason: HOSTILE,
      message: `pod ${HOSTILE}`,
      containerStatuses: [{ ...flowContainer, image: HOSTILE, state: { terminated } }],
    },
  });
  putJob(cluster, "waiting", {
    run: ids[1]!,
    pod: { phase: "Pending", containerStatuses: [{ ...flowContainer, state: { waiting } }] },
  });
  const third = { "prefect.io/flow-run-id": runId(4), "prefect.io/flow-run-name": HOSTILE };
  putJob(cluster, "third", { run: runId(4), labels: third, status: ended("Complete"), pod: POD.done });
  const job = cluster.fake.get("jobs", "default", "failed")!;
  cluster.fake.put("jobs", {
    ...job,
    metadata: { ...job.metadata, annotations: { "prefect.io/agent": HOSTILE } },
  });
  for (const resource of ["pods", "jobs"]) {
    const name = resource === "pods" ? "failed-pod" : "failed";
    cluster.fake.put("events", {
      metadata: { name: `${name}.1`, namespace: "default" },
      involvedObject: { kind: HOSTILE, name, uid: cluster.fake.get(resource, "default", name)?.metadata.uid },
      type: "Warning",
      reason: HOSTILE,
      message: `event ${HOSTILE}`,
      source: { component: HOSTILE },
      lastTimestamp: DAYS_AGO,
    });
  }
  const { fake, url } = await fakePrefect3();
  fake.put({ id: runId(4), name: HOSTILE, state: { type: "FAILED", name: HOSTILE } });
  url3 = url;
  env = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server", PREFECT_API_URL: url3 };
});

const COMMANDS: readonly (readonly string[])[] = [
  ["inspect", "job/failed"],
  ["inspect", "job/waiting", "-v"],
  ["inspect", "job/third"],
  ["inspect", "job/failed", "-o", "json"],
  ["inspect", "job/failed", "-o", "yaml"],
  ["jobs"],
  ["jobs", "-o", "wide"],
  ["jobs", "-o", "json"],
  ["jobs", "-o", "yaml"],
  ["jobs", "-o", "name"],
  ["cleanup", "-v", "--dry-run", "--older-than", "0"],
  ["cleanup", "--dry-run", "-o", "json", "--older-than", "0"],
  ["cleanup", "--yes", "-v", "--older-than", "0"],
  ["cancel", "job/waiting", "job/failed", "--now", "--wait=false"],
  ["doctor", "-v"],
  ["doctor", "-o", "json"],
  ["doctor", "-o", "yaml"],
  ["__complete", "inspect", ""],
  ["__complete", "inspect", "job/"],
  ["logs", "job/waiting"],
  // The error for a name that two have, and for one that nobody has.
  ["inspect", `run ${HOSTILE}`],
  ["cancel", `nobody ${HOSTILE}`],
  ["render", `run ${HOSTILE}`],
  ["inspect", "failed", "--namespace", HOSTILE],
  ["jobs", `--${HOSTILE}`],
  [HOSTILE],
  ["jobs", "-l", HOSTILE],
  ["agent", "start", "--max-polls", "1", "--log-level", "DEBUG"],
  ["agent", "start", "--max-polls", "1", "--log-format", "json", "--log-level", "DEBUG"],
];

describe.each([{ isTerminal: false }, { isTerminal: true }])(
  "with a terminal: $isTerminal",
  ({ isTerminal }) => {
    it.each(COMMANDS.map((argv) => ({ argv })))(
      "$argv prints nothing that a terminal obeys",
      async ({ argv }) => {
        const { stdout, stderr } = await cluster.cli(argv, { env, isTerminal });
        expectClean(stdout, argv.includes("yaml"));
        expectClean(stderr);
        expect(stdout + stderr).not.toBe("");
      },
    );

    it("prints the words themselves", async () => {
      const { stdout } = await cluster.cli(["inspect", "job/failed"], { env, isTerminal });
      for (const word of ["run harm", "state harm", "terminated harm", "event harm", "less", "tail"]) {
        expect(stdout).toContain(word);
      }
    });

    it("prints what the Kubernetes API answers in one line", async () => {
      const effect = { kind: "status", status: 422, message: HOSTILE } as const;
      cluster.fake.fault({ effect, times: Number.POSITIVE_INFINITY });
      const { stderr } = await cluster.cli(["jobs"], { env, isTerminal });
      expectClean(stderr);
      expect(stderr).toMatch(/^error: cannot .*harm.*less.*forged/);
    });

    it("prints what the Prefect API answers in one line", async () => {
      prefect.fault({ effect: { kind: "errors", message: HOSTILE }, times: Number.POSITIVE_INFINITY });
      const { stderr } = await cluster.cli(["render", "some-run"], { env, isTerminal });
      expectClean(stderr);
      expect(stderr).toMatch(/^error: cannot .*harm.*less.*forged/);
    });
  },
);

describe("logs", () => {
  const log = `${HOSTILE}\u001b[32mgreen\u001b[0m\r\nnext`;

  it("are raw in a pipe, and cleaned on a terminal", async () => {
    cluster.fake.writeLog({ namespace: "default", name: "failed-pod" }, "flow", log);
    const raw = await cluster.cli(["logs", "job/failed"], { env });
    expect(raw.stdout).toBe(`${log}\n`);
    const shown = await cluster.cli(["logs", "job/failed"], { env, isTerminal: true });
    expectClean(shown.stdout.replaceAll("error: forged", ""));
    expect(shown.stdout).toContain("green\nnext\n");
  });

  it.each([false, true])(
    "of several runs have clean names before them, with a terminal: %s",
    async (isTerminal) => {
      cluster.fake.writeLog({ namespace: "default", name: "failed-pod" }, "flow", "one");
      cluster.fake.writeLog({ namespace: "default", name: "third-pod" }, "flow", "two");
      const { stdout } = await cluster.cli(["logs", "job/failed", "job/third"], { env, isTerminal });
      expectClean(stdout);
      expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    },
  );
});

describe("the agent's log", () => {
  function logged(format: "text" | "json"): string {
    let text = "";
    const target = new Writable({
      write: (chunk: Buffer, _, done) => {
        text += chunk.toString();
        done();
      },
    });
    const stream = cleanStream(target, new Secrets());
    const now = (): Date => new Date("2026-11-21T03:04:05Z");
    const log = createLog({
      name: "agent",
      level: "DEBUG",
      format,
      now,
      write: (line) => void stream.write(line),
    });
    log.info("Flow run failed", { flowRun: HOSTILE, message: HOSTILE });
    return text;
  }

  it.each(["text", "json"] as const)("is clean as %s, one line for each entry", (format) => {
    expectClean(logged(format));
    expect(logged(format).trimEnd().split("\n")).toHaveLength(1);
  });

  it("keeps its own sentence as JSON, whatever a field is called", () => {
    expect(JSON.parse(logged("json"))).toMatchObject({
      message: "Flow run failed",
      text: expect.stringContaining("harm"),
    });
  });
});
