import { PipeError } from "@pipe/core";
import { alone, type Mesh } from "../mesh.ts";
import type { StoreAddress } from "./store-server.ts";

/** Processes on several hosts, one each, whose devices compute every program together. */
export type Hosts = {
  /** Number of processes. */
  readonly nodes: number;
  /** Which of them this is, from 0. */
  readonly node: number;
  /** Where node 0 can be reached by all, such as `"10.0.0.1:7077"`. */
  readonly master: string;
  /** What all nodes know and nobody else, 16 characters at least. */
  readonly secret: string;
};

/** Where nodes meet. @throws PipeError `hosts-invalid` where they do not add up. */
export function addressOf({ nodes, node, master, secret }: Hosts): StoreAddress {
  const refuse = (what: string, expected: string, got: string): never => {
    throw new PipeError("hosts-invalid", what, { expected, got });
  };
  if (!Number.isInteger(nodes) || nodes < 2)
    refuse("Several hosts are two at least.", "2 or more nodes", String(nodes));
  if (!Number.isInteger(node) || node < 0 || node >= nodes)
    refuse("There is no such node.", `a node from 0 to ${nodes - 1}`, String(node));
  const [, host = "", port = ""] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(master) ?? [];
  if (host === "" || Number(port) < 1 || Number(port) > 65_535)
    refuse("The address of node 0 is none.", "host:port", master);
  if (secret.length < 16) refuse("The secret of the nodes is too short.", "16 characters or more", `${secret.length}`);
  return { host, port: Number(port), secret };
}

/**
 * The devices of all hosts as one mesh, by default one of each host.
 * @throws PipeError `mesh-invalid` where hosts would have unequal shares, or would share state: a checkpoint could not be read on one.
 */
export function meshOfHosts(nodes: number, mesh: Mesh = { ...alone, data: nodes }): Mesh {
  if (mesh.fsdp === true) {
    throw new PipeError("mesh-invalid", "State cannot be shared among hosts.", {
      expected: "mesh.fsdp: false",
      where: `${nodes} nodes`,
    });
  }
  if (mesh.data % nodes === 0) return mesh;
  throw new PipeError("mesh-invalid", "The devices cannot be shared equally by the hosts.", {
    expected: `a multiple of ${nodes} in mesh.data`,
    got: String(mesh.data),
  });
}
