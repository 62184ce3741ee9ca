# Puts every trusted Lua module under DIR into the program with .incbin: there is one file to ship, and
# no search path to get wrong. host/script/embedded_lua.h reads the table that is written here.
#
# The modules that every start of the runtime loads are precompiled by luac (deploy/lua), with their
# lines and names: compiling them took a quarter of each start. The others are text, which is smaller.
set(WEIR_PRECOMPILED "weir/(runtime|handlers|kinds)(/.*)?\\.lua|\
weir/(sandbox/fields|sandbox/vocabulary|decide|effects|events/init|redact|try|uuid|policy_directory|aws/invocation)\\.lua")

function(weir_precompile PATH TO)
  cmake_path(GET TO PARENT_PATH DIRECTORY)
  file(MAKE_DIRECTORY ${DIRECTORY})
  add_custom_command(OUTPUT ${TO} DEPENDS ${CMAKE_SOURCE_DIR}/lua/${PATH} ${WEIR_LUAC} VERBATIM
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} COMMAND ${WEIR_LUAC} -o ${TO} lua/${PATH})
endfunction()

# The layer carries no comments and no indentation: Lambda unpacks and reads it into every new
# environment. Their lines stay, so that places in messages are the source's. A file with long brackets is left as it
# is: a line in one that begins with "--" is text.
function(weir_without_comments FROM TO)
  file(READ ${FROM} TEXT)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FROM})
  if(NOT TEXT MATCHES "\\[=*\\[")
    string(REGEX REPLACE "\n[ \t]*--[^\n]*" "\n" TEXT "\n${TEXT}")
    string(REGEX REPLACE "\n[ \t]+" "\n" TEXT "${TEXT}")
    string(SUBSTRING "${TEXT}" 1 -1 TEXT)
  endif()
  file(WRITE ${TO} "${TEXT}")
endfunction()

# weir_leave_to_the_program(MODULES DIR): takes the verbs out of the list that the layer goes without, as
# lua/weir/cli.lua says, and the modules that only they use.
function(weir_leave_to_the_program LIST DIR)
  set(MODULES ${${LIST}})
  list(FILTER MODULES EXCLUDE REGEX "^weir/cli/(trial|capsule_(mask|pack)|fleet\\.lua)")
  file(STRINGS ${DIR}/weir/cli.lua VERBS REGEX "^  { name = \"[a-z]+\" },$")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${DIR}/weir/cli.lua)
  list(TRANSFORM VERBS REPLACE "^.*\"([a-z]+)\".*$" "\\1")
  foreach(NAME IN LISTS VERBS ITEMS check_formats confirm handler_page deploy_rows estate_file events layer man registry_request)
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
  list(REMOVE_ITEM MODULES weir/findings/estate.lua)
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
    elseif(PATH MATCHES "^(${WEIR_PRECOMPILED})$")
      set(SOURCE ${CMAKE_BINARY_DIR}/lua/${PATH}c)
      weir_precompile(${PATH} ${SOURCE})
    elseif(WEIR_LAYER)
      set(SOURCE ${CMAKE_BINARY_DIR}/lua/${PATH})
      weir_without_comments(${DIR}/${PATH} ${SOURCE})
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
