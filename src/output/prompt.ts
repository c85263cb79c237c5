// Questions on a terminal: which one, and whether to do what cannot be undone.

import { createInterface } from "node:readline/promises";
import { InterruptedError } from "../base/errors.ts";
import { oneLine } from "./clean.ts";
import type { TerminalStream } from "./terminal.ts";

export interface PromptStreams {
  readonly input: NodeJS.ReadableStream;
  /** stderr, so that the question does not end up in a pipe. */
  readonly output: TerminalStream;
}

/** Whether the answer is y or yes. Anything else is no, also the end of the input. Rejects as `ask` does. */
export async function confirm(
  question: string,
  streams: PromptStreams,
  signal: AbortSignal,
): Promise<boolean> {
  return /^\s*y(?:es)?\s*$/i.test((await ask(`${question} [y/N]`, streams, signal)) ?? "");
}

/** The line that is typed; undefined at the end of the input. Rejects with InterruptedError when the signal aborts first. */
export async function ask(
  question: string,
  streams: PromptStreams,
  signal: AbortSignal,
): Promise<string | undefined> {
  const interrupted = new InterruptedError("interrupted: nothing done");
  if (signal.aborted) throw interrupted;
  // terminal: false leaves editing and Ctrl-C to the terminal, so that signals work as usual.
  const lines = createInterface({ input: streams.input, terminal: false, signal });
  streams.output.write(`${oneLine(question)} `);
  try {
    for await (const line of lines) return line;
  } finally {
    lines.close();
  }
  // Nobody has ended the line.
  streams.output.write("\n");
  if (signal.aborted) throw interrupted;
  return undefined;
}
