import { describe, expect, it } from "vitest";
import { jobSettings } from "../../../src/prefect1/config/job-settings.ts";
import { loadPrefectConfig } from "../../../src/prefect1/config/load.ts";
import { admissionFindings, podOf } from "../../../src/doctor/checks/admission.ts";
import { sampleJob } from "../../../src/prefect1/build/build.ts";
import { DEFAULT_TEMPLATE, templateOf } from "../../../src/prefect1/build/template.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";
import { lines } from "../samples.ts";

function settings(options: Partial<Parameters<typeof jobSettings>[1]> = {}) {
  const env = {
    PREFECT__CLOUD__API_KEY: "s3cret",
    PREFECT__CLOUD__AGENT__ENV_VARS: '{"PASSWORD": "s3cret"}',
  };
  const config = loadPrefectConfig({ env, readFile: () => undefined });
  return jobSettings(config, { namespace: "flows", ...options });
}

describe("the pod of the dry run", () => {
  it("is that of a flow run without a run config, without keys", () => {
    const of = settings({ serviceAccountName: "flow", imagePullSecrets: ["pull"] });
    const pod = podOf(sampleJob(DEFAULT_TEMPLATE, of));
    expect(pod).toMatchObject({
      kind: "Pod",
      metadata: { name: "prefect-doctor" },
      spec: {
        serviceAccountName: "flow",
        imagePullSecrets: [{ name: "pull" }],
        restartPolicy: "Never",
        containers: [
          { name: "flow", image: "prefecthq/prefect:1.4.1", args: ["prefect", "execute", "flow-run"] },
        ],
      },
    });
    expect(JSON.stringify(pod)).not.toContain("s3cret");
  });

  it("is built from the agent's template", () => {
    const spec = { securityContext: { runAsNonRoot: true }, containers: [{ name: "flow", image: "mine:1" }] };
    const body = { kind: "Job", spec: { template: { metadata: { labels: { team: "a" } }, spec } } };
    const template = templateOf(body, { from: "agent", name: "job.yaml" });
    expect(podOf(sampleJob(template, settings()))).toMatchObject({
      metadata: { name: "prefect-doctor", labels: { team: "a" } },
      spec: { securityContext: { runAsNonRoot: true }, containers: [{ image: "mine:1" }] },
    });
  });
});

describe("admission", () => {
  const refused = (status: number, detail: string) =>
    lines(
      admissionFindings(
        { ok: false, error: new KubeError("create", detail, { status, reason: "x" }) },
        "pod",
      ),
    );

  it.each([
    {
      status: 403,
      detail: 'pods "prefect-doctor" is forbidden: violates PodSecurity "restricted:latest": no',
      want: [
        'warning admission: the cluster refuses the pod of a flow run: violates PodSecurity "restricted:latest": no',
      ],
    },
    {
      status: 403,
      detail: 'pods is forbidden: User "nobody" cannot create resource "pods" in API group ""',
      want: [
        'skipped admission: a dry run is not possible: pods is forbidden: User "nobody" cannot create resource "pods" in API group ""',
      ],
    },
    { status: 403, detail: 'pods "prefect-doctor" is forbidden: exceeded quota: few', want: [] },
    { status: 403, detail: "error looking up service account flows/nobody", want: [] },
    {
      status: 400,
      detail: 'admission webhook "x" does not support dry run',
      want: ['skipped admission: a dry run is not possible: admission webhook "x" does not support dry run'],
    },
    { status: 500, detail: "down", want: ["skipped admission: a dry run is not possible: down"] },
  ])("$status $detail", ({ status, detail, want }) => {
    expect(refused(status, detail)).toEqual(want);
  });

  it("says what is invalid in the Job", () => {
    const detail = 'Job.batch "prefect-job-00000000" is invalid: spec.backoffLimit: Invalid value: -1';
    const error = new KubeError("create", detail, { status: 422, reason: "Invalid" });
    expect(lines(admissionFindings({ ok: false, error }, "Job"))).toEqual([
      "warning admission: the cluster refuses the Job of a flow run: spec.backoffLimit: Invalid value: -1",
    ]);
  });

  it("that accepts the pod is ok", () => {
    expect(lines(admissionFindings({ ok: true, value: "created" }, "pod"))).toEqual([
      "ok admission: the cluster accepts the pod of a flow run (dry run)",
    ]);
  });
});
