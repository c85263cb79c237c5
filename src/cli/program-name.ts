// The program's name in help and error messages.

/** As a kubectl plugin. */
export const PROGRAM = "kubectl prefect";
