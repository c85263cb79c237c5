// Output that cannot be written, as on a full disk: an error, since a part of a manifest looks like the whole.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "output-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Runs the command in a shell line, in which `$run` stands for it. */
function shell(line: string) {
  const env = { PATH: process.env["PATH"], HOME: folder, run: `${process.execPath} ${MAIN}` };
  const { status, stderr } = spawnSync("sh", ["-c", line], { env, cwd: folder, encoding: "utf8" });
  return { status, stderr };
}

describe.runIf(process.platform === "linux")("output to a full disk", () => {
  it.each(["version", "--help", "completion", "install -k x"])("fails: %s", (command) => {
    const { status, stderr } = shell(`exec $run ${command} > /dev/full`);
    expect(stderr).toBe("error: cannot write the output: ENOSPC: no space left on device, write\n");
    expect(status).toBe(1);
  });

  it("fails also if a part of it could be written", () => {
    const { status, stderr } = shell("trap '' XFSZ; ulimit -f 4; exec $run install -k x > manifest.yaml");
    expect(stderr).toBe("error: cannot write the output: EFBIG: file too large, write\n");
    expect([status, readFileSync(join(folder, "manifest.yaml")).length]).toEqual([1, 2_048]);
  });

  it("is whole where there is room, also behind what is there", () => {
    const { status } = shell("$run install -k x > one; $run install -k x >> two && $run install -k x >> two");
    const [one, two] = ["one", "two"].map((name) => readFileSync(join(folder, name), "utf8"));
    expect([status, two]).toEqual([0, `${one}${one}`]);
  });
});
