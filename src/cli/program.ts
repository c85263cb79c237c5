// Which commands there are.

import { Builtins } from "clipanion";
import { AgentStartCommand } from "./commands/agent-start.ts";
import { VersionCommand } from "./commands/version.ts";

export const COMMANDS = [Builtins.HelpCommand, AgentStartCommand, VersionCommand];
