import { describe, expect, it } from "vitest";
import { commandLine } from "../../../src/kube/auth/exec-plugin.ts";

const WINDOWS = {
  OS: "Windows_NT",
  PATH: String.raw`C:\tools;C:\Program Files\gcloud`,
  PATHEXT: ".EXE;.CMD",
};
const FILES = new Set([
  String.raw`C:\tools\kubelogin.exe`,
  String.raw`C:\Program Files\gcloud\gke-login.cmd`,
  String.raw`C:\tools\both`,
  String.raw`C:\tools\both.cmd`,
]);
const exists = (path: string): boolean => FILES.has(path);

describe("commandLine", () => {
  it("leaves it to other systems than Windows to find the program", () => {
    const env = { PATH: "/usr/bin" };
    const args = ["get", "a b"];
    expect(commandLine("gke-login", args, { env, exists })).toEqual({
      file: "gke-login",
      args,
      verbatim: false,
    });
  });

  it("finds a program of Windows by PATH and PATHEXT", () => {
    const found = commandLine("kubelogin", ["get-token"], { env: WINDOWS, exists });
    expect(found).toEqual({ file: String.raw`C:\tools\kubelogin.exe`, args: ["get-token"], verbatim: false });
  });

  it("starts a .cmd with cmd.exe, its arguments quoted for both", () => {
    const args = ["--project", "a b", 'say "hi"', "100%", String.raw`C:\x\\`];
    expect(commandLine("gke-login", args, { env: WINDOWS, exists })).toEqual({
      file: "cmd.exe",
      args: [
        "/d",
        "/s",
        "/c",
        String.raw`"C:\Program^ Files\gcloud\gke-login.cmd ^"--project^" ^"a^ b^" ^"say^ \^"hi\^"^" ^"100^%^" ^"C:\x\\\\^""`,
      ],
      verbatim: true,
    });
  });

  it("prefers a name with an extension, takes paths as they are, and leaves what it cannot find", () => {
    const fileOf = (command: string): string | undefined =>
      /[^ "]*both[^ "]*/.exec(commandLine(command, [], { env: WINDOWS, exists }).args.at(-1) ?? "")?.[0];
    expect(fileOf("both")).toBe(String.raw`C:\tools\both.cmd`);
    expect(fileOf(String.raw`C:\tools\both`)).toBe(String.raw`C:\tools\both.cmd`);
    expect(commandLine("absent", [], { env: WINDOWS, exists }).file).toBe("absent");
  });
});
