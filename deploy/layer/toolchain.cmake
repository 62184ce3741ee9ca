# Compiles for WEIR_LAYER_ARCH (x86_64 or arm64) against the musl that fetch.sh unpacked, with
# Debian's gcc. Used by the presets layer-x86_64 and layer-arm64 and by deploy/layer/CMakeLists.txt.
set(CMAKE_SYSTEM_NAME Linux)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES WEIR_LAYER_ARCH WEIR_LAYER_DIR)

if(WEIR_LAYER_ARCH STREQUAL "x86_64")
  set(CMAKE_SYSTEM_PROCESSOR x86_64)
  set(MUSL ${WEIR_LAYER_DIR}/musl/amd64)
elseif(WEIR_LAYER_ARCH STREQUAL "arm64")
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
  set(MUSL ${WEIR_LAYER_DIR}/musl/arm64)
else()
  message(FATAL_ERROR "WEIR_LAYER_ARCH is '${WEIR_LAYER_ARCH}'; expected x86_64 or arm64")
endif()

set(TRIPLET ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
set(CMAKE_C_COMPILER ${TRIPLET}-gcc)
set(CMAKE_ASM_COMPILER ${TRIPLET}-gcc)
set(CMAKE_AR ${TRIPLET}-gcc-ar)
set(CMAKE_RANLIB ${TRIPLET}-gcc-ranlib)
set(CMAKE_STRIP ${TRIPLET}-strip)

# Debian's specs name /usr; ours name the directory where musl was unpacked.
set(SPECS ${WEIR_LAYER_DIR}/musl/${WEIR_LAYER_ARCH}.specs)
file(READ ${MUSL}/usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-musl/musl-gcc.specs TEXT)
string(REGEX REPLACE "/usr/(include|lib)/" "${MUSL}/usr/\\1/" TEXT "${TEXT}")
file(CONFIGURE OUTPUT ${SPECS} CONTENT "${TEXT}" @ONLY)

# Nothing in the program depends on where or when it was built. Threads get the stacks that glibc
# would give them: Lua's C recursion counts on it.
set(CMAKE_C_FLAGS_INIT "-specs=${SPECS} -fno-pie -ffunction-sections -fdata-sections \
-fno-asynchronous-unwind-tables -fno-unwind-tables -fstack-protector-strong \
-ffile-prefix-map=${WEIR_LAYER_DIR}=layer -ffile-prefix-map=${CMAKE_SOURCE_DIR}=weir \
-ffile-prefix-map=${CMAKE_BINARY_DIR}=build")
set(CMAKE_ASM_FLAGS_INIT "-specs=${SPECS}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -no-pie -s -Wl,--gc-sections -Wl,--build-id=none \
-Wl,-z,stack-size=8388608 -Wl,-z,relro -Wl,-z,noexecstack")

set(CMAKE_FIND_ROOT_PATH ${WEIR_LAYER_DIR}/${WEIR_LAYER_ARCH}/libraries)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_FIND_ROOT_PATH}/lib/pkgconfig)
