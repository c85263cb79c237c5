import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { gathered } from "../../../src/base/http/gathered.ts";

async function nextOf(pieces: AsyncGenerator<Buffer>): Promise<string | undefined> {
  const { value, done } = await pieces.next();
  return done === true ? undefined : String(value);
}

describe("a gathered stream", () => {
  it("tells what comes first at once, and what follows on its heels together", async () => {
    const source = new PassThrough();
    const pieces = gathered(source);
    const first = nextOf(pieces);
    source.write("a");
    expect(await first).toBe("a");
    const second = nextOf(pieces);
    for (const part of ["b", "c", "d"]) source.write(part);
    expect(await second).toBe("bcd");
    source.end();
    expect(await nextOf(pieces)).toBeUndefined();
  });

  it("has every byte, in order, of more than it holds at once", async () => {
    const parts = Array.from({ length: 64 }, (_, at) => Buffer.alloc(65_536, at));
    const told: Buffer[] = [];
    for await (const piece of gathered(Readable.from(parts))) told.push(piece);
    expect(Buffer.concat(told).equals(Buffer.concat(parts))).toBe(true);
  });

  it("lets the sender wait beyond a megabyte that nobody has read", async () => {
    const source = new PassThrough({ highWaterMark: 65_536 });
    const paused = once(source, "pause");
    const pieces = gathered(source);
    const first = nextOf(pieces);
    const part = "x".repeat(65_536);
    const total = 100 * part.length;
    for (let count = 0; count < 100; count++) source.write(part);
    source.end();
    let told = (await first)?.length ?? 0;
    await paused;
    for (let piece = await nextOf(pieces); piece !== undefined; piece = await nextOf(pieces))
      told += piece.length;
    expect(told).toBe(total);
  });

  it("tells what came before it broke, and then with what", async () => {
    const source = new PassThrough();
    const pieces = gathered(source);
    const first = nextOf(pieces);
    source.write("a");
    expect(await first).toBe("a");
    source.destroy(new Error("cut"));
    await expect(nextOf(pieces)).rejects.toThrow("cut");
  });

  it("takes a close without an end for a break", async () => {
    const source = new PassThrough();
    const pieces = gathered(source);
    const first = nextOf(pieces);
    source.destroy();
    await expect(first).rejects.toMatchObject({ name: "TransportError", code: "ECONNRESET" });
  });

  it("takes a close before anybody listened for a break, too", async () => {
    const source = new PassThrough();
    source.destroy();
    await once(source, "close");
    await expect(nextOf(gathered(source))).rejects.toMatchObject({ name: "TransportError" });
  });
});
