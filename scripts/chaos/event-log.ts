// The event log of a chaos test: the agents' output, the faults, and the writes to Prefect, in order, in one file.

import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";

/** Lines with time and source. */
export class EventLog {
  readonly file: string;
  readonly #stream: WriteStream;

  constructor(file: string) {
    this.file = file;
    this.#stream = createWriteStream(file, { flags: "a" });
  }

  write(source: string, text: string): void {
    if (this.#stream.writableEnded) return;
    this.#stream.write(`${new Date().toISOString()} ${source} ${text}\n`);
  }

  /** Logs the log lines and states that are written to Prefect from now on. */
  follow(prefect: FakePrefect1): void {
    const { tables } = prefect.store;
    prefect.on(({ table, id, action }) => {
      if (action !== "insert") return;
      if (table === "log") {
        const row = tables.log.get(id);
        this.write("prefect", `log ${row?.flow_run_id} ${row?.message?.split("\n")[0]}`);
      } else if (table === "flow_run_state") {
        const row = tables.flow_run_state.get(id);
        this.write("prefect", `state ${row?.flow_run_id} ${row?.state} ${row?.message}`);
      }
    });
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(resolve));
  }
}
