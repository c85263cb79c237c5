// kubectl prefect logs: whose log, how much of it, and how long it is followed.

import { describe, expect, it } from "vitest";
import { DAYS_AGO, ended, POD, putJob, readingWorld, runId } from "../../inventory/reading-world.ts";
import type { World } from "../../inventory/reading-world.ts";

const RUN = runId(1);

async function runningWorld(): Promise<World> {
  const world = await readingWorld();
  putJob(world, "job-1", { run: RUN, pod: POD.running });
  world.fake.writeLog({ namespace: "default", name: "job-1-pod" }, "flow", "one\ntwo\nthree");
  return world;
}

/** A Job whose pod is played by the fake's kubelet. */
function createJob({ fake }: World, name: string): void {
  const labels = { "prefect.io/flow_run_id": RUN };
  const containers = [{ name: "flow", image: "flows:1" }];
  const template = { metadata: { labels }, spec: { restartPolicy: "Never", containers } };
  fake.put("jobs", { metadata: { name, labels }, spec: { backoffLimit: 0, template } });
}

describe("kubectl prefect logs", () => {
  it.each([
    { argv: [RUN], says: "one\ntwo\nthree\n" },
    { argv: ["11111111", "--tail", "1"], says: "three\n" },
    { argv: ["job/job-1", "-c", "flow", "--tail=1", "--since", "1h"], says: "three\n" },
    { argv: [RUN, "--all-pods", "--tail", "1"], says: "job-1-pod/flow three\n" },
    { argv: [RUN, "--all-containers", "--tail", "1"], says: "job-1-pod/flow three\n" },
  ])("prints for $argv", async ({ argv, says }) => {
    const { cli } = await runningWorld();
    expect(await cli(["logs", ...argv])).toEqual({ stdout: says, stderr: "", exitCode: 0 });
  });

  it("writes the time before each line when asked", async () => {
    const { cli } = await runningWorld();
    const { stdout } = await cli(["logs", RUN, "--timestamps", "--tail", "1"]);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
  });

  it("takes the newest pod of the run, and with --previous the one before", async () => {
    const world = await runningWorld();
    putJob(world, "job-2", { run: RUN, pod: POD.running, createdAt: new Date().toISOString() });
    world.fake.writeLog({ namespace: "default", name: "job-2-pod" }, "flow", "second try");
    expect((await world.cli(["logs", RUN])).stdout).toBe("second try\n");
    expect((await world.cli(["logs", RUN, "--previous"])).stdout).toBe("one\ntwo\nthree\n");
    const all = await world.cli(["logs", RUN, "--all-pods"]);
    expect(all.stdout).toMatch(/^job-1-pod\/flow one\n[^]*job-2-pod\/flow second try\n$/);
  });

  it.each([
    { given: "no pod", argv: [RUN], says: "it has no pod", pod: undefined },
    {
      given: "a pod that cannot start",
      argv: [RUN],
      says: "has not started (ImagePullBackOff)",
      pod: POD.pulling,
    },
    {
      given: "another container",
      argv: [RUN, "-c", "nope"],
      says: "hint: name one of flow",
      pod: POD.running,
    },
  ])("says why there is no log: $given", async ({ argv, says, pod }) => {
    const world = await readingWorld();
    const found = pod === undefined ? {} : { pod };
    putJob(world, "job-1", { run: RUN, ...found });
    const { stdout, stderr, exitCode } = await world.cli(["logs", ...argv]);
    expect(stderr).toContain(says);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  });

  it("says of a container that could not be started that there is no log", async () => {
    const world = await readingWorld();
    const began = "1970-01-01T00:00:00Z";
    const terminated = { exitCode: 128, reason: "StartError", startedAt: began, finishedAt: DAYS_AGO };
    const [failed] = POD.failed.containerStatuses;
    const pod = { ...POD.failed, containerStatuses: [{ ...failed, state: { terminated } }] };
    putJob(world, "job-1", { run: RUN, pod, status: ended("Failed") });
    const { stdout, stderr, exitCode } = await world.cli(["logs", RUN]);
    expect(stderr).toContain('container "flow" has not started (StartError)');
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  });

  it("refuses a --tail that is no number", async () => {
    const { cli } = await runningWorld();
    expect(await cli(["logs", RUN, "--tail", "many"])).toMatchObject({ exitCode: 2 });
  });
});

describe("kubectl prefect logs -f", () => {
  it("follows a retry into its new Job, and ends when all Jobs of the run are over", async () => {
    const world = await readingWorld({
      script: (job) =>
        job.metadata.name === "job-1"
          ? { fate: "fail", runMs: 50, log: "first try" }
          : { fate: "succeed", startMs: 50, runMs: 50, log: "second try" },
    });
    createJob(world, "job-1");
    // The next Job of the run stands before the first is over, as when a retry was submitted at once.
    world.fake.setOnRequest(({ resource }) => {
      if (resource === "pods/log" && world.fake.get("jobs", "default", "job-2") === undefined)
        createJob(world, "job-2");
    });
    const { stdout, exitCode } = await world.cli(["logs", RUN, "-f"]);
    expect(stdout).toBe("first try\nsecond try\n");
    expect(exitCode).toBe(0);
  });

  it("waits for a pod that has not started, and says for what", async () => {
    const world = await readingWorld();
    putJob(world, "job-1", { run: RUN, pod: POD.pulling });
    const stop = new AbortController();
    world.fake.setOnRequest(({ resource }) => {
      if (resource === "pods/log") stop.abort();
      const logged = world.fake.requests.count({ resource: "pods" });
      if (logged === 4) putJob(world, "job-1", { run: RUN, pod: POD.running });
    });
    const { stderr, exitCode } = await world.cli(["logs", RUN, "-f"], { signal: stop.signal });
    expect(stderr).toContain(
      'waiting for pod "job-1-pod": container "flow" has not started (ImagePullBackOff)\n',
    );
    expect(exitCode).toBe(130);
  });

  it("goes on after the API server was away, without losing or repeating a line", async () => {
    const world = await readingWorld();
    putJob(world, "job-1", { run: RUN, pod: POD.running });
    const pod = { namespace: "default", name: "job-1-pod" };
    const logRequests = (): number => world.fake.requests.count({ resource: "pods/log" });
    // Both lines are of the same moment.
    world.fake.writeLog(pod, "flow", "one\none more");
    const following = world.cli(["logs", RUN, "-f"]);
    await expect.poll(logRequests, { timeout: 5_000 }).toBe(1);
    world.fake.writeLog(pod, "flow", "two");
    await world.fake.pause();
    await world.fake.resume();
    world.fake.writeLog(pod, "flow", "three");
    await expect.poll(logRequests, { timeout: 10_000 }).toBe(2);
    putJob(world, "job-1", { run: RUN, status: ended("Complete") });
    world.fake.remove("pods", "default", "job-1-pod");
    const { stdout, exitCode } = await following;
    expect(stdout).toBe("one\none more\ntwo\nthree\n");
    expect(exitCode).toBe(0);
  });
});
