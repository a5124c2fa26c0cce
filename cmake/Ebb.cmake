# The words the folders' CMakeLists.txt are written in: ebb_library and ebb_test, and the flags that every target gets.

add_library(ebb_flags INTERFACE)
target_include_directories(ebb_flags INTERFACE ${CMAKE_SOURCE_DIR})
# Same bytes from every compiler: no contraction of a*b+c, no fast-math anywhere (docs/semantics.md, "Numbers").
target_compile_options(ebb_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror
  -ffp-contract=off -fno-fast-math -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 warns of these inside the standard library's own inlined code.
  target_compile_options(ebb_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
    -Wno-array-bounds -Wno-dangling-pointer)
endif()
if(EBB_SANITIZE)
  target_compile_options(ebb_flags INTERFACE -fsanitize=${EBB_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ebb_flags INTERFACE -fsanitize=${EBB_SANITIZE})
endif()

# ebb_library(NAME SOURCES a.cc b.cc DEPS other::targets): a static library with warnings as errors.
function(ebb_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${EBB_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  target_link_libraries(${name} PUBLIC ebb_flags ${ARG_DEPS})
endfunction()

# ebb_test(NAME SOURCES a_test.cc DEPS libs): a GoogleTest binary registered with ctest.
function(ebb_test name)
  if(NOT EBB_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ebb_flags ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE EBB_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
endfunction()
