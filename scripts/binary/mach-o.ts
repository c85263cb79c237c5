// Signs a macOS executable ad hoc, without a Mac: only the hash of every page, without a certificate, as the linkers of LLVM and Go
// do. Apple silicon does not run unsigned code.
// Layout: Apple's mach-o/loader.h and xnu's osfmk/kern/cs_blobs.h; signatures are big endian, the rest little.

import { createHash } from "node:crypto";
import { ExpectedError } from "../../src/base/errors.ts";

const command = { segment: 0x19, codeSignature: 0x1d };
const pageBytes = 4096;
const hashBytes = 32;
const directoryBytes = 88;

interface Layout {
  readonly commandsEnd: number;
  /** Offset of the first section: load commands must end before it. */
  readonly firstSection: number;
  readonly text: { readonly offset: number; readonly size: number };
  /** Offset of the __LINKEDIT load command. */
  readonly linkEdit: number;
}

/** The executable with an ad-hoc signature for this identifier. Throws if it is already signed. */
export function signMachO(file: Buffer, identifier: string): Buffer {
  const layout = readLayout(file);
  const start = Math.ceil(file.length / 16) * 16;
  const size = signatureSize(start, identifier);
  const signed = Buffer.alloc(start + size);
  file.copy(signed);
  addCommand(signed, layout, { start, size });
  growLinkEdit(signed, layout.linkEdit);
  writeSignature(signed, start, { identifier, text: layout.text });
  return signed;
}

function readLayout(file: Buffer): Layout {
  if (file.readUInt32LE(0) !== 0xfeedfacf) throw cannotSign("it is not a 64-bit Mach-O file");
  const commands = readCommands(file);
  if (commands.some((one) => one.kind === command.codeSignature)) throw cannotSign("it is signed already");
  const segments = commands.filter((one) => one.kind === command.segment);
  const text = segments.find((one) => segmentName(file, one.at) === "__TEXT");
  const linkEdit = segments.at(-1);
  if (text === undefined || linkEdit === undefined || segmentName(file, linkEdit.at) !== "__LINKEDIT") {
    throw cannotSign("it has no __TEXT, or __LINKEDIT is not its last segment");
  }
  const layout = {
    commandsEnd: 32 + file.readUInt32LE(20),
    firstSection: file.readUInt32LE(text.at + 72 + 48),
    text: { offset: longAt(file, text.at + 40), size: longAt(file, text.at + 48) },
    linkEdit: linkEdit.at,
  };
  if (layout.commandsEnd + 16 > layout.firstSection)
    throw cannotSign("there is no room for one more load command");
  return layout;
}

function readCommands(file: Buffer): readonly { readonly kind: number; readonly at: number }[] {
  const found = [];
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    found.push({ kind: file.readUInt32LE(at), at });
    at += file.readUInt32LE(at + 4);
  }
  return found;
}

function addCommand(
  file: Buffer,
  layout: Layout,
  blob: { readonly start: number; readonly size: number },
): void {
  file.writeUInt32LE(command.codeSignature, layout.commandsEnd);
  file.writeUInt32LE(16, layout.commandsEnd + 4);
  file.writeUInt32LE(blob.start, layout.commandsEnd + 8);
  file.writeUInt32LE(blob.size, layout.commandsEnd + 12);
  file.writeUInt32LE(file.readUInt32LE(16) + 1, 16);
  file.writeUInt32LE(file.readUInt32LE(20) + 16, 20);
}

/** The signature is at the end of the last segment. Apple silicon has memory pages of 16 KiB. */
function growLinkEdit(file: Buffer, at: number): void {
  const size = file.length - longAt(file, at + 40);
  file.writeBigUInt64LE(BigInt(Math.ceil(size / 16_384) * 16_384), at + 32);
  file.writeBigUInt64LE(BigInt(size), at + 48);
}

function signatureSize(codeLimit: number, identifier: string): number {
  const hashes = Math.ceil(codeLimit / pageBytes) * hashBytes;
  return Math.ceil((20 + directoryBytes + identifier.length + 1 + hashes) / 16) * 16;
}

interface Signed {
  readonly identifier: string;
  readonly text: Layout["text"];
}

function writeSignature(file: Buffer, codeLimit: number, signed: Signed): void {
  const pages = Math.ceil(codeLimit / pageBytes);
  const hashesAt = directoryBytes + signed.identifier.length + 1;
  const length = hashesAt + pages * hashBytes;
  // SuperBlob with one blob, the code directory (slot 0), 20 bytes further.
  words(file, codeLimit, [0xfade0cc0, 20 + length, 1, 0, 20]);
  const at = codeLimit + 20;
  // Version 2.4 (the first with the executable segment); flags: ad hoc, made by a linker; no special slots.
  words(file, at, [0xfade0c02, length, 0x20400, 0x20002, hashesAt, directoryBytes, 0, pages, codeLimit]);
  // 32-byte hashes of type 2 (SHA-256) over pages of 2^12 bytes.
  words(file, at + 36, [(hashBytes << 24) | (2 << 16) | 12]);
  file.writeBigUInt64BE(BigInt(signed.text.offset), at + 64);
  file.writeBigUInt64BE(BigInt(signed.text.size), at + 72);
  file.writeBigUInt64BE(1n, at + 80); // the main binary, not a library
  file.write(signed.identifier, at + directoryBytes, "latin1");
  for (let page = 0; page < pages; page++) {
    const bytes = file.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, codeLimit));
    createHash("sha256")
      .update(bytes)
      .digest()
      .copy(file, at + hashesAt + page * hashBytes);
  }
}

function words(file: Buffer, at: number, values: readonly number[]): void {
  for (const [index, value] of values.entries()) file.writeUInt32BE(value, at + index * 4);
}

function segmentName(file: Buffer, at: number): string {
  return file.toString("latin1", at + 8, at + 24).replace(/\0+$/u, "");
}

function longAt(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at));
}

function cannotSign(cause: string): ExpectedError {
  return new ExpectedError(`cannot sign the macOS executable: ${cause}`);
}
