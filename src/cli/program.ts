// All commands, in the order in which help lists them.

import type { CommandClass } from "clipanion";
import { AgentStartCommand } from "./commands/agent-start/command.ts";
import { CancelCommand } from "./commands/cancel/command.ts";
import { CleanupCommand } from "./commands/cleanup/command.ts";
import { CompletionCommand } from "./commands/completion.ts";
import { DoctorCommand } from "./commands/doctor/command.ts";
import { InstallCommand } from "./commands/install/command.ts";
import { InspectCommand } from "./commands/inspect/command.ts";
import { JobsCommand } from "./commands/jobs/command.ts";
import { LogsCommand } from "./commands/logs/command.ts";
import { OpenCommand } from "./commands/open.ts";
import { RenderCommand } from "./commands/render/command.ts";
import { VersionCommand } from "./commands/version.ts";
import type { CliContext } from "./context.ts";

export const COMMANDS: readonly CommandClass<CliContext>[] = [
  AgentStartCommand,
  InstallCommand,
  DoctorCommand,
  RenderCommand,
  JobsCommand,
  CleanupCommand,
  CancelCommand,
  InspectCommand,
  LogsCommand,
  OpenCommand,
  CompletionCommand,
  VersionCommand,
];
