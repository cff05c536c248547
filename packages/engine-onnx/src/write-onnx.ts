import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { byteSizeOf, bytesOf, type HostTensor, type Params, specsOf, type TensorSpec } from "@pipe/core";
import { type Graph, specOf, trace } from "@pipe/graph";
import { optimise } from "@pipe/graph/engine";
import { lowerNodes } from "./session-model.ts";
import { ELEMENT, OnnxModel } from "./onnx-model.ts";

/** What an ONNX file holds. */
export type WriteOnnxOptions = {
  /** Values that stand in the file, by the names that they get there. */
  readonly weights: { readonly [name: string]: HostTensor };
  /** Inputs by name, of fixed shapes. One of int32 is declared int64, as other exporters do with token ids. */
  readonly inputs: { readonly [name: string]: TensorSpec };
  /** Weights of more bytes than this lie in a file `<name>.data` beside; default 1.5 GiB, as a model ends at 2 GiB. */
  readonly largest?: number;
};

/** An ONNX file that was written. */
export type OnnxFile = {
  /** Names of the files: the model, and that of its weights where it is another. */
  readonly files: readonly string[];
  readonly bytes: number;
};

type Program = (inputs: { readonly weights: Params; readonly inputs: Params }) => Params;

/**
 * Writes a program with its weights as an ONNX file of opset 18 that needs nothing of ours and only ONNX's own ops, so that
 * every runtime reads it. Outputs are named as the program names them, otherwise than the inputs. The file appears whole or not at all.
 *
 * @throws PipeError `unsupported-op`, and what tracing throws.
 */
export async function writeOnnx(
  path: string,
  program: Program,
  { weights, inputs, largest = 1.5 * 2 ** 30 }: WriteOnnxOptions,
): Promise<OnnxFile> {
  const graph = optimise(
    trace(program, { weights: specsOf(weights), inputs } as never),
    // Of the composites only this one is an op of ONNX.
    (op) => op === "layerNorm",
  );
  const total = Object.values(weights).reduce((sum, { spec }) => sum + byteSizeOf(spec), 0);
  const data = total > largest ? `${basename(path)}.data` : undefined;
  const model = modelOf(graph, weights, data);
  const files = [[basename(path), model.pieces()] as const];
  if (data !== undefined) files.unshift([data, Object.values(weights).map((each) => bytesOf(each.data))]);
  for (const [name, pieces] of files) await writeWhole(join(dirname(path), name), pieces);
  const bytes = files.flatMap(([, pieces]) => pieces).reduce((sum, piece) => sum + piece.length, 0);
  return { files: files.map(([name]) => name).toReversed(), bytes };
}

function modelOf(graph: Graph, weights: WriteOnnxOptions["weights"], data: string | undefined): OnnxModel {
  const model = new OnnxModel({ plain: true });
  const names: (readonly string[])[] = [];
  let offset = 0;
  for (const [name, tensor] of Object.entries(weights)) {
    model.weight(name, tensor, data === undefined ? undefined : { location: data, offset });
    offset += byteSizeOf(tensor.spec);
  }
  for (const [path, number] of Object.entries(graph.inputs)) {
    const [group, ...rest] = path.split("/");
    const name = rest.join("/");
    names[number] = [group === "weights" ? name : input(model, name, graph.nodes[number]!.outputs[0]!)];
  }
  lowerNodes(graph, names, model);
  for (const [path, value] of Object.entries(graph.outputs))
    model.named(path, names[value.node]![value.output]!, specOf(graph.nodes, value));
  return model;
}

function input(model: OnnxModel, name: string, spec: TensorSpec): string {
  if (spec.dtype !== "int32") {
    model.input(name, spec);
    return name;
  }
  model.input(name, { shape: spec.shape, dtype: "int64" });
  return model.node("Cast", [name], { to: ELEMENT.int32 });
}

async function writeWhole(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const temporary = join(dirname(path), `.tmp-${basename(path)}`);
  try {
    const file = await open(temporary, "w");
    try {
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
