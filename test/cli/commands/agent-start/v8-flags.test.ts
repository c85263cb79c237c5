// V8 reports an unknown flag only on stderr; a newer Node may have renamed one.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { NODE_FLAGS } from "../../../../scripts/binary/node-flags.ts";
import { AGENT_V8_FLAGS } from "../../../../src/cli/commands/agent-start/v8-flags.ts";

describe("this Node", () => {
  it.each([...AGENT_V8_FLAGS, ...NODE_FLAGS])("knows %s", async (flag) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [flag, "-p", "1"]);
    expect([stdout, stderr]).toEqual(["1\n", ""]);
  });

  it("reports a flag that it does not know", async () => {
    const asked = promisify(execFile)(process.execPath, ["--invocation-count-for-nobody=1", "-p", "1"]);
    await expect(asked).rejects.toMatchObject({ code: 9 });
  });
});
