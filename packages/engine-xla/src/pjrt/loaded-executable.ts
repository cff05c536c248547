import type { PjrtClient } from "./client.ts";
import { DeviceBuffer } from "./device-buffer.ts";
import { EXECUTE_OPTIONS_FIELDS } from "./layout.ts";
import { functionAt, memoryAt, pinnedWords } from "./native.ts";

/** A compiled program on the devices of a client. */
export class LoadedExecutable {
  readonly #client: PjrtClient;
  readonly #handle: bigint;
  readonly #outputs: number;
  // The same for every run.
  readonly #options = pinnedWords([8 * (2 + EXECUTE_OPTIONS_FIELDS), ...Array.from({ length: 13 }, () => 0)]);

  constructor(client: PjrtClient, handle: bigint, outputs: number) {
    this.#client = client;
    this.#handle = handle;
    this.#outputs = outputs;
  }

  /**
   * Queues one run on buffers [device][input], and returns those of its outputs [device][output]. `done` resolves when it has
   * ended on all devices; its failure stays in the outputs too.
   * @throws PipeError `engine-failed` where it could not be queued.
   */
  execute(inputs: readonly (readonly DeviceBuffer[])[]): {
    readonly outputs: readonly (readonly DeviceBuffer[])[];
    readonly done: Promise<void>;
  } {
    const made = inputs.map(() => pinnedWords(Array.from({ length: this.#outputs }, () => 0)));
    const events = pinnedWords(inputs.map(() => 0));
    this.#client.api.call("LoadedExecutable_Execute", {
      executable: this.#handle,
      options: this.#options,
      argument_lists: pinnedWords(inputs.map((list) => pinnedWords(list.map(({ handle }) => handle)))),
      num_devices: inputs.length,
      num_args: inputs[0]!.length,
      output_lists: pinnedWords(made),
      device_complete_events: events,
    });
    const outputs = made.map((list) =>
      Array.from(list.subarray(0, this.#outputs), (handle) => new DeviceBuffer(this.#client, handle)),
    );
    const waits = inputs.map((_, i) => this.#client.runs.wait(events[i]!));
    return { outputs, done: Promise.all(waits).then(() => undefined) };
  }

  /** The executable as bytes that this plug-in can load again. @throws PipeError `engine-failed` where it can't. */
  serialise(): Uint8Array {
    const { api } = this.#client;
    const loaded = api.call("LoadedExecutable_GetExecutable", { loaded_executable: this.#handle });
    const executable = loaded("executable");
    try {
      const reply = api.call("Executable_Serialize", { executable });
      const bytes = memoryAt(reply("serialized_bytes"), Number(reply("serialized_bytes_size"))).slice();
      functionAt(reply("serialized_executable_deleter"))(reply("serialized_executable"));
      return bytes;
    } finally {
      api.call("Executable_Destroy", { executable });
    }
  }

  /** Frees it; runs in flight end first. */
  destroy(): void {
    this.#client.api.call("LoadedExecutable_Destroy", { executable: this.#handle });
  }
}
