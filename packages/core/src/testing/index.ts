/**
 * Contract suites: what every implementation of a port must do, as tests that take the test runner as an argument.
 *
 * @packageDocumentation
 */
export type { Expectation, TestFramework } from "./framework.ts";
