# Puts every trusted Lua module under DIR into the program with .incbin: one file to ship, no
# search path to get wrong. The table it emits is read by host/embedded_lua.h.
function(weir_embed_lua OUT DIR)
  file(GLOB_RECURSE MODULES CONFIGURE_DEPENDS RELATIVE ${DIR} ${DIR}/*.lua)
  list(SORT MODULES)
  set(BODY "")
  set(TABLE "")
  set(INDEX 0)
  foreach(PATH IN LISTS MODULES)
    string(REGEX REPLACE "\\.lua$" "" NAME ${PATH})
    string(REGEX REPLACE "/init$" "" NAME ${NAME})
    string(REPLACE "/" "." NAME ${NAME})
    string(APPEND BODY
      ".Lname${INDEX}: .asciz \"${NAME}\"\n.Lpath${INDEX}: .asciz \"@lua/${PATH}\"\n"
      ".Ltext${INDEX}: .incbin \"${DIR}/${PATH}\"\n.Lend${INDEX}:\n")
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
  list(TRANSFORM MODULES PREPEND ${DIR}/ OUTPUT_VARIABLE DEPENDS)
  set_source_files_properties(${FILE} PROPERTIES OBJECT_DEPENDS "${DEPENDS}")
  set(${OUT} ${FILE} PARENT_SCOPE)
endfunction()
