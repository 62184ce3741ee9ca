# build_id.h: the digest of what decides how a policy decides: the program's own sources in C and Lua, and
# Lua itself. Equal for the development build and for both layers of one commit, so that what one of them
# verified need not be verified again by another (host/core/policy_files/verified.c).
#
# Included, it gives weir_build_id(HEADER); run by that with `cmake -P`, it writes the header.
set(PATTERNS host/*.c host/*.h bindings/*.c bindings/*.h lua/*.lua deploy/lua/*.patch deploy/lua/*.txt)

if(NOT CMAKE_SCRIPT_MODE_FILE)
  function(weir_build_id TO)
    list(TRANSFORM PATTERNS PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE ABSOLUTE)
    file(GLOB_RECURSE SOURCES CONFIGURE_DEPENDS ${ABSOLUTE})
    add_custom_command(OUTPUT ${TO} VERBATIM DEPENDS ${SOURCES} ${CMAKE_SOURCE_DIR}/cmake/build_id.cmake
      COMMAND ${CMAKE_COMMAND} -D TO=${TO} -D SOURCE=${CMAKE_SOURCE_DIR} -D "LUA=${WEIR_LUA_PACKAGE}"
        -D VERSION=${PROJECT_VERSION} -P ${CMAKE_SOURCE_DIR}/cmake/build_id.cmake)
  endfunction()
  return()
endif()

list(TRANSFORM PATTERNS PREPEND ${SOURCE}/ OUTPUT_VARIABLE ABSOLUTE)
file(GLOB_RECURSE SOURCES RELATIVE ${SOURCE} ${ABSOLUTE})
list(SORT SOURCES)
set(ALL "weir ${VERSION}\nlua ${LUA}\n")
foreach(NAME IN LISTS SOURCES)
  file(SHA256 ${SOURCE}/${NAME} DIGEST)
  string(APPEND ALL "${NAME} ${DIGEST}\n")
endforeach()
string(SHA256 DIGEST "${ALL}")
file(CONFIGURE OUTPUT ${TO} @ONLY CONTENT "#define WEIR_BUILD_ID \"sha256:${DIGEST}\"\n")
