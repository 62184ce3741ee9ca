# shipped_policies.h: the digests of policies/, so that a start of the runtime need not verify them again.
# Written anew when a policy or a rule changes; an empty list when a rule finds something. The examples are
# decided once the program is there: a build whose own policies do not verify fails (CMakeLists.txt).
# Read by host/core/policy_files/verified.c.
function(weir_shipped_policies TO)
  file(GLOB_RECURSE POLICIES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/policies/*.lua)
  file(GLOB_RECURSE RULES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lua/weir/lint/*.lua
    ${CMAKE_SOURCE_DIR}/lua/weir/findings/*.lua ${CMAKE_SOURCE_DIR}/lua/weir/kinds/*.lua)
  set(SCRIPT ${CMAKE_SOURCE_DIR}/cmake/shipped_policies.lua)
  add_custom_command(OUTPUT ${TO} VERBATIM WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    DEPENDS ${POLICIES} ${RULES} ${SCRIPT} ${CMAKE_SOURCE_DIR}/lua/weir/lint.lua ${WEIR_LUA}
    COMMAND ${WEIR_LUA} ${SCRIPT} ${TO} ${CMAKE_COMMAND} ${CMAKE_SOURCE_DIR}/policies ${POLICIES})
endfunction()
