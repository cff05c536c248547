/** The functions of a test runner that a contract suite uses; vitest's and Jest's fit. */
export type TestFramework = {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => void | Promise<void>) => void;
  readonly expect: (value: unknown) => Expectation;
};

/** The matchers that contract suites use. */
export type Expectation = {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toBeGreaterThan(expected: number): void;
  toBeGreaterThanOrEqual(expected: number): void;
  toBeLessThan(expected: number): void;
  toBeLessThanOrEqual(expected: number): void;
  toMatch(expected: RegExp): void;
};
