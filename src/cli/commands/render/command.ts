// kubectl prefect render: prints the exact Job that the agent would create for a flow run.

import { Command, Option } from "clipanion";
import { isObject, parseJson } from "../../../base/json.ts";
import { ExpectedError, SettingsError, textOf } from "../../../base/errors.ts";
import { checkVariables } from "../../../install/check-variables.ts";
import { WORK_OPTIONS } from "../../../agent/options.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { JobManifest } from "../../../kube/client/manifest.ts";
import type { FlowRun } from "../../../prefect1/flow-run.ts";
import { AgentCommand } from "../../options/agent-job-options.ts";
import { choice, choiceOption } from "../../options/choice.ts";
import { chooseRun, parseRunRef, type RunRef } from "../../flow-run-ref.ts";
import { FLOW_RUN_LABEL } from "../../../job/labels.ts";
import type { ReadTemplate } from "../../../prefect1/build/template.ts";
import type { Prefect1Client } from "../../../prefect1/client.ts";
import { listOption, optionGroup, switchOption, textOption } from "../../options/option-group.ts";
import { writeRaw } from "../../../output/clean.ts";
import { parseOutputFormat } from "../../../output/formats.ts";
import { readInput } from "../../read-input.ts";
import type { Rendering } from "./rendering.ts";

const MAX_RESULTS = 10;
/** Standard input, or a shell's `<(…)`: an agent, which reads its template again and again, takes neither. */
const ONCE = /^(?:-|\/dev\/(?:stdin|fd\/\d+))$/;

interface RunInput {
  readonly flowRun: FlowRun;
  readonly tenantId?: string | undefined;
}

export class RenderCommand extends AgentCommand {
  static override paths = [["render"]];
  static override usage = Command.Usage({
    category: "Agent",
    description: "print the Job that the agent would create for a flow run",
    details: `
      The run is read from the Prefect API. With -f it is read from a JSON file with the fields of Prefect's flow_run (id,
      run_config, flow { id storage core_version … }), which needs neither a cluster nor an API.

      Accepts the options and the configuration of agent start; options that do not shape a Job are ignored. The Job lacks
      only the annotation with the agent's identity. If a flow run cannot become a Job, prints the error that the run's
      log would show.
    `,
    examples: [
      ["Print the Job of a flow run", "$0 render quick-fox -l k8s --job-template job.yaml"],
      ["Show where each field comes from, without a cluster or an API", "$0 render -f run.json --explain"],
      ["Check whether the cluster would accept the Job", "$0 render quick-fox --dry-run=server"],
    ],
  });

  target = Option.String({ name: "RUN", required: false });
  file = textOption("-f,--filename", "JSON file with the flow run; - for standard input");
  output = textOption("-o,--output", "output format (default yaml)");
  explain = switchOption("--explain", "show where each field comes from");
  dryRun = choiceOption(
    "--dry-run",
    "server: let the API server check the Job; client, as without this flag: do not",
  );

  /** Accepted and ignored, so that an agent's whole command line can be used. */
  readonly work = optionGroup(WORK_OPTIONS, true);
  otherValues = listOption("--agent-address,--max-polls");

  async execute(): Promise<number> {
    const format = parseOutputFormat(this.output, ["yaml", "json"]);
    // Without --dry-run=server it is a client-side dry run anyway.
    const words = { server: true, client: false, true: false, none: false, false: false };
    const isServerDryRun = choice(
      ["--dry-run", this.dryRun],
      words,
      "use --dry-run=client or --dry-run=server",
    );
    const config = await this.prefectConfig();
    this.checkNamespace();
    checkVariables(config, { ...this.job, namespace: this.namespace });
    const namespace = await this.#namespace(config);
    const input = await this.#readRun(config, namespace);
    const rendering = await this.#render(config, input, namespace);
    const { printRendering } = await import("./rendering.ts");
    const { shellCommandWarning } = await import("../../../prefect1/build/shell-command.ts");
    // With the key that the Job holds by intent.
    writeRaw(this.context.stdout, printRendering(rendering, { format, explain: this.explain }));
    const warning = shellCommandWarning(rendering.job);
    if (warning !== undefined) this.printMessage(`warning: ${warning}`);
    if (config.apiKey !== undefined && this.job.keySecret === undefined) {
      this.printMessage(
        "warning: the Job contains the API key in plain text; use --key-secret NAME to read it from a Secret",
      );
    }
    if (isServerDryRun === true) await this.#dryRunOnServer(rendering.job, namespace);
    return 0;
  }

  /**
   * The namespace, without connecting: from the flag, NAMESPACE, the kubeconfig context, the pod, or `default`. Throws
   * SettingsError for a kubeconfig that cannot be read, or that --kubeconfig names and is missing.
   */
  async #namespace(config: PrefectConfig): Promise<string> {
    const explicit = this.namespace ?? config.variables.namespace?.value ?? "";
    if (explicit !== "") return explicit;
    const { chooseTarget, isInPod, SERVICE_ACCOUNT } = await import("../../../kube/auth/kubeconfig.ts");
    // With a server address the kubeconfig needs no current context; the address is never contacted.
    const { server = "https://unused.invalid", ...flags } = this.connectionFlags();
    const target = chooseTarget({ ...flags, server }, this.context);
    const ofPod = isInPod(this.context) ? this.context.readFile(`${SERVICE_ACCOUNT}/namespace`)?.trim() : "";
    return target?.namespace || ofPod || "default";
  }

  async #readRun(config: PrefectConfig, namespace: string): Promise<RunInput> {
    const { file, target } = this;
    if ((file === undefined) === !target) {
      const problem = file === undefined ? "no flow run given" : "both RUN and -f are given";
      throw new SettingsError(`cannot render: ${problem}`, { hint: "use either RUN or -f FILE" });
    }
    if (file !== undefined) return { flowRun: await this.#fromFile(file) };
    const named = parseRunRef(target ?? "");
    const ref = named.job === undefined ? named : parseRunRef(await this.#runOfJob(named.job, namespace));
    const prefect = await this.context.connectPrefect(config);
    try {
      const flowRun = await this.#find(prefect, ref);
      const hasKey = config.apiKey !== undefined;
      return { flowRun, tenantId: hasKey ? await prefect.tenantId(this.context.signal) : undefined };
    } finally {
      prefect.close();
    }
  }

  async #find(prefect: Pick<Prefect1Client, "findFlowRuns">, ref: RunRef): Promise<FlowRun> {
    const { clock, signal } = this.context;
    const { text: name, idPrefix } = ref;
    const query = { name, idPrefix, now: clock.now(), limit: MAX_RESULTS };
    const found = await prefect.findFlowRuns(query, signal);
    const runs = found.map((run) => ({ ...run, flowRunId: run.id }));
    if (runs.length > 0) return chooseRun(ref, runs);
    throw new ExpectedError(`cannot find flow run "${name}": Prefect has no run with this id or name`, {
      hint: "check the name, the tenant (--tenant-id) and the address (--api)",
    });
  }

  async #fromFile(path: string): Promise<FlowRun> {
    const text = await readInput(this.context, path, "flow run");
    const { readFlowRun } = await import("../../../prefect1/flow-run.ts");
    const hint = "the file must contain one flow run as Prefect's GraphQL API returns it";
    try {
      return readFlowRun(flowRunIn(parseJson(text)));
    } catch (error) {
      const isJson = !(error instanceof SyntaxError);
      const problem = isJson ? textOf(error).replace(/^.*?: /, "") : "it is not JSON";
      throw new SettingsError(`cannot read flow run "${path}": ${problem}`, { hint, cause: error });
    }
  }

  /** The id of the flow run that a Job runs. */
  #runOfJob(name: string, namespace: string): Promise<string> {
    return this.connected(async ({ kube, signal }) => {
      const job = await kube.get("jobs", { namespace, name }, signal);
      const where = `Job "${name}" in namespace "${namespace}"`;
      if (job === undefined) {
        const hint = "set the namespace with -n";
        throw new ExpectedError(`cannot find ${where}: no such Job`, { hint });
      }
      const id = job.metadata.labels?.[FLOW_RUN_LABEL];
      if (id !== undefined && id !== "") return id;
      throw new ExpectedError(`cannot find the flow run of ${where}: the Job has no label ${FLOW_RUN_LABEL}`);
    });
  }

  async #render(config: PrefectConfig, input: RunInput, namespace: string): Promise<Rendering> {
    const { jobSettings } = await import("../../../prefect1/config/job-settings.ts");
    const { agentTemplate, readTemplate, runTemplate } =
      await import("../../../prefect1/build/template-sources.ts");
    const { explainJob } = await import("../../../prefect1/build/explain.ts");
    const { jobIdentifier } = await import("../../../prefect1/build/identifier.ts");
    const { flowRun, tenantId } = input;
    const settings = jobSettings(config, { ...this.jobOptions(namespace), tenantId });
    const read: ReadTemplate = (source) => readTemplate(source, this.context);
    const readAgents: ReadTemplate = (source) =>
      ONCE.test(source.path) ? readInput(this.context, source.path, "job template") : read(source);
    const template =
      (await runTemplate(flowRun, read)) ?? (await agentTemplate(this.job.jobTemplate, readAgents));
    const explained = explainJob({ flowRun, settings, template, identifier: jobIdentifier(flowRun) });
    return { ...explained, flowRun, template: template.origin };
  }

  #dryRunOnServer(job: JobManifest, namespace: string): Promise<void> {
    return this.connected(async ({ kube, signal }) => {
      const outcome = await kube.create("jobs", job, { namespace, dryRun: true, signal });
      const result = outcome === "created" ? "created (server dry run)" : "already exists (server dry run)";
      this.printMessage(`job.batch/${job.metadata.name} ${result}`);
    });
  }
}

/** A flow run may stand in the API's whole answer: `{"data": {"flow_run": [{…}]}}`. */
function flowRunIn(value: unknown): unknown {
  if (isObject(value) && "id" in value) return value;
  const [only, ...others] = typeof value === "object" && value !== null ? Object.values(value) : [];
  return others.length === 0 && typeof only === "object" && only !== null ? flowRunIn(only) : value;
}
