# One set of flags for every target. What each hardening flag must leave behind in the binaries is checked by
# tests/system/hardening_test.py.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# All code ends up in programs, so -fPIE serves libraries too; and one flag for all lets them share precompiled headers.
add_compile_options(-fPIE)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(POSTRIDER_TESTS "build the tests" ON)
option(POSTRIDER_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)
option(POSTRIDER_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(POSTRIDER_HARDEN "hardening flags" ON)

find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers are safe to cache as long as macros for date and time stay out of them.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_NOHASHDIR=1
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
endif()

add_compile_options(
  -Wall -Wextra -Wpedantic -Werror
  -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wcast-qual -Wundef -Wold-style-cast -Wswitch-enum)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wtrampolines -Wbidi-chars=any -Wduplicated-cond -Wlogical-op -fpch-preprocess)
endif()

if(POSTRIDER_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g1)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # GCC's manual: the sanitizers make it cry wolf
  endif()
  add_link_options(-fsanitize=address,undefined)
elseif(POSTRIDER_HARDEN AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS
    -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
    -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
    -fharden-compares -fharden-conditional-branches -fzero-call-used-regs=used-gpr)
  # What no one calls stays out of the programs: each daemon holds its own copy of the libraries.
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections)
  # -z nodlopen, often listed with these, says nothing on a program: the linker keeps that mark for libraries.
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed,--no-copy-dt-needed-entries)
endif()
if(POSTRIDER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(NOT POSTRIDER_SANITIZE)
  # Commands live for milliseconds; each shared library costs the dynamic linker a good part of one.
  add_link_options(-static-libstdc++ -static-libgcc)
endif()
add_link_options(-pie)
