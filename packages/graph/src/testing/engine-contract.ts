import type { IEngine } from "@pipe/core";
import type { TestFramework } from "@pipe/core/testing";
import { contractKit } from "./contract-kit.ts";
import { errorsContract } from "./errors-contract.ts";
import { memoryContract } from "./memory-contract.ts";
import { oddProgramsContract } from "./odd-programs-contract.ts";
import { opsContract } from "./ops-contract.ts";

/**
 * What every engine must do: compute all plain ops and composites as the reference does, own and donate memory, copy
 * host arrays, snapshot, refuse wrong inputs by code, and hold no more after many runs than after one.
 */
export function engineContract(make: () => Promise<IEngine>, framework: TestFramework): void {
  const kit = contractKit(make, framework);
  opsContract(kit);
  oddProgramsContract(kit);
  memoryContract(kit);
  errorsContract(kit);
}
