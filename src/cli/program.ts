// Which commands there are, in the order in which help lists them.

import type { CommandClass } from "clipanion";
import { AgentStartCommand } from "./commands/agent-start.ts";
import { CancelCommand } from "./commands/cancel.ts";
import { CleanupCommand } from "./commands/cleanup.ts";
import { CompletionCommand } from "./commands/completion.ts";
import { DemoCommand } from "./commands/demo.ts";
import { DoctorCommand } from "./commands/doctor.ts";
import { InstallCommand } from "./commands/install.ts";
import { InspectCommand } from "./commands/inspect.ts";
import { JobsCommand } from "./commands/jobs.ts";
import { LogsCommand } from "./commands/logs.ts";
import { RenderCommand } from "./commands/render.ts";
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
  DemoCommand,
  CompletionCommand,
  VersionCommand,
];
