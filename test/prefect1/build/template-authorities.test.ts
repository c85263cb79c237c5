// Templates over TLS: which certificate authorities are trusted.

import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readTemplate } from "../../../src/prefect1/build/template-sources.ts";
import { agentTemplateSource } from "../../../src/prefect1/build/template.ts";
import { startTlsServer, type TlsServer } from "../../support/tls-server.ts";

const TEXT = "kind: Job";
const BEFORE = getCACertificates("default");
let server: TlsServer;

beforeAll(async () => {
  server = await startTlsServer((_, response) => void response.end(TEXT));
  // The SDK reads keys itself.
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIATEST");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
});
afterEach(() => setDefaultCACertificates(BEFORE));
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.stop();
});

function read(path: string, authorities: Record<string, string> = {}): Promise<string> {
  const env = { AWS_ENDPOINT_URL_S3: server.url, STORAGE_EMULATOR_HOST: server.url, ...authorities };
  const readFile = () => server.certificate;
  return readTemplate(agentTemplateSource(path.replace("SERVER", server.url)), { env, readFile });
}

describe.each(["SERVER/t.yaml", "s3://bucket/t.yaml", "gs://bucket/t.yaml"])("%s", (path) => {
  it("is not read from a server with an untrusted certificate, in the same words wherever it is", async () => {
    await expect(read(path)).rejects.toThrow(/": self-signed certificate$/);
  });

  it.each(["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", ...(path.startsWith("s3:") ? ["AWS_CA_BUNDLE"] : [])])(
    "is read from a server whose authority is in %s",
    async (variable) => {
      expect(await read(path, { [variable]: "/ca.pem" })).toBe(TEXT);
    },
  );
});
