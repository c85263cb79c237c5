// The agent's own job template: read at the start, and again when it changes. The last good form stays in use, so that one
// that breaks fails no run.

import { attempt } from "../base/attempt.ts";
import type { Clock } from "../base/clock.ts";
import { isRetryable, textOf, type ExpectedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { SourceFault } from "../orchestrator/work-source.ts";
import type { JobSettings } from "./build/job-settings.ts";
import { sampleJob } from "./build/build.ts";
import {
  agentTemplateSource,
  checkTemplateNamespace,
  parseTemplate,
  templateError,
  type ReadTemplate,
  type Template,
  type TemplateSource,
} from "./build/template.ts";

export interface AgentTemplateDeps {
  readonly readTemplate: ReadTemplate;
  readonly kube: Pick<KubeApi, "create">;
  readonly clock: Pick<Clock, "sleep" | "ticks">;
  readonly log: Pick<Log, "info" | "warn">;
  /** Where the agent creates Jobs. */
  readonly namespace: string;
}

/** What Kubernetes refused may be the fault of a policy, which somebody mends. */
const TRY_AGAIN_MS = 300_000;
const READ_EVERY_MS = { file: 2_000, address: 15_000 };
const ON_SERVER = /^(?:https?|s3|gcs|gs):/i;

export class AgentTemplate {
  readonly source: TemplateSource;
  readonly #deps: AgentTemplateDeps;
  /** The newest text that was looked at, and what is wrong with it. */
  #text: string | undefined;
  #refusal: ExpectedError | undefined;
  /** Ticks. */
  #triedAt = 0;
  #good: Template | undefined;
  #fault: string | undefined;

  constructor(path: string, deps: AgentTemplateDeps) {
    this.source = agentTemplateSource(path);
    this.#deps = deps;
  }

  /** The first reading. Throws SettingsError for a wrong template; an address that does not answer is read again later. */
  async open(): Promise<void> {
    try {
      const text = await this.#deps.readTemplate(this.source);
      this.#good = this.#parsed(text);
      this.#text = text;
    } catch (error) {
      if (!isRetryable(error)) throw error;
      this.#fails(textOf(error));
    }
  }

  /** The last good form. Throws SettingsError while there is none. */
  current(): Template {
    if (this.#good !== undefined) return this.#good;
    throw templateError(this.source.origin, "it could not be read yet");
  }

  /** What is wrong with the newest form; undefined: nothing. */
  fault(): SourceFault | undefined {
    return this.#fault === undefined ? undefined : { text: this.#fault, canBuild: this.#good !== undefined };
  }

  /** Reads it again and again until the signal aborts; a new form is tried before it is used. */
  async run(settings: JobSettings, signal: AbortSignal): Promise<void> {
    const everyMs = READ_EVERY_MS[ON_SERVER.test(this.source.path) ? "address" : "file"];
    for (;;) {
      await this.#deps.clock.sleep(everyMs, signal);
      if (signal.aborted) return;
      try {
        await this.#readAgain(settings);
      } catch (error) {
        this.#fails(textOf(error));
      }
    }
  }

  async #readAgain(settings: JobSettings): Promise<void> {
    const { clock, log, readTemplate } = this.#deps;
    const text = await readTemplate(this.source);
    const isDue = this.#refusal !== undefined && clock.ticks() - this.#triedAt >= TRY_AGAIN_MS;
    if (text !== this.#text || isDue) {
      const tried = await attempt(() => this.#tried(text, settings));
      this.#text = text;
      this.#triedAt = clock.ticks();
      this.#refusal = tried.error;
      this.#good = tried.value ?? this.#good;
      if (tried.ok) log.info("Read the job template", { template: this.source.origin.name });
    }
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#fault = undefined;
  }

  /** Throws what Kubernetes finds invalid in a sample run's Job; any other answer says nothing about the template. */
  async #tried(text: string, settings: JobSettings): Promise<Template> {
    const template = this.#parsed(text);
    const job = sampleJob(template, settings);
    try {
      await this.#deps.kube.create("jobs", job, { namespace: settings.namespace, dryRun: true });
    } catch (error) {
      if (error instanceof KubeError && isInvalid(error))
        throw templateError(this.source.origin, error.detail, { cause: error });
    }
    return template;
  }

  #parsed(text: string): Template {
    const template = parseTemplate(text, this.source.origin);
    checkTemplateNamespace(template, this.#deps.namespace);
    return template;
  }

  /** One line in the log for each fault, however often it is found. */
  #fails(fault: string): void {
    if (fault === this.#fault) return;
    this.#fault = fault;
    const meanwhile =
      this.#good === undefined
        ? "No job template yet; claiming no flow runs until it can be read"
        : "The last good job template stays in use";
    this.#deps.log.warn(meanwhile, { error: fault });
  }
}

/** Policies answer 400, too; that the API server cannot read the Job is only the template's fault (apimachinery serializer/json). */
function isInvalid({ status, detail }: KubeError): boolean {
  return status === 422 || (status === 400 && /cannot be handled as a Job/.test(detail));
}
