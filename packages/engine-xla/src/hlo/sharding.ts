/** The declaration of the devices, one axis named `data`, as Shardy's dialect of MLIR has it. */
export function formatMesh(devices: number): string {
  return `sdy.mesh @mesh = <["data"=${devices}]>`;
}

/** How a tensor of so many axes lies on the devices: its first axis divided, or whole on each. */
export function formatSharding(rank: number, isSplit: boolean): string {
  const axes = Array.from({ length: rank }, (_, i) => (isSplit && i === 0 ? '{"data"}' : "{}"));
  return `<@mesh, [${axes.join(", ")}]>`;
}
