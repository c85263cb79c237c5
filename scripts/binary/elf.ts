// Prepares a Linux executable for injection: removes debug information and the symbol table, a fifth of Node's size. Not with
// `strip`, which supports only the building machine's processor and differs between machines.
// Layout: System V ABI, chapters 4 and 5 (64 bit, little endian: x86-64 and AArch64).

import { ExpectedError } from "../../src/base/errors.ts";

const header = {
  segmentOffset: 0x20,
  segmentSize: 0x36,
  segmentCount: 0x38,
  sectionOffset: 0x28,
  sectionSize: 0x3a,
  sectionCount: 0x3c,
  namesIndex: 0x3e,
};
const section = { flags: 8, offset: 24, size: 32, type: 4 };
const segment = { address: 16, memory: 40 };
const load = 1;
const largestPage = 65_536;
const alloc = 2n;
const noBits = 8;

/** The file without sections that are never loaded into memory. Offsets of the others do not change. */
export function stripElf(file: Buffer): Buffer {
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new ExpectedError("cannot strip the executable: it is not a 64-bit little-endian ELF file");
  }
  const sections = readSections(file);
  const kept = sections.slice(0, sections.findLastIndex((one) => isLoaded(one)) + 1);
  const names = sections[file.readUInt16LE(header.namesIndex)];
  if (names === undefined || kept.some((one, index) => index > 0 && !isLoaded(one))) {
    throw new ExpectedError("cannot strip the executable: its sections are not in the order linkers write");
  }
  const end = Math.max(...kept.filter((one) => one.readUInt32LE(section.type) !== noBits).map(endOf));
  const nameText = file.subarray(numberAt(names, section.offset), endOf(names));
  const tableAt = Math.ceil((end + nameText.length) / 8) * 8;
  const movedNames = Buffer.from(names);
  movedNames.writeBigUInt64LE(BigInt(end), section.offset);
  const body = Buffer.alloc(tableAt);
  file.copy(body, 0, 0, end);
  nameText.copy(body, end);
  body.writeBigUInt64LE(BigInt(tableAt), header.sectionOffset);
  body.writeUInt16LE(kept.length + 1, header.sectionCount);
  body.writeUInt16LE(kept.length, header.namesIndex);
  return Buffer.concat([body, ...kept, movedNames]);
}

/**
 * The file with its last loaded segment extended (in memory, with zeros) to the end of a 64 KiB page. The injected segment follows it;
 * on Arm kernels with pages of 16 or 64 KiB both would otherwise share a page, and the program's variables would be read-only.
 */
export function padLastSegment(file: Buffer): Buffer {
  const padded = Buffer.from(file);
  const start = Number(file.readBigUInt64LE(header.segmentOffset));
  const size = file.readUInt16LE(header.segmentSize);
  const loads = Array.from(
    { length: file.readUInt16LE(header.segmentCount) },
    (_, index) => start + index * size,
  )
    .filter((at) => file.readUInt32LE(at) === load)
    .sort(
      (a, b) => numberAt(file.subarray(a), segment.address) - numberAt(file.subarray(b), segment.address),
    );
  const last = loads.at(-1);
  if (last === undefined) throw new ExpectedError("cannot pad the executable: nothing in it is loaded");
  const [address, memory] = [
    numberAt(file.subarray(last), segment.address),
    numberAt(file.subarray(last), segment.memory),
  ];
  const end = Math.ceil((address + memory) / largestPage) * largestPage;
  padded.writeBigUInt64LE(BigInt(end - address), last + segment.memory);
  return padded;
}

function readSections(file: Buffer): readonly Buffer[] {
  const start = Number(file.readBigUInt64LE(header.sectionOffset));
  const size = file.readUInt16LE(header.sectionSize);
  const count = file.readUInt16LE(header.sectionCount);
  return Array.from({ length: count }, (_, index) =>
    file.subarray(start + index * size, start + (index + 1) * size),
  );
}

function isLoaded(one: Buffer): boolean {
  return (one.readBigUInt64LE(section.flags) & alloc) !== 0n;
}

function numberAt(one: Buffer, offset: number): number {
  return Number(one.readBigUInt64LE(offset));
}

function endOf(one: Buffer): number {
  return numberAt(one, section.offset) + numberAt(one, section.size);
}
