// The diary of a chaos run: what the agents said, which troubles came, and what reached Prefect when; one file, in order.

import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";

/** Lines with the moment and who is speaking. */
export class Diary {
  readonly file: string;
  readonly #stream: WriteStream;

  constructor(file: string) {
    this.file = file;
    this.#stream = createWriteStream(file, { flags: "a" });
  }

  said(who: string, what: string): void {
    if (this.#stream.writableEnded) return;
    this.#stream.write(`${new Date().toISOString()} ${who} ${what}\n`);
  }

  /** Writes down from now on what is written into Prefect, when it is. */
  follow(prefect: FakePrefect1): void {
    const { tables } = prefect.store;
    prefect.on(({ table, id, action }) => {
      if (action !== "insert") return;
      if (table === "log") {
        const row = tables.log.get(id);
        this.said("prefect", `log ${row?.flow_run_id} ${row?.message?.split("\n")[0]}`);
      } else if (table === "flow_run_state") {
        const row = tables.flow_run_state.get(id);
        this.said("prefect", `state ${row?.flow_run_id} ${row?.state} ${row?.message}`);
      }
    });
  }

  /** Resolves when all is in the file. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(resolve));
  }
}
