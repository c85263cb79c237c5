// kubectl prefect render: the exact Job that the agent would create for a flow run.

import { Command, Option, UsageError } from "clipanion";
import { ExpectedError, SettingsError, textOf } from "../../../base/errors.ts";
import { WORK_OPTIONS } from "../../../agent/options.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { JobManifest } from "../../../kube/client/manifest.ts";
import type { FlowRun } from "../../../prefect1/flow-run.ts";
import { AgentCommand } from "../../options/agent-job-options.ts";
import { parseRunRef } from "../../flow-run-ref.ts";
import type { RunRef } from "../../flow-run-ref.ts";
import { FLOW_RUN_LABEL } from "../../../job/labels.ts";
import type { Prefect1Client } from "../../../prefect1/client.ts";
import { namespaceOf } from "../../namespace.ts";
import { flagsOf } from "../../options/option-group.ts";
import { prefectTarget } from "../../prefect-target.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { readGivenFile, readStdin } from "../../read-input.ts";
import type { Rendering } from "./rendering.ts";

const FOUND_AT_MOST = 10;

interface Given {
  readonly flowRun: FlowRun;
  /** The tenant that the API told. */
  readonly tenantId?: string | undefined;
}

export class RenderCommand extends AgentCommand {
  static override paths = [["render"]];
  static override usage = Command.Usage({
    category: "Agent",
    description: "print the Job that the agent would create for a flow run",
    details: `
      RUN is a flow run's id, a unique prefix of it (8 characters or more), its name, or job/NAME for the run of a Job;
      it is read from the Prefect API. With -f it comes from a file in JSON, with the fields of Prefect's flow_run
      (id, run_config, flow { id storage core_version … }), and neither a cluster nor an API is needed.

      Takes the options and the configuration of agent start; options that do not shape a Job change nothing. Only the annotation that names the agent's process is
      left out. A flow run that cannot become a Job fails with the words that its owner would read.
    `,
    examples: [
      ["See the Job of a flow run", "$0 render quick-fox -l k8s --job-template job.yaml"],
      ["Without a cluster and an API, entry where each field comes from", "$0 render -f run.json --explain"],
      ["Ask the cluster whether it would take the Job", "$0 render quick-fox --dry-run=server"],
    ],
  });

  target = Option.String({ name: "RUN", required: false });
  file = Option.String("-f,--filename", { description: "flow run as JSON; - for standard input" });
  output = Option.String("-o,--output", { description: "form of the Job (default yaml)" });
  explain = Option.Boolean("--explain", false, { description: "say of each field where it comes from" });
  dryRun = Option.String("--dry-run", {
    tolerateBoolean: true,
    description: "send the Job to the cluster, which checks it and keeps nothing",
  });

  /** So that the whole command line of an agent can be used: what of it does not shape a Job. */
  otherValues = Option.Array(`${flagsOf(WORK_OPTIONS, ["text"])},--agent-address,--max-polls`, {
    hidden: true,
  });
  otherSwitches = Option.Boolean(flagsOf(WORK_OPTIONS, ["switch"]), { hidden: true });

  async execute(): Promise<number> {
    const format = parseOutputFormat(this.output, ["yaml", "json"]);
    const asksServer = serverDryRun(this.dryRun);
    const config = await this.prefectConfig();
    const namespace = await namespaceOf(this.namespace, {
      context: this.context,
      flags: this.connectionFlags(),
      variable: config.variables.namespace?.value,
    });
    const given = await this.#given(config, namespace);
    const rendering = await this.#render(config, given, namespace);
    const { printRendering } = await import("./rendering.ts");
    this.print(printRendering(rendering, { format, explain: this.explain }));
    if (config.apiKey !== undefined && this.job.keySecret === undefined) {
      this.note("warning: the Job holds the API key in clear text; --key-secret NAME keeps it out");
    }
    if (asksServer) await this.#ask(rendering.job, namespace);
    return 0;
  }

  async #given(config: PrefectConfig, namespace: string): Promise<Given> {
    if (this.file !== undefined && this.target === undefined)
      return { flowRun: await this.#fromFile(this.file) };
    if (this.file !== undefined) throw new UsageError("give a RUN or -f, not both");
    if (this.target === undefined)
      throw new UsageError("no flow run given: name one, or give a file with -f");
    const ref = parseRunRef(this.target);
    const flowRunId = ref.kind === "job" ? await this.#runOfJob(ref.name, namespace) : undefined;
    const prefect = await this.context.connectPrefect(prefectTarget(config));
    try {
      const { signal } = this.context;
      const wanted = flowRunId === undefined ? ref : parseRunRef(flowRunId);
      const flowRun = await this.#find(prefect, wanted);
      const tenantId = config.apiKey === undefined ? undefined : await prefect.tenantId(signal);
      return { flowRun, tenantId };
    } finally {
      prefect.close();
    }
  }

  async #find(prefect: Pick<Prefect1Client, "findFlowRuns">, ref: RunRef): Promise<FlowRun> {
    const { chooseRun } = await import("../../flow-run-ref.ts");
    const { clock, signal } = this.context;
    const idPrefix = ref.kind === "run" ? ref.idPrefix : undefined;
    const query = { name: ref.text, idPrefix, now: clock.now(), limit: FOUND_AT_MOST };
    return chooseRun(ref, await prefect.findFlowRuns(query, signal), () => {
      const message = `cannot find flow run "${ref.text}": Prefect has none with this id or name`;
      const hint = "check the name, the tenant (--tenant-id) and the address (--api)";
      return new ExpectedError(message, { hint });
    });
  }

  async #fromFile(path: string): Promise<FlowRun> {
    const text = path === "-" ? await readStdin(this.context) : readGivenFile(this.context, path, "flow run");
    const { readFlowRun } = await import("../../../prefect1/decode.ts");
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new SettingsError(`cannot read flow run "${path}": it is not JSON: ${textOf(error)}`, {
        hint: "the file holds one flow run, as Prefect's GraphQL API answers it",
      });
    }
    return readFlowRun(json);
  }

  /** The id of the flow run that a Job runs. */
  async #runOfJob(name: string, namespace: string): Promise<string> {
    const { kube } = await this.context.connectKube(this.connectionFlags());
    try {
      const job = await kube.get("jobs", { namespace, name }, this.context.signal);
      const where = `Job "${name}" in namespace "${namespace}"`;
      if (job === undefined) {
        const hint = "choose the namespace with -n";
        throw new ExpectedError(`cannot find ${where}: there is none`, { hint });
      }
      const id = job.metadata.labels?.[FLOW_RUN_LABEL];
      if (id !== undefined && id !== "") return id;
      throw new ExpectedError(`cannot find the flow run of ${where}: the Job has no label ${FLOW_RUN_LABEL}`);
    } finally {
      kube.close();
    }
  }

  async #render(config: PrefectConfig, given: Given, namespace: string): Promise<Rendering> {
    const { jobSettings } = await import("../../../prefect1/config/job-settings.ts");
    const { loadTemplate } = await import("../../../prefect1/build/template-sources.ts");
    const { explainJob } = await import("../../../prefect1/build/explain.ts");
    const { jobIdentifier } = await import("../../../prefect1/build/identifier.ts");
    const { agentTemplateSource, templateSourceOf } = await import("../../../prefect1/build/template.ts");
    const { flowRun, tenantId } = given;
    const settings = jobSettings(config, { ...this.jobOptions(namespace), tenantId });
    const own = this.job.jobTemplate === undefined ? undefined : agentTemplateSource(this.job.jobTemplate);
    const { env, signal } = this.context;
    const template = await loadTemplate(templateSourceOf(flowRun, own), { env, signal });
    const explained = explainJob(flowRun, settings, template, jobIdentifier(flowRun));
    return { ...explained, flowRun, template: template.origin };
  }

  async #ask(job: JobManifest, namespace: string): Promise<void> {
    const { kube } = await this.context.connectKube(this.connectionFlags());
    try {
      const outcome = await kube.create("jobs", job, {
        namespace,
        dryRun: true,
        signal: this.context.signal,
      });
      const said = outcome === "created" ? "created (server dry run)" : "exists already (server dry run)";
      this.note(`job.batch/${job.metadata.name} ${said}`);
    } finally {
      kube.close();
    }
  }
}

/** Whether the server is to be asked. A render without it is what others call a dry run of the client. */
function serverDryRun(given: string | boolean | undefined): boolean {
  if (given === undefined || given === false || given === "client" || given === "none") return false;
  if (given === "server") return true;
  const text = given === true ? "" : given;
  throw new SettingsError(`cannot read --dry-run "${text}"`, { hint: "write --dry-run=server" });
}
