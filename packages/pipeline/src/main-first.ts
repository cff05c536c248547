import { PipeError } from "@pipe/core";
import { anyOf, type DistributedContext } from "@pipe/train";

/**
 * Lets the main process make something before the others do: text is tokenized once, a run's folder is made once.
 * @throws PipeError `peer-failed` on the others where the main process could not.
 */
export async function mainFirst<T>(context: DistributedContext, make: () => Promise<T>): Promise<T> {
  if (context.isMain) {
    let made: T;
    try {
      made = await make();
    } catch (error) {
      await anyOf(context, true);
      throw error;
    }
    await anyOf(context, false);
    return made;
  }
  const [hasFailed] = await anyOf(context, false);
  if (!hasFailed!) return make();
  throw new PipeError("peer-failed", "The main process of the training could not begin.", {
    where: `rank ${context.rank} of ${context.world}`,
    fix: "see what the process of rank 0 said",
  });
}
