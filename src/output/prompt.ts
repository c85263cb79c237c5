// Asking a person yes or no before something is done that cannot be undone.

import { createInterface } from "node:readline";
import { InterruptedError } from "../base/errors.ts";
import type { TerminalStream } from "./terminal.ts";

export interface PromptStreams {
  readonly input: NodeJS.ReadableStream;
  /** stderr: the question is for the person, not for a pipe. */
  readonly output: TerminalStream;
}

/**
 * Asks, and resolves to whether the answer was y or yes. Anything else is no, the end of the input too.
 * Rejects with InterruptedError when the signal aborts first.
 */
export function confirm(question: string, streams: PromptStreams, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // terminal: false leaves editing and Ctrl-C to the terminal driver, so signals arrive as they always do.
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
      // Without an effect when an answer came before.
      resolve(false);
    });
    if (signal?.aborted === true) return interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    streams.output.write(`${question} [y/N] `);
  });
}
