// Splits streams into lines.

import { ExpectedError } from "./errors.ts";

const LINE_BREAK = 10;
/** Longer than any object that the Kubernetes API stores, and than any line that a kubelet keeps. */
const MAX_LINE = 16 * 1024 * 1024;

/**
 * The lines of a stream without line breaks, those of a chunk together. They stay bytes, so that callers decode only what they
 * need. Throws an ExpectedError for a line over 16 MiB.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let unfinished: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LINE_BREAK); end >= 0; end = chunk.indexOf(LINE_BREAK, from)) {
      const part = chunk.subarray(from, end);
      lines.push(unfinished.length === 0 ? part : Buffer.concat([...unfinished, part]));
      unfinished = [];
      size = 0;
      from = end + 1;
    }
    if (from < chunk.length) unfinished.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_LINE) throw new ExpectedError("a line is longer than 16 MiB", { retryable: true });
    if (lines.length > 0) yield lines;
  }
  if (unfinished.length > 0) yield [Buffer.concat(unfinished)];
}
