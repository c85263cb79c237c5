// The same sources give the same bytes, in another folder and at another time.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { folder } from "./support.ts";

const SOURCES = ["src", "scripts", "node_modules", "LICENSE"];
const FILES = ["package.json", "package-lock.json", "krew-manifest.yaml", "tsconfig.json"];
const run = promisify(execFile);

let copy: string;

describe("npm run release", () => {
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), "kubectl-prefect-copy-"));
    await run("cp", ["-R", ...[...SOURCES, ...FILES].map((name) => projectPath(name)), copy]);
    await mkdir(join(copy, "dist"));
    await run("cp", ["-R", projectPath("dist", ".cache"), join(copy, "dist")]);
  });

  afterAll(async () => {
    await rm(copy, { recursive: true, force: true });
  });

  it("gives the same archives, SBOM and manifest in a copy of the project", async () => {
    await run(process.execPath, [join(copy, "scripts", "release.ts")]);
    for (const name of ["SHA256SUMS", "prefect.yaml"]) {
      expect(await readFile(join(copy, "dist", "release", name), "utf8")).toBe(
        await readFile(join(folder, name), "utf8"),
      );
    }
  });
});
