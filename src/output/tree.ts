// A tree as text, for `inspect`.

import { oneLine } from "./clean.ts";
import { plain, type Style, type Tone } from "./palette.ts";
import { wrapped } from "./wrap.ts";

export interface TreeNode {
  readonly text: string;
  /** Lines below the text. */
  readonly more?: readonly string[];
  readonly tone?: Tone | undefined;
  readonly children?: readonly TreeNode[] | undefined;
}

const BOX = { fork: "├─ ", last: "└─ ", trunk: "│  " };
const ASCII = { fork: "|- ", last: "`- ", trunk: "|  " };
const BLANK = "   ";

/** The tree as lines; the root is not indented. */
export function treeLines(root: TreeNode, options: Partial<Style> = {}): readonly string[] {
  const branches = options.ascii === true ? ASCII : BOX;
  const { paint = plain } = options;
  const linesOf = (node: TreeNode, width: number | undefined): readonly string[] => {
    const children = node.children ?? [];
    const inner = width === undefined ? undefined : width - BLANK.length;
    const below = children.flatMap((child, at) => {
      const isLast = at === children.length - 1;
      const [first, rest] = isLast ? [branches.last, BLANK] : [branches.fork, branches.trunk];
      return linesOf(child, inner).map((line, row) => (row === 0 ? first : rest) + line);
    });
    const indent = children.length === 0 ? BLANK : branches.trunk;
    const [head = "", ...more] = [node.text, ...(node.more ?? [])]
      .map(oneLine)
      .flatMap((line) => (inner === undefined ? [line] : wrapped(line, 0, inner)));
    const own = [paint(node.tone, head), ...more.map((line) => indent + paint(node.tone, line))];
    return [...own.map((line) => line.trimEnd()), ...below];
  };
  return linesOf(root, options.width);
}
