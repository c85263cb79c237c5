// The packages in the executable and their licences, which must be distributed with it.

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { objectIn, textIn } from "../../src/base/json.ts";
import { projectPath } from "../project.ts";
import { packageFolders } from "./bundle.ts";

export interface BundledPackage {
  /** Relative to the project: `node_modules/yaml`, which is also its key in package-lock.json. */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** The SPDX expression in the package. */
  readonly license: string;
  /** The text of the licence files; empty without any. */
  readonly text: string;
}

/** The packages of these bundle inputs. */
export function bundledPackages(inputs: readonly string[]): Promise<readonly BundledPackage[]> {
  return Promise.all(packageFolders(inputs).map(readPackage));
}

async function readPackage(folder: string): Promise<BundledPackage> {
  const path = projectPath(folder);
  const manifest = objectIn(JSON.parse(await readFile(join(path, "package.json"), "utf8")));
  const files = (await readdir(path)).filter((file) => /^(licen[cs]e|notice|copying)/iu.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(path, file), "utf8")));
  return {
    folder,
    name: textIn(manifest["name"]) ?? folder,
    version: textIn(manifest["version"]) ?? "",
    license: textIn(manifest["license"]) ?? "see its text",
    text: texts.map((text) => text.trim()).join("\n\n"),
  };
}

/** One section for each licence text, headed by the packages that have it. */
export function formatNotices(packages: readonly BundledPackage[]): string {
  const intro =
    "kubectl-prefect contains Node.js (https://github.com/nodejs/node/blob/main/LICENSE has its licence and those\n" +
    "of its parts) and these packages:\n";
  const sections = [...Map.groupBy(packages, ({ text }) => text)].map(([text, same]) => {
    const names = new Set(same.map(({ name, version, license }) => `${name} ${version} (${license})\n`));
    return `${"=".repeat(80)}\n${[...names].join("")}\n${text}\n`;
  });
  return [intro, ...sections].join("\n");
}
