// Flow runs that fail in real pods: each becomes Failed in Prefect, with the reason.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countsDeletedPods } from "./support/kubectl.ts";
import { NEVER_ENDS, SUCCEEDS, shellRun } from "./support/shell-flow.ts";
import { eventually, TestSetup } from "./support/test-setup.ts";

let setup: TestSetup;

beforeAll(async () => {
  setup = await TestSetup.open("failures");
  await setup.startAgent(["--start-grace", "2s", "--cancel-grace", "2s"]);
});

afterAll(() => setup?.close());

const messageOf = (id: string): string => setup.prefect.flowRun(id)?.state_message ?? "";
const errorsOf = (id: string): string[] =>
  setup.prefect.logsOf(id).flatMap(({ level, message }) => (level === "ERROR" ? [message ?? ""] : []));

function deleteAll(kind: "jobs" | "pods", id: string): void {
  setup.kubectl("delete", kind, "-l", `prefect.io/flow_run_id=${id}`, "--wait=false");
}

describe.concurrent("a flow run in Kubernetes", () => {
  it("that succeeds stays Success, with no error in its log", async () => {
    const id = setup.due();
    await setup.untilState(id, "Success");
    await setup.untilNoJobs(id);
    expect(setup.prefect.stateOf(id)).toBe("Success");
    expect(errorsOf(id)).toEqual([]);
  });

  it.each([
    {
      name: "exits with an error",
      script: "state Running Running; echo first; echo the last line; exit 3",
      container: {},
      message: /^Kubernetes Error: container 'flow' exited with code 3/,
      log: ["the last line", "exited with code 3"],
    },
    {
      name: "exits before it is Running",
      script: "echo no module named flows; exit 1",
      container: {},
      message: /^Kubernetes Error: container 'flow' exited with code 1/,
      log: ["no module named flows"],
    },
    {
      name: "exits with the code of SIGKILL",
      script: "state Running Running; exit 137",
      container: {},
      message: /^Kubernetes Error: container 'flow' was killed by signal SIGKILL/,
      log: ["exit code 137"],
    },
    {
      name: "exceeds its memory limit",
      script: "state Running Running; tail /dev/zero",
      container: { resources: { limits: { memory: "16Mi" } } },
      message: /^Kubernetes Error: container 'flow' ran out of memory .*limit 16Mi/,
      log: ["OOMKilled", "limit 16Mi"],
    },
    {
      name: "has an image that cannot be pulled",
      script: SUCCEEDS,
      container: { image: "registry.invalid/none:1", imagePullPolicy: "Never" },
      message: /^Kubernetes Error: image "registry.invalid\/none:1" of container 'flow' cannot be pulled/,
      log: ["image_pull_secrets"],
    },
    {
      name: "has an invalid image name",
      script: SUCCEEDS,
      container: { image: "NOT//AN IMAGE" },
      message: /^Kubernetes Error: image "NOT\/\/AN IMAGE" of container 'flow' is no valid image name/,
      log: ["correct the image"],
    },
    {
      name: "uses a ConfigMap that does not exist",
      script: SUCCEEDS,
      container: { envFrom: [{ configMapRef: { name: "absent" } }] },
      message: /^Kubernetes Error: container 'flow' cannot be configured .*configmap "absent" not found/,
      log: ["ConfigMap"],
    },
    {
      name: "has a command that does not exist",
      script: SUCCEEDS,
      container: { command: ["/absent"] },
      message: /^Kubernetes Error: container 'flow' could not be started .*\/absent/,
      log: ["/absent"],
    },
  ])("that $name becomes Failed once, with the reason, and its Job is deleted", async (row) => {
    const id = setup.due(shellRun(row.script, row.container));
    await setup.untilState(id, "Failed");
    await setup.untilNoJobs(id);
    expect(messageOf(id)).toMatch(row.message);
    const errors = errorsOf(id);
    expect(errors).toHaveLength(1);
    for (const part of row.log) expect(errors[0]).toContain(part);
    expect(setup.prefect.statesOf(id).filter((type) => type === "Failed")).toHaveLength(1);
  });

  it("whose Job the cluster rejects becomes Failed with the cluster's error", async () => {
    const id = setup.due(shellRun(SUCCEEDS, { env: [{ name: "NOT A NAME=", value: "x" }] }));
    await setup.untilState(id, "Failed");
    expect(messageOf(id)).toMatch(/^Kubernetes Error: .*spec\.template\.spec\.containers\[0\]\.env/);
    expect(setup.ofRun("jobs", id)).toEqual([]);
  });

  it("whose Job somebody deletes becomes Failed", async () => {
    const id = setup.due(NEVER_ENDS);
    await setup.untilState(id, "Running");
    deleteAll("jobs", id);
    await setup.untilState(id, "Failed");
    expect(messageOf(id)).toMatch(/^Kubernetes Error: .*deleted/);
  });

  it.runIf(countsDeletedPods())(
    "whose pod somebody deletes becomes Failed, and its Job is deleted",
    async () => {
      const id = setup.due(NEVER_ENDS);
      await setup.untilState(id, "Running");
      deleteAll("pods", id);
      await setup.untilState(id, "Failed");
      expect(messageOf(id)).toMatch(/^Kubernetes Error: /);
      await setup.untilNoJobs(id);
    },
  );

  it.skipIf(countsDeletedPods())("continues in the pod that replaces a deleted one", async () => {
    const id = setup.due(NEVER_ENDS);
    await setup.untilState(id, "Running");
    const [first] = setup.ofRun("pods", id);
    deleteAll("pods", id);
    const isReplaced = (): void => {
      const phases = setup
        .ofRun("pods", id)
        .flatMap(({ metadata, status }) => (metadata.name === first?.metadata.name ? [] : [status?.phase]));
      expect(phases).toEqual(["Running"]);
    };
    await eventually(isReplaced);
    // The new pod sets Running, too, and that must not come after Cancelled.
    const runnings = (): string[] => setup.prefect.statesOf(id).filter((type) => type === "Running");
    await eventually(() => expect(runnings()).toHaveLength(2));
    setup.prefect.setState(id, { type: "Cancelled" });
    await setup.untilNoJobs(id);
    expect(setup.prefect.statesOf(id)).not.toContain("Failed");
  });

  it("that is cancelled becomes Cancelled, and its Job is deleted after the grace period", async () => {
    const id = setup.due(NEVER_ENDS);
    await setup.untilState(id, "Running");
    setup.prefect.setState(id, { type: "Cancelling" });
    await setup.untilState(id, "Cancelled");
    await setup.untilNoJobs(id);
    expect(errorsOf(id)).toEqual([]);
  });

  it("that has finished keeps its state, whatever its pod does afterwards", async () => {
    const id = setup.due("state Running Running; state Success Done; exit 7");
    await setup.untilState(id, "Success");
    await setup.untilNoJobs(id);
    expect(setup.prefect.stateOf(id)).toBe("Success");
    expect(errorsOf(id)).toEqual([]);
  });
});
