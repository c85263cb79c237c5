// Faults that the simulator must find: each is a change of one source file of the agent, which is made as it is loaded.

export interface PlantedFault {
  /** A sentence about what is wrong. */
  readonly name: string;
  /** Under src/. */
  readonly file: string;
  /** Texts that are in the file exactly once, and what replaces them. */
  readonly changes: readonly (readonly [from: string, to: string])[];
}

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: "an agent that is silent for a moment is taken for gone",
    file: "agent/other-agents.ts",
    changes: [
      ["behindMs >= GONE_MS", "behindMs >= 5_000"],
      ["const WATCHED_MS = 120_000;", "const WATCHED_MS = 0;"],
    ],
  },
  {
    name: "claims of other agents are recovered",
    file: "agent/launch/recover.ts",
    changes: [
      ['if (presence === "alive") return undefined;', ""],
      ["if (ownership.mayAdopt(record.agent, runLabels)) return", "return"],
    ],
  },
  {
    name: "states are set without reading them again",
    file: "agent/supervise/executor.ts",
    changes: [
      [
        "const run = await deps.states.refresh(flowRunId);",
        'const run = { kind: "known", state: { type: "running", name: "Running", version: action.version } } as const;',
      ],
    ],
  },
  {
    name: "Jobs are deleted before their report",
    file: "agent/supervise/executor.ts",
    changes: [
      [
        "  await report(deps, action);\n",
        "  for (const deletion of decision.deletions) await deleteJob(deps, deletion, { flowRunId, isTold: true });\n  await report(deps, action);\n",
      ],
    ],
  },
  {
    name: "a watch event is lost, and no later list finds it",
    file: "kube/cache/reflector.ts",
    changes: [
      ["this.listedAtMs > this.#options.relistMs;", "this.listedAtMs > Infinity;"],
      [
        'if (event.type === "DELETED" || kept === undefined) this.#remove(uid, kept);',
        'if (event.type === "DELETED") continue;\n      if (kept === undefined) this.#remove(uid, kept);',
      ],
    ],
  },
  {
    name: "all processes of an agent take themselves for the same",
    file: "cli/commands/agent-start/wire.ts",
    changes: [["    const process = parts.newId();\n", '    const process = "host:1";\n']],
  },
  {
    name: "a process that leads again takes itself for the one that led before",
    file: "cli/commands/agent-start/wire.ts",
    changes: [
      ["  const work = async (until", "  const term = parts.newId();\n  const work = async (until"],
      ["    const process = parts.newId();\n", "    const process = term;\n"],
    ],
  },
  {
    name: "a created Job is not counted before the watch shows it",
    file: "agent/launch/in-flight.ts",
    changes: [["if (at < listedAtMs || isSeen(id))", "if (at <= Infinity)"]],
  },
  {
    name: "a submission that Kubernetes does not take is retried in its slot",
    file: "agent/launch/submit.ts",
    changes: [
      [
        'if (typeof result === "object") this.waiting.add(submission, result);',
        'if (typeof result === "object") {\n      await this.#deps.clock.sleep(100);\n      return this.#create(submission, claimedAt);\n    }',
      ],
    ],
  },
  {
    name: "a Job whose creation took long is deleted although its flow runs",
    file: "agent/launch/create-job.ts",
    changes: [[" || !(await hasOther(deps, job))", ""]],
  },
  {
    name: "an agent of another Prefect with the same name is taken for gone",
    file: "agent/other-agents.ts",
    changes: [
      [
        'isSameTenant(agent, this.#self) ? this.#presence(agentKey(agent)) : "alive";',
        "(void isSameTenant, this.#presence(agentKey(agent)));",
      ],
    ],
  },
  {
    name: "agents of one name share a Lease",
    file: "cli/commands/agent-start/wire.ts",
    changes: [['`${agent.tenantId ?? ""} ${agentKey(agent)}`', "agent.name"]],
  },
  {
    name: "a process that took a Job over trusts what it has read of the log before",
    file: "agent/supervise/controller.ts",
    changes: [
      ["if (takesOver) await this.#deps.reported.refresh(flowRunId);", ""],
      ["!this.#deps.reported.pending(flowRunId, decision.logs).every(isFresh);", "false;"],
    ],
  },
  {
    name: "the cluster is not read before a run fails",
    file: "agent/supervise/executor.ts",
    changes: [["if (!endsRun && active.size === 0) return false;", "return false;"]],
  },
  {
    name: "a line whose response was lost is written again",
    file: "agent/supervise/reported-log.ts",
    changes: [["      this.#messages.set(flowRunId, undefined);\n      throw error;", "      throw error;"]],
  },
  {
    name: "cancelled runs' Jobs are deleted at once",
    file: "job/decide/run-ended.ts",
    changes: [
      [
        "const deleteInMs = Math.max(graceMs - msSince(context, firstObserved.since), 0);",
        "const deleteInMs = 0;",
      ],
    ],
  },
  {
    name: "the limit is not counted from the cluster",
    file: "agent/launch/slots.ts",
    changes: [["limit - view.liveJobs() - ", "limit - "]],
  },
  {
    name: "other agents' Jobs are reported",
    file: "agent/ownership.ts",
    changes: [
      [' && this.#deps.others.presence(owner) === "alive";', " && false;"],
      ['if (presence === "alive" || this.#isYoung(job)) return "others";', ""],
      [
        'if (!this.mayAdopt(owner, run.labels)) return presence === "long gone" ? "reportable" : "others";',
        "",
      ],
    ],
  },
  {
    name: "a watch that has gone silent is not noticed",
    file: "kube/cache/reflector.ts",
    changes: [["idleMs = IDLE_MS }", "idleMs = 0 }"]],
  },
  {
    name: "a run starts before it is due",
    file: "agent/launch/submit.ts",
    changes: [["await clock.sleep(waitMs, signal);", "await clock.sleep(0, signal);"]],
  },
];
