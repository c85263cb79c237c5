import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { withFlagsOf } from "../../../scripts/binary/code-cache.ts";
import { padLastSegment, stripElf } from "../../../scripts/binary/elf.ts";
import { signMachO } from "../../../scripts/binary/mach-o.ts";
import { dropAuthenticode, withChecksum } from "../../../scripts/binary/pe.ts";

interface Section {
  readonly loaded: boolean;
  readonly text: string;
  readonly noBits?: boolean;
}

/** An ELF file with one program header, these sections and, last, their names. */
function elf(sections: readonly Section[]): Buffer {
  const head = Buffer.alloc(64 + 56);
  head.writeUInt32BE(0x7f454c46, 0);
  head.set([2, 1], 4);
  head.writeBigUInt64LE(64n, 0x20);
  head.writeUInt16LE(56, 0x36);
  head.writeUInt16LE(1, 0x38);
  head.writeUInt32LE(1, 64);
  head.writeBigUInt64LE(0x400000n, 64 + 16);
  head.writeBigUInt64LE(0x1234n, 64 + 40);
  let offset = head.length;
  const table = [Buffer.alloc(64)];
  const bodies: Buffer[] = [];
  const names: Section = { loaded: false, text: "\0names\0" };
  for (const one of [...sections, names]) {
    const entry = Buffer.alloc(64);
    entry.writeUInt32LE(one.noBits ? 8 : 1, 4);
    entry.writeBigUInt64LE(one.loaded ? 2n : 0n, 8);
    entry.writeBigUInt64LE(BigInt(offset), 24);
    entry.writeBigUInt64LE(BigInt(one.text.length), 32);
    table.push(entry);
    if (entry.readUInt32LE(4) === 8) continue;
    bodies.push(Buffer.from(one.text));
    offset += one.text.length;
  }
  head.writeBigUInt64LE(BigInt(offset), 0x28);
  head.writeUInt16LE(64, 0x3a);
  head.writeUInt16LE(table.length, 0x3c);
  head.writeUInt16LE(table.length - 1, 0x3e);
  return Buffer.concat([head, ...bodies, ...table]);
}

const code: Section = { loaded: true, text: "CODE" };
const debug: Section = { loaded: false, text: "DEBUG-SYMBOLS" };

describe("stripElf", () => {
  it("removes sections that are not loaded and keeps the offsets of the others", () => {
    const file = elf([code, { loaded: true, text: "ZEROS", noBits: true }, debug, debug]);
    const stripped = stripElf(file);
    expect(stripped.length).toBeLessThan(file.length);
    expect(stripped.includes("DEBUG-SYMBOLS")).toBe(false);
    expect(stripped.indexOf("CODE")).toBe(file.indexOf("CODE"));
    expect(stripped.readUInt16LE(0x3c)).toBe(4);
  });

  it("writes a section table that points to the section names", () => {
    const stripped = stripElf(elf([code, debug]));
    const names = Number(stripped.readBigUInt64LE(0x28)) + stripped.readUInt16LE(0x3e) * 64;
    const offset = Number(stripped.readBigUInt64LE(names + 24));
    expect(stripped.toString("latin1", offset, offset + 7)).toBe("\0names\0");
  });

  it.each([
    {
      name: "a text file",
      file: Buffer.from("#!/bin/sh\nexit 0\n"),
      sentence: "not a 64-bit little-endian ELF",
    },
    { name: "loaded sections after others", file: elf([code, debug, code]), sentence: "not in the order" },
  ])("rejects $name", ({ file, sentence }) => {
    expect(() => stripElf(file)).toThrow(sentence);
  });
});

describe("padLastSegment", () => {
  it("extends the last loaded segment to a 64 KiB page, in memory only", () => {
    const file = elf([code]);
    const padded = padLastSegment(file);
    expect(padded.length).toBe(file.length);
    expect(Number(padded.readBigUInt64LE(64 + 40))).toBe(0x10000);
    expect(Number(padded.readBigUInt64LE(64 + 32))).toBe(Number(file.readBigUInt64LE(64 + 32)));
  });
});

/** A Windows executable whose certificate table, at its end, has this content. */
function windowsExecutable(certificate: string): Buffer {
  const file = Buffer.concat([Buffer.alloc(1024), Buffer.from(certificate)]);
  file.write("MZ", 0);
  file.writeUInt32LE(128, 0x3c);
  file.writeUInt16LE(0x20b, 152);
  if (certificate !== "") file.writeUInt32LE(1024, 152 + 112 + 32);
  file.writeUInt32LE(certificate.length, 152 + 112 + 36);
  return file;
}

describe("dropAuthenticode", () => {
  it("removes the certificate table and its entry", () => {
    expect(dropAuthenticode(windowsExecutable("SIGNATURE"))).toEqual(windowsExecutable(""));
  });

  it("does not change an unsigned executable", () => {
    expect(dropAuthenticode(windowsExecutable(""))).toEqual(windowsExecutable(""));
  });

  it.each([
    {
      name: "a certificate table that is not at the end",
      file: Buffer.concat([windowsExecutable("SIGNATURE"), Buffer.from("more")]),
      sentence: "not at the end",
    },
    { name: "another format", file: Buffer.alloc(1024), sentence: "not a 64-bit Windows executable" },
  ])("rejects $name", ({ file, sentence }) => {
    expect(() => dropAuthenticode(file)).toThrow(sentence);
  });
});

describe("withChecksum", () => {
  it("writes the sum of all 16-bit words, with carries, plus the length, whatever checksum was there", () => {
    const file = windowsExecutable("");
    file.writeUInt16LE(0xffff, 1000);
    file.writeUInt32LE(0xdeadbeef, 152 + 64);
    // MZ + the header's offset + its magic number + the carry of 0xffff.
    expect(withChecksum(file).readUInt32LE(152 + 64)).toBe(0x5a4d + 128 + 0x20b + 1024);
  });

  it("counts the last byte of an odd length", () => {
    const even = withChecksum(windowsExecutable("")).readUInt32LE(152 + 64);
    const odd = Buffer.concat([windowsExecutable(""), Buffer.from([7])]);
    expect(withChecksum(odd).readUInt32LE(152 + 64)).toBe(even + 7 + 1);
  });
});

/** A Mach-O file with a __TEXT segment of one section, and __LINKEDIT up to its end. */
function machO(firstSection: number): Buffer {
  const file = Buffer.alloc(20_000, 7);
  file.fill(0, 0, 512);
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(2, 16);
  file.writeUInt32LE(152 + 72, 20);
  const segment = (
    at: number,
    name: string,
    sizes: readonly [size: number, offset: number, length: number],
  ): void => {
    file.writeUInt32LE(0x19, at);
    file.writeUInt32LE(sizes[0], at + 4);
    file.write(name, at + 8);
    file.writeBigUInt64LE(BigInt(sizes[1]), at + 40);
    file.writeBigUInt64LE(BigInt(sizes[2]), at + 48);
  };
  segment(32, "__TEXT", [152, 0, 16_384]);
  file.writeUInt32LE(firstSection, 32 + 72 + 48);
  segment(184, "__LINKEDIT", [72, 16_384, 3616]);
  return file;
}

describe("signMachO", () => {
  const signed = signMachO(machO(512), "kubectl-prefect");
  const start = 20_000;

  it("adds the load command that points at the signature, and grows __LINKEDIT over it", () => {
    expect(signed.readUInt32LE(16)).toBe(3);
    expect([0, 4, 8, 12].map((word) => signed.readUInt32LE(256 + word))).toEqual([
      0x1d,
      16,
      start,
      signed.length - start,
    ]);
    expect(Number(signed.readBigUInt64LE(184 + 48))).toBe(signed.length - 16_384);
    expect(Number(signed.readBigUInt64LE(184 + 32))).toBe(16_384);
  });

  it("writes a code directory: ad hoc, SHA-256, five pages of 4 KiB, the identifier", () => {
    const directory = start + 20;
    expect(signed.readUInt32BE(start)).toBe(0xfade0cc0);
    expect(signed.readUInt32BE(directory)).toBe(0xfade0c02);
    expect(signed.readUInt32BE(directory + 12)).toBe(0x20002);
    expect(signed.readUInt32BE(directory + 28)).toBe(5);
    expect(signed.readUInt32BE(directory + 32)).toBe(start);
    expect([...signed.subarray(directory + 36, directory + 40)]).toEqual([32, 2, 0, 12]);
    const identifier = directory + signed.readUInt32BE(directory + 20);
    expect(signed.toString("latin1", identifier, identifier + 16)).toBe("kubectl-prefect\0");
  });

  it("hashes every page of the signed file, including the shorter last one", () => {
    const hashes = start + 20 + signed.readUInt32BE(start + 20 + 16);
    for (let page = 0; page < 5; page++) {
      const bytes = signed.subarray(page * 4096, Math.min((page + 1) * 4096, start));
      const written = signed.subarray(hashes + page * 32, hashes + (page + 1) * 32);
      expect(written).toEqual(createHash("sha256").update(bytes).digest());
    }
  });

  it.each([
    { name: "a signed file", file: signed, sentence: "it is signed already" },
    {
      name: "a file without room for the command",
      file: machO(260),
      sentence: "no room for one more load command",
    },
    { name: "another format", file: Buffer.alloc(4096), sentence: "not a 64-bit Mach-O" },
  ])("rejects $name", ({ file, sentence }) => {
    expect(() => signMachO(file, "x")).toThrow(sentence);
  });
});

describe("withFlagsOf", () => {
  it("changes only the flag hash", () => {
    const changed = withFlagsOf(new Uint8Array(20).fill(1), new Uint8Array(20).fill(2));
    expect([...changed]).toEqual([...Array(12).fill(1), 2, 2, 2, 2, ...Array(4).fill(1)]);
  });
});
