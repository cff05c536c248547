import { definedOnly, PipeError } from "@pipe/core";

const refusals: { readonly [code: string]: readonly [summary: string, fix?: string] } = {
  ENOENT: ["There is no such file or folder.", "correct the path"],
  ENOTDIR: ["A file is where a folder is needed.", "name another place, or move the file away"],
  EEXIST: ["Something is in this place already.", "name another place, or move it away"],
  EISDIR: ["A folder is where a file is needed.", "name a file"],
  EACCES: ["This place may not be used: permission is missing.", "change its permissions, or name another place"],
  EPERM: ["This place may not be used: permission is missing.", "change its permissions, or name another place"],
  EROFS: ["This place can only be read.", "name another place"],
  ENOSPC: ["The disk is full.", "make room, or name another place"],
  EDQUOT: ["The disk is full: the quota is used up.", "make room, or name another place"],
  EIO: ["The disk or device failed.", "see whether it is whole, or name another place"],
  ELOOP: ["A link leads back to itself.", "name another place, or remove the link"],
  ENAMETOOLONG: ["This name is too long.", "name another place"],
  EMFILE: ["Too many files are open.", "raise the limit: ulimit -n"],
};

/** What the operating system refused, such as a write to a full disk, as an error with what to do; others as they are. */
export function asRefusal(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !("syscall" in thrown)) return thrown;
  const { code = "", path } = thrown as NodeJS.ErrnoException;
  if (!Object.hasOwn(refusals, code)) return thrown;
  const [summary, fix] = refusals[code]!;
  const details = { got: thrown.message, where: path, fix, cause: thrown };
  return new PipeError("system-refused", summary, definedOnly(details));
}
