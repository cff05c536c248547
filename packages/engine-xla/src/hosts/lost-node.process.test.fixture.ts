import { connectStore } from "./store-client.ts";
import type { StoreAddress } from "./store-server.ts";

process.once("message", ({ address, node }: { address: StoreAddress; node: number }) => {
  void connectStore(address, node, 5000).then(() => process.send!("joined"));
});
