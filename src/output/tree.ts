// A tree as text, for `inspect`: what a flow run owns, branch by branch.

import type { Env } from "../base/env.ts";
import { plainPalette } from "./palette.ts";
import type { Palette, Tone } from "./palette.ts";
import type { TerminalStream } from "./terminal.ts";
import { asCell } from "./text-width.ts";

/** A node and what hangs below it. */
export interface TreeNode {
  /** Its text; further lines are set under the first. */
  readonly text: string;
  readonly tone?: Tone | undefined;
  readonly children?: readonly TreeNode[] | undefined;
}

export interface TreeOptions {
  /** Lines drawn with | and -, for where box characters may not arrive. */
  readonly ascii?: boolean | undefined;
  readonly palette?: Palette | undefined;
}

interface Branches {
  readonly fork: string;
  readonly last: string;
  readonly trunk: string;
}

const BOX: Branches = { fork: "├─ ", last: "└─ ", trunk: "│  " };
const ASCII: Branches = { fork: "|- ", last: "`- ", trunk: "|  " };
const BLANK = "   ";

/** The tree's lines, the root at the margin. */
export function treeLines(root: TreeNode, options: TreeOptions = {}): readonly string[] {
  const branches = options.ascii === true ? ASCII : BOX;
  const palette = options.palette ?? plainPalette;
  const linesOf = (node: TreeNode): readonly string[] => {
    const children = node.children ?? [];
    const below = children.flatMap((child, at) => {
      const isLast = at === children.length - 1;
      const first = isLast ? branches.last : branches.fork;
      const rest = isLast ? BLANK : branches.trunk;
      return linesOf(child).map((line, row) => (row === 0 ? first : rest) + line);
    });
    const [head = "", ...more] = node.text.split(/\r?\n/).map(asCell);
    const indent = children.length === 0 ? BLANK : branches.trunk;
    const own = [
      paint(head, node.tone, palette),
      ...more.map((line) => indent + paint(line, node.tone, palette)),
    ];
    return [...own.map((line) => line.trimEnd()), ...below];
  };
  return linesOf(root);
}

/** Box characters only on a terminal; in a pipe, which may not be UTF-8 at its other end, ASCII. */
export function wantsAscii(stream: TerminalStream, env: Env): boolean {
  return stream.isTTY !== true || env["TERM"] === "dumb";
}

function paint(line: string, tone: Tone | undefined, palette: Palette): string {
  return tone === undefined || line === "" ? line : palette[tone](line);
}
