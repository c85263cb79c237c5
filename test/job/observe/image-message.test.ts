import { describe, expect, it } from "vitest";
import { imagePatience } from "../../../src/job/observe/image-message.ts";

const IMAGE = "registry.example/team/flow:1";

describe("imagePatience", () => {
  it.each([
    // containerd
    `failed to pull and unpack image "${IMAGE}": failed to resolve reference "${IMAGE}": ${IMAGE}: not found`,
    `failed to resolve reference "${IMAGE}": unexpected status: manifest unknown: manifest unknown`,
    `failed to resolve reference "${IMAGE}": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
    `failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://registry.example/token: 403 Forbidden`,
    `failed to resolve reference "${IMAGE}": unexpected status from HEAD request to https://registry.example/v2/team/flow/manifests/1: 401 Unauthorized`,
    `failed to unpack image: no match for platform in manifest: not found`,
    // Docker, as on Kubernetes 1.20
    `rpc error: code = Unknown desc = Error response from daemon: manifest for ${IMAGE} not found: manifest unknown: manifest unknown`,
    `rpc error: code = Unknown desc = Error response from daemon: Get https://registry.example/v2/team/flow/manifests/1: no basic auth credentials`,
    `rpc error: code = Unknown desc = Error response from daemon: Get https://registry.example/v2/: unauthorized: authentication required`,
    // CRI-O
    `reading manifest 1 in registry.example/team/flow: manifest unknown`,
    `initializing source docker://${IMAGE}: Requesting bearer token: invalid status code from registry 401 (Unauthorized)`,
    `initializing source docker://${IMAGE}: Requesting bearer token: invalid status code from registry 403 (Forbidden)`,
    `initializing source docker://${IMAGE}: pinging container registry registry.example: StatusCode: 403, ‹!doctype html›`,
    `reading manifest 1 in registry.example/team/flow: name unknown: repository not known to registry`,
    `choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"`,
    `Error choosing image instance: no image found in manifest list for architecture arm64, OS linux`,
    "rpc error: code = Unknown desc = no matching manifest for linux/arm64/v8 in the manifest list entries",
    // Quay
    `unknown: Tag 1 was deleted or has expired. To pull, revive via time machine`,
  ])("is that of the start grace for the run's own fault: %s", (message) => {
    expect(imagePatience(message, IMAGE)).toBe("start");
  });

  it.each([
    "pull QPS exceeded",
    `Source image rejected: reading signature from https://lookaside.example/signature-1: status 503 (Service Unavailable)`,
    `failed to extract layer sha256:4d: failed to get reader from content store: content digest sha256:51: not found`,
    `failed to prepare extraction snapshot "extract-1-a": parent snapshot sha256:88 does not exist: not found`,
    `failed to prepare extraction snapshot "extract-8-dJ": failed to create snapshot: missing parent "k8s.io/4/sha256:28" bucket: not found`,
    `failed to pull and unpack image "${IMAGE}": failed to copy: lease "k9b85fmmnhy2": not found`,
    `failed to extract layer sha256:14: mount callback failed on /var/lib/containerd/tmpmounts/m1: open /var/lib/x: permission denied: unknown`,
    `writing blob: adding layer with blob "sha256:bc": Error processing tar file(exit status 1): Error while loading /: Permission denied`,
    `failed to unpack image on snapshotter overlayfs: unexpected media type text/html for sha256:99: not found`,
    `failed to do request: Head "https://registry.example/v2/": dial tcp 192.0.2.7:443: connect: permission denied`,
    `unexpected status from HEAD request to https://registry.example/v2/team/flow/manifests/1: 503 Service Unavailable`,
    `failed to do request: Head "https://registry.example/v2/team/flow/manifests/1": dial tcp 192.0.2.7:443: i/o timeout`,
    `failed to do request: Head "https://registry.example/v2/": dial tcp: lookup registry.example on 10.96.0.10:53: no such host`,
    `failed to do request: Head "https://registry.example/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    `toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating`,
    `unexpected status from GET request to https://registry.example/v2/team/flow/manifests/1: 429 Too Many Requests`,
    `pull access denied for ${IMAGE}: denied: Your authorization token has expired. Reauthenticate and try again.`,
    `initializing source docker://${IMAGE}: Requesting bearer token: invalid status code from registry 503 (Service Unavailable)`,
    `failed to copy: httpReadSeeker: failed open: unexpected EOF`,
    `write /var/lib/containerd/tmp: no space left on device`,
    "context deadline exceeded",
    "net/http: TLS handshake timeout",
    // The node may be set up anew: its registries, its policy, its containerd.
    `Failed to inspect image "": rpc error: code = Unknown desc = short-name "prefecthq/prefect:1.4.1" did not resolve to an alias and no unqualified-search registries are defined in "/etc/containers/registries.conf"`,
    `rpc error: code = Unknown desc = no registries configured while trying to pull an unqualified image, add at least one in either /etc/crio/crio.conf or /etc/containers/registries.conf`,
    `rpc error: code = Unknown desc = short name mode is enforcing, but image name flow:1 returns ambiguous list`,
    `image pull failed for ${IMAGE} because the signature validation failed: Source image rejected: A signature was required, but no signature exists`,
    `copying system image from manifest list: Source image rejected: Running image docker://${IMAGE} is rejected by policy.`,
    `not implemented: media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported since containerd v2.1, please rebuild the image as "application/vnd.oci.image.manifest.v1+json"`,
    "some words that nobody has heard before",
  ])("is that of what passes: %s", (message) => {
    expect(imagePatience(message, IMAGE)).toBe("passing");
  });

  it.each([
    {
      what: "the name of an image",
      image: "registry.example/denied/unauthorized:401",
      message: `failed to resolve reference "registry.example/denied/unauthorized:401": unexpected EOF`,
    },
    {
      what: "a short name",
      image: "denied:403",
      message: `Error response from daemon: reading denied:403: unexpected EOF`,
    },
    {
      what: "a digest",
      image: IMAGE,
      message: "unexpected commit digest sha256:4034010000, expected sha256:4014030000: failed precondition",
    },
    {
      what: "a host",
      image: IMAGE,
      message: "lookup denied.unauthorized.example on 10.4.0.3:403: i/o timeout",
    },
    { what: "a port or an address", image: IMAGE, message: "dial tcp 10.0.4.03:401: connection refused" },
    { what: "a number that is no status", image: IMAGE, message: "read 403 of 401 bytes: unexpected EOF" },
  ])("does not take $what for words of the registry", ({ image, message }) => {
    expect(imagePatience(message, image)).toBe("passing");
  });

  it("is unknown where the kubelet repeats no cause", () => {
    expect(imagePatience(`Back-off pulling image "${IMAGE}"`, IMAGE)).toBeUndefined();
    expect(imagePatience("", IMAGE)).toBeUndefined();
  });

  it("is that of the cause which newer kubelets repeat", () => {
    expect(imagePatience(`Back-off pulling image "${IMAGE}": ErrImagePull: pull QPS exceeded`, IMAGE)).toBe(
      "passing",
    );
    expect(imagePatience(`Back-off pulling image "${IMAGE}": ErrImagePull: ${IMAGE}: not found`, IMAGE)).toBe(
      "start",
    );
  });
});
