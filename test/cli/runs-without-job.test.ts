// Flow runs that have nothing in the cluster: jobs, inspect, logs and open read them from Prefect.

import { describe, expect, it } from "vitest";
import { aborted } from "../../src/base/clock.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { ended, POD, putJob, runId, startTestCluster } from "../inventory/test-cluster.ts";
import { fastClock, hurriedClock } from "../support/clock.ts";
import { agentPolls, everyRun } from "../support/every-run.ts";
import { fakePrefect3 } from "../support/prefect3.ts";

describe("jobs", () => {
  it("lists Jobs, then runs that are due, running or have lately ended", async () => {
    const { cli } = await everyRun();
    const { stdout } = await cli(["jobs", "-o", "wide"]);
    const rows = stdout.trimEnd().split("\n");
    const names = rows.map((row) => row.split(" ")[0] ?? "");
    expect(names.slice(1, 5).toSorted()).toEqual(["loaded", "pulls", "train", "works"]);
    expect(names.slice(5).toSorted()).toEqual(["done", "due", "gone", "lost", "unlabelled"]);
    const row = (name: string): string => rows.find((each) => each.startsWith(`${name} `)) ?? "";
    expect(row("lost")).toMatch(/ Failed +<none> .* failed .*Failed \d+s ago: .*exited with code 3/);
    expect(row("due")).toMatch(/ Scheduled +<none> .* pending .*due \d+s ago: no agent has taken it yet/);
    expect(row("done")).toMatch(/ Success .* finished /);
  });

  it("lists no ended runs with --since 0, none that a selector cannot select, and only kubectl's objects by name", async () => {
    const { cli } = await everyRun();
    const unended = (await cli(["jobs", "--since", "0"])).stdout;
    expect(unended).toMatch(/^due /m);
    expect(unended).not.toMatch(/^(?:lost|gone|done) /m);
    expect((await cli(["jobs", "-l", "a=b"])).stdout).toBe("");
    const names = (await cli(["jobs", "-o", "name"])).stdout.trimEnd().split("\n");
    expect(names.every((name) => name.startsWith("job.batch/"))).toBe(true);
  });

  it("says when there are more than it shows, and when Prefect does not list them", async () => {
    const { cli, prefect } = await everyRun();
    const flow = prefect.createFlow({ name: "many" });
    for (let n = 0; n < 120; n++) prefect.createFlowRun({ flow });
    expect((await cli(["jobs"])).stderr).toBe(
      "warning: only the latest 100 of the Prefect 1 flow runs without a Job are shown\n",
    );
    const { cli: other } = await startTestCluster();
    const refuses = ({ body }: { readonly body: object }) =>
      "sort" in body ? { status: 422, body: {} } : undefined;
    const { url } = await fakePrefect3({ instead: refuses });
    const { stderr, exitCode } = await other(["jobs"], { env: { PREFECT_API_URL: url } });
    expect(stderr).toContain(
      "warning: Prefect 2 and 3 flow runs without a Job are unknown: cannot read flow runs: ",
    );
    expect(exitCode).toBe(0);
  });

  it("shows up to 100 of each kind without a warning", async () => {
    const { cli, prefect } = await everyRun();
    const flow = prefect.createFlow({ name: "many" });
    for (let n = 0; n < 120; n++) {
      const { id } = prefect.createFlowRun({ flow });
      if (n % 2 === 0) prefect.setState(id, { type: "Success" });
    }
    const { fake, url } = await fakePrefect3();
    const timestamp = new Date().toISOString();
    const more = { work_pool_name: "k8s", next_scheduled_start_time: timestamp };
    for (let n = 0; n < 180; n++) {
      const type = ["SCHEDULED", "RUNNING", "COMPLETED"][n % 3] ?? "";
      const id = `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`;
      fake.put({ id, name: `run-${n}`, state: { type, timestamp }, ...more });
    }
    const { stdout, stderr } = await cli(["jobs", "--no-headers"], { env: { PREFECT_API_URL: url } });
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n").length).toBeGreaterThan(300);
  });

  it("takes a run of Prefect 3 as due by its next start, which a retry moves", async () => {
    const { cli } = await startTestCluster();
    const { fake, url } = await fakePrefect3();
    const at = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    const put = (digit: number, name: string, next: number): void =>
      fake.put({
        id: runId(digit),
        name,
        work_pool_name: "k8s",
        state: { type: "SCHEDULED", name: "AwaitingRetry", timestamp: at(-1) },
        next_scheduled_start_time: at(next),
        expected_start_time: at(-2),
      });
    put(1, "now", -0.5);
    put(2, "later", 1);
    const { stdout } = await cli(["jobs", "-o", "wide"], { env: { PREFECT_API_URL: url } });
    expect(stdout).toMatch(/^now .* due 30m ago/m);
    expect(stdout).not.toContain("later");
  });

  it("tells of a run that starts again later how old its state is", async () => {
    const { cli, prefect } = await everyRun();
    const { id } = prefect.createFlowRun({ flow: prefect.createFlow({ name: "etl" }), name: "again" });
    prefect.setState(id, { type: "Retrying", start_time: new Date(Date.now() + 600_000).toISOString() });
    const { stdout } = await cli(["jobs"]);
    expect(stdout).toMatch(/^again +\S+ +Retrying +<none> +<none> +<none> +\d+s +pending$/m);
  });

  it("appends each once with -w, although its age changes", async () => {
    const { cli, prefect } = await everyRun();
    const stop = new AbortController();
    prefect.onRequest(() => {
      if (prefect.requests.count("flow_run") > 4) stop.abort();
      return undefined;
    });
    const { stdout } = await cli(["jobs", "-w"], { signal: stop.signal, clock: hurriedClock });
    expect(stdout.match(/^lost /gm)).toHaveLength(1);
  });

  it("can be interrupted while Prefect is asked for its agents", async () => {
    const { cli, cluster, prefect } = await everyRun();
    const stop = new AbortController();
    const stopped = aborted(stop.signal);
    cluster.fake.setOnRequest(({ resource }) => (resource === "pods" ? stopped : undefined));
    prefect.onRequest(({ fields }) => {
      if (fields.includes("agent")) stop.abort();
    });
    expect((await cli(["jobs"], { signal: stop.signal })).stderr).toBe("error: interrupted\n");
  });

  it("prints them as objects", async () => {
    const { cli, ids } = await everyRun();
    const { items } = JSON.parse((await cli(["jobs", "-o", "json"])).stdout) as {
      items: { flowRun: { id: string } }[];
    };
    expect(items.find(({ flowRun }) => flowRun.id === ids["lost"])).toMatchObject({
      kind: "FlowRun",
      flowRun: { name: "lost", prefect: 1, state: { name: "Failed" } },
      status: "failed",
    });
  });

  it("lists runs of other kinds of agents of Prefect 1 nowhere", async () => {
    const { cli, prefect } = await everyRun();
    const flow = prefect.createFlow({ name: "local" });
    prefect.createFlowRun({ flow, name: "on-docker", runConfig: { type: "DockerRun" } });
    expect((await cli(["jobs"])).stdout).not.toContain("on-docker");
  });
});

describe("logs", () => {
  it("prints the run's log in Prefect once its Job is gone", async () => {
    const { cli } = await everyRun();
    const { stdout, stderr, exitCode } = await cli(["logs", "lost"]);
    expect(stdout).toMatch(
      /^\[\d{4}-\d\d-\d\d [\d:,]+\] INFO - agent \| Submitted for execution: Job prefect-job-1a2b3c4d\n\[.*\] ERROR - k8s-infra \| Job prefect-job-1a2b3c4d: container 'flow' exited with code 3\n[^]*\tValueError: no rows in table orders\n$/,
    );
    expect(stderr).toBe("note: the run has no pod here; this is its log in Prefect\n");
    expect(exitCode).toBe(0);
  });

  it("follows no run that has ended", async () => {
    const { cli } = await everyRun();
    const { stdout, exitCode } = await cli(["logs", "lost", "-f"]);
    expect(stdout).toMatch(/^\[.*\] ERROR - k8s-infra \| Job /m);
    expect(exitCode).toBe(0);
  });

  it.each(["Cancelled", "Failed"])("stops following a run that becomes %s without a Job", async (type) => {
    const { cli, cluster, prefect, ids } = await everyRun();
    const id = ids["due"] ?? "";
    let lists = 0;
    cluster.fake.setOnRequest(({ resource }, moment) => {
      // Each look lists Jobs twice: the first finds the run, the second says what it waits for.
      if (resource !== "jobs" || moment !== "after" || ++lists !== 6) return;
      prefect.writeLog(id, { name: "agent", level: "ERROR", message: "refused" });
      prefect.setState(id, { type });
    });
    const { stdout, stderr, exitCode } = await cli(["logs", "due", "-f"], { clock: fastClock(20) });
    expect(stdout).toMatch(/^\[.*\] ERROR - agent \| refused\n$/);
    expect(stderr).toBe(
      `waiting for the run's Job in namespace "default" (in all with -A)\nnote: the run has no pod here; this is its log in Prefect\n`,
    );
    expect(exitCode).toBe(0);
  });

  it("says where a run may be that is followed, is Running, and has no Job here", async () => {
    const { cli, prefect, ids, cluster } = await everyRun();
    prefect.setState(ids["due"] ?? "", { type: "Running" });
    const stop = new AbortController();
    let lists = 0;
    cluster.fake.setOnRequest(({ resource }, moment) => {
      if (resource === "jobs" && moment === "after" && ++lists > 6) stop.abort();
    });
    const { stderr } = await cli(["logs", "due", "-f"], { signal: stop.signal, clock: hurriedClock });
    expect(stderr).toContain(
      "(in all with -A); it is Running elsewhere: without -f its log in Prefect is printed\n",
    );
  });

  it("says that there is none", async () => {
    const { cli } = await everyRun();
    const { stderr, exitCode } = await cli(["logs", "gone"]);
    expect(stderr).toContain("it has no pod in namespace");
    // It has ended.
    expect(stderr).toContain(
      "\nhint: search all namespaces with -A, or see why with: kubectl prefect inspect ",
    );
    expect(exitCode).toBe(1);
  });

  it("reads Prefect 3's, page by page", async () => {
    const { cli } = await startTestCluster();
    const { fake, url } = await fakePrefect3();
    const timestamp = (n: number): string => new Date(Date.UTC(2026, 10, 21) + n).toISOString();
    fake.put({ id: runId(4), name: "amber-fox", state: { type: "CRASHED" } });
    for (let n = 0; n < 450; n++)
      fake.log({
        flow_run_id: runId(4),
        timestamp: timestamp(n),
        level: 20,
        name: "prefect.flow_runs",
        message: `line ${n}`,
      });
    const env = { PREFECT_API_URL: url };
    const all = (await cli(["logs", "amber-fox"], { env })).stdout.trimEnd().split("\n");
    expect(all).toHaveLength(450);
    expect(all[0]).toBe("[2026-11-21 00:00:00,000] INFO - prefect.flow_runs | line 0");
    const last = (await cli(["logs", "amber-fox", "--tail", "250"], { env })).stdout.trimEnd().split("\n");
    expect(last).toEqual(all.slice(-250));
  });
});

describe("with Prefect 2 and 3", () => {
  it("runs of other kinds of work pools do not crowd out those with Jobs", async () => {
    const { cli } = await startTestCluster();
    const { fake, url } = await fakePrefect3();
    const put = (
      n: number,
      more: { readonly name: string; readonly work_pool_name?: string; readonly work_pool_type?: string },
    ) => {
      const timestamp = new Date(Date.now() - n * 1_000).toISOString();
      fake.put({ id: runId(n), state: { type: "CRASHED", timestamp }, ...more });
    };
    for (let n = 1; n <= 120; n++) put(n, { name: "subflow" });
    put(121, { name: "by-hand", work_pool_name: "mine", work_pool_type: "process" });
    put(122, { name: "amber-fox", work_pool_name: "k8s" });
    const { stdout, stderr } = await cli(["jobs", "--no-headers"], { env: { PREFECT_API_URL: url } });
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((row) => row.split(" ")[0]),
    ).toEqual(["amber-fox"]);
    expect(stderr).toBe("");
  });

  it("a run is read although the other Prefect is down, and is not cancelled: that may have one of its name", async () => {
    const { cli } = await startTestCluster();
    const { fake, url } = await fakePrefect3();
    fake.put({ id: runId(4), name: "amber-fox", state: { type: "COMPLETED" } });
    const env = {
      PREFECT_API_URL: url,
      PREFECT__CLOUD__API: "http://127.0.0.1:1",
      PREFECT__BACKEND: "server",
    };
    expect((await cli(["open", "amber-fox"], { env })).exitCode).toBe(0);
    const { stderr, exitCode } = await cli(["cancel", "amber-fox"], { env });
    expect(stderr).toMatch(/^error: .*http:\/\/127\.0\.0\.1:1 cannot be reached/);
    expect(exitCode).toBe(3);
  });

  it("a key is not sent to Prefect 1", async () => {
    const { cli } = await startTestCluster();
    const { stderr, exitCode } = await cli(["jobs", "-k", "pnu_secret"]);
    expect(stderr).toBe(
      "error: cannot use --key: it is a key of Prefect 2 and 3, and is not sent to Prefect 1\nhint: set PREFECT_API_KEY, and PREFECT_API_URL\n",
    );
    expect(exitCode).toBe(2);
  });
});

describe("inspect", () => {
  it("shows how a run has failed whose Job is gone", async () => {
    const { cli } = await everyRun();
    const { stdout } = await cli(["inspect", "lost"]);
    expect(stdout).toMatch(
      /^STATUS failed: Failed \d+s ago: Kubernetes Error: container 'flow' exited with code 3 \(it has no Job here\)\n/,
    );
    expect(stdout).toContain("ValueError: no rows in table orders");
  });

  it.each([
    {
      name: "a run whose labels no running agent has",
      run: "due",
      agents: [["cpu", ["eu"]]] as const,
      want: /no running agent has label gpu \(the run needs eu, gpu\); running: "cpu" with label eu$/,
    },
    {
      name: "a run without labels",
      run: "unlabelled",
      agents: [["cpu", ["eu"]]] as const,
      want: /it has no labels, and only an agent without labels takes such runs; running: "cpu" with label eu$/,
    },
    {
      name: "a run that an agent takes",
      run: "due",
      agents: [["all", ["gpu", "eu"]]] as const,
      want: /agent "all" with labels eu, gpu takes such runs; its log tells why not yet$/,
    },
    { name: "a run without any agent", run: "due", agents: [], want: /no agent is running; none has asked/ },
  ])("says why nobody takes $name", async ({ run, agents, want }) => {
    const { cli, prefect } = await everyRun();
    for (const [name, labels] of agents) await agentPolls(prefect, name, labels);
    const { stdout } = await cli(["inspect", run]);
    expect(stdout.split("\n")[0]).toMatch(want);
    expect(stdout.split("\n")[0]).toMatch(/^STATUS pending: due \d+s ago: /);
  });
});

describe("inspect of a run that is to start again", () => {
  it("says beside its last Job why it does not", async () => {
    const cluster = await startTestCluster();
    const { fake, url } = await fakePrefect3();
    const due = { deployment_id: "d", next_scheduled_start_time: new Date().toISOString() };
    const state = { type: "SCHEDULED", name: "Resuming" };
    fake.put({ id: runId(4), name: "amber-fox", state, work_pool_name: "k8s", ...due });
    fake.putPool({ name: "k8s", is_paused: true });
    const labels = { "prefect.io/flow-run-id": runId(4) };
    putJob(cluster, "amber-fox-x1y2z", { run: runId(4), labels, status: ended("Complete"), pod: POD.done });
    const { stdout } = await cluster.cli(["inspect", "amber-fox"], { env: { PREFECT_API_URL: url } });
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      'STATUS pending: its Job completed, and its flow run is Resuming; work pool "k8s" is paused',
      "hint: resume it with: prefect work-pool resume k8s",
    ]);
  });
});

describe("inspect of a run that is Submitted, but has no Job here", () => {
  const claim = {
    id: "claim",
    place: { namespace: "jobs" },
    identifier: "0a1b2c3d",
    agent: { name: "gpu", labels: ["gpu"] },
  };
  const statusOf = async (context: JsonObject, polls: boolean): Promise<string | undefined> => {
    const { cli, prefect } = await everyRun();
    if (polls) await agentPolls(prefect, "gpu", ["gpu"]);
    const { id } = prefect.createFlowRun({ flow: prefect.createFlow({ name: "f" }), name: "claimed" });
    prefect.setState(id, { type: "Submitted", context });
    return (await cli(["inspect", "claimed"])).stdout.split("\n")[0];
  };

  it.each([
    { agent: "polls", polls: true, want: /and polled \d+s ago$/ },
    { agent: "is gone", polls: false, want: /and does not poll any more$/ },
  ])("says who has submitted it where, if that agent $agent", async ({ polls, want }) => {
    const status = await statusOf({ kubectl_prefect: claim }, polls);
    expect(status).toMatch(
      /^STATUS pending: its flow run is Submitted, but it has no Job here: agent "gpu" with label gpu has submitted it to namespace "jobs" /,
    );
    expect(status).toMatch(want);
  });

  it("says no more if nobody knows who has submitted it", async () => {
    expect(await statusOf({}, true)).toBe(
      "STATUS pending: its flow run is Submitted, but it has no Job here",
    );
  });
});

describe("open", () => {
  it("prints the page of a run in the UI of Prefect Server", async () => {
    const { cli, ids } = await everyRun();
    expect((await cli(["open", "lost"])).stdout).toBe(
      `http://localhost:8080/default/flow-run/${ids["lost"]}\n`,
    );
  });

  it("asks only Prefect where the cluster does not answer", async () => {
    const { cli, ids } = await everyRun();
    const { stdout, exitCode } = await cli(["open", "lost", "--server", "http://127.0.0.1:1"]);
    expect([stdout, exitCode]).toEqual([`http://localhost:8080/default/flow-run/${ids["lost"]}\n`, 0]);
    const ofJob = await cli(["open", "job/job-works", "--server", "http://127.0.0.1:1"]);
    expect([ofJob.stdout, ofJob.exitCode]).toEqual(["", 4]);
  });

  it("prints none for a run that was deleted, or a Job whose label is no id", async () => {
    const cluster = await startTestCluster();
    // The flow is known there.
    const rows: Record<string, unknown> = { "/flows/filter": [{ id: runId(5) }], "/deployments/filter": [] };
    const { url } = await fakePrefect3({
      instead: ({ path }) => (path in rows ? { body: rows[path] } : undefined),
    });
    const flow = { "prefect.io/flow-id": runId(5) };
    putJob(cluster, "gone", { run: "", labels: { "prefect.io/flow-run-id": runId(4), ...flow } });
    putJob(cluster, "odd", { run: "", labels: { "prefect.io/flow-run-id": "odd" } });
    for (const name of ["gone", "odd"]) {
      const { stdout, stderr, exitCode } = await cluster.cli(["open", `job/${name}`], {
        env: { PREFECT_API_URL: url },
      });
      expect(stderr).toMatch(/^error: cannot find the page of flow run ".*": Prefect has no such run\n$/);
      expect([stdout, exitCode]).toEqual(["", 1]);
    }
  });

  it("prints the page of a run in Prefect 3's UI", async () => {
    const { cli } = await startTestCluster();
    const { fake, url } = await fakePrefect3();
    fake.put({ id: runId(4), name: "amber-fox", state: { type: "COMPLETED" } });
    const at = async (env: Record<string, string>): Promise<string> =>
      (await cli(["open", "amber-fox"], { env: { PREFECT_API_URL: url, ...env } })).stdout;
    expect(await at({})).toBe(`${url.replace("/api", "")}/runs/flow-run/${runId(4)}\n`);
    expect(await at({ PREFECT_UI_URL: "https://prefect.corp" })).toBe(
      `https://prefect.corp/runs/flow-run/${runId(4)}\n`,
    );
  });
});

describe("a name", () => {
  it("may look like an id", async () => {
    const { cli, prefect } = await everyRun();
    const name = "550e8400-e29b-41d4-a716-446655440000";
    const { id } = prefect.createFlowRun({ flow: prefect.createFlow({ name: "f" }), name });
    expect((await cli(["open", name])).stdout).toContain(id);
    prefect.createFlowRun({ flow: prefect.createFlow({ name: "g" }), name });
    expect((await cli(["open", name])).stderr).toMatch(/^error: cannot choose a flow run: 2 match /);
  });

  it("of many runs is not chosen: each is shown with its state", async () => {
    const { cli, prefect } = await everyRun();
    const flow = prefect.createFlow({ name: "f" });
    for (let n = 0; n < 12; n++) prefect.createFlowRun({ flow, name: "nightly" });
    const { stderr, exitCode } = await cli(["inspect", "nightly"]);
    expect(stderr).toMatch(/^error: cannot choose a flow run: 10 or more match "nightly": /);
    expect(stderr).toContain("(nightly, Scheduled, not in the cluster)");
    expect(exitCode).toBe(2);
  });
});

describe("a name that is nearly right", () => {
  it.each([
    { argv: ["logs", "lots"], hint: "did you mean lost?" },
    { argv: ["inspect", "unlabeled"], hint: "did you mean unlabelled?" },
    { argv: ["cancel", "wroks"], hint: "did you mean works?" },
  ])("is suggested: $argv", async ({ argv, hint }) => {
    const { cli } = await everyRun();
    const { stderr, exitCode } = await cli(argv);
    expect(stderr).toContain(`hint: ${hint}\n`);
    expect(exitCode).toBe(1);
  });
});
