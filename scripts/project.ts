// Paths, version and error handling of the scripts.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExpectedError, textOf } from "../src/base/errors.ts";
import { objectIn, textIn } from "../src/base/json.ts";

/** 1980-01-01T00:00:00Z in seconds: the time of every packed file, for reproducible archives. */
export const packedAtSeconds = 315_532_800;

/** An absolute path inside the project. */
export function projectPath(...parts: readonly string[]): string {
  return join(fileURLToPath(new URL("..", import.meta.url)), ...parts);
}

export interface Project {
  /** Without the leading `v`. */
  readonly version: string;
  /** The Node release that package.json pins, which is in every executable. */
  readonly nodeVersion: string;
}

/** Reads package.json. */
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

/** Throws under another Node release: its blob would crash the Node in the executable. */
export function requireNode(project: Project): void {
  if (process.versions.node === project.nodeVersion) return;
  throw new ExpectedError(
    `cannot build with Node "${process.versions.node}": package.json pins ${project.nodeVersion}`,
    { hint: "start it with npm run, which puts node_modules/.bin first" },
  );
}

/** The values of options as numbers. Throws an ExpectedError for one that is none, or not above 0. */
export function numbersIn<Name extends string>(values: Readonly<Record<Name, string>>): Record<Name, number> {
  const numbers = Object.entries<string>(values).map(([name, text]) => {
    if (!(Number(text) > 0)) throw new ExpectedError(`cannot use --${name} "${text}": not a number above 0`);
    return [name, Number(text)];
  });
  return Object.fromEntries(numbers) as Record<Name, number>;
}

/** Runs a script. An ExpectedError is printed as one line, and its exit code is used. */
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
