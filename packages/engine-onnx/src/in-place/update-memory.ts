import type { HostArray } from "@pipe/core";
import { PipeError } from "@pipe/core";
import type { ProgramPlan, Source, UpdatePlan } from "../protocol.ts";
import type { Home } from "../tensor-store.ts";

/** WebAssembly addresses 4 GiB. */
const LARGEST = 2 ** 32;
const PAGE = 2 ** 16;
const ALIGNMENT = 64;

type UpdateFunction = (...parameters: number[]) => void;

/** An update with its arrays placed in memory that its function can address. */
type Placed = {
  readonly plan: UpdatePlan;
  readonly run: UpdateFunction;
  readonly addresses: readonly number[];
  /** By array; those that come from an input. */
  readonly homes: ReadonlyMap<number, Home>;
};

/** The memory in which a program's updates work, and their compiled functions. */
export class UpdateMemory {
  /** Where the session writes what the updates read, by fetch. */
  readonly fetches = new Map<number, Float32Array>();
  /** The places of state by input, so that it can be brought there before the session runs. */
  readonly homes: ReadonlyMap<number, Home>;
  /** Bytes reserved. */
  readonly byteLength: number;
  readonly #placed: readonly Placed[];

  /** @throws PipeError `update-too-large` where one array group exceeds what WebAssembly can address. */
  constructor({ module, updates }: Pick<ProgramPlan, "module" | "updates">) {
    const groups = memoriesFor(updates);
    const compiled = updates.length === 0 ? undefined : new WebAssembly.Module(module);
    let byteLength = 0;
    this.#placed = groups.flatMap((group) => {
      const pages = Math.ceil(group.reduce((sum, plan) => sum + bytesOf(plan), 0) / PAGE);
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
      const { exports } = new WebAssembly.Instance(compiled!, { host: { memory } });
      byteLength += pages * PAGE;
      let next = 0;
      return group.map((plan): Placed => {
        const homes = new Map<number, Home>();
        const addresses = plan.arrays.map((source, i) => {
          const address = next;
          next += padded(plan.byteLength);
          const data = new Float32Array(memory.buffer, address, plan.byteLength / 4);
          if ("input" in source) homes.set(i, { data, owner: undefined });
          else this.fetches.set(source.fetch, data);
          return address;
        });
        return { plan, run: exports[`${plan.function}`] as UpdateFunction, addresses, homes };
      });
    });
    this.byteLength = byteLength;
    this.homes = new Map(
      this.#placed.flatMap(({ plan, homes }) =>
        [...homes].map(([array, home]) => [(plan.arrays[array] as { input: number }).input, home] as const),
      ),
    );
  }

  /** Runs the updates. */
  run(valueOf: (source: Source) => HostArray): void {
    for (const { plan, run, addresses } of this.#placed) {
      if (plan.condition !== undefined && valueOf(plan.condition)[0] === 0) continue;
      const scalars = plan.scalars.map((source) => valueOf(source)[0]!);
      run(plan.byteLength, ...addresses, ...plan.replaces.map((array) => addresses[array]!), ...scalars);
    }
  }

  /** Where a result of an update stands. */
  home(update: number, result: number): Home {
    const { plan, homes } = this.#placed[update]!;
    return homes.get(plan.replaces[result]!)!;
  }
}

/** Splits updates, in their order, into groups that each fit one memory. */
function memoriesFor(updates: readonly UpdatePlan[]): readonly (readonly UpdatePlan[])[] {
  const groups: UpdatePlan[][] = [];
  let room = 0;
  for (const plan of updates) {
    const bytes = bytesOf(plan);
    if (bytes > LARGEST) {
      throw new PipeError(
        "update-too-large",
        "A parameter and its optimizer state exceed what one kernel can address.",
        {
          expected: "4 GiB at most",
          got: `${(bytes / 2 ** 30).toFixed(1)} GiB`,
          fix: "split the parameter",
        },
      );
    }
    if (bytes > room) {
      groups.push([]);
      room = LARGEST;
    }
    groups.at(-1)!.push(plan);
    room -= bytes;
  }
  return groups;
}

function bytesOf({ arrays, byteLength }: UpdatePlan): number {
  return arrays.length * padded(byteLength);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
