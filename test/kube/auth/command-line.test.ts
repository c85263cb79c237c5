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
  it("finds a program by PATH, but not in the current folder", () => {
    const fileOf = (command: string, path: string): string | undefined => {
      const there = new Set(["/opt/bin/gke-login", "gke-login", "./gke-login"]);
      return commandLine(command, [], { env: { PATH: path }, exists: (each) => there.has(each) })?.file;
    };
    expect(fileOf("gke-login", ".::bin:/usr/bin:/opt/bin")).toBe("/opt/bin/gke-login");
    expect(fileOf("gke-login", ".::/usr/bin")).toBeUndefined();
    expect(fileOf("./absent", "/opt/bin")).toBe("./absent");
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

  it("prefers a name with an extension, takes paths as they are, and finds nothing else", () => {
    const fileOf = (command: string): string | undefined =>
      /[^ "]*both[^ "]*/.exec(commandLine(command, [], { env: WINDOWS, exists })?.args.at(-1) ?? "")?.[0];
    expect(fileOf("both")).toBe(String.raw`C:\tools\both.cmd`);
    expect(fileOf(String.raw`C:\tools\both`)).toBe(String.raw`C:\tools\both.cmd`);
    expect(commandLine("absent", [], { env: WINDOWS, exists })).toBeUndefined();
  });
});
