/** A plug-in that comes as a Python wheel, which is a zip file: no Python runs. */
export type XlaPlugin = {
  /** What a configuration names under `engine.device`. */
  readonly device: string;
  readonly package: string;
  readonly version: string;
  /** Hash of the wheel. */
  readonly sha256: string;
  /** Where the library lies in it. */
  readonly library: string;
  /** `process.platform` and `process.arch` that it runs on. */
  readonly runsOn: string;
};

/** The plug-ins that `installPlugin` brings, by name. */
export const xlaPlugins: { readonly [name: string]: XlaPlugin } = {
  "xla-cpu": {
    device: "cpu",
    package: "lammps-jax-pjrt-cpu",
    version: "0.11.2",
    sha256: "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
    library: "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
    runsOn: "linux-x64",
  },
  "xla-cuda13": {
    device: "cuda",
    package: "jax-cuda13-pjrt",
    version: "0.12.0.1",
    sha256: "5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90",
    library: "jax_plugins/xla_cuda13/xla_cuda_plugin.so",
    runsOn: "linux-x64",
  },
};
