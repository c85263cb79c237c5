import { describe, expect, it } from "vitest";
import { AnswerReader, fieldsOf } from "../../src/http/answer-reader.ts";
import type { ReadAnswer } from "../../src/http/answer-reader.ts";

const crlf = (...lines: string[]): string => lines.map((line) => `${line}\r\n`).join("");

/** What comes out when the bytes come in pieces of that size, and the connection then ends. */
function read(text: string, size: number): Told | undefined {
  const bytes = Buffer.from(text);
  const reader = new AnswerReader();
  for (let at = 0; at < bytes.length; at += size) {
    const answer = reader.add(bytes.subarray(at, at + size));
    // More may follow that is not of it.
    if (answer !== undefined) return told(answer);
  }
  return told(reader.end());
}

type Told = Omit<ReadAnswer, "body"> & { readonly body: string };

function told(answer: ReadAnswer | undefined): Told | undefined {
  return answer && { ...answer, body: String(answer.body) };
}

const CHUNKED = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Type: application/json"];

const ANSWERS = [
  {
    name: "with a length",
    text: crlf("HTTP/1.1 201 Created", "Content-Length: 6", "") + "Grüß",
    want: { status: 201, body: "Grüß", keep: true },
  },
  {
    name: "of length 0",
    text: crlf("HTTP/1.1 200 OK", "content-length:0", ""),
    want: { status: 200, body: "", keep: true },
  },
  {
    name: "in chunks",
    text: crlf(...CHUNKED, "", "4", '{"a"', "3;of=it", ":1}", "0", ""),
    want: { status: 200, body: '{"a":1}', keep: true },
  },
  {
    name: "in chunks with trailers, whose data look like ends",
    text: crlf(...CHUNKED, "", "A", "0\r\n\r\n0\r\n\r\n", "0", "Digest: none", ""),
    want: { status: 200, body: "0\r\n\r\n0\r\n\r\n", keep: true },
  },
  {
    name: "that ends with the connection",
    text: `${crlf("HTTP/1.1 200 OK", "")}all of it`,
    want: { status: 200, body: "all of it", keep: false },
  },
  {
    name: "that allows no body",
    text: crlf("HTTP/1.1 204 No Content", ""),
    want: { status: 204, body: "", keep: true },
  },
  {
    name: "without words for its status",
    text: crlf("HTTP/1.1 404", "Content-Length: 0", ""),
    want: { status: 404, body: "", keep: true },
  },
  {
    name: "after announcements",
    text: crlf("HTTP/1.1 100 Continue", "", "HTTP/1.1 103 Early Hints", "Link: x", "", "HTTP/1.1 204 No", ""),
    want: { status: 204, body: "", keep: true },
  },
  {
    name: "whose connection is closed after it",
    text: crlf("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0", ""),
    want: { status: 200, body: "", keep: false },
  },
  {
    name: "of HTTP/1.0",
    text: `${crlf("HTTP/1.0 200 OK", "Content-Length: 2", "")}ok`,
    want: { status: 200, body: "ok", keep: false },
  },
  {
    name: "of HTTP/1.0 that keeps the connection",
    text: `${crlf("HTTP/1.0 200 OK", "Connection: Keep-Alive", "Content-Length: 2", "")}ok`,
    want: { status: 200, body: "ok", keep: true },
  },
];

describe("AnswerReader", () => {
  it.each(ANSWERS)("reads an answer $name, however it is cut", ({ text, want }) => {
    for (let size = 1; size <= Buffer.byteLength(text); size++)
      expect(read(text, size), `in pieces of ${size}`).toMatchObject(want);
  });

  it("keeps no connection on which more comes than was asked for", () => {
    const text = `${crlf("HTTP/1.1 200 OK", "Content-Length: 2", "")}okHTTP/1.1 200 OK`;
    expect(read(text, text.length)).toMatchObject({ body: "ok", keep: false });
  });

  it("reads one answer after the other", () => {
    const reader = new AnswerReader();
    for (const { text, want } of ANSWERS.filter((each) => each.want.keep)) {
      expect(reader.begun).toBe(false);
      expect(told(reader.add(Buffer.from(text)))).toMatchObject(want);
    }
  });

  it.each(ANSWERS)(
    "hands out an answer $name while it comes, from one buffer that is written over",
    ({ text, want }) => {
      const reader = new AnswerReader();
      const shared = Buffer.alloc(1);
      const taken: Buffer[] = [];
      let [heading, whole] = [reader.heading, reader.end()];
      for (const byte of Buffer.from(text)) {
        shared[0] = byte;
        whole = reader.add(shared);
        heading ??= reader.heading;
        taken.push(...reader.takeBody().map((part) => Buffer.from(part)));
        if (whole !== undefined) break;
      }
      whole ??= reader.end();
      expect(Buffer.concat([...taken, whole?.body ?? Buffer.of()]).toString()).toBe(want.body);
      expect((heading ?? whole)?.status).toBe(want.status);
    },
  );

  it.each([
    ["nothing of HTTP", "SSH-2.0-OpenSSH_9\r\n\r\n", "it does not begin as one"],
    ["another version", crlf("HTTP/2 200", ""), "it does not begin as one"],
    ["a change of protocol", crlf("HTTP/1.1 101 Switching", ""), "it changes the protocol"],
    ["a coding that was not asked for", crlf("HTTP/1.1 200 OK", "Transfer-Encoding: gzip", ""), '"gzip"'],
    ["a length that is none", crlf("HTTP/1.1 200 OK", "Content-Length: -1", ""), '"-1"'],
    ["a chunk without a size", crlf(...CHUNKED, "", "zz"), "a chunk has no size"],
    ["a chunk of an absurd size", crlf(...CHUNKED, "", "fffffffff"), "a chunk has no size"],
    ["a chunk longer than its size", crlf(...CHUNKED, "", "2", "abc"), "longer than its size"],
    ["a head without an end", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`, "its head has no end"],
  ])("refuses %s", (_, text, why) => {
    expect(() => read(text, 1_000)).toThrow(why);
  });

  it.each(ANSWERS.filter(({ name }) => name !== "that ends with the connection"))(
    "takes an answer $name that is cut short for none",
    ({ text }) => {
      for (let length = 0; length < Buffer.byteLength(text) - 1; length++) {
        const reader = new AnswerReader();
        expect(reader.add(Buffer.from(text).subarray(0, length)) ?? reader.end()).toBeUndefined();
        expect(reader.begun).toBe(true);
      }
    },
  );
});

describe("fieldsOf", () => {
  it("has every field by its name in lower case, equal ones joined", () => {
    const head = crlf(
      "HTTP/1.1 200 OK",
      "Date:  Sat, 21 Nov 2026 ",
      "Warning: a",
      "X-Empty:",
      "warning: b: c",
    );
    expect(fieldsOf(head)).toEqual({ date: "Sat, 21 Nov 2026", warning: "a, b: c", "x-empty": "" });
  });
});
