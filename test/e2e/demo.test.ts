// The demo with real pods, as the README tells to run it.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { mustKubectl } from "./support/kubectl.ts";

it("ends every flow run as it should, and leaves no namespace", async () => {
  const context = mustKubectl(["config", "current-context"]).trim();
  const { stdout } = await promisify(execFile)(process.execPath, ["scripts/demo.ts", "--context", context]);
  expect(stdout).toMatch(/6 of 6 flow runs ended as expected in .* s; no Job is left\.\n$/);
  expect(mustKubectl(["get", "namespaces", "-o", "name"])).not.toContain("prefect-demo-");
});
