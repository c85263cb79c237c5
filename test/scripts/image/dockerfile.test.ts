// The Dockerfile makes the same image as `npm run image`.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { imageConfig } from "../../../scripts/image/config.ts";

const TEXT = readFileSync(join(import.meta.dirname, "../../../scripts/image/Dockerfile"), "utf8");
/** The instructions, with continued lines joined. */
const LINES = TEXT.replaceAll(/\s*\\\n\s*/g, " ")
  .split("\n")
  .map((line) => /^([A-Z]+) (.+)$/.exec(line) ?? [])
  .map(([, instruction = "", rest = ""]) => ({ instruction, rest }));

function valueOf(instruction: string): string {
  return LINES.filter((line) => line.instruction === instruction)
    .map(({ rest }) => rest)
    .join(" ");
}

describe("the Dockerfile", () => {
  it("agrees with the image's config", () => {
    const config = imageConfig("${VERSION}");
    expect(valueOf("USER")).toBe(config["User"]);
    expect(valueOf("WORKDIR")).toBe(config["WorkingDir"]);
    expect(JSON.parse(valueOf("ENTRYPOINT"))).toEqual(config["Entrypoint"]);
    expect(valueOf("ENV").split(" ")).toEqual(config["Env"]);
    const labels = valueOf("LABEL").matchAll(/(\S+)="([^"]*)"/g);
    expect(Object.fromEntries([...labels].map(([, name, value]) => [name, value]))).toEqual(config["Labels"]);
  });
});
