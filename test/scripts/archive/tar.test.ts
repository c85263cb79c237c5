import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gzip, sha256 } from "../../../scripts/archive/gzip.ts";
import { tar } from "../../../scripts/archive/tar.ts";
import { untar } from "../../../scripts/archive/untar.ts";

const hello = Buffer.from("hello\n");

describe("tar", () => {
  it("writes ustar headers with fixed owner and time, and a valid checksum", () => {
    const archive = tar([{ path: "bin/run", mode: 0o755, content: hello }]);
    const header = Buffer.from(archive.subarray(0, 512));
    expect(header.toString("latin1", 0, 8)).toBe("bin/run\u0000");
    expect(header.toString("latin1", 100, 136)).toBe(
      "0000755\u00000000000\u00000000000\u000000000000006\u0000",
    );
    expect(header.toString("latin1", 136, 148)).toBe("02263523000\u0000");
    expect(header.toString("latin1", 257, 265)).toBe("ustar\u000000");
    const written = Number.parseInt(header.toString("latin1", 148, 154), 8);
    header.fill(" ", 148, 156);
    expect(written).toBe(header.reduce((sum, byte) => sum + byte, 0));
  });

  it("pads the last block and ends with two empty blocks", () => {
    const archive = tar([{ path: "a", mode: 0o644, content: hello }]);
    expect(archive.length).toBe(512 * 4);
    expect(archive.subarray(512 * 2).every((byte) => byte === 0)).toBe(true);
  });

  it("writes files, folders, links and modes that untar reads back", () => {
    const long = `${"d".repeat(90)}/${"f".repeat(90)}`;
    const archive = tar([
      { path: "tmp", mode: 0o1777 },
      { path: long, mode: 0o600, content: hello },
      { path: "link", mode: 0o777, linkTo: "tmp" },
    ]);
    const read = [...untar(archive)].map((entry) => [
      entry.path,
      entry.kind,
      entry.mode,
      entry.content.toString(),
    ]);
    expect(read).toEqual([
      ["tmp/", "directory", 0o1777, ""],
      [long, "file", 0o600, "hello\n"],
      ["link", "link", 0o777, ""],
    ]);
  });

  it.each([
    { name: "a name of 101 bytes", path: "n".repeat(101) },
    { name: "folders of 156 bytes", path: `${"d/".repeat(78)}x`.replace("d", "dd") },
    { name: "a name of 100 characters but 200 bytes", path: "é".repeat(100) },
  ])("rejects $name", ({ path }) => {
    expect(() => tar([{ path, mode: 0o644, content: hello }])).toThrow("too long for ustar");
  });

  it("rejects a link target that is too long", () => {
    expect(() => tar([{ path: "l", mode: 0o777, linkTo: "t".repeat(101) }])).toThrow("longer than 100 bytes");
  });
});

describe("untar", () => {
  it("rejects a truncated archive", () => {
    const archive = tar([{ path: "a", mode: 0o644, content: Buffer.alloc(2000) }]);
    expect(() => [...untar(archive.subarray(0, 1500))]).toThrow("damaged or cut short");
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
