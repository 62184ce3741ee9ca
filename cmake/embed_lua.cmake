# Puts every trusted Lua module under DIR into the program with .incbin: there is one file to ship, and
# no search path to get wrong. host/script/embedded_lua.h reads the table that is written here.
#
# The modules that a start of the runtime loads before it answers somebody who waits are precompiled by luac
# (deploy/lua), with their lines and names: compiling them took a quarter of each start. The others are text,
# which is smaller; among them handlers that a clock or a replay starts.
set(WEIR_PRECOMPILED "weir/(runtime|handlers|kinds)(/.*)?\\.lua|\
weir/(sandbox/fields|sandbox/vocabulary|decide|effects|events/init|redact|try|uuid|policy_directory|aws/invocation)\\.lua")
set(WEIR_NOT_PRECOMPILED
  "weir/(handlers/(inference_comparison|latency_reporter|reconcile|replay_reduce|replay_shard)|runtime/shadow)\\.lua")

function(weir_precompile PATH TO)
  cmake_path(GET TO PARENT_PATH DIRECTORY)
  file(MAKE_DIRECTORY ${DIRECTORY})
  add_custom_command(OUTPUT ${TO} DEPENDS ${CMAKE_SOURCE_DIR}/lua/${PATH} ${WEIR_LUAC} VERBATIM
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} COMMAND ${WEIR_LUAC} -o ${TO} lua/${PATH})
endfunction()

# The layer carries no comments and no indentation: Lambda unpacks and reads it into every new environment.
function(weir_without_comments PATH TO)
  cmake_path(GET TO PARENT_PATH DIRECTORY)
  file(MAKE_DIRECTORY ${DIRECTORY})
  set(SCRIPT ${CMAKE_SOURCE_DIR}/cmake/strip_lua.lua)
  add_custom_command(OUTPUT ${TO} DEPENDS ${CMAKE_SOURCE_DIR}/lua/${PATH} ${SCRIPT} ${WEIR_LUA} VERBATIM
    COMMAND ${WEIR_LUA} ${SCRIPT} ${CMAKE_SOURCE_DIR}/lua/${PATH} ${TO})
endfunction()

# weir_leave_to_the_program(MODULES DIR): takes the verbs out of the list that the layer goes without, as
# lua/weir/cli.lua says, and the modules that only they use.
function(weir_leave_to_the_program LIST DIR)
  set(MODULES ${${LIST}})
  list(FILTER MODULES EXCLUDE REGEX "^weir/cli/(trial|capsule_(mask|pack)|fleet\\.lua)")
  file(STRINGS ${DIR}/weir/cli.lua VERBS REGEX "^  { name = \"[a-z]+\" },$")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${DIR}/weir/cli.lua)
  list(TRANSFORM VERBS REPLACE "^.*\"([a-z]+)\".*$" "\\1")
  foreach(NAME IN LISTS VERBS ITEMS check_formats confirm handler_page deploy_rows estate_file events layer man markdown registry_request stack_columns topics)
    if(NOT "weir/cli/${NAME}.lua" IN_LIST MODULES)
      message(FATAL_ERROR "lua/weir/cli/${NAME}.lua is not there to be left out of the layer")
    endif()
    list(REMOVE_ITEM MODULES weir/cli/${NAME}.lua)
  endforeach()
  # One a line, so that additions merge.
  foreach(FOLDER IN ITEMS
      cleanup
      compare
      completion
      deploy
      doctor
      explain
      explore
      findings/examples
      page
      permissions
      pull_request
      simulate
      starter
      testing)
    list(FILTER MODULES EXCLUDE REGEX "^weir/${FOLDER}/")
  endforeach()
  foreach(NAME IN ITEMS autoscaling clock cloudformation ec2 iam lambda logs protocols/ec2 s3_buckets s3control
      scheduler tagging)
    list(REMOVE_ITEM MODULES weir/aws/${NAME}.lua)
  endforeach()
  list(REMOVE_ITEM MODULES weir/findings/estate.lua weir/kinds/reference.lua)
  set(${LIST} ${MODULES} PARENT_SCOPE)
endfunction()

function(weir_embed_lua OUT DIR)
  file(GLOB_RECURSE MODULES CONFIGURE_DEPENDS RELATIVE ${DIR} ${DIR}/*.lua)
  list(SORT MODULES)
  if(WEIR_LAYER)
    weir_leave_to_the_program(MODULES ${DIR})
  else()
    set(ASSETS ${CMAKE_BINARY_DIR}/lua/weir/page/assets.lua)
    weir_page_assets(${ASSETS} ${DIR})
    list(APPEND MODULES weir/page/assets.lua)
  endif()
  set(BODY "")
  set(DEPENDS "")
  set(TABLE "")
  set(INDEX 0)
  foreach(PATH IN LISTS MODULES)
    string(REGEX REPLACE "\\.lua$" "" NAME ${PATH})
    string(REGEX REPLACE "/init$" "" NAME ${NAME})
    string(REPLACE "/" "." NAME ${NAME})
    set(SOURCE ${DIR}/${PATH})
    if(PATH STREQUAL "weir/page/assets.lua")
      set(SOURCE ${ASSETS})
    elseif(PATH MATCHES "^(${WEIR_PRECOMPILED})$" AND NOT PATH MATCHES "^(${WEIR_NOT_PRECOMPILED})$")
      set(SOURCE ${CMAKE_BINARY_DIR}/lua/${PATH}c)
      weir_precompile(${PATH} ${SOURCE})
    elseif(WEIR_LAYER)
      set(SOURCE ${CMAKE_BINARY_DIR}/lua/${PATH})
      weir_without_comments(${PATH} ${SOURCE})
    endif()
    list(APPEND DEPENDS ${SOURCE})
    string(APPEND BODY
      ".Lname${INDEX}: .asciz \"${NAME}\"\n.Lpath${INDEX}: .asciz \"@lua/${PATH}\"\n"
      ".Ltext${INDEX}: .incbin \"${SOURCE}\"\n.Lend${INDEX}:\n")
    string(APPEND TABLE
      ".quad .Lname${INDEX}, .Lpath${INDEX}, .Ltext${INDEX}, .Lend${INDEX} - .Ltext${INDEX}\n")
    math(EXPR INDEX "${INDEX} + 1")
  endforeach()
  set(FILE ${CMAKE_BINARY_DIR}/embedded_lua.S)
  file(CONFIGURE OUTPUT ${FILE} @ONLY CONTENT
".section .rodata
${BODY}
.section .data.rel.ro, \"aw\"
.balign 8
.globl embedded_lua_modules
.hidden embedded_lua_modules
embedded_lua_modules:
${TABLE}.quad 0, 0, 0, 0
.section .note.GNU-stack,\"\",%progbits
")
  set_source_files_properties(${FILE} PROPERTIES OBJECT_DEPENDS "${DEPENDS}")
  set(${OUT} ${FILE} ${DEPENDS} PARENT_SCOPE)
endfunction()
