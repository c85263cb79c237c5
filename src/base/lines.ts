// The bytes of a stream → its lines.

const LINE_BREAK = 10;

/**
 * The lines of a stream, without their line breaks, as many together as came together; a line may be cut anywhere between
 * chunks. They are bytes: nobody pays for the text of what is not read.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  /** Of the line whose end has not come. */
  let begun: Buffer[] = [];
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LINE_BREAK); end >= 0; end = chunk.indexOf(LINE_BREAK, from)) {
      const part = chunk.subarray(from, end);
      lines.push(begun.length === 0 ? part : Buffer.concat([...begun, part]));
      begun = [];
      from = end + 1;
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (begun.length > 0) yield [Buffer.concat(begun)];
}
