// A yes/no question before something that cannot be undone.

import { createInterface } from "node:readline/promises";
import { InterruptedError } from "../base/errors.ts";
import { oneLine } from "./clean.ts";
import type { TerminalStream } from "./terminal.ts";

export interface PromptStreams {
  readonly input: NodeJS.ReadableStream;
  /** stderr, so that the question does not end up in a pipe. */
  readonly output: TerminalStream;
}

/**
 * Resolves to true if the answer is y or yes. Anything else is no, also the end of the input.
 * Rejects with InterruptedError when the signal aborts first.
 */
export async function confirm(
  question: string,
  streams: PromptStreams,
  signal?: AbortSignal,
): Promise<boolean> {
  const interrupted = new InterruptedError(`cannot ask "${question}": interrupted`);
  if (isAborted(signal)) throw interrupted;
  // terminal: false leaves editing and Ctrl-C to the terminal, so that signals work as usual.
  const lines = createInterface({ input: streams.input, terminal: false, ...(signal && { signal }) });
  streams.output.write(`${oneLine(question)} [y/N] `);
  try {
    for await (const line of lines) return /^\s*y(?:es)?\s*$/i.test(line);
  } finally {
    lines.close();
  }
  if (!isAborted(signal)) return false;
  streams.output.write("\n");
  throw interrupted;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
