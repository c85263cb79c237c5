// The options of `agent start` that doctor can check: a file of its own, since help reads it for every command.

import { JOB_OPTIONS, WORK_OPTIONS } from "../../../agent/options.ts";

export const DOCTOR_OPTIONS = {
  labels: {
    ...JOB_OPTIONS.labels,
    description: "label of the agent, as agent start takes it, may be repeated",
  },
  jobTemplate: JOB_OPTIONS.jobTemplate,
  serviceAccountName: JOB_OPTIONS.serviceAccountName,
  imagePullSecrets: JOB_OPTIONS.imagePullSecrets,
  keySecret: JOB_OPTIONS.keySecret,
  leaderElect: { ...WORK_OPTIONS.leaderElect, description: "the agent is to hold a Lease, for replicas" },
} as const;
