// A stream's bytes in few pieces: what comes first is told at once, what follows on its heels is told together.
// A busy watch brings a frame every few hundred microseconds; waking for each of them would cost more than reading it.

import type { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { closedEarly } from "./errors.ts";

/** How long a piece waits for those behind it. */
const GATHER_MS = 20;
/** Bytes that are held at most; then the sender has to wait. */
const HELD_AT_MOST = 1_024 * 1_024;

/** The bytes of `source` until it ends. Throws what it breaks with. */
export async function* gathered(source: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let held = 0;
  let end: { readonly error?: Error } | undefined;
  let wake = (): void => undefined;
  const ended = (error?: Error): void => {
    end ??= error === undefined ? {} : { error };
    wake();
  };
  source.on("data", (part: Buffer) => {
    parts.push(part);
    held += part.length;
    if (held >= HELD_AT_MOST) source.pause();
    wake();
  });
  source.once("end", () => ended());
  source.once("error", ended);
  source.once("close", () => ended(source.readableEnded ? undefined : closedEarly(false)));
  // Of what ended before anybody listened nothing more is told.
  if (source.destroyed) ended(source.errored ?? (source.readableEnded ? undefined : closedEarly(false)));
  for (;;) {
    if (parts.length > 0) {
      const piece = Buffer.concat(parts, held);
      parts = [];
      held = 0;
      source.resume();
      yield piece;
      if (end === undefined) await setTimeout(GATHER_MS);
    } else if (end === undefined) {
      await new Promise<void>((resolve) => (wake = resolve));
    } else if (end.error === undefined) {
      return;
    } else {
      throw end.error;
    }
  }
}
