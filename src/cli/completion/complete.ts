// `__complete`: what can stand next on a command line, in the lines that kubectl reads: `word<TAB>meaning`, and at last `:`
// with what the shell shall do with them.

import type { CliContext } from "../context.ts";
import { asCell } from "../../output/text-width.ts";
import { readArgv } from "../help/argv.ts";
import type { CommandInfo, OptionInfo } from "../help/command-metadata.ts";
import { flagValue, flagWords } from "../help/flag-values.ts";
import { lookUp, type Candidate } from "./look-up.ts";

/** Prints what can stand in the place of the last word. Never fails: a shell has no use for an error. */
export async function complete(
  argv: readonly string[],
  commands: readonly CommandInfo[],
  context: CliContext,
): Promise<number> {
  const { command, words, args } = readArgv(argv.slice(0, -1), commands);
  // Here the last word is bound to the flag before it, if that needs a value.
  const all = readArgv(argv, commands).args;
  const [, flag = "", bound] = /^(-[^=]+)=(.*)$/s.exec(all.at(-1) ?? "") ?? [];
  const option = command?.options.find(({ names }) => names.includes(flag));
  const value = option && flagValue(command?.name ?? "", option.flag);
  const start = option === undefined ? (argv.at(-1) ?? "") : (bound ?? "");
  const candidates = async (): Promise<readonly Candidate[]> => {
    if (args.includes("--")) return [];
    if (command === undefined) return nextWords(words, start, commands);
    if (value === undefined && start.startsWith("-")) return flagsLeft(command, args);
    const fixed = flagWords(value ?? "");
    if (fixed.length > 0) return fixed.map((word) => [word, ""]);
    const given = args.filter((arg) => !arg.startsWith("-"));
    const takesRun = command.args.includes("RUN") && (given.length === 0 || command.args.includes("..."));
    if (value === undefined && !takesRun) return [];
    const flags = all.filter((arg) => arg.startsWith("-"));
    const parsed = command.parse([...flags, ...(command.args.startsWith("RUN") ? ["RUN"] : [])], context);
    const found = await lookUp(value ?? "RUN", start, parsed);
    return found.filter(([word]) => !given.includes(word));
  };
  const found = await candidates().catch(() => []);
  const lines = found
    // A word that would have to be cleaned is no longer the name of anything.
    .filter(([word]) => word.startsWith(start) && asCell(word) === word)
    .map(([word, meaning]) => (meaning === "" ? word : `${word}\t${asCell(meaning)}`));
  // cobra's ShellCompDirective: 0 lets the shell offer files, 4 does not.
  const directive = value?.startsWith("FILE") === true ? 0 : 4;
  context.stdout.write(`${[...lines, `:${directive}`].join("\n")}\n`);
  return 0;
}

/** Flags not given yet, or that may be repeated. */
function flagsLeft({ options }: CommandInfo, args: readonly string[]): readonly Candidate[] {
  const given = new Set(args.map((arg) => arg.split("=")[0] ?? ""));
  const isLeft = ({ names }: OptionInfo): boolean => !names.some((name) => given.has(name));
  return options
    .filter((option) => option.description.includes("repeated") || isLeft(option))
    .map(({ flag, description }) => [flag, description]);
}

/** Words with which a path goes on. Of a command's several paths the first that fits is offered. */
function nextWords(
  words: readonly string[],
  start: string,
  commands: readonly CommandInfo[],
): readonly Candidate[] {
  const found = commands.flatMap(({ paths, description = "" }): Candidate[] => {
    const path = paths.find(
      (each) => words.every((word, at) => each[at] === word) && each[words.length]?.startsWith(start),
    );
    if (path === undefined) return [];
    return [[path[words.length] ?? "", path.length === words.length + 1 ? description : ""]];
  });
  return [...new Map(found)];
}
