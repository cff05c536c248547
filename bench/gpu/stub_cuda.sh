#!/bin/sh
# Builds a stand-in for the CUDA driver, for compiling without a GPU: stub_cuda.sh <plug-in> <folder>.
# cuDNN builds its kernels' plans only where a driver answers; this one takes code and has no device.
set -eu
plugin=$1
folder=$2
mkdir -p "$folder"
ready="cuLibraryLoadData cuLibraryLoadFromFile cuLibraryGetKernel cuModuleLoadData cuModuleGetFunction cuModuleLoadDataEx cuModuleLoadFatBinary"
done="cuLibraryUnload cuModuleUnload cuKernelSetAttribute cuFuncSetAttribute"
written="cuDriverGetVersion cuGetErrorString cuGetErrorName cuKernelGetAttribute cuFuncGetAttribute $ready $done"
{
  echo 'int cuDriverGetVersion(int *version) { *version = 13000; return 0; }'
  echo 'int cuGetErrorString(int error, const char **text) { *text = "no driver"; return 0; }'
  echo 'int cuGetErrorName(int error, const char **text) { *text = "NO_DRIVER"; return 0; }'
  echo 'int cuKernelGetAttribute(int *value) { *value = 0; return 0; }'
  echo 'int cuFuncGetAttribute(int *value) { *value = 0; return 0; }'
  for name in $ready; do echo "int $name(void **handle) { *handle = (void *)16; return 0; }"; done
  for name in $done; do echo "int $name(void) { return 0; }"; done
  # Everything else has no device: CUDA_ERROR_NO_DEVICE.
  strings -n 4 "$plugin" | grep -E '^cu[A-Z][A-Za-z0-9_]*$' | grep -vE '^cu(dnn|blas|fft|sparse|solver|rand|pti)' | sort -u |
    while read -r name; do
      case " $written " in *" $name "*) ;; *) echo "int $name(void) { return 100; }" ;; esac
    done
} > "$folder/cuda_stub.c"
cc -w -shared -fPIC -O1 -Wl,-soname,libcuda.so.1 -o "$folder/libcuda.so.1" "$folder/cuda_stub.c"
