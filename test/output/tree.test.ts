import { describe, expect, it } from "vitest";
import { colours as paint } from "../../src/output/colours.ts";
import { treeLines } from "../../src/output/tree.ts";
import type { TreeNode } from "../../src/output/tree.ts";

const run: TreeNode = {
  text: "flow run grinning-lemur",
  children: [
    {
      text: "Job prefect-job-1a2b",
      more: ["failed: BackoffLimitExceeded"],
      children: [
        { text: "Pod prefect-job-1a2b-x", children: [{ text: "container flow", more: ["exit code 1"] }] },
        { text: "Pod prefect-job-1a2b-y" },
      ],
    },
    { text: "Service dask-9a8b" },
  ],
};

describe("treeLines", () => {
  it("draws branches, and continues the line beside multi-line nodes", () => {
    expect(treeLines(run)).toEqual([
      "flow run grinning-lemur",
      "├─ Job prefect-job-1a2b",
      "│  │  failed: BackoffLimitExceeded",
      "│  ├─ Pod prefect-job-1a2b-x",
      "│  │  └─ container flow",
      "│  │        exit code 1",
      "│  └─ Pod prefect-job-1a2b-y",
      "└─ Service dask-9a8b",
    ]);
  });

  it("draws the same in ASCII", () => {
    expect(
      treeLines(
        { text: "a", children: [{ text: "b", children: [{ text: "c" }] }, { text: "d" }] },
        { ascii: true },
      ),
    ).toEqual(["a", "|- b", "|  `- c", "`- d"]);
  });

  it("wraps by words within the terminal, with the branches beside", () => {
    const text = "container flow exited with code 1";
    const root = { text: "flow run", children: [{ text, children: [{ text }] }, { text: "end" }] };
    expect(treeLines(root, { width: 26 })).toEqual([
      "flow run",
      "├─ container flow",
      "│  │  exited with code 1",
      "│  └─ container flow",
      "│        exited with code",
      "│        1",
      "└─ end",
    ]);
  });

  it("colours a node's text but not its branches", () => {
    const lines = treeLines({ text: "a", children: [{ text: "b", tone: "bad" }] }, { paint });
    expect(lines).toEqual(["a", "└─ \u001B[31mb\u001B[39m"]);
  });

  it("escapes control characters", () => {
    expect(treeLines({ text: "a\u001B[2J" })).toEqual(["a^[[2J"]);
  });
});
