// A yes/no question before something that cannot be undone.

import { createInterface } from "node:readline";
import { InterruptedError } from "../base/errors.ts";
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
export function confirm(question: string, streams: PromptStreams, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // terminal: false leaves editing and Ctrl-C to the terminal, so that signals work as usual.
    const lines = createInterface({ input: streams.input, terminal: false });
    const interrupt = (): void => {
      streams.output.write("\n");
      reject(new InterruptedError(`cannot ask "${question}": interrupted`));
      lines.close();
    };
    lines.once("line", (line) => {
      resolve(/^\s*y(?:es)?\s*$/i.test(line));
      lines.close();
    });
    lines.once("close", () => {
      signal?.removeEventListener("abort", interrupt);
      // No effect after an answer.
      resolve(false);
    });
    if (signal?.aborted === true) return interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    streams.output.write(`${question} [y/N] `);
  });
}
