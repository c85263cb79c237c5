// Help in kubectl's manner, set for the terminal's width: an overview of the commands, the commands of a group, one command
// with its options. clipanion's own lists every option of every command and knows no words for values.

import { widthOf } from "../../output/terminal.ts";
import type { TerminalStream } from "../../output/terminal.ts";
import { besides, commandLines, paragraphsOf, wrapped } from "../../output/wrap.ts";
import { PROGRAM, usageLine } from "../usage-errors.ts";
import { isAmong, sharedOptions } from "./command-metadata.ts";
import type { CommandInfo, OptionInfo } from "./command-metadata.ts";
import { withValue } from "./flag-values.ts";

const HOME = "https://github.com/kubectl-prefect/kubectl-prefect";
const PURPOSE =
  "Runs the flow runs of Prefect 0.x/1.x as Kubernetes Jobs, installs the agent that does so, and shows and removes what flow runs leave behind in a cluster.";
const EXAMPLES: CommandInfo["examples"] = [
  ["Run the agent here, in the current context and namespace", "$0 agent start -l k8s"],
  ["Run it in the cluster", "$0 install -k API_KEY --rbac | kubectl apply -f -"],
  ["See the Job that a flow run would get", "$0 render -f flow-run.json --explain"],
];
/** In characters; longer lines are hard to read. */
const WIDTH = { min: 40, max: 120 };
const COMMAND_COLUMN = 18;
const FLAG_COLUMN = 40;

const JOBS = "Jobs of flow runs";
const OUTCOME = "What becomes of Jobs";
/** The agent's options that have a heading of their own. */
const HEADINGS: readonly (readonly [heading: string, ...flags: readonly string[]])[] = [
  [JOBS, "--env", "--no-cloud-logs", "--job-template", "--service-account-name", "--image-pull-secrets"],
  [JOBS, "--image-pull-policy", "--key-secret", "--safe-to-evict", "--no-dask-name"],
  [JOBS, "--mem-request", "--mem-limit", "--cpu-request", "--cpu-limit"],
  [OUTCOME, "--start-grace", "--passing-grace", "--pending-timeout", "--on-disruption", "--cancel-grace"],
  [OUTCOME, "--delete-succeeded-after", "--delete-failed-after", "--disable-job-deletion"],
];

/** The width of help on this stream, in characters. */
export function helpWidth(stream: TerminalStream): number {
  return Math.max(WIDTH.min, Math.min(WIDTH.max, widthOf(stream)));
}

/** `kubectl prefect --help`; with words, the commands that begin so. */
export function commandsHelp(
  words: readonly string[],
  commands: readonly CommandInfo[],
  width: number,
): string {
  const isAll = words.length === 0;
  const prefix = [PROGRAM, ...words].join(" ");
  const groups = Map.groupBy(commands, ({ category = "" }) => (isAll ? category : "Available commands"));
  const lineOf = ({ paths, description = "" }: CommandInfo): string[] => {
    const path = paths.find((each) => words.every((word, at) => each[at] === word)) ?? [];
    return besides([`  ${path.slice(words.length).join(" ")}`, description], COMMAND_COLUMN, width);
  };
  return blocks([
    isAll ? wrapped(PURPOSE, 0, width) : [],
    ...[...groups].map(([heading, members]) => [`${heading}:`, ...members.flatMap(lineOf)]),
    isAll ? exampleLines(EXAMPLES, width) : [],
    ["Usage:", ...commandLines(`${prefix} COMMAND [options]`, 2, width)],
    wrapped(`Use "${prefix} COMMAND --help" for what a command does and its options.`, 0, width),
    isAll ? wrapped(`Read on at ${HOME}`, 0, width) : [],
  ]);
}

/** `kubectl prefect agent start --help`. */
export function commandHelp(command: CommandInfo, width: number): string {
  const { name, paths, description = "", details = "", examples } = command;
  const aliases = paths.slice(1).map((path) => `  ${PROGRAM} ${path.join(" ")}`);
  const column = Math.min(FLAG_COLUMN, Math.floor(width * 0.4));
  return blocks([
    wrapped(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`, 0, width),
    ...paragraphsOf(details).map((paragraph) => wrapped(paragraph, 0, width)),
    exampleLines(examples, width),
    ...optionGroups(command).map(([heading, options]) => [
      `${heading}:`,
      ...options.flatMap((option) => besides([spelling(name, option), option.description], column, width)),
    ]),
    aliases.length === 0 ? [] : ["Also called:", ...aliases],
    ["Usage:", ...commandLines(usageLine(command), 2, width)],
  ]);
}

/** The command's own options first, then what many commands share. */
function optionGroups({ options }: CommandInfo): readonly (readonly [string, readonly OptionInfo[]])[] {
  const shared = sharedOptions();
  const headingOf = (option: OptionInfo): string => {
    const group = shared.find(([, members]) => isAmong(members, option));
    const [heading = "Options"] = group ?? HEADINGS.find(([, ...flags]) => flags.includes(option.flag)) ?? [];
    return heading;
  };
  const order = ["Options", JOBS, OUTCOME, ...shared.map(([heading]) => heading)];
  const groups = [...Map.groupBy(options, headingOf)];
  return groups.sort(([left], [right]) => order.indexOf(left) - order.indexOf(right));
}

/** `-l, --label LABEL`; a flag without a short form stands under the long ones. */
function spelling(command: string, option: OptionInfo): string {
  const { names } = option;
  const isShort = names.some((name) => !name.startsWith("--"));
  return withValue(`  ${isShort ? "" : "    "}${names.join(", ")}`, command, option);
}

function exampleLines(examples: CommandInfo["examples"] = [], width: number): string[] {
  if (examples.length === 0) return [];
  const lines = examples.flatMap(([comment, commands], at) => [
    ...(at === 0 ? [] : [""]),
    ...wrapped(comment.replaceAll("`", ""), 4, width).map((line) => line.replace(/^ {4}/, "  # ")),
    ...commands.split("\n").flatMap((line) => commandLines(line.replaceAll("$0", PROGRAM), 2, width)),
  ]);
  return ["Examples:", ...lines];
}

/** Blocks of lines, a blank line between them. */
function blocks(parts: readonly (readonly string[])[]): string {
  const texts = parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${texts.join("\n\n")}\n`;
}
