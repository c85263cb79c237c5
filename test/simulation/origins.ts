// The addresses of the simulated servers.

export function kubeOrigin(at: number): string {
  return `http://kubernetes-${at}.test`;
}

export function prefectOrigin(at: number): string {
  return `http://prefect-${at}.test`;
}
