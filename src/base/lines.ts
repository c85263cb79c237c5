// Splits streams into lines.

const LINE_BREAK = 10;

/**
 * Splits a stream of bytes into lines without line breaks, and yields the complete lines of each chunk together.
 * Lines stay bytes, so that callers decode only what they need.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let unfinished: Buffer[] = [];
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LINE_BREAK); end >= 0; end = chunk.indexOf(LINE_BREAK, from)) {
      const part = chunk.subarray(from, end);
      lines.push(unfinished.length === 0 ? part : Buffer.concat([...unfinished, part]));
      unfinished = [];
      from = end + 1;
    }
    if (from < chunk.length) unfinished.push(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (unfinished.length > 0) yield [Buffer.concat(unfinished)];
}
