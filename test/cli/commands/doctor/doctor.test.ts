// kubectl prefect doctor: its output, the agent that it finds, and the commands that it shows.

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runCli } from "../../../support/run-cli.ts";
import {
  AGENT,
  amiss,
  MINUTE_MS,
  NAMESPACE,
  NO_PREFECT,
  putAgentPod,
  putDeployment,
  putLeftover,
  registerAgent,
  reported,
  startTestCluster,
} from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";

describe("kubectl prefect doctor", () => {
  it("finds no problem in a healthy agent, in one line for each section", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, ["--label=k8s"]);
    await registerAgent(testCluster, "prod", ["k8s"]);
    expect(await testCluster.doctor(["-n", NAMESPACE])).toEqual({
      stdout: `Configuration: 3 ok
Kubernetes: 5 ok
Permissions: 8 ok
Prefect: 2 ok
Flow runs: 5 ok
Leftovers: 1 ok

24 ok
`,
      stderr: "",
      exitCode: 0,
    });
  });

  it("lists with -v what is ok, with the source of each value", async () => {
    const testCluster = await startTestCluster({ flavour: "cloud" });
    putAgentPod(testCluster, ["--label=k8s"]);
    await registerAgent(testCluster, "prod", ["k8s"]);
    const { stdout } = await testCluster.doctor(["-n", NAMESPACE, "-v"]);
    const { url } = testCluster.prefect;
    for (const line of [
      "Configuration",
      `         API ${url} (PREFECT__CLOUD__API variable)`,
      "         API key set (PREFECT__CLOUD__API_KEY variable)",
      'ok       namespace: "flows" exists (-n)',
      'ok       agent\'s pods: agent-1 (3h old) runs "prod" with label k8s as ServiceAccount prefect-agent',
      "ok       launching flow runs: ServiceAccount flows/prefect-agent may get, create jobs",
      `ok       Prefect API: ${url} answers and accepts the key, tenant "default"`,
    ])
      expect(stdout.split("\n")).toContain(line);
    expect(stdout).toMatch(/\nok {7}agents: "prod" with label k8s last asked for flow runs \ds ago\n/);
  });

  it("passes without a Prefect API and without an agent, and says what it did not check", async () => {
    const testCluster = await startTestCluster();
    const { stdout, exitCode } = await testCluster.doctor([], { env: NO_PREFECT });
    expect(stdout).toMatch(/^skipped {2}Prefect API: no Prefect 1 API is configured: .*\n {9}hint: .*--api/);
    expect(stdout).toContain("Kubernetes: 1 skipped, 4 ok\n");
    expect(exitCode).toBe(0);
    expect(testCluster.prefect.requests.entries()).toEqual([]);
  });

  it("prints the report as YAML", async () => {
    const testCluster = await startTestCluster();
    const { stdout } = await testCluster.doctor(["-o", "yaml"]);
    expect(parse(stdout)).toMatchObject({ kind: "DoctorReport", status: "warning", summary: { broken: 0 } });
  });

  it("asks the cluster each thing once, whichever checks need it", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, ["--label=k8s"]);
    await testCluster.doctor();
    const asked = testCluster.kube.requests.entries
      .filter(({ path }) => !path.endsWith("reviews"))
      .map(({ method, path, query }) => `${method} ${path} ${query}`);
    expect(asked).toEqual([...new Set(asked)]);
  });

  it.each([
    {
      argv: ["-o", "xml"],
      message: 'error: cannot read -o "xml": unknown output format\nhint: use -o text, json or yaml\n',
    },
    { argv: ["--fix", "-o", "json"], message: "error: cannot use --fix with -o json\nhint: " },
    { argv: ["-n", "../x"], message: 'error: cannot read -n "../x": not a namespace' },
    { argv: ["--for", "agent"], message: 'error: cannot read --for "agent": not a ServiceAccount' },
    { argv: ["--request-timeout", "soon"], message: 'error: cannot read --request-timeout "soon"' },
    { argv: ["--key-secret", "No Name"], message: 'error: cannot read --key-secret "No Name"' },
  ])("rejects $argv", async ({ argv, message }) => {
    const testCluster = await startTestCluster();
    const { stdout, stderr, exitCode } = await testCluster.doctor(argv);
    expect(stderr).toContain(message);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  });

  it("exits with 130 when it is interrupted", async () => {
    const testCluster = await startTestCluster();
    const controller = new AbortController();
    testCluster.kube.fault({ effect: { kind: "hang", when: "before" }, times: Infinity });
    testCluster.kube.setOnRequest(() => controller.abort());
    const { stdout, stderr, exitCode } = await testCluster.doctor([], { signal: controller.signal });
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: "",
      stderr: "error: interrupted\n",
      exitCode: 130,
    });
  });
});

describe("doctor --fix", () => {
  /** An agent that crashes because it lacks permissions and its Secret. */
  async function startBrokenCluster(): Promise<TestCluster> {
    const testCluster = await startTestCluster();
    const waiting = {
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 4 } },
    };
    putAgentPod(testCluster, ["--key-secret=keys"], { ready: false, restartCount: 1, ...waiting });
    testCluster.kube.forbid({ user: AGENT, verbs: ["create"], resources: ["jobs"] });
    putLeftover(testCluster);
    return testCluster;
  }

  it("prints only the commands that mend the problems, with the user's own flags", async () => {
    const testCluster = await startBrokenCluster();
    const { stdout, exitCode } = await testCluster.doctor(["--fix", "--context", "fake", "-b", "server"]);
    expect(stdout).toBe(`# key Secret: "keys" does not exist
kubectl create secret generic keys --from-literal=api-key="\${PREFECT__CLOUD__API_KEY:?}" -n flows --context fake
# launching flow runs: ServiceAccount flows/prefect-agent may not create jobs
kubectl prefect install --rbac=minimal --rbac-only -n flows | kubectl apply -f - -n flows --context fake
# leftovers: cleanup would remove 1 Job
kubectl prefect cleanup -n flows --context fake -b server
`);
    expect(exitCode).toBe(1);
  });

  it("prints nothing when there is nothing to do", async () => {
    const testCluster = await startTestCluster();
    expect(await testCluster.doctor(["--fix"])).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  });

  it("and hints show commands of this program that run as they are printed, and change nothing but by apply", async () => {
    const testCluster = await startBrokenCluster();
    const { findings } = await reported(testCluster, ["-b", "server"]);
    const shown = findings.flatMap(({ look, fix = [] }) => [...(look === undefined ? [] : [look]), ...fix]);
    const ours = shown.flatMap((command) => /^kubectl prefect ([^|]*)/.exec(command)?.[1]?.trim() ?? []);
    expect(ours.length).toBeGreaterThan(1);
    const kubeconfig = testCluster.kube.kubeconfig({ token: "admin" });
    for (const command of ours) {
      const env = { KUBECONFIG: "/kubeconfig", PREFECT__CLOUD__API: testCluster.prefect.url };
      const { stdout, stderr } = await runCli(command.split(" "), {
        env,
        files: { "/kubeconfig": kubeconfig },
      });
      expect(stderr).not.toMatch(/^error: (?!cannot clean up without --yes)/);
      expect(stdout).not.toContain("kind: Deployment");
    }
  });
});

describe("doctor and the agent that is there", () => {
  it("is broken by its first crash, and shows the log", async () => {
    const testCluster = await startTestCluster();
    const restarted = {
      state: { running: { startedAt: new Date().toISOString() } },
      lastState: { terminated: { exitCode: 3 } },
    };
    putAgentPod(testCluster, [], { restartCount: 1, ...restarted });
    const { stdout, exitCode } = await testCluster.doctor(["--context", "fake"]);
    expect(stdout)
      .toContain(`broken   agent's pods: agent-1 is crashing: container 'agent' exited with code 3, restarted 1 time
         hint: read its log
           kubectl logs agent-1 -c agent --previous -n flows --context fake
`);
    expect(exitCode).toBe(1);
  });

  it("is there even if a wrong setting makes it crash, and the setting is named", async () => {
    const testCluster = await startTestCluster();
    const crashed = { ready: false, state: { terminated: { exitCode: 2 } } };
    putAgentPod(testCluster, ["--backend=clowd"], crashed);
    const { stdout, exitCode } = await testCluster.doctor();
    expect(stdout)
      .toContain(`broken   agent's pods: agent-1 is crashing: container 'agent' exited with code 2, restarted 0 times
         cannot read --backend flag "clowd"`);
    expect(exitCode).toBe(1);
  });

  it("has the permissions checked that any of its pods needs", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, ["--leader-elect"]);
    putAgentPod(testCluster, ["--name=other"], { podName: "agent-2" });
    testCluster.kube.forbid({ user: AGENT, resources: ["leases"] });
    expect(amiss(await reported(testCluster))).toContain(
      "broken leader election: ServiceAccount flows/prefect-agent may not get, create, update leases",
    );
  });

  it("is looked for in Prefect if one of its pods is ready", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, []);
    putAgentPod(testCluster, [], { podName: "agent-2", ready: false });
    expect(amiss(await reported(testCluster))).toContain(
      'warning agents: "prod" with no labels has never asked this API for flow runs, but its pod is ready',
    );
  });

  it("is checked with its own ServiceAccount, and --for overrides it", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, ["--leader-elect"]);
    testCluster.kube.forbid({ user: AGENT, resources: ["pods/log", "leases"] });
    const permissions = async (argv: readonly string[]) =>
      amiss({ ...(await reported(testCluster, argv)) }).filter((line) => line.includes(" may not "));
    expect(await permissions([])).toEqual([
      "warning logs of failed pods: ServiceAccount flows/prefect-agent may not get pods/log",
      "broken leader election: ServiceAccount flows/prefect-agent may not get, create, update leases",
    ]);
    expect(await permissions(["--for", "flows/other"])).toEqual([]);
  });

  it.each([
    {
      of: "prefect-agent",
      want: "warning agent's pods: no agent is here as ServiceAccount other, but as prefect-agent",
    },
    { of: "other", want: 'broken agent\'s pods: Deployment "other" has no pod yet' },
  ])("is told from the one that --for asks for, with the Deployment of $of", async ({ of, want }) => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, []);
    putDeployment(testCluster, of);
    expect(amiss(await reported(testCluster, ["--for", "flows/other"]))).toContain(want);
  });

  it("is no hindrance to the permissions of --for where the user may not list pods", async () => {
    const testCluster = await startTestCluster();
    testCluster.kube.forbid({ user: "weak", resources: ["pods"], verbs: ["list"] });
    testCluster.kube.forbid({ user: "system:serviceaccount:flows:other", resources: ["jobs"] });
    const report = await reported(testCluster, ["--for", "flows/other"], { token: "weak" });
    const lacking = report.findings.filter(({ message }) => message.includes(" may not "));
    expect(lacking).not.toHaveLength(0);
    for (const finding of lacking) expect(finding).toHaveProperty("fix");
  });

  it.each(["flows/other", "team/worker"])(
    "keeps its permissions: none are offered to %s instead",
    async (of) => {
      const testCluster = await startTestCluster();
      putAgentPod(testCluster, []);
      const user = `system:serviceaccount:${of.replace("/", ":")}`;
      testCluster.kube.forbid({ user, resources: ["jobs"] });
      const { findings } = await reported(testCluster, ["--for", of]);
      const [lacking] = findings.filter(({ message }) => message.includes(" may not "));
      expect(lacking).toMatchObject({
        hint: "leave out --for: the agent here runs as ServiceAccount prefect-agent",
      });
      expect(lacking).not.toHaveProperty("fix");
    },
  );

  it("is not checked for permissions if the user may not ask for those of others", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, []);
    testCluster.kube.forbid({ user: "weak", resources: ["subjectaccessreviews"] });
    const report = await reported(testCluster, [], { token: "weak" });
    expect(amiss(report)).toContainEqual(
      expect.stringMatching(/^skipped permissions: no permission to check it: /),
    );
  });

  it("makes late flow runs that it should have taken broken, and those of strangers one warning", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, ["--label=k8s"]);
    await registerAgent(testCluster, "prod", ["k8s"]);
    const flow = testCluster.prefect.createFlow({ name: "etl" });
    const startTime = new Date(Date.now() - 10 * MINUTE_MS);
    for (const labels of [["k8s"], ["gpu"], ["k8s", "tpu"]])
      testCluster.prefect.createFlowRun({ flow, labels, name: labels.join("-"), startTime });
    const report = await reported(testCluster);
    expect(amiss(report)).toEqual([
      'broken due flow runs: 1 flow run late by up to 10m, which "prod" with label k8s should have taken',
      "warning due flow runs: 2 flow runs late by up to 10m, and no running agent has: label gpu; labels k8s, tpu",
    ]);
  });

  it("has its Jobs in the namespace that its pod names", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, ["--namespace=jobs"]);
    expect(amiss(await reported(testCluster))).toContain('broken namespace: "jobs" does not exist');
  });
});
