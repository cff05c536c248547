import { open, type FileHandle } from "node:fs/promises";
import { PipeError, type HostTensor } from "@pipe/core";
import { elementsOf } from "./stored-elements.ts";
import { damaged, decodeHeader, MAX_HEADER, type SafetensorsHeader, type StoredTensor } from "./safetensors-header.ts";

// Node refuses single reads of 2 GiB and more.
const LONGEST_READ = 1 << 30;

/** An open safetensors file; tensors are read one by one, by position. */
export interface SafetensorsFile extends AsyncDisposable {
  readonly path: string;
  readonly tensors: SafetensorsHeader["tensors"];
  readonly metadata: SafetensorsHeader["metadata"];
  /**
   * Reads one tensor: F32, F16 and BF16 as float32, I32 and I64 as int32, BOOL as bool.
   * @throws PipeError `tensor-missing`, `dtype-unsupported`, `safetensors-damaged` where an I64 does not fit an int32.
   */
  read(name: string): Promise<HostTensor>;
  /** Reads the bytes of one tensor as they are stored. @throws PipeError `tensor-missing`. */
  readBytes(name: string): Promise<Uint8Array>;
}

/**
 * Opens a safetensors file and checks its header completely; no tensor is read yet. Dispose of it to close it.
 *
 * @throws PipeError `safetensors-damaged`; system errors as they are.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const prefix = await readAt(handle, 0, Math.min(8, size), path);
    const length = size < 8 ? 0 : Number(Buffer.from(prefix).readBigUInt64LE());
    const longest = Math.min(MAX_HEADER, size - 8);
    if (length < 2 || length > longest) {
      throw damaged(`a header of 2 to ${Math.max(2, longest)} bytes`, `${length} bytes (file: ${size})`, path);
    }
    const json = Buffer.from(await readAt(handle, 8, length, path)).toString("utf8");
    return new OpenFile(path, handle, 8 + length, decodeHeader(json, size - 8 - length, path));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class OpenFile implements SafetensorsFile {
  readonly path: string;
  readonly tensors: SafetensorsHeader["tensors"];
  readonly metadata: SafetensorsHeader["metadata"];
  readonly #handle: FileHandle;
  readonly #dataBegin: number;

  constructor(path: string, handle: FileHandle, dataBegin: number, header: SafetensorsHeader) {
    this.path = path;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
    this.#handle = handle;
    this.#dataBegin = dataBegin;
  }

  async read(name: string): Promise<HostTensor> {
    const { dtype, shape } = this.#find(name);
    return elementsOf(await this.readBytes(name), dtype, shape, `${this.path}: ${name}`);
  }

  async readBytes(name: string): Promise<Uint8Array> {
    const { begin, end } = this.#find(name);
    return readAt(this.#handle, this.#dataBegin + begin, end - begin, this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  #find(name: string): StoredTensor {
    const tensor = this.tensors.get(name);
    if (tensor !== undefined) return tensor;
    throw new PipeError("tensor-missing", "A safetensors file has no such tensor.", { got: name, where: this.path });
  }
}

async function readAt(handle: FileHandle, position: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length); // fresh, so that typed arrays may be laid over it at offset 0
  for (let done = 0; done < length;) {
    const wanted = Math.min(length - done, LONGEST_READ);
    const { bytesRead } = await handle.read(bytes, done, wanted, position + done);
    if (bytesRead === 0) throw damaged(`${length} bytes at ${position}`, `${done} bytes`, path);
    done += bytesRead;
  }
  return bytes;
}
