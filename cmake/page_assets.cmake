# Makes the Lua module weir.page.assets of what stands in a page beside its text: dygraphs, which draws
# the charts, from Debian's package, and our own style sheet and script of lua/weir/page/.
#
#   { dygraphs = { version =, script =, style = }, script =, style = }

find_path(DYGRAPHS dygraph.min.js PATHS /usr/share/javascript/dygraphs NO_DEFAULT_PATH
  NO_CMAKE_FIND_ROOT_PATH)

function(weir_page_assets TO DIR)
  if(NOT DYGRAPHS)
    message(FATAL_ERROR "dygraph.min.js is missing: install Debian's libjs-dygraphs")
  endif()
  foreach(PART dygraph.min.js dygraph.min.css page.js page.css)
    set(FROM ${DIR}/weir/page/${PART})
    if(PART MATCHES "^dygraph")
      set(FROM ${DYGRAPHS}/${PART})
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FROM})
    file(READ ${FROM} TEXT)
    # Debian's file names a map of its source, which a page does not carry.
    string(REGEX REPLACE "\n(//|/[*])# sourceMappingURL[^\n]*" "" TEXT "${TEXT}")
    if(TEXT MATCHES "\\]==\\]" OR TEXT MATCHES "</[sS][cCtT]")
      message(FATAL_ERROR "${FROM} cannot stand inside a Lua string and a page")
    endif()
    string(REPLACE "." "_" NAME ${PART})
    set(${NAME} "${TEXT}")
  endforeach()
  if(NOT dygraph_min_js MATCHES "VERSION=\"([0-9.]+)\"")
    message(FATAL_ERROR "${DYGRAPHS}/dygraph.min.js does not tell its version")
  endif()
  set(VERSION ${CMAKE_MATCH_1})
  file(CONFIGURE OUTPUT ${TO} @ONLY CONTENT
"return {
  dygraphs = { version = \"@VERSION@\", script = [==[
@dygraph_min_js@]==], style = [==[
@dygraph_min_css@]==] },
  script = [==[
@page_js@]==],
  style = [==[
@page_css@]==],
}
")
endfunction()
