/** The functions of `PJRT_Api` in the order of the C header, as far as the last one that is called here. */
const order = `
Error_Destroy Error_Message Error_GetCode
Plugin_Initialize Plugin_Attributes
Event_Destroy Event_IsReady Event_Error Event_Await Event_OnReady
Client_Create Client_Destroy Client_PlatformName Client_ProcessIndex Client_PlatformVersion Client_Devices
Client_AddressableDevices Client_LookupDevice Client_LookupAddressableDevice Client_AddressableMemories Client_Compile
Client_DefaultDeviceAssignment Client_BufferFromHostBuffer
DeviceDescription_Id DeviceDescription_ProcessIndex DeviceDescription_Attributes DeviceDescription_Kind
DeviceDescription_DebugString DeviceDescription_ToString
Device_GetDescription Device_IsAddressable Device_LocalHardwareId Device_AddressableMemories Device_DefaultMemory
Device_MemoryStats
Memory_Id Memory_Kind Memory_DebugString Memory_ToString Memory_AddressableByDevices
Executable_Destroy Executable_Name Executable_NumReplicas Executable_NumPartitions Executable_NumOutputs
Executable_SizeOfGeneratedCodeInBytes Executable_GetCostAnalysis Executable_OutputMemoryKinds
Executable_OptimizedProgram Executable_Serialize
LoadedExecutable_Destroy LoadedExecutable_GetExecutable LoadedExecutable_AddressableDevices LoadedExecutable_Delete
LoadedExecutable_IsDeleted LoadedExecutable_Execute Executable_DeserializeAndLoad LoadedExecutable_Fingerprint
Buffer_Destroy Buffer_ElementType Buffer_Dimensions Buffer_UnpaddedDimensions Buffer_DynamicDimensionIndices
Buffer_GetMemoryLayout Buffer_OnDeviceSizeInBytes Buffer_Device Buffer_Memory Buffer_Delete Buffer_IsDeleted
Buffer_CopyToDevice Buffer_ToHostBuffer Buffer_IsOnCpu Buffer_ReadyEvent Buffer_UnsafePointer
Buffer_IncreaseExternalReferenceCount Buffer_DecreaseExternalReferenceCount Buffer_OpaqueDeviceMemoryDataPointer
CopyToDeviceStream_Destroy CopyToDeviceStream_AddChunk CopyToDeviceStream_TotalBytes CopyToDeviceStream_GranuleSize
CopyToDeviceStream_CurrentBytes
TopologyDescription_Create TopologyDescription_Destroy TopologyDescription_PlatformName
TopologyDescription_PlatformVersion TopologyDescription_GetDeviceDescriptions TopologyDescription_Serialize
TopologyDescription_Attributes
Compile Executable_OutputElementTypes Executable_OutputDimensions Buffer_CopyToMemory Client_CreateViewOfDeviceBuffer
Executable_Fingerprint Client_TopologyDescription Executable_GetCompiledMemoryStats
`
  .trim()
  .split(/\s+/);

/** `num_allocs` to `peak_pool_bytes` of `PJRT_Device_MemoryStats_Args`. */
const unread = Array.from({ length: 16 }, (_, i) => `unread_${i}` as const);

/**
 * The fields of each function's argument struct after `struct_size` and `extension_start`, in the order of the C header.
 * Each is read and written as one 8-byte word.
 */
export const fields = {
  Error_Destroy: ["error"],
  Error_Message: ["error", "message", "message_size"],
  Error_GetCode: ["error", "code"],
  Plugin_Initialize: [],
  Event_Destroy: ["event"],
  Event_IsReady: ["event", "is_ready"],
  Event_Await: ["event"],
  Client_Create: [
    "create_options",
    "num_options",
    "kv_get_callback",
    "kv_get_user_arg",
    "kv_put_callback",
    "kv_put_user_arg",
    "client",
    "kv_try_get_callback",
    "kv_try_get_user_arg",
  ],
  Client_Destroy: ["client"],
  Client_PlatformName: ["client", "text", "text_size"],
  Client_PlatformVersion: ["client", "text", "text_size"],
  Client_Devices: ["client", "devices", "num_devices"],
  Client_AddressableDevices: ["client", "devices", "num_devices"],
  Client_Compile: ["client", "program", "compile_options", "compile_options_size", "executable"],
  Client_BufferFromHostBuffer: [
    "client",
    "data",
    "type",
    "dims",
    "num_dims",
    "byte_strides",
    "num_byte_strides",
    "host_buffer_semantics",
    "device",
    "memory",
    "device_layout",
    "done_with_host_buffer",
    "buffer",
  ],
  DeviceDescription_Id: ["device_description", "id"],
  DeviceDescription_Kind: ["device_description", "text", "text_size"],
  Device_GetDescription: ["device", "device_description"],
  Device_MemoryStats: [
    "device",
    "bytes_in_use",
    "peak_bytes_in_use",
    "peak_bytes_in_use_is_set",
    // Figures that are not read here, each with a word that says whether it is set.
    ...unread,
  ],
  Executable_Destroy: ["executable"],
  Executable_Serialize: [
    "executable",
    "serialized_bytes",
    "serialized_bytes_size",
    "serialized_executable",
    "serialized_executable_deleter",
  ],
  LoadedExecutable_Destroy: ["executable"],
  LoadedExecutable_GetExecutable: ["loaded_executable", "executable"],
  LoadedExecutable_Execute: [
    "executable",
    "options",
    "argument_lists",
    "num_devices",
    "num_args",
    "output_lists",
    "device_complete_events",
    "execute_device",
  ],
  Executable_DeserializeAndLoad: [
    "client",
    "serialized_executable",
    "serialized_executable_size",
    "loaded_executable",
    "overridden_options",
    "overridden_options_size",
  ],
  Executable_GetCompiledMemoryStats: [
    "executable",
    "generated_code_bytes",
    "argument_bytes",
    "output_bytes",
    "alias_bytes",
    "temporary_bytes",
    "host_generated_code_bytes",
    "host_argument_bytes",
    "host_output_bytes",
    "host_alias_bytes",
    "host_temporary_bytes",
    "peak_bytes",
  ],
  TopologyDescription_Create: ["name", "name_size", "create_options", "num_options", "topology"],
  TopologyDescription_Destroy: ["topology"],
  Compile: ["topology", "program", "compile_options", "compile_options_size", "client", "executable"],
  Buffer_Destroy: ["buffer"],
  Buffer_ToHostBuffer: ["src", "host_layout", "dst", "dst_size", "event"],
} as const;

/** A function of the API. */
export type CallName = keyof typeof fields;
/** A field of its argument struct. */
export type Field<Name extends CallName> = (typeof fields)[Name][number];

/** Bytes of `PJRT_Api` before its first function: its own size, extensions, and the version (size, extensions, two ints). */
export const HEADER_BYTES = 40;

/** Where the pointer to a function stands in `PJRT_Api`, in bytes. */
export function offsetOf(name: CallName): number {
  return HEADER_BYTES + 8 * order.indexOf(name);
}

/** `PJRT_Program`: what is compiled. */
export const PROGRAM_FIELDS = 4;
/** `PJRT_ExecuteOptions`, all of whose fields are 0 here. */
export const EXECUTE_OPTIONS_FIELDS = 12;

/** `PJRT_Buffer_Type` of our element types. */
export const BUFFER_TYPE = { bool: 1, int32: 4, float32: 11 } as const;
