// `npm run check-krew [MANIFEST [FOLDER]]`: checks krew's rules for the filled manifest and the archives beside it.

import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { checkKrew } from "./krew/check.ts";
import { projectPath, runScript } from "./project.ts";

await runScript(async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [manifest = projectPath("dist/release/prefect.yaml"), folder = dirname(manifest)] = positionals;
  await checkKrew(manifest, folder);
  console.log(`${manifest}: manifest and archives meet krew's rules`);
});
