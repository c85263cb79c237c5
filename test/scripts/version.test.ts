import { describe, expect, it } from "vitest";
import { readProject } from "../../scripts/project.ts";
import { version } from "../../src/version.ts";

describe("version", () => {
  it("is the version of package.json", async () => {
    const project = await readProject();
    expect(version).toBe(project.version);
    expect(version).toMatch(/^\d+\.\d+\.\d+/u);
  });
});
