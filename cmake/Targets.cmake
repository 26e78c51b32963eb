# A folder is a target: the sources are what lies in the folder, so that adding a file needs no edit here.

# postrider_library(table USES config io LINKS lmdb): src/util/table becomes the static library `table`.
function(postrider_library name)
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)  # headers alone
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR}/src/util)
    target_link_libraries(${name} INTERFACE ${ARG_USES})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src/util)
  target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE ${ARG_LINKS})
  if(name STREQUAL "base")
    target_precompile_headers(base PRIVATE ${CMAKE_SOURCE_DIR}/src/precompiled.h)
  else()
    target_precompile_headers(${name} REUSE_FROM base)
  endif()
endfunction()

# postrider_command(postmap USES table): src/commands/postmap becomes the program `postmap`, installed in sbin.
function(postrider_command name)
  postrider_program(${name} ${POSTRIDER_INSTALL_SBIN} ${ARGN})
endfunction()

# postrider_daemon(smtpd USES service): src/smtpd becomes the program `smtpd`, installed in libexec/postfix.
function(postrider_daemon name)
  postrider_program(${name} ${POSTRIDER_INSTALL_LIBEXEC} ${ARGN})
endfunction()

# All that a program does but for main.cpp is a library `<name>_parts`, so that unit tests can link it.
function(postrider_program name destination)
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  set(parts ${ARG_USES} ${ARG_LINKS})
  if(sources)
    add_library(${name}_parts STATIC ${sources})
    target_include_directories(${name}_parts PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/src/commands)
    target_link_libraries(${name}_parts PUBLIC ${ARG_USES} PRIVATE ${ARG_LINKS})
    target_precompile_headers(${name}_parts REUSE_FROM base)
    set(parts ${name}_parts)
  endif()
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/src/commands)
  target_link_libraries(${name} PRIVATE ${parts})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${destination})
  install(TARGETS ${name} RUNTIME DESTINATION ${destination})
endfunction()
