// Escapes text for container args and env values, in which Kubernetes replaces $(NAME), and $$ by $.

/** The text, escaped if Kubernetes would change it (k8s.io/kubernetes, third_party/forked/golang/expansion). */
export function literal(text: string): string {
  return /\$[$(]/.test(text) ? text.replaceAll("$", "$$$$") : text;
}
