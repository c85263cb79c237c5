import { once } from "node:events";
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { Secrets } from "../../src/base/secrets.ts";
import { cleanStream, oneLine, printable, writeRaw, writeStyled } from "../../src/output/clean.ts";
import { objectText } from "../../src/output/object-text.ts";
import { parse } from "yaml";

describe("printable", () => {
  it.each([
    ["plain", "plain"],
    ["größe 日本 ✔ ⚠\uFE0F 👍", "größe 日本 ✔ ⚠\uFE0F 👍"],
    ["a\tb\nc\r\nd", "a\tb\nc\nd"],
    ["harm\u001b[2Jless", "harm^[[2Jless"],
    ["\u001b]0;t\u0007", "^[]0;t^G"],
    ["a\rb\b\u0000\u007f", "a^Mb^H^@^?"],
    ["\u009b2J\u0085", "<U+009B>2J<U+0085>"],
    ["a\u202eb\u2066c\u200bd\u00ade\ufefff", "a<U+202E>b<U+2066>c<U+200B>d<U+00AD>e<U+FEFF>f"],
    ["\u2028\u2029", "<U+2028><U+2029>"],
    ["\u{E0041}\u3164\ud800", "<U+E0041><U+3164><U+D800>"],
  ])("shows %j as %j", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it("lets no character pass that moves or hides something, whatever the text", () => {
    const all = Array.from({ length: 0x30000 }, (_, code) => String.fromCodePoint(code)).join("");
    // What is unassigned or private has a picture, if only a box.
    const left = printable(all).match(/[\p{Cc}\p{Cf}\p{Cs}]/gu) ?? [];
    expect(new Set(left)).toEqual(new Set(["\n", "\t"]));
  });
});

describe("oneLine", () => {
  it.each([
    ["denied:\n  - one\r\n  - two\n", "denied: - one - two "],
    ["a\u2028error: forged\u0085b", "a error: forged b"],
  ])("makes %j into %j", (text, line) => {
    expect(oneLine(text)).toBe(line);
  });
});

describe("data for programs", () => {
  const text = "a\u202eb\u200bc\u{E0041}d\u009be 👩\u200d💻";

  it("keeps every character, as an escape where a terminal would not show it", () => {
    const value = { [text]: [text, `${text}\nline`] };
    const json = objectText(value, "json");
    expect(JSON.parse(json)).toEqual(value);
    expect(printable(json)).toBe(json);
    const yaml = objectText(value, "yaml");
    expect(parse(yaml)).toEqual(value);
    expect(printable(yaml)).toBe(yaml);
  });
});

describe("cleanStream", () => {
  function streamed() {
    let text = "";
    const target = new Writable({
      write: (chunk: Buffer, _, done) => {
        text += chunk.toString("latin1");
        done();
      },
    });
    const secrets = new Secrets();
    secrets.add("hunter2-s3cret");
    return {
      stream: cleanStream(Object.assign(target, { isTTY: true, columns: 80 }), secrets),
      text: () => text,
    };
  }

  it("cleans and redacts what is written", () => {
    const { stream, text } = streamed();
    stream.write("key hunter2-s3cret\u001b[2J\n");
    expect(text()).toBe("key ***^[[2J\n");
  });

  it("redacts what is styled, and leaves raw text and bytes as they are", () => {
    const { stream, text } = streamed();
    writeStyled(stream, "\u001b[31mhunter2-s3cret\u001b[39m");
    expect(text()).toBe("\u001b[31m***\u001b[39m");
    writeRaw(stream, Buffer.from([0xff, 0xfe, 0x1b]));
    writeRaw(stream, "hunter2-s3cret");
    expect(text()).toBe("\u001b[31m***\u001b[39m\u00ff\u00fe\u001bhunter2-s3cret");
  });

  it("is the stream in all else", async () => {
    const { stream } = streamed();
    expect([stream.isTTY, stream.columns, stream.writableLength]).toEqual([true, 80, 0]);
    const finished = once(stream, "finish");
    stream.end();
    await expect(finished).resolves.toEqual([]);
  });
});
