// Loaded before the simulator (node --import): changes one source file as it is loaded, so that a planted fault is in the
// agent and nowhere else.

import { registerHooks } from "node:module";
import { PLANTED_FAULTS } from "./faults.ts";
import { planted } from "./planted.ts";

const fault = PLANTED_FAULTS.find(({ name }) => name === process.env["PLANTED_FAULT"]);
if (fault === undefined) throw new Error(`there is no planted fault "${process.env["PLANTED_FAULT"]}"`);

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/src/${fault.file}`) || loaded.source === undefined || loaded.source === null)
      return loaded;
    return { ...loaded, source: planted(fault, Buffer.from(loaded.source as Uint8Array).toString()) };
  },
});
