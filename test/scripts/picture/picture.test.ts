import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { currentPicture, PICTURE } from "../../../scripts/picture.ts";
import { svgOf } from "../../../scripts/picture/svg.ts";

describe("docs/picture.svg", () => {
  it("shows what the commands print today (npm run picture)", async () => {
    const picture = await currentPicture();
    expect(picture).toContain("OOMKilled");
    expect(readFileSync(PICTURE, "utf8")).toBe(picture);
  });
});

describe("svgOf", () => {
  const svg = (text: string): string => svgOf({ text, columns: 20, title: "a & b" });

  it("keeps each piece of a line in its column, and its colour", () => {
    expect(svg("\u001B[1mJOB\u001B[22m   x y  \u001B[31mfailed\u001B[39m")).toContain(
      '<text y="47"><tspan x="16" textLength="23.4" class="b">JOB</tspan>' +
        '<tspan x="62.8" textLength="23.4">x y</tspan>' +
        '<tspan x="101.8" textLength="46.8" class="r">failed</tspan></text>',
    );
  });

  it("leaves empty lines free", () => {
    expect(svg("a\n\nb").match(/<text y="\d+">/g)).toEqual(['<text y="47">', '<text y="83">']);
  });

  it("escapes what XML reads as its own", () => {
    expect(svg("<unknown> & more")).toContain("&lt;unknown&gt; &amp; more");
    expect(svg("")).toContain("<title>a &amp; b</title>");
  });
});
