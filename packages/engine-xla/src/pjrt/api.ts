import { messageOf, PipeError } from "@pipe/core";
import { errorName } from "./error-code.ts";
import { type CallName, type Field, fields, HEADER_BYTES, offsetOf } from "./layout.ts";
import { functionAt, loadLibrary, memoryAt, type NativeFunction, pinnedWords, textAt, type Word } from "./native.ts";

/** Older plug-ins train wrong, without an error, where state is donated. */
const OLDEST: readonly [number, number] = [0, 106];

/** The fields of a call that are given; all others are 0. */
type Given<Name extends CallName> = { readonly [F in Field<Name>]?: Word };
/** Reads a field after the call. */
type Reply<Name extends CallName> = (field: Field<Name>) => bigint;

/** The C API of one PJRT plug-in: calls by name, errors as exceptions. */
export class PjrtApi {
  /** Version of the API that the plug-in implements. */
  readonly version: readonly [major: number, minor: number];
  readonly path: string;
  readonly #table: DataView;
  readonly #functions = new Map<CallName, NativeFunction>();

  /**
   * Loads a plug-in.
   * @throws PipeError `xla-plugin-missing`, `xla-plugin-invalid`, `xla-plugin-old`, `koffi-configured`.
   */
  constructor(path: string) {
    this.path = path;
    const api = tableOf(path);
    const header = new DataView(memoryAt(api, HEADER_BYTES).buffer);
    this.version = [header.getInt32(32, true), header.getInt32(36, true)];
    checkVersion(this.version, path);
    this.#table = new DataView(memoryAt(api, Number(header.getBigUint64(0, true))).buffer);
    this.call("Plugin_Initialize", {});
  }

  /** Calls a function and waits for it. @throws PipeError `engine-failed` with what the plug-in says. */
  call<Name extends CallName>(name: Name, given: Given<Name>): Reply<Name> {
    const words = structOf(name, given);
    this.#check(name, this.#function(name)(words));
    return replyOf(name, words);
  }

  /** The same on a thread of its own; what `given` points to stays referenced until it is done. */
  callAsync<Name extends CallName>(name: Name, given: Given<Name>): Promise<Reply<Name>> {
    const words = structOf(name, given);
    return new Promise((resolve, reject) => {
      this.#function(name).async(words, (error, result) => {
        try {
          if (error !== null && error !== undefined) throw error as Error;
          this.#check(name, result);
          resolve(replyOf(name, words));
        } catch (thrown) {
          reject(thrown);
        }
      });
    });
  }

  #function(name: CallName): NativeFunction {
    let known = this.#functions.get(name);
    if (known === undefined) {
      known = functionAt(this.#table.getBigUint64(offsetOf(name), true));
      this.#functions.set(name, known);
    }
    return known;
  }

  #check(name: CallName, error: bigint | null): void {
    if (error === null || error === 0n) return;
    // Neither of these three can fail.
    const words = structOf("Error_Message", { error });
    this.#function("Error_Message")(words);
    const reply = replyOf("Error_Message", words);
    const message = textAt(reply("message"), reply("message_size"));
    const codeWords = structOf("Error_GetCode", { error });
    this.#function("Error_GetCode")(codeWords);
    const code = Number(replyOf("Error_GetCode", codeWords)("code"));
    this.#function("Error_Destroy")(structOf("Error_Destroy", { error }));
    throw new PipeError(code === 8 ? "device-memory-exhausted" : "engine-failed", `XLA failed: ${message}`, {
      got: errorName(code),
      where: name,
    });
  }
}

/** @throws PipeError `xla-plugin-old` where the API is another or too old. */
export function checkVersion([major, minor]: readonly [number, number], path: string): void {
  if (major === OLDEST[0] && minor >= OLDEST[1]) return;
  throw new PipeError("xla-plugin-old", "This XLA plug-in speaks a version of PJRT that cannot be used.", {
    expected: `${OLDEST[0]}.${OLDEST[1]} or a later minor version`,
    got: `${major}.${minor}`,
    where: path,
    fix: "pipe engines install xla-cpu",
  });
}

function tableOf(path: string): bigint {
  let library;
  try {
    library = loadLibrary(path);
  } catch (cause) {
    if (PipeError.is(cause)) throw cause;
    throw new PipeError("xla-plugin-missing", "The XLA plug-in could not be loaded.", {
      got: messageOf(cause),
      where: path,
      fix: "pipe engines install xla-cpu",
      cause,
    });
  }
  try {
    return library.func("void *GetPjrtApi()")() as bigint;
  } catch (cause) {
    throw new PipeError("xla-plugin-invalid", "This library is no PJRT plug-in.", {
      expected: "a library with the function GetPjrtApi",
      where: path,
      cause,
    });
  }
}

/** An argument struct: its size, no extensions, its fields. */
function structOf<Name extends CallName>(name: Name, given: Given<Name>): BigUint64Array {
  const names: readonly string[] = fields[name];
  const values = given as { readonly [field: string]: Word };
  return pinnedWords([8 * (2 + names.length), 0, ...names.map((field) => values[field])]);
}

function replyOf<Name extends CallName>(name: Name, words: BigUint64Array): Reply<Name> {
  const names: readonly string[] = fields[name];
  return (field) => words[2 + names.indexOf(field)]!;
}
