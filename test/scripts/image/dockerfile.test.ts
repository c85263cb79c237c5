// The Dockerfile and the image that needs no Docker are the same image.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { imageConfig } from "../../../scripts/image/config.ts";

const TEXT = readFileSync(join(import.meta.dirname, "../../../scripts/image/Dockerfile"), "utf8");
/** Instruction and rest, continued lines joined. */
const LINES = TEXT.replaceAll(/\s*\\\n\s*/g, " ")
  .split("\n")
  .map((line) => /^([A-Z]+) (.+)$/.exec(line) ?? [])
  .map(([, instruction = "", rest = ""]) => ({ instruction, rest }));

function saidBy(instruction: string): string {
  return LINES.filter((line) => line.instruction === instruction)
    .map(({ rest }) => rest)
    .join(" ");
}

describe("the Dockerfile", () => {
  it("says what the image's config says", () => {
    const config = imageConfig("${VERSION}");
    expect(saidBy("USER")).toBe(config["User"]);
    expect(saidBy("WORKDIR")).toBe(config["WorkingDir"]);
    expect(JSON.parse(saidBy("ENTRYPOINT"))).toEqual(config["Entrypoint"]);
    expect(saidBy("ENV").split(" ")).toEqual(config["Env"]);
    const labels = saidBy("LABEL").matchAll(/(\S+)="([^"]*)"/g);
    expect(Object.fromEntries([...labels].map(([, name, value]) => [name, value]))).toEqual(config["Labels"]);
  });
});
