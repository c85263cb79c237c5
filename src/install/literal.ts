// Text that must reach a container as it stands. Kubernetes replaces $(NAME) in args and env values, and $$ by $.

/** The text, escaped where Kubernetes would change it (k8s.io/kubernetes, third_party/forked/golang/expansion). */
export function literal(text: string): string {
  return /\$[$(]/.test(text) ? text.replaceAll("$", "$$$$") : text;
}
