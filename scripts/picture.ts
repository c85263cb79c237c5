// `npm run picture`: docs/picture.svg, a session at a terminal, recorded on the fakes in virtual time. It is the same each time, so
// that a test can tell whether the picture in the repository is current.

import { writeFile } from "node:fs/promises";
import { COLUMNS, recordSession } from "./picture/session.ts";
import { svgOf } from "./picture/svg.ts";
import { projectPath, runScript } from "./project.ts";

export const PICTURE = projectPath("docs", "picture.svg");

/** The picture as it should be. */
export async function currentPicture(): Promise<string> {
  const title = "A terminal: kubectl prefect jobs, inspect and cancel";
  return svgOf({ text: await recordSession(), columns: COLUMNS, title });
}

if (import.meta.main) await runScript(async () => writeFile(PICTURE, await currentPicture()));
