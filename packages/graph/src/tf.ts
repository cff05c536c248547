/**
 * tfjs as @pipe's packages see it: one place that imports it, so that all of them share one engine and its gradients.
 *
 * @packageDocumentation
 */
export * from "@tensorflow/tfjs";
