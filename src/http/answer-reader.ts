// Bytes of a connection → answers (RFC 9112), for a client that asks for no encoding and no upgrade. Pure.

import { TransportError } from "./errors.ts";

export interface ReadHead {
  readonly status: number;
  /** The status line and the fields, each with its CRLF. */
  readonly head: string;
}

export interface ReadAnswer extends ReadHead {
  /** What nobody took before it was whole. */
  readonly body: Buffer;
  /** Another request may follow on the connection. */
  readonly keep: boolean;
}

type Step = "head" | "sized" | "chunk size" | "chunk" | "chunk end" | "trailer" | "until close";

/** As much as Node takes, and Go's servers send. */
const HEAD_AT_MOST = 64 * 1_024;
const NOTHING = Buffer.alloc(0);
const NO_BODY = new Set([204, 304]);

/** Reads one answer after the other. */
export class AnswerReader {
  #step: Step = "head";
  /** What has come and is not read yet; only ever less than a head or a line. */
  #rest: Buffer = NOTHING;
  #parts: Buffer[] = [];
  /** Of the body or of the chunk, in bytes. */
  #left = 0;
  #status = 0;
  #head = "";
  #keep = true;
  #begun = false;

  /** Something of the answer has come. */
  get begun(): boolean {
    return this.#begun;
  }

  /** How the answer begins, when that has come and the answer is not whole. */
  get heading(): ReadHead | undefined {
    return this.#step === "head" ? undefined : { status: this.#status, head: this.#head };
  }

  /** What has come of the body and was not taken before; they are parts of what was given to `add`. */
  takeBody(): readonly Buffer[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  /** The answer, when these bytes complete it. Throws TransportError when they are no HTTP. */
  add(chunk: Buffer): ReadAnswer | undefined {
    this.#begun = true;
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = NOTHING;
    for (;;) {
      const step = this.#step;
      if (step === "until close") {
        this.#parts.push(bytes);
        return undefined;
      }
      if (step === "sized" || step === "chunk") {
        const some = bytes.subarray(0, this.#left);
        this.#parts.push(some);
        this.#left -= some.length;
        if (this.#left > 0) return undefined;
        bytes = bytes.subarray(some.length);
        if (step === "sized") return this.#done(bytes);
        this.#step = "chunk end";
        continue;
      }
      const mark = step === "head" ? "\r\n\r\n" : "\r\n";
      const at = bytes.indexOf(mark, 0, "latin1");
      if (at === -1) {
        if (bytes.length > HEAD_AT_MOST) throw noHttp("its head has no end");
        // A copy: whoever gave the bytes may write over them.
        this.#rest = Buffer.from(bytes);
        return undefined;
      }
      // A head keeps the CRLF of its last field.
      const line = bytes.toString("latin1", 0, step === "head" ? at + 2 : at);
      bytes = bytes.subarray(at + mark.length);
      if (this.#read(line)) return this.#done(bytes);
    }
  }

  /** The answer that the end of the connection completes; undefined: it was none, or not whole. */
  end(): ReadAnswer | undefined {
    if (this.#step !== "until close") return undefined;
    this.#keep = false;
    return this.#done(NOTHING);
  }

  /** Whether the answer ends with this head or line. */
  #read(line: string): boolean {
    switch (this.#step) {
      case "head":
        return this.#readHead(line);
      case "chunk size": {
        const size = /^[0-9a-f]{1,8}(?=$|[;\t ])/i.exec(line)?.[0];
        if (size === undefined) throw noHttp("a chunk has no size");
        this.#left = Number.parseInt(size, 16);
        this.#step = this.#left === 0 ? "trailer" : "chunk";
        return false;
      }
      case "chunk end":
        if (line !== "") throw noHttp("a chunk is longer than its size");
        this.#step = "chunk size";
        return false;
      default:
        // A trailer; the empty line ends them.
        return line === "";
    }
  }

  #readHead(head: string): boolean {
    const [, minor, code] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?\r\n/.exec(head) ?? [];
    if (code === undefined) throw noHttp("it does not begin as one");
    this.#status = Number(code);
    this.#head = head;
    // 100 and 103 announce an answer; a change of protocol was not asked for.
    if (this.#status < 200) {
      if (this.#status === 101) throw noHttp("it changes the protocol");
      return false;
    }
    const connection = fieldOf(head, "connection")?.toLowerCase() ?? "";
    this.#keep = minor === "1" ? !connection.includes("close") : connection.includes("keep-alive");
    if (NO_BODY.has(this.#status)) return true;
    const coding = fieldOf(head, "transfer-encoding");
    if (coding !== undefined) {
      if (coding.toLowerCase() !== "chunked") throw noHttp(`it is encoded as "${coding}"`);
      this.#step = "chunk size";
      return false;
    }
    const length = fieldOf(head, "content-length");
    if (length === undefined) {
      this.#step = "until close";
      return false;
    }
    if (!/^\d{1,15}$/.test(length)) throw noHttp(`its length is "${length}"`);
    this.#left = Number(length);
    this.#step = "sized";
    return this.#left === 0;
  }

  /** What follows an answer that nothing was asked after belongs to nobody. */
  #done(after: Buffer): ReadAnswer {
    const [only = NOTHING, ...more] = this.takeBody();
    const answer = {
      status: this.#status,
      head: this.#head,
      body: more.length === 0 ? only : Buffer.concat([only, ...more]),
      keep: this.#keep && after.length === 0,
    };
    this.#step = "head";
    this.#begun = false;
    return answer;
  }
}

/** The fields of a head by their names in lower case; the values of equal names are joined with commas. */
export function fieldsOf(head: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [, given = "", value = ""] of head.matchAll(
    /\r\n([^:\r\n]+):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)/g,
  )) {
    const name = given.toLowerCase();
    fields[name] = fields[name] === undefined ? value : `${fields[name]}, ${value}`;
  }
  return fields;
}

const FIELDS = {
  connection: /\r\nconnection:[ \t]*([^\r\n]*?)[ \t]*\r\n/i,
  "transfer-encoding": /\r\ntransfer-encoding:[ \t]*([^\r\n]*?)[ \t]*\r\n/i,
  "content-length": /\r\ncontent-length:[ \t]*([^\r\n]*?)[ \t]*\r\n/i,
} as const;

function fieldOf(head: string, name: keyof typeof FIELDS): string | undefined {
  return FIELDS[name].exec(head)?.[1];
}

function noHttp(why: string): TransportError {
  return new TransportError(`the answer is no HTTP: ${why}`, { code: "EPROTO" });
}
