// kubectl prefect logs: which logs, how much of them, and how long they are followed.

import { describe, expect, it, onTestFinished } from "vitest";
import { DAYS_AGO, ended, POD, putJob, startTestCluster, runId } from "../../../inventory/test-cluster.ts";
import type { TestCluster } from "../../../inventory/test-cluster.ts";
import { startFakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";

const RUN = runId(1);

async function runningWorld(): Promise<TestCluster> {
  const testCluster = await startTestCluster();
  const containerStatuses = ["flow", "side"].map((name) => ({ ...POD.running.containerStatuses[0], name }));
  putJob(testCluster, "job-1", {
    run: RUN,
    pod: { phase: "Running", containerStatuses },
    podSpec: { containers: [{ name: "flow" }, { name: "side" }] },
  });
  const pod = { namespace: "default", name: "job-1-pod" };
  testCluster.fake.writeLog(pod, "flow", "one\ntwo\nthree");
  testCluster.fake.writeLog(pod, "side", "listens");
  return testCluster;
}

/** A Job whose pod is run by the fake's kubelet. */
function createJob({ fake }: TestCluster, name: string): void {
  const labels = { "prefect.io/flow_run_id": RUN };
  const containers = [{ name: "flow", image: "flows:1" }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  fake.put("jobs", { metadata: { name, labels }, spec: { backoffLimit: 0, template } });
}

describe("kubectl prefect logs", () => {
  it.each([
    { argv: [RUN], text: "one\ntwo\nthree\n" },
    { argv: ["11111111", "--tail", "1"], text: "three\n" },
    { argv: ["job/job-1", "-c", "flow", "--tail=1", "--since", "1h"], text: "three\n" },
    { argv: [RUN, "--all-pods", "--tail", "1"], text: "job-1-pod/flow three\n" },
    {
      argv: [RUN, "--all-containers", "--tail", "1"],
      text: "job-1-pod/flow three\njob-1-pod/side listens\n",
    },
  ])("prints for $argv", async ({ argv, text }) => {
    const { cli } = await runningWorld();
    expect(await cli(["logs", ...argv])).toEqual({ stdout: text, stderr: "", exitCode: 0 });
  });

  it("starts each line with its time with --timestamps", async () => {
    const { cli } = await runningWorld();
    const { stdout } = await cli(["logs", RUN, "--timestamps", "--tail", "1"]);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
  });

  it("prints the newest pod of the run, and with --previous the one before", async () => {
    const testCluster = await runningWorld();
    putJob(testCluster, "job-2", { run: RUN, pod: POD.running, createdAt: new Date().toISOString() });
    testCluster.fake.writeLog({ namespace: "default", name: "job-2-pod" }, "flow", "second try");
    expect((await testCluster.cli(["logs", RUN])).stdout).toBe("second try\n");
    expect((await testCluster.cli(["logs", RUN, "--previous"])).stdout).toBe("one\ntwo\nthree\n");
    const all = await testCluster.cli(["logs", RUN, "--all-pods"]);
    expect(all.stdout).toMatch(/^job-1-pod\/flow one\n[^]*job-2-pod\/flow second try\n$/);
  });

  it.each([
    { argv: ["job/job-1"], stdout: "first\n", stderr: "" },
    { argv: ["job/job-1", "-f"], stdout: "first\n", stderr: "" },
    { argv: ["job/job-1", "job.batch/job-2"], stdout: "job-1 first\njob-2 second\n", stderr: "" },
    {
      argv: ["job/job-3"],
      stdout: "",
      stderr: 'error: cannot read the logs of Job "job-3": it has no pod in namespace "default"\n',
    },
  ])("prints only the named Jobs of a run that has several: $argv", async ({ argv, stdout, stderr }) => {
    const cluster = await startTestCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const { id: run } = prefect.createFlowRun({ flow: prefect.createFlow({ name: "etl" }) });
    for (const [name, log] of [
      ["job-1", "first"],
      ["job-2", "second"],
    ] as const) {
      putJob(cluster, name, { run, pod: POD.failed, status: ended("Failed") });
      cluster.fake.writeLog({ namespace: "default", name: `${name}-pod` }, "flow", `${log}\n`);
    }
    putJob(cluster, "job-3", { run });
    const env = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server" };
    const printed = await cluster.cli(["logs", ...argv], { env });
    expect(printed.stdout).toBe(stdout);
    expect(printed.stderr.replace(/^hint: .*\n/m, "")).toBe(stderr);
  });

  it.each([
    { name: "no pod", argv: [RUN], text: "it has no pod", pod: undefined },
    {
      name: "a pod that cannot start",
      argv: [RUN],
      text: "has not started (ImagePullBackOff)",
      pod: POD.pulling,
    },
    {
      name: "another container",
      argv: [RUN, "-c", "nope"],
      text: "hint: use one of flow",
      pod: POD.running,
    },
  ])("reports why there is no log: $name", async ({ argv, text, pod }) => {
    const testCluster = await startTestCluster();
    const found = pod === undefined ? {} : { pod };
    putJob(testCluster, "job-1", { run: RUN, ...found });
    const { stdout, stderr, exitCode } = await testCluster.cli(["logs", ...argv]);
    expect(stderr).toContain(text);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  });

  it("reports that a container that could not be started has no log", async () => {
    const testCluster = await startTestCluster();
    const began = "1970-01-01T00:00:00Z";
    const terminated = { exitCode: 128, reason: "StartError", startedAt: began, finishedAt: DAYS_AGO };
    const [failed] = POD.failed.containerStatuses;
    const pod = { ...POD.failed, containerStatuses: [{ ...failed, state: { terminated } }] };
    putJob(testCluster, "job-1", { run: RUN, pod, status: ended("Failed") });
    const { stdout, stderr, exitCode } = await testCluster.cli(["logs", RUN]);
    expect(stderr).toContain('container "flow" has not started (StartError)');
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  });

  it("on a terminal shows what comes after a sequence that is cut, or never ends", async () => {
    const testCluster = await runningWorld();
    const log = `${"x".repeat(65_000)}\u001B[31mred\u001B[0m\n\u001B]0;title\nTraceback\n`.repeat(3);
    testCluster.fake.writeLog({ namespace: "default", name: "job-1-pod" }, "flow", log);
    const { stdout } = await testCluster.cli(["logs", RUN], { isTerminal: true });
    const words = ["red", "Traceback", "red", "Traceback", "red", "Traceback"];
    expect(stdout.match(/red|Traceback/g)).toEqual(words);
    expect(stdout).not.toContain("\u001B");
  });

  it("rejects a --tail that is not a number", async () => {
    const { cli } = await runningWorld();
    expect(await cli(["logs", RUN, "--tail", "many"])).toMatchObject({ exitCode: 2 });
  });
});

describe("kubectl prefect logs -f", () => {
  it("follows a retry into its new Job, and exits when all Jobs of the run have finished", async () => {
    const testCluster = await startTestCluster({
      script: (job) =>
        job.metadata.name === "job-1"
          ? { outcome: "fail", runMs: 50, log: "first try" }
          : { outcome: "succeed", startMs: 50, runMs: 50, log: "second try" },
    });
    createJob(testCluster, "job-1");
    // The next Job of the run is created before the first has finished, as for an immediate retry.
    testCluster.fake.setOnRequest(({ resource }) => {
      if (resource === "pods/log" && testCluster.fake.get("jobs", "default", "job-2") === undefined)
        createJob(testCluster, "job-2");
    });
    const { stdout, exitCode } = await testCluster.cli(["logs", RUN, "-f"]);
    expect(stdout).toBe("first try\nsecond try\n");
    expect(exitCode).toBe(0);
  });

  it("waits for the next Job of a run that Prefect will start again", async () => {
    const testCluster = await startTestCluster({ controller: false });
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const run = prefect.createFlowRun({ flow: prefect.createFlow({ name: "etl" }) }).id;
    const pod = { namespace: "default", name: "job-1-pod" };
    const start = (name: string): void => {
      putJob(testCluster, name, { run, pod: POD.done, status: ended("Complete") });
      testCluster.fake.writeLog({ ...pod, name: `${name}-pod` }, "flow", name);
    };
    start("job-1");
    prefect.setState(run, { type: "Retrying", message: "later" });
    let isAgain = false;
    prefect.onRequest(() => {
      const isFollowed = testCluster.fake.requests.count({ resource: "pods/log" }) > 0;
      if (!isFollowed || isAgain) return;
      isAgain = true;
      // What is asked now still finds it waiting.
      setImmediate(() => {
        start("job-2");
        prefect.setState(run, { type: "Success" });
      });
    });
    const env = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server" };
    const { stdout, stderr, exitCode } = await testCluster.cli(["logs", run, "-f"], { env });
    expect([stdout, stderr, exitCode]).toEqual(["job-1\njob-2\n", "waiting for the run's next Job\n", 0]);
  });

  it("ends for a pod whose Job is gone", async () => {
    const testCluster = await startTestCluster({ controller: false });
    putJob(testCluster, "job-1", { run: RUN, pod: POD.done });
    const found = testCluster.fake.get("pods", "default", "job-1-pod");
    const { uid } = testCluster.fake.get("jobs", "default", "job-1")?.metadata ?? {};
    testCluster.fake.remove("jobs", "default", "job-1");
    const labels = { ...found?.metadata.labels, "prefect.io/identifier": "x", "controller-uid": uid };
    testCluster.fake.put("pods", { ...found, metadata: { ...found?.metadata, labels, ownerReferences: [] } });
    testCluster.fake.writeLog({ namespace: "default", name: "job-1-pod" }, "flow", "done");
    expect(await testCluster.cli(["logs", RUN, "-f"])).toEqual({ stdout: "done\n", stderr: "", exitCode: 0 });
  });

  it("with --previous prints the log of the pod before it, and ends", async () => {
    const testCluster = await runningWorld();
    putJob(testCluster, "job-2", { run: RUN, pod: POD.running, createdAt: new Date().toISOString() });
    expect((await testCluster.cli(["logs", RUN, "-f", "-p"])).stdout).toBe("one\ntwo\nthree\n");
  });

  it("follows many runs into a slow pipe without a warning of Node", async () => {
    const testCluster = await startTestCluster();
    const runs = Array.from({ length: 12 }, (_, at) => runId(at + 1));
    for (const [at, run] of runs.entries()) {
      putJob(testCluster, `job-${at}`, { run, pod: POD.running });
      const log = Array.from({ length: 50 }, (__, line) => `line ${line}`).join("\n");
      testCluster.fake.writeLog({ namespace: "default", name: `job-${at}-pod` }, "flow", log);
    }
    const warnings: string[] = [];
    const onWarning = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const following = testCluster.cli(["logs", "-f", ...runs], { isSlow: true });
    const logRequests = (): number => testCluster.fake.requests.count({ resource: "pods/log" });
    await expect.poll(logRequests, { timeout: 10_000 }).toBe(12);
    for (const [at, run] of runs.entries()) {
      putJob(testCluster, `job-${at}`, { run, status: ended("Complete") });
      testCluster.fake.remove("pods", "default", `job-${at}-pod`);
    }
    const { stdout, exitCode } = await following;
    expect({ lines: stdout.split("\n").length - 1, exitCode }).toEqual({ lines: 600, exitCode: 0 });
    expect(warnings).toEqual([]);
  });

  it("waits for a pod that has not started, and prints why", async () => {
    const testCluster = await startTestCluster();
    putJob(testCluster, "job-1", { run: RUN, pod: POD.pulling });
    const stop = new AbortController();
    testCluster.fake.setOnRequest(({ resource }) => {
      if (resource === "pods/log") stop.abort();
      const logged = testCluster.fake.requests.count({ resource: "pods" });
      if (logged === 4) putJob(testCluster, "job-1", { run: RUN, pod: POD.running });
    });
    const { stderr, exitCode } = await testCluster.cli(["logs", RUN, "-f"], { signal: stop.signal });
    expect(stderr).toContain(
      'waiting for pod "job-1-pod": container "flow" has not started (ImagePullBackOff)\n',
    );
    expect(exitCode).toBe(130);
  });

  it("resumes after an outage of the API server without losing or repeating a line", async () => {
    const testCluster = await startTestCluster();
    putJob(testCluster, "job-1", { run: RUN, pod: POD.running });
    const pod = { namespace: "default", name: "job-1-pod" };
    const logRequests = (): number => testCluster.fake.requests.count({ resource: "pods/log" });
    // Both lines have the same time.
    testCluster.fake.writeLog(pod, "flow", "one\none more");
    const following = testCluster.cli(["logs", RUN, "-f"]);
    await expect.poll(logRequests, { timeout: 5_000 }).toBe(1);
    testCluster.fake.writeLog(pod, "flow", "two");
    await testCluster.fake.pause();
    await testCluster.fake.resume();
    testCluster.fake.writeLog(pod, "flow", "three");
    await expect.poll(logRequests, { timeout: 10_000 }).toBe(2);
    putJob(testCluster, "job-1", { run: RUN, status: ended("Complete") });
    testCluster.fake.remove("pods", "default", "job-1-pod");
    const { stdout, exitCode } = await following;
    expect(stdout).toBe("one\none more\ntwo\nthree\n");
    expect(exitCode).toBe(0);
  });
});
