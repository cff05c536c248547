/** The description of a Vulkan driver that computes in software. */
export const driver = process.env["PIPE_VULKAN"];

/** Lets Vulkan find this driver alone, in this process and those that it starts. */
export function useSoftwareGpu(): void {
  // Older and newer loaders read one each.
  process.env["VK_ICD_FILENAMES"] = process.env["VK_DRIVER_FILES"] = driver;
}
