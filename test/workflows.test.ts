// GitHub's workflows are held against the project. test/release/workflows.test.ts checks them as GitHub reads them.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { projectPath } from "../scripts/project.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: { readonly name?: string };
}

interface Job {
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}

const FOLDER = projectPath(".github", "workflows");
const { scripts } = JSON.parse(readFileSync(projectPath("package.json"), "utf8")) as { scripts: object };

describe.each(readdirSync(FOLDER))("%s", (file) => {
  const text = readFileSync(`${FOLDER}/${file}`, "utf8");
  const workflow = parse(text) as { permissions: object; jobs: Readonly<Record<string, Job>> };
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps);
  const commands = steps.flatMap(({ run }) => (run === undefined ? [] : [run]));

  it("runs only npm scripts that there are", () => {
    const named = [...commands.join("\n").matchAll(/npm run ([\w:-]+)/g)].map(([, script = ""]) => script);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  });

  it("names only files that there are, beside those of dist", () => {
    const named = commands.join("\n").match(/(?<![\w./-])(?:\.ci|scripts|test|src|docs)\/[\w./-]+/g) ?? [];
    expect(named.filter((path) => !existsSync(projectPath(path)))).toEqual([]);
  });

  it("pins every action to a commit, with its version beside it", () => {
    const used = text.match(/uses: .*/g) ?? [];
    expect(used.length).toBeGreaterThan(0);
    for (const line of used) expect(line).toMatch(/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("downloads only what another job has uploaded", () => {
    const artifacts = (action: string) =>
      steps.filter(({ uses = "" }) => uses.includes(action)).map((step) => step.with?.name);
    const uploaded = artifacts("upload-artifact");
    expect(artifacts("download-artifact").filter((name) => !uploaded.includes(name))).toEqual([]);
  });

  it("has commands that bash can parse", () => {
    for (const input of commands) {
      const { status, stderr } = spawnSync("bash", ["-n"], { input, encoding: "utf8" });
      expect({ input, stderr, status }).toEqual({ input, stderr: "", status: 0 });
    }
  });

  it("may only read the repository unless a job says otherwise, and no job runs for hours", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    for (const job of jobs) expect(job["timeout-minutes"]).toBeLessThanOrEqual(40);
  });
});
