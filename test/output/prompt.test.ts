import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/base/errors.ts";
import { confirm } from "../../src/output/prompt.ts";
import { Screen } from "./screen.ts";

const NEVER = new AbortController().signal;

describe("confirm", () => {
  it.each([
    ["y\n", true],
    ["Yes\r\n", true],
    [" Y \n", true],
    ["\n", false],
    ["n\n", false],
    ["yesterday\n", false],
    ["no\ny\n", false],
    ["", false],
    ["y", true],
  ])("reads %j as %s", async (typed, wanted) => {
    const input = new PassThrough();
    const output = new Screen();
    input.end(typed);
    expect(await confirm("Delete 3 Jobs?", { input, output }, NEVER)).toBe(wanted);
    // At the end of the input nobody has ended the line.
    expect(output.written).toBe(`Delete 3 Jobs? [y/N] ${typed === "" ? "\n" : ""}`);
  });

  it("ends with InterruptedError when the signal aborts", async () => {
    const stop = new AbortController();
    const answer = confirm("Delete?", { input: new PassThrough(), output: new Screen() }, stop.signal);
    stop.abort();
    await expect(answer).rejects.toBeInstanceOf(InterruptedError);
  });

  it("does not ask when the signal has aborted before", async () => {
    const output = new Screen();
    const answer = confirm("Delete?", { input: new PassThrough(), output }, AbortSignal.abort());
    await expect(answer).rejects.toBeInstanceOf(InterruptedError);
    expect(output.written).not.toContain("Delete?");
  });

  it("releases the input after the answer", async () => {
    const input = new PassThrough();
    const answer = confirm("Delete?", { input, output: new Screen() }, NEVER);
    input.write("y\n");
    await answer;
    expect(input.isPaused()).toBe(true);
    expect(input.listenerCount("data")).toBe(0);
  });
});
