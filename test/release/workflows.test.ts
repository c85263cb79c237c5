// GitHub's workflows, checked by actionlint: syntax, expressions, the jobs that others need, and the inputs of known actions.

import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { buildTools, noGoReason } from "./go-tools.ts";

const absent = noGoReason();
if (absent !== undefined) process.stderr.write(`skipped, actionlint: ${absent}\n`);

describe.skipIf(absent !== undefined)("actionlint", () => {
  it("finds nothing wrong with the workflows", async () => {
    const tools = await mkdtemp(join(tmpdir(), "kubectl-prefect-tools-"));
    try {
      await buildTools(tools);
      const workflows = projectPath(".github", "workflows");
      const files = readdirSync(workflows).map((name) => join(workflows, name));
      await expect(promisify(execFile)(join(tools, "actionlint"), files)).resolves.toBeDefined();
    } finally {
      await rm(tools, { recursive: true });
    }
  });
});
