// The options of `agent start` that doctor can check.

import { JOB_OPTIONS, WORK_OPTIONS } from "../../../agent/options.ts";

export const DOCTOR_OPTIONS = {
  labels: {
    ...JOB_OPTIONS.labels,
    description: "label of the agent; may be repeated",
  },
  jobTemplate: JOB_OPTIONS.jobTemplate,
  serviceAccountName: JOB_OPTIONS.serviceAccountName,
  imagePullSecrets: JOB_OPTIONS.imagePullSecrets,
  keySecret: JOB_OPTIONS.keySecret,
  leaderElect: { ...WORK_OPTIONS.leaderElect, description: "check the permissions for leader election, too" },
} as const;
