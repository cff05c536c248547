import { PipeError } from "@pipe/core";

/** The handles of MPICH's ABI, which MPICH, Intel MPI, MVAPICH and Cray MPI share. */
const COMM_WORLD = 0x44000000;
const FLOAT = 0x4c00040a;
const SUM = 0x58000003;
const ERRORS_RETURN = 0x54000001;
const IN_PLACE = -1;
const THREAD_MULTIPLE = 3;

const STACK_BYTES = 16 * 2 ** 20;

/** Where the library is looked for when nobody says. */
const mpiLibraries: readonly string[] = [
  "libmpi.so.12",
  "libmpich.so.12",
  "libmpi.so",
  "libmpi.12.dylib",
  "impi.dll",
  "msmpi.dll",
];

type Native = (...args: unknown[]) => number;

/** MPI's functions, as far as they are needed, over its C interface. */
export type MpiLibrary = {
  readonly version: string;
  readonly rank: number;
  readonly world: number;
  /** Adds up in place; resolves to MPI's error code, 0 for success. */
  sum(values: Float32Array): Promise<number>;
  barrier(): Promise<number>;
  /** What an error code means. */
  explain(code: number): string;
  finalize(): void;
};

/**
 * Opens an MPI library of MPICH's ABI and joins the processes that `mpirun` has started.
 * @throws PipeError `mpi-missing`, `mpi-unsupported`.
 */
export async function openMpi(library?: string): Promise<MpiLibrary> {
  const { default: koffi } = await import("koffi").catch((cause: unknown) => {
    throw new PipeError("mpi-missing", "The package that calls MPI is not installed.", {
      fix: "npm install koffi",
      cause,
    });
  });
  enlargeStacks(koffi.config);
  const candidates = library === undefined ? mpiLibraries : [library];
  const loaded = load(candidates, (name) => koffi.load(name));
  const native = (declaration: string): Native & { async: (...args: unknown[]) => void } =>
    loaded.func(declaration) as never;
  const version = versionOf(native("int MPI_Get_library_version(void *text, void *length)"));
  if (version.includes("Open MPI")) {
    throw new PipeError("mpi-unsupported", "This is Open MPI, whose binary interface is another one.", {
      expected: "MPICH, or an MPI of its ABI",
      got: version,
      fix: "apt-get install mpich, or pip install mpich, and start with its mpirun",
    });
  }
  native("int MPI_Init_thread(void *argc, void *argv, int required, void *provided)")(
    null,
    null,
    THREAD_MULTIPLE,
    Buffer.alloc(128),
  );
  // Errors come back as codes; otherwise MPI ends the process.
  native("int MPI_Comm_set_errhandler(int comm, int handler)")(COMM_WORLD, ERRORS_RETURN);
  const allReduce = native("int MPI_Allreduce(intptr_t from, void *to, int count, int type, int op, int comm)");
  const wait = native("int MPI_Barrier(int comm)");
  const errorText = native("int MPI_Error_string(int code, void *text, void *length)");
  return {
    version,
    rank: numberOf(native("int MPI_Comm_rank(int comm, void *rank)")),
    world: numberOf(native("int MPI_Comm_size(int comm, void *size)")),
    sum: (values) => called(allReduce.async, IN_PLACE, values, values.length, FLOAT, SUM, COMM_WORLD),
    barrier: () => called(wait.async, COMM_WORLD),
    explain: (code) => {
      const text = Buffer.alloc(8192);
      errorText(code, text, Buffer.alloc(128));
      return text.toString("utf8", 0, text.indexOf(0)).trim();
    },
    finalize: () => void native("int MPI_Finalize()")(),
  };
}

/**
 * An engine may open a compiler through koffi after this, which needs larger stacks than koffi makes; their size can be
 * chosen before the first library only. Where there is one already, that has chosen.
 */
function enlargeStacks(config: (settings: { sync_stack_size: number; async_stack_size: number }) => unknown): void {
  try {
    config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  } catch {
    // MPI itself does with any.
  }
}

function load<L>(candidates: readonly string[], open: (name: string) => L): L {
  const problems: string[] = [];
  for (const name of candidates) {
    try {
      return open(name);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  throw new PipeError("mpi-missing", "No MPI library was found.", {
    expected: candidates.join(", "),
    got: problems.at(-1)!,
    fix: "apt-get install mpich, or pip install mpich; name its libmpi by the option `library`",
  });
}

function versionOf(get: Native): string {
  const text = Buffer.alloc(8192);
  get(text, Buffer.alloc(128));
  return text
    .toString("utf8", 0, text.indexOf(0))
    .split("\n")
    .map((line) => line.replaceAll(/\s+/g, " ").trim())[0]!;
}

function numberOf(get: Native): number {
  // Longer than what V8 keeps on its own heap, whose address may change.
  const place = Buffer.alloc(128);
  get(COMM_WORLD, place);
  return place.readInt32LE(0);
}

function called(call: (...args: unknown[]) => void, ...args: unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    call(...args, (error: Error | null, code: number) => (error === null ? resolve(code) : reject(error)));
  });
}
