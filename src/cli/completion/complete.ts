// `__complete`: what can stand next on a command line, in the lines that kubectl reads:
// `word<TAB>what it is`, and at last `:` with what the shell is to do with them.

import { commandsBelow, readArgv } from "../help/argv.ts";
import type { CommandInfo, OptionInfo } from "../help/command-metadata.ts";
import { lookUp } from "./look-up.ts";
import type { Typed } from "./look-up.ts";
import type { CliContext } from "../context.ts";
import { asCell } from "../../output/text-width.ts";
import { flagValue } from "../help/flag-values.ts";

/** cobra's ShellCompDirective: 0 also offers files, 4 does not, 2 adds no blank. */
type Directive = 0 | 2 | 4;

interface Answer {
  readonly candidates: readonly (readonly [word: string, meaning: string])[];
  readonly directive: Directive;
}

const NO_FILES = 4;
const NOTHING: Answer = { candidates: [], directive: NO_FILES };

/** Prints what can stand in the place of the last word. Never fails: a shell has no use for an error. */
export async function complete(
  argv: readonly string[],
  commands: readonly CommandInfo[],
  context: CliContext,
): Promise<number> {
  const { candidates, directive } = await answer(argv, commands, context);
  // A word that would have to be cleaned is no longer the name of anything.
  const offered = candidates.filter(([word]) => asCell(word) === word);
  const lines = offered.map(([word, meaning]) => (meaning === "" ? word : `${word}\t${asCell(meaning)}`));
  context.stdout.write(`${[...lines, `:${directive}`].join("\n")}\n`);
  return 0;
}

async function answer(
  argv: readonly string[],
  commands: readonly CommandInfo[],
  context: CliContext,
): Promise<Answer> {
  const before = argv.slice(0, -1);
  const word = argv.at(-1) ?? "";
  if (before.includes("--")) return NOTHING;
  const { command, words } = readArgv(before, commands);
  const awaiting = command?.options.find(
    ({ takesValue, names }) => takesValue && names.includes(before.at(-1) ?? ""),
  );
  if (command !== undefined && awaiting !== undefined) {
    return valuesOf({ command, option: awaiting }, { start: word, before }, context);
  }
  const [flag = "", ...value] = word.split("=");
  const bound = command?.options.find(({ names }) => value.length > 0 && names.includes(flag));
  if (command !== undefined && bound !== undefined) {
    return valuesOf({ command, option: bound }, { start: value.join("="), before }, context);
  }
  if (word.startsWith("-")) return flags(command, before, word);
  if (command === undefined) return nextWords(words, word, commands);
  return argumentsOf({ command, words }, { start: word, before }, context);
}

async function valuesOf(
  of: { readonly command: CommandInfo; readonly option: OptionInfo },
  typed: Typed,
  context: CliContext,
): Promise<Answer> {
  const { words, lookup } = flagValue(of.command.name, of.option.flag);
  if (words !== undefined) {
    const candidates = words
      .filter((each) => each.startsWith(typed.start))
      .map((each) => [each, ""] as const);
    return { candidates, directive: words.some((each) => each.endsWith("=")) ? 2 : NO_FILES };
  }
  const found = lookup === undefined ? [] : await lookUp(lookup, typed, context);
  const candidates = found.filter(([each]) => each.startsWith(typed.start));
  return { candidates, directive: lookup === "files" ? 0 : NO_FILES };
}

/** Flags not given yet, or that may be repeated; long spellings, and short ones where only `-` was typed. */
function flags(command: CommandInfo | undefined, before: readonly string[], start: string): Answer {
  const options = command?.options ?? [];
  const isGiven = ({ names }: OptionInfo): boolean =>
    before.some((word) => names.includes(word.split("=")[0] ?? ""));
  const left = options.filter((option) => option.description.includes("repeated") || !isGiven(option));
  const candidates = left.map(({ flag, description }) => [flag, description] as const);
  const all = [...candidates, ["--help", "show what the command does and its options"] as const];
  return { candidates: all.filter(([flag]) => flag.startsWith(start)), directive: NO_FILES };
}

/** Words with which a path goes on. Of a command's several spellings the first that fits is offered. */
function nextWords(words: readonly string[], start: string, commands: readonly CommandInfo[]): Answer {
  const found = new Map<string, string>();
  for (const command of commandsBelow(words, commands)) {
    const path = command.paths.find(
      (each) => words.every((word, at) => each[at] === word) && each[words.length]?.startsWith(start),
    );
    const next = path?.[words.length];
    const isLast = path?.length === words.length + 1;
    if (next !== undefined && !next.startsWith("-") && (isLast || !found.has(next))) {
      found.set(next, isLast ? command.description : "");
    }
  }
  return { candidates: [...found], directive: NO_FILES };
}

async function argumentsOf(
  { command, words }: { readonly command: CommandInfo; readonly words: readonly string[] },
  typed: Typed,
  context: CliContext,
): Promise<Answer> {
  const path = command.paths.filter((each) => each.every((word, at) => words[at] === word));
  const given = words.slice(Math.max(0, ...path.map((each) => each.length)));
  if (!/\bRUN\b/.test(command.args) || (given.length > 0 && !command.args.includes("..."))) return NOTHING;
  const found = await lookUp("runs", typed, context);
  return { candidates: found.filter(([word]) => !given.includes(word)), directive: NO_FILES };
}
