/** Passes a call on only where the last one, or the beginning, lies at least so many milliseconds back. */
export function spaced<T>(
  milliseconds: number,
  call: (value: T) => void,
  now: () => number = () => performance.now(),
): (value: T) => void {
  let last = now();
  return (value) => {
    const time = now();
    if (time - last < milliseconds) return;
    last = time;
    call(value);
  };
}
