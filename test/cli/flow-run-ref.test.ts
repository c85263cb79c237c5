// Parsing RUN.

import { describe, expect, it } from "vitest";
import { parseRunRef } from "../../src/cli/flow-run-ref.ts";

describe("parseRunRef", () => {
  it.each([
    { text: "0a1b2c3d-1111-4222-8333-444444444444", idPrefix: "0a1b2c3d-1111-4222-8333-444444444444" },
    { text: "0A1B2C3D11114222", idPrefix: "0a1b2c3d-1111-4222" },
    { text: "0a1b2c3d", idPrefix: "0a1b2c3d" },
    { text: "0a1b2c3d-", idPrefix: "0a1b2c3d" },
    { text: "0a1b2c3d-11", idPrefix: "0a1b2c3d-11" },
    { text: "0a1b2c3", idPrefix: undefined },
    { text: "quick-fox", idPrefix: undefined },
    { text: "0a1b2c3d-1111-4222-8333-4444444444445", idPrefix: undefined },
    { text: "jobless", idPrefix: undefined },
  ])("parses $text as a flow run with id prefix $idPrefix or that name", ({ text, idPrefix }) => {
    expect(parseRunRef(text)).toEqual({ kind: "run", idPrefix, text });
  });

  it.each(["job/a-1", "jobs/a-1", "job.batch/a-1"])("parses %s as a Job", (text) => {
    expect(parseRunRef(text)).toEqual({ kind: "job", name: "a-1", text });
  });
});
