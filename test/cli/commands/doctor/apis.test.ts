// kubectl prefect doctor: what it finds in the cluster and in Prefect, and that it checks one if the other is unreachable.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../../src/base/clock.ts";
import { connectKube } from "../../../../src/kube/client/connect.ts";
import { newState } from "../../../../src/prefect1/states.ts";
import { runId } from "../../../inventory/test-cluster.ts";
import { fakePrefect3 } from "../../../support/prefect3.ts";
import {
  amiss,
  KEY,
  MINUTE_MS,
  NAMESPACE,
  NO_PREFECT,
  putLeftover,
  registerAgent,
  reported,
  startTestCluster,
} from "./cluster.ts";

function templateFile(template: object): string {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "job.json");
  writeFileSync(path, JSON.stringify(template));
  return path;
}

describe("doctor and Prefect 1", () => {
  it.each([{ unauthorized: "401" as const }, { unauthorized: "errors" as const }])(
    "reports a key that is not accepted ($unauthorized)",
    async ({ unauthorized }) => {
      const testCluster = await startTestCluster({ flavour: "cloud", apiKey: "another", unauthorized });
      const report = await reported(testCluster);
      expect(amiss(report)).toContainEqual(
        expect.stringMatching(/^broken Prefect API: the API key is not accepted: /),
      );
      expect(report.exitCode).toBe(1);
    },
  );

  it.each([
    {
      name: "a missing API key",
      options: { flavour: "cloud" as const },
      env: { PREFECT__CLOUD__API_KEY: "" },
      want: "broken Prefect API: it requires an API key, and none is set",
    },
    {
      name: "a self-hosted server with --backend cloud",
      argv: ["--backend", "cloud"],
      want: "broken Prefect API: its backend is server, but --backend is cloud",
    },
    {
      name: "a tenant that the server does not have",
      argv: ["--tenant-id", runId(9)],
      want: "broken Prefect API: it has no tenant with the configured id",
    },
    {
      name: "a missing job template",
      argv: ["--job-template", "/none/job.yaml"],
      want: 'broken job template: cannot use job template "/none/job.yaml": there is no such file where the agent runs',
    },
  ])("reports $name", async ({ options = {}, env = {}, argv = [], want }) => {
    const testCluster = await startTestCluster(options);
    const report = await reported(testCluster, argv, { env });
    expect(amiss(report).filter((line) => line.startsWith("broken"))).toEqual([want]);
    expect(report.exitCode).toBe(1);
  });

  it("reports a job template whose command swallows the flow's arguments", async () => {
    const container = { name: "flow", image: "x", command: ["/bin/sh", "-c"] };
    const template = { spec: { template: { spec: { containers: [container] } } } };
    const path = templateFile(template);
    const report = await reported(await startTestCluster(), ["--job-template", path]);
    expect(amiss(report)).toContainEqual(
      expect.stringMatching(
        /^broken job template: .*job.json: container "flow" has the command "\/bin\/sh -c"/,
      ),
    );
  });

  it("checks the cluster when the API is unreachable; cleanup would then keep what has finished", async () => {
    const testCluster = await startTestCluster();
    putLeftover(testCluster);
    await testCluster.prefect.pause();
    const report = await reported(testCluster);
    expect(amiss(report)).toEqual([
      expect.stringMatching(/^skipped agent's pods: no agent is here/),
      expect.stringMatching(
        /^broken Prefect API: the Prefect API at http:.* cannot be reached: connection refused$/,
      ),
      "skipped leftovers: not all could be read",
    ]);
    expect(report.exitCode).toBe(1);
  });

  it("does not wait longer than --request-timeout for an API that hangs", async () => {
    const testCluster = await startTestCluster();
    testCluster.prefect.fault({ effect: { kind: "hang", when: "before" }, times: Infinity });
    const report = await reported(testCluster, ["--request-timeout", "1s"]);
    expect(amiss(report)).toContainEqual(
      expect.stringMatching(
        /^broken Prefect API: the Prefect API at .* cannot be reached: no answer within 1 s$/,
      ),
    );
    // The first request decides; the others are not sent.
    expect(testCluster.prefect.requests.entries()).toHaveLength(1);
  });

  it("reports line and column of an unreadable configuration, without its content", async () => {
    const testCluster = await startTestCluster();
    const files = { "/home/user/.prefect/config.toml": `[cloud]\napi_key = "${KEY}\n` };
    const { stdout, exitCode } = await testCluster.doctor([], { files });
    expect(stdout).toMatch(
      /^broken {3}configuration: cannot read "\/home\/user\/\.prefect\/config\.toml": .* at line 2, column \d+\n {9}hint: /,
    );
    expect(stdout).toContain("Kubernetes: ");
    expect(exitCode).toBe(1);
  });

  it("reports claimed flow runs without a Job, and those that nothing restarts", async () => {
    const testCluster = await startTestCluster();
    const { prefect, kube } = testCluster;
    const files = new Map([["/kubeconfig", kube.kubeconfig({ token: "admin" })]]);
    const readFile = (path: string) => files.get(path);
    const deps = { env: {}, home: undefined, clock: systemClock, userAgent: "test", readFile };
    const connection = await connectKube({ kubeconfig: "/kubeconfig" }, deps);
    const place = { namespace: NAMESPACE, ca: connection.kube.clusterId };
    connection.kube.close();
    const flow = prefect.createFlow({ name: "etl" });
    const mark = { kubectl_prefect: { id: "claim", place, identifier: "0a1b2c3d" } };
    const [claimed, silent] = ["claimed", "silent"].map((name) => prefect.createFlowRun({ flow, name }).id);
    prefect.setState(claimed ?? "", newState("Submitted", "Submitted for execution", { context: mark }));
    prefect.setState(silent ?? "", { type: "Submitted" });
    const runs = prefect.store.tables.flow_run;
    for (const [id, minutes] of [
      [claimed, 5],
      [silent, 30],
    ] as const) {
      const row = runs.get(id ?? "");
      const ago = new Date(Date.now() - minutes * MINUTE_MS).toISOString().replace("Z", "000");
      if (row !== undefined) runs.update(row, { heartbeat: ago, state_timestamp: ago });
    }
    const { findings } = await reported(testCluster, ["-b", "server"]);
    expect(
      findings.filter(({ check, status }) => check === "stalled flow runs" && status !== "ok"),
    ).toMatchObject([
      {
        status: "broken",
        message: "1 flow run claimed for this namespace, but without a Job",
        look: `kubectl prefect logs ${claimed} -n flows -b server`,
      },
      { status: "warning", message: "1 flow run without heartbeats, which Prefect does not restart" },
    ]);
  });
});

describe("doctor and the cluster", () => {
  it("checks Prefect when the cluster is unreachable", async () => {
    const testCluster = await startTestCluster();
    await registerAgent(testCluster, "prod", []);
    await testCluster.kube.pause();
    const report = await reported(testCluster, ["--context", "fake"]);
    const [server, ...rest] = report.findings.filter(({ status }) => status !== "ok");
    expect(server).toMatchObject({
      message: expect.stringMatching(/^cannot reach .*: connection refused$/),
      look: "kubectl cluster-info --context fake",
    });
    expect(rest).toEqual([]);
    expect(report.findings.map(({ check }) => check)).toContain("agents");
    expect(report.exitCode).toBe(1);
  });

  it.each([
    {
      argv: ["--kubeconfig", "/none"],
      want: 'broken kubeconfig: cannot read kubeconfig "/none": no such file',
    },
    { argv: ["--context", "none"], want: 'broken kubeconfig: cannot find context "none" in the kubeconfig' },
    { argv: ["-n", "none"], want: 'broken namespace: "none" does not exist' },
    { token: "expired", want: expect.stringMatching(/^broken API server: http.*: Unauthorized$/) as string },
  ])("reports $want, and nothing that only follows from it", async ({ argv = [], token = "admin", want }) => {
    const testCluster = await startTestCluster();
    const report = await reported(testCluster, argv, { token });
    expect(amiss(report).filter((line) => line.startsWith("broken"))).toEqual([want]);
    expect(report.exitCode).toBe(1);
  });

  it("says what it cannot check for lack of permissions, and what the user would need to run an agent", async () => {
    const testCluster = await startTestCluster();
    testCluster.kube.forbid({ user: "weak" });
    const report = await reported(testCluster, ["--image-pull-secrets", "pull"], { token: "weak" });
    const skipped = report.findings.filter(({ status }) => status === "skipped").map(({ check }) => check);
    expect(skipped).toEqual([
      "namespace",
      "image pull Secret",
      "admission",
      "agent's pods",
      "pods",
      "quota",
      "leftovers",
    ]);
    expect(amiss(report)).toContain("broken launching flow runs: you may not get, create jobs");
    expect(report.exitCode).toBe(1);
  });

  it("reports named objects that do not exist or lack a key, and shows no value", async () => {
    const testCluster = await startTestCluster();
    const metadata = { name: "keys", namespace: NAMESPACE };
    testCluster.kube.put("secrets", { metadata, type: "Opaque", data: { other: "c2VjcmV0" } });
    const argv = [
      "--key-secret",
      "keys:token",
      "--image-pull-secrets",
      "pull",
      "--service-account-name",
      "flow",
    ];
    const report = await reported(testCluster, argv);
    expect(amiss(report).filter((line) => line.startsWith("broken"))).toEqual([
      'broken ServiceAccount: "flow" in namespace "flows" does not exist, so its pods cannot start',
      'broken image pull Secret: "pull" does not exist',
      'broken key Secret: "keys" has no key "token"; it has other',
    ]);
    expect(JSON.stringify(report)).not.toContain("c2VjcmV0");
  });

  it("reports a key with a line break, and an image pull Secret that kubelets ignore", async () => {
    const testCluster = await startTestCluster();
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const put = (name: string, data: object, type = "Opaque") =>
      testCluster.kube.put("secrets", { metadata: { name, namespace: NAMESPACE }, type, data });
    put("keys", { key: base64("KEY\n") });
    put("plain", {});
    put("pull", {}, "kubernetes.io/dockerconfigjson");
    const report = await reported(testCluster, [
      "--key-secret",
      "keys:key",
      "--image-pull-secrets",
      "plain,pull",
    ]);
    expect(amiss(report).filter((line) => line.startsWith("broken"))).toEqual([
      'broken image pull Secret: "plain" is of the type Opaque, which kubelets ignore',
      'broken key Secret: key "key" of "keys" has white space around it, which flow runs send, too',
    ]);
    expect(JSON.stringify(report)).not.toContain(base64("KEY\n"));
  });

  it("refuses a job template for another namespace than the context's, as the agent does", async () => {
    const testCluster = await startTestCluster();
    const spec = { template: { spec: { containers: [{ name: "flow" }] } } };
    const path = templateFile({ kind: "Job", metadata: { namespace: "other" }, spec });
    const report = await reported(testCluster, ["--job-template", path]);
    expect(amiss(report).filter((line) => line.startsWith("broken"))).toEqual([
      expect.stringMatching(/^broken job template: .* the agent creates Jobs in "flows"$/),
    ]);
  });

  it("reports objects of the job template that do not exist", async () => {
    const testCluster = await startTestCluster();
    const spec = {
      serviceAccountName: "nosa",
      imagePullSecrets: [{ name: "nopull" }],
      containers: [{ name: "flow", envFrom: [{ secretRef: { name: "nosec" } }] }],
    };
    const path = templateFile({ kind: "Job", spec: { template: { spec } } });
    const report = await reported(testCluster, ["--job-template", path]);
    expect(amiss(report).filter((line) => line.startsWith("broken"))).toEqual([
      'broken ServiceAccount: "nosa" in namespace "flows" does not exist, so its pods cannot start',
      'broken image pull Secret: "nopull" does not exist',
      'broken objects of the job template: Secret "nosec" in namespace "flows" does not exist, so pods cannot start',
    ]);
  });

  it("reports a missing ServiceAccount also to somebody who may not read Secrets", async () => {
    const testCluster = await startTestCluster();
    testCluster.kube.forbid({ user: "weak", resources: ["secrets"] });
    const argv = ["--image-pull-secrets", "pull", "--service-account-name", "flow"];
    const report = await reported(testCluster, argv, { token: "weak" });
    expect(amiss(report)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^broken ServiceAccount: "flow" in namespace "flows" does not exist/),
        expect.stringMatching(/^skipped image pull Secret: no permission to check it: /),
      ]),
    );
  });

  it("reports quotas that are used up, and leftovers, as warnings", async () => {
    const testCluster = await startTestCluster();
    putLeftover(testCluster);
    testCluster.kube.put("resourcequotas", {
      metadata: { name: "compute", namespace: NAMESPACE },
      spec: { hard: { pods: "3" } },
      status: { hard: { pods: "3" }, used: { pods: "3" } },
    });
    const { stdout, exitCode } = await testCluster.doctor([], { env: NO_PREFECT });
    expect(stdout).toContain(`warning  leftovers: cleanup would remove 1 Job
         old (succeeded 3d ago)
         hint: see what and why, or remove it
           kubectl prefect cleanup --dry-run -n flows
           kubectl prefect cleanup -n flows
`);
    expect(stdout).toContain(`"compute" is used up (pods 3 of 3), so no more pods of flow runs can start\n`);
    expect(exitCode).toBe(0);
  });
});

describe("doctor and Prefect 2 and 3", () => {
  it.each([
    { server: {}, env: {}, want: "ok" },
    { server: { apiKey: "right" }, env: {}, want: "broken it requires an API key, and none is set" },
    {
      server: { apiKey: "right" },
      env: { PREFECT_API_KEY: KEY },
      want: "broken the API key is not accepted: the API answered 401: Unauthorized",
    },
  ])("are checked for the key: $want", async ({ server, env, want }) => {
    const testCluster = await startTestCluster();
    const { url } = await fakePrefect3(server);
    const { findings } = await reported(testCluster, [], { env: { ...env, PREFECT_API_URL: url } });
    const found = findings.find(({ check }) => check === "Prefect 2/3 API");
    expect(`${found?.status} ${found?.message}`).toBe(want === "ok" ? `ok ${url} answers` : want);
  });

  it("are reported when they cannot be reached", async () => {
    const testCluster = await startTestCluster();
    await testCluster.prefect.pause();
    const PREFECT_API_URL = testCluster.prefect.url.replace("://", "://me:pw@");
    const report = await reported(testCluster, [], { env: { PREFECT_API_URL } });
    expect(amiss(report)).toContain(
      `broken Prefect 2/3 API: the Prefect API at ${testCluster.prefect.url} cannot be reached: connection refused`,
    );
  });
});
