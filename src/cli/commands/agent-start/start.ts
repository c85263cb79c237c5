// `agent start`: connects, then runs the agent until it is stopped. Imported only by that command, so that other commands
// start fast.

import { hostname } from "node:os";
import { aNamespace } from "../../../agent/option-checks.ts";
import { checkWorkOptions } from "../../../agent/options.ts";
import { AgentServer } from "../../../agent/server/server.ts";
import { SettingsError } from "../../../base/errors.ts";
import { createLog, type Log } from "../../../base/log.ts";
import { wholeNumber } from "../../../base/whole-number.ts";
import type { TemplateSource } from "../../../prefect1/build/template.ts";
import { readTemplate } from "../../../prefect1/build/template-sources.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import { levelValue } from "../../../prefect1/config/values.ts";
import type { AgentCommand } from "../../options/agent-job-options.ts";
import { checkVariables } from "../../../install/check-variables.ts";
import type { AgentFlags } from "./settings.ts";
import { ApiObserver, runAgent } from "./wire.ts";

/** Runs the agent until a signal, `--max-polls` or a fatal error. Throws SettingsError, PrefectError, KubeError. */
export async function startAgent(command: AgentCommand, flags: AgentFlags): Promise<void> {
  const { context } = command;
  const { clock, signal } = context;
  const config = await command.prefectConfig();
  const connectionFlags = command.connectionFlags();
  checkBeforeConnecting(command, flags, config);
  const { logLevel, logFormat, name = config.agent.name } = flags;
  const log = createLog({
    name,
    level: logLevel ? levelValue({ value: logLevel, source: "--log-level" }) : config.agent.level,
    format: logFormat === "json" ? "json" : "text",
    write: (line) => void context.stdout.write(line),
    now: () => clock.now(),
  });
  const server = new AgentServer(flags.agentAddress ?? config.agent.address, { clock, log });
  const observer = new ApiObserver(clock);
  const client = await context.connectPrefect(config, {
    onRequest: (seen) => {
      server.metrics.observeCall({ api: "prefect", ...seen });
      observer.prefectRequest(seen);
    },
  });
  const connection = await context.connectKube(connectionFlags, (seen) => {
    server.metrics.observeCall({ api: "kubernetes", operation: `${seen.verb} ${seen.resource}`, ...seen });
    observer.kubeRequest(seen);
  });
  try {
    checkKey(config);
    warnOfWhiteSpace(command, log);
    await server.start();
    const configured = command.namespace ?? config.variables.namespace?.value;
    const namespace = configured ?? connection.target.namespace ?? "default";
    const parts = {
      ...connection,
      client,
      observer,
      clock,
      log,
      metrics: server.metrics,
      config,
      flags,
      namespace,
      jobOptions: command.jobOptions(namespace),
      readTemplate: (source: TemplateSource) => readTemplate(source, context),
      host: hostname(),
      newId: () => crypto.randomUUID(),
    };
    await runAgent(parts, (agent) => (server.agent = agent), signal);
    log.info("Agent stopped");
  } finally {
    await server.stop();
    client.close();
    connection.kube.close();
  }
}

/** Reports errors in the command line before any connection error. */
function checkBeforeConnecting(command: AgentCommand, flags: AgentFlags, config: PrefectConfig): void {
  checkWorkOptions(flags);
  wholeNumber(flags.maxPolls, "--max-polls", 0);
  command.jobOptions("default");
  if (command.namespace !== undefined) aNamespace(command.namespace, "--namespace");
  checkVariables(config, { ...flags, ...command.job, namespace: command.namespace });
}

/** Here the key is trimmed; flow runs get it as it is in the Secret, and Python sends no line break. */
function warnOfWhiteSpace(command: AgentCommand, log: Log): void {
  const key = command.context.env["PREFECT__CLOUD__API_KEY"] ?? "";
  const { keySecret } = command.jobOptions("default");
  if (keySecret === undefined || key === key.trim()) return;
  const text = "The API key has white space around it; if the Secret's has, too, flow runs cannot send it";
  log.warn(text, { secret: keySecret.name });
}

/** Prefect Cloud answers nobody without a key. */
function checkKey({ apiUrl, apiKey }: PrefectConfig): void {
  const host = URL.parse(apiUrl.value)?.hostname ?? "";
  if (apiKey !== undefined || !/(?:^|\.)prefect\.io$/.test(host)) return;
  throw new SettingsError("cannot start the agent: no API key is set for Prefect Cloud", {
    hint: "set it with --key or PREFECT__CLOUD__API_KEY; for your own server, use --backend server and --api URL",
  });
}
