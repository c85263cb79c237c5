import { describe, expect, it } from "vitest";
import { LineBuffer } from "../../src/base/line-buffer.ts";

describe("LineBuffer", () => {
  it("writes lines together after a short delay", async () => {
    const written = await new Promise<string>((resolve) => {
      const lines = new LineBuffer(resolve);
      lines.add("one\n");
      lines.add("two\n");
    });
    expect(written).toBe("one\ntwo\n");
  });

  it("writes buffered lines on flush, and each only once", () => {
    const written: string[] = [];
    const lines = new LineBuffer((text) => written.push(text));
    lines.add("one\n");
    lines.flush();
    lines.flush();
    lines.add("two\n");
    lines.flush();
    expect(written).toEqual(["one\n", "two\n"]);
  });
});
