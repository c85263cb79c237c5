// The licences of the packages in the executable, which must be distributed with it.

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { objectIn, textIn } from "../../src/base/json.ts";
import { projectPath } from "../project.ts";
import { packageFolders } from "./bundle.ts";

export interface Notice {
  readonly name: string;
  readonly version: string;
  /** The SPDX expression in the package. */
  readonly license: string;
  /** The text of the licence files; empty without any. */
  readonly text: string;
}

/** The notices of all packages of these bundle inputs. */
export async function writeNotices(inputs: readonly string[]): Promise<string> {
  const notices = [];
  for (const folder of packageFolders(inputs)) notices.push(await readNotice(projectPath(folder)));
  return formatNotices(notices);
}

async function readNotice(folder: string): Promise<Notice> {
  const manifest = objectIn(JSON.parse(await readFile(join(folder, "package.json"), "utf8")));
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/iu.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return {
    name: textIn(manifest["name"]) ?? folder,
    version: textIn(manifest["version"]) ?? "",
    license: textIn(manifest["license"]) ?? "see its text",
    text: texts.map((text) => text.trim()).join("\n\n"),
  };
}

/** One section per package version. */
export function formatNotices(notices: readonly Notice[]): string {
  const intro =
    "kubectl-prefect contains Node.js (https://github.com/nodejs/node/blob/main/LICENSE has its licence and those\n" +
    "of its parts) and these packages:\n";
  const sections = notices.map(
    (one) => `${"=".repeat(80)}\n${one.name} ${one.version} (${one.license})\n\n${one.text}\n`,
  );
  return [intro, ...new Set(sections)].join("\n");
}
