// The commands as data, read off their registration with clipanion: parsing, help, completion and the documents use it.

import { Cli, type CommandClass, type Usage } from "clipanion";
import { BaseCommand } from "../options/base-command.ts";
import { ClusterCommand } from "../options/cluster-command.ts";
import { PrefectCommand } from "../options/prefect-command.ts";
import type { CliContext } from "../context.ts";

export interface OptionInfo {
  /** All spellings, short ones first: `-l`, `--label`. */
  readonly names: readonly string[];
  /** The first long spelling. */
  readonly flag: string;
  /** `optional`: it stands alone, or has a value after `=`. */
  readonly value: "required" | "optional" | "none";
  /** Empty: the option is accepted, but neither shown nor completed. */
  readonly description: string;
}

export interface CommandInfo extends Usage {
  /** The path that help shows, such as `agent start`. */
  readonly name: string;
  /** All paths that lead here. */
  readonly paths: readonly (readonly string[])[];
  /** The positional arguments as in a usage line: `[RUN]`. */
  readonly args: string;
  readonly options: readonly OptionInfo[];
  /** With those that are not shown. */
  readonly allOptions: readonly OptionInfo[];
  /** The command for its arguments, without its path. Throws clipanion's error for a wrong one. */
  readonly parse: (args: readonly string[], context: CliContext) => BaseCommand;
}

const RUN_DETAILS =
  "RUN is a flow run's id, a unique prefix of it (8 characters or more), its name, or job/NAME for the run of a Job.";

/** clipanion with one command. */
class OneCommand extends Cli<CliContext> {
  info(command: CommandClass<CliContext>): Pick<CommandInfo, "details" | "args" | "allOptions" | "parse"> {
    this.register(command);
    const builder = this.registrations.get(command)?.builder;
    if (builder === undefined) throw new Error("clipanion has not registered the command");
    // The path is matched before: clipanion would take ten times as long.
    builder.paths.length = 0;
    const { leading, extra, trailing } = builder.arity;
    const allOptions = builder.options.map(
      ({ names, arity, allowBinding, description = "" }): OptionInfo => ({
        names,
        flag: names.find((name) => name.startsWith("--")) ?? "",
        value: arity > 0 ? "required" : allowBinding ? "optional" : "none",
        description,
      }),
    );
    const optional = typeof extra === "symbol" ? ["..."] : extra.map((name) => `[${name}]`);
    const args = [...leading, ...optional, ...trailing].join(" ");
    const { details = "" } = command.usage ?? {};
    return {
      details: args.includes("RUN") ? `${RUN_DETAILS}\n\n${details}` : details,
      args,
      allOptions,
      parse: (args, context) => this.process([...args], context) as BaseCommand,
    };
  }
}

/** Each command as data. Its options are read when they are asked for: to make all commands would slow the overview down. */
export function commandMetadata(commands: readonly CommandClass<CliContext>[]): readonly CommandInfo[] {
  return commands.map((command) => {
    let read: ReturnType<OneCommand["info"]> | undefined;
    const info = (): ReturnType<OneCommand["info"]> => (read ??= new OneCommand().info(command));
    const { paths = [], usage } = command;
    return {
      ...usage,
      name: paths[0]?.join(" ") ?? "",
      paths,
      get details() {
        return info().details ?? "";
      },
      get args() {
        return info().args;
      },
      get options() {
        return info().allOptions.filter(({ description }) => description !== "");
      },
      get allOptions() {
        return info().allOptions;
      },
      parse: (args, context) => info().parse(args, context),
    };
  });
}

/** The options that the base classes give to many commands, under the headings that help has for them. */
export function sharedOptions(): readonly (readonly [heading: string, options: readonly OptionInfo[]])[] {
  const classes = [ClusterCommand, PrefectCommand, BaseCommand] as unknown as CommandClass<CliContext>[];
  const [cluster = [], prefect = [], general = []] = commandMetadata(classes).map(({ options }) => options);
  return [
    ["Prefect", prefect.filter((option) => !isAmong(general, option))],
    ["Cluster (as kubectl)", cluster.filter((option) => !isAmong(prefect, option))],
    ["General", general],
  ];
}

/** Whether a command has given a shared flag no meaning of its own. */
export function isAmong(options: readonly OptionInfo[], { flag, description }: OptionInfo): boolean {
  return options.some((each) => each.flag === flag && each.description === description);
}
