import { describe, expect, it } from "vitest";
import { supportsFlowRunCommand } from "../../../src/prefect1/build/pod-spec.ts";

describe("knowsFlowRunCommand", () => {
  it.each([
    { version: "0.12.6", want: false },
    { version: "0.13.0rc1", want: false },
    { version: "0.13.0.dev2", want: false },
    { version: "0.13.0a1.post2", want: false },
    { version: "0.13a0", want: false },
    { version: "0.13.0", want: true },
    { version: "0.13", want: true },
    { version: "v0.13.0", want: true },
    { version: "0.13.0.post1", want: true },
    { version: "0.13.0.post1.dev3", want: true },
    { version: "0.13.0-1", want: true },
    { version: "0.13.1+134", want: true },
    { version: "0.13.0+134.g1a2b.dirty", want: true },
    { version: "0.9", want: false },
    { version: "1!0.1", want: true },
    { version: " 1.4.1 ", want: true },
    { version: "master", want: undefined },
    { version: "1.4.1+", want: undefined },
    { version: "", want: undefined },
  ])("answers $want for $version", ({ version, want }) => {
    expect(supportsFlowRunCommand(version)).toBe(want);
  });
});
