import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gzip, sha256 } from "../../../scripts/archive/gzip.ts";
import { tar, untar } from "../../../scripts/archive/tar.ts";

const hello = Buffer.from("hello\n");

describe("tar", () => {
  it("is the same at every time, with root as owner", async () => {
    const entries = [{ path: "bin/run", mode: 0o755, content: hello }];
    const [archive, again] = [await tar(entries), await tar(entries)];
    expect(again.equals(archive)).toBe(true);
    // Mode, user, group, size and time, in octal.
    expect(archive.toString("latin1", 100, 147).match(/\d+/g)).toEqual([
      "000755",
      "000000",
      "000000",
      "00000000006",
      "02263523000",
    ]);
  });

  it("pads the last block and ends with two empty blocks", async () => {
    const archive = await tar([{ path: "a", mode: 0o644, content: hello }]);
    expect(archive.length).toBe(512 * 4);
    expect(archive.subarray(512 * 2).every((byte) => byte === 0)).toBe(true);
  });

  it("writes files, folders, links and modes that untar reads back", async () => {
    const long = `${"d".repeat(90)}/${"f".repeat(90)}`;
    const archive = await tar([
      { path: "tmp", mode: 0o1777 },
      { path: long, mode: 0o600, content: hello },
      { path: "link", mode: 0o777, linkTo: "tmp" },
    ]);
    expect(await untar(archive)).toEqual([
      { path: "tmp", mode: 0o1777 },
      { path: long, mode: 0o600, content: hello },
      { path: "link", mode: 0o777, linkTo: "tmp" },
    ]);
  });

  it("writes paths that are too long for ustar, too", async () => {
    const path = `${"n".repeat(120)}/${"é".repeat(100)}`;
    const read = await untar(await tar([{ path, mode: 0o644, content: hello }]));
    expect(read.map((entry) => entry.path)).toEqual([path]);
  });
});

describe("untar", () => {
  it("rejects a truncated archive", async () => {
    const archive = await tar([{ path: "a", mode: 0o644, content: Buffer.alloc(2000) }]);
    await expect(untar(archive.subarray(0, 1500))).rejects.toThrow(/unexpected end/i);
  });
});

describe("gzip", () => {
  it("writes no file name, time or operating system", () => {
    const packed = gzip(hello);
    expect([...packed.subarray(0, 8)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    expect(packed[9]).toBe(255);
    expect(gunzipSync(packed).toString()).toBe("hello\n");
  });

  it("has SHA-256 sums in lower-case hexadecimal", () => {
    expect(sha256(hello)).toBe("5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
  });
});
