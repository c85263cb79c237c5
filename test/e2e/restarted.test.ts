// A flow run that is restarted in Prefect while the pod of its first Job cannot start.

import { afterAll, beforeAll, expect, it } from "vitest";
import { SUCCEEDS, shellRun } from "./support/shell-flow.ts";
import { eventually, TestSetup } from "./support/test-setup.ts";

let setup: TestSetup;

beforeAll(async () => {
  setup = await TestSetup.open("restarted");
  await setup.startAgent(["--start-grace", "5m"]);
});

afterAll(() => setup?.close());

it("starts its flow once, in the new Job, when the Secret that both lack comes", async () => {
  const { prefect } = setup;
  const id = setup.due(shellRun(SUCCEEDS, { envFrom: [{ secretRef: { name: "late" } }] }));
  const jobs = (): string[] => setup.ofRun("jobs", id).map(({ metadata }) => metadata.name);
  const isStuck = (): void => expect(JSON.stringify(setup.ofRun("pods", id))).toContain("ConfigError");
  await eventually(isStuck);
  const old = jobs();
  expect(old).toHaveLength(1);

  prefect.setState(id, { type: "Cancelled" });
  prefect.setState(id, { type: "Scheduled" });
  const isReplaced = (): void => {
    const now = jobs();
    expect(now).toHaveLength(1);
    expect(now).not.toEqual(old);
  };
  await eventually(isReplaced);

  setup.kubectl("create", "secret", "generic", "late", "--from-literal=KEY=value");
  await setup.untilState(id, "Success");
  expect(prefect.statesOf(id).filter((type) => type === "Running")).toHaveLength(1);
});
