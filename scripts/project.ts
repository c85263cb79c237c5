// Where things are in this project, what it is called, and how a script ends: what every script needs first.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExpectedError, textOf } from "../src/base/errors.ts";
import { objectIn, textIn } from "../src/base/json.ts";

/** 1980-01-01T00:00:00Z in seconds: the time of every file we pack, so that equal contents give equal bytes. */
export const packedAtSeconds = 315_532_800;

/** An absolute path inside the project. */
export function projectPath(...parts: readonly string[]): string {
  return join(fileURLToPath(new URL("..", import.meta.url)), ...parts);
}

export interface Project {
  /** Without the leading `v`. */
  readonly version: string;
  /** The Node release that package.json pins; every executable is made of exactly this one. */
  readonly nodeVersion: string;
}

/** What package.json says of the version and of Node. */
export async function readProject(): Promise<Project> {
  const manifest = objectIn(JSON.parse(await readFile(projectPath("package.json"), "utf8")));
  const version = textIn(manifest["version"]);
  const nodeVersion = textIn(objectIn(manifest["devDependencies"])["node"]);
  if (version === undefined || nodeVersion === undefined) {
    throw new ExpectedError(
      'cannot read "package.json": it has no version, or no exact "node" among devDependencies',
    );
  }
  return { version, nodeVersion };
}

/** Refuses to go on under another Node: its blob would crash the Node that it is put into. */
export function requireNode(project: Project): void {
  if (process.versions.node === project.nodeVersion) return;
  throw new ExpectedError(
    `cannot build with Node "${process.versions.node}": package.json pins ${project.nodeVersion}`,
    { hint: "start it with npm run, which puts node_modules/.bin first" },
  );
}

/** Runs a script's work; a failure becomes one line on stderr and exit code 1 or the error's own. */
export async function runScript(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    console.error(`error: ${textOf(error)}`);
    if (error.hint !== undefined) console.error(`hint: ${error.hint}`);
    process.exitCode = error.exitCode;
  }
}
