import { describe, expect, it } from "vitest";
import { linesOf } from "../../src/base/lines.ts";

async function linesIn(chunks: readonly Buffer[]): Promise<string[][]> {
  const found: string[][] = [];
  const source = (async function* () {
    yield* chunks;
  })();
  for await (const lines of linesOf(source)) found.push(lines.map(String));
  return found;
}

describe("linesOf", () => {
  const text = "one\n\nGrüße: 🚀\n" + "x".repeat(40) + "\nthe last";

  it("finds the same lines wherever chunks end, even within a character", async () => {
    const bytes = Buffer.from(text);
    for (let size = 1; size <= bytes.length; size++) {
      const count = Math.ceil(bytes.length / size);
      const chunks = Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
      expect((await linesIn(chunks)).flat(), `in pieces of ${size}`).toEqual(text.split("\n"));
    }
  });

  it("yields the lines of a chunk together, and nothing for a chunk without a line break", async () => {
    const chunks = ["a\nb\nc", "d", "\n"].map((chunk) => Buffer.from(chunk));
    expect(await linesIn(chunks)).toEqual([["a", "b"], ["cd"]]);
  });

  it("yields no empty last line when the stream ends with a line break", async () => {
    expect(await linesIn([Buffer.from("a\n")])).toEqual([["a"]]);
    expect(await linesIn([])).toEqual([]);
  });

  it("fails for a line longer than any that an API sends", async () => {
    const chunks = Array.from({ length: 17 }, () => Buffer.alloc(1024 * 1024, "x"));
    await expect(linesIn(chunks)).rejects.toThrow("a line is longer than 16 MiB");
  });
});
