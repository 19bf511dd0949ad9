# Models in CMake: find_package(dlc), then
#
#   dlc_add_library(NAME [STATIC | SHARED] SOURCES model.dl [more.dl ...]
#                   [TARGET_CPU cpu] [TARGET triple] [THREADS n] [GPU sm_80] [OPTIONS ...])
#
# makes a library target NAME with the models, their headers STEM.h and STEM.hpp for programs that link it. A model is built
# when it, what it imports, or the compiler changes. OPTIONS are passed to `dlc build` as they are.
#
# The compiler is DLC_EXECUTABLE, else what the environment variable DLC names, else `dlc` beside this installation or in PATH.

include_guard(GLOBAL)
get_filename_component(_dlc_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT DLC_EXECUTABLE AND NOT "$ENV{DLC}" STREQUAL "")
  set(DLC_EXECUTABLE "$ENV{DLC}" CACHE FILEPATH "The compiler dlc")
endif()
find_program(DLC_EXECUTABLE dlc HINTS "${_dlc_prefix}/bin" DOC "The compiler dlc")
unset(_dlc_prefix)

set(dlc_FOUND FALSE)
if(NOT DLC_EXECUTABLE)
  set(dlc_NOT_FOUND_MESSAGE "there is no program dlc; set DLC_EXECUTABLE")
else()
  execute_process(COMMAND "${DLC_EXECUTABLE}" --version OUTPUT_VARIABLE _dlc_said ERROR_QUIET RESULT_VARIABLE _dlc_status)
  if(_dlc_said MATCHES "^dlc ([0-9]+\\.[0-9]+)" AND _dlc_status EQUAL 0)
    set(_dlc_series "${CMAKE_MATCH_1}")
    if("${dlc_VERSION}" MATCHES "^${_dlc_series}(\\.|$)")
      set(dlc_FOUND TRUE)
    else()
      set(dlc_NOT_FOUND_MESSAGE "${DLC_EXECUTABLE} is of version ${_dlc_series}, and these files of ${dlc_VERSION}")
    endif()
  else()
    set(dlc_NOT_FOUND_MESSAGE "${DLC_EXECUTABLE} --version says no version of dlc")
  endif()
endif()

function(dlc_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "STATIC;SHARED" "TARGET_CPU;TARGET;THREADS;GPU" "SOURCES;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "dlc_add_library(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}; models stand after SOURCES")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "dlc_add_library(${name}): there are no SOURCES")
  endif()
  if(arg_STATIC AND arg_SHARED)
    message(FATAL_ERROR "dlc_add_library(${name}): a library is either STATIC or SHARED")
  endif()
  set(options ${arg_OPTIONS})
  if(arg_TARGET_CPU)
    list(APPEND options "--target-cpu=${arg_TARGET_CPU}")
  endif()
  if(arg_TARGET)
    list(APPEND options "--target=${arg_TARGET}")
  endif()
  if(arg_THREADS)
    list(APPEND options "--threads=${arg_THREADS}")
  endif()
  if(arg_GPU)
    list(APPEND options "--gpu=${arg_GPU}")
  endif()
  if(arg_SHARED OR (BUILD_SHARED_LIBS AND NOT arg_STATIC))
    set(kind SHARED)
    set(emit cdylib)
    set(suffix .so)
  else()
    set(kind STATIC)
    set(emit staticlib)
    set(suffix .a)
  endif()
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}.dlc")
  file(MAKE_DIRECTORY "${folder}")
  add_library(${name} INTERFACE)
  set(made)
  foreach(source IN LISTS arg_SOURCES)
    get_filename_component(source "${source}" ABSOLUTE)
    if(NOT EXISTS "${source}")
      message(FATAL_ERROR "dlc_add_library(${name}): there is no file ${source}")
    endif()
    # The names of C, as the compiler makes them of a file's.
    get_filename_component(stem "${source}" NAME_WLE)
    string(REGEX REPLACE "[^A-Za-z0-9_]" "_" stem "${stem}")
    if(stem MATCHES "^[0-9]")
      set(stem "_${stem}")
    endif()
    set(library "${folder}/lib${stem}${suffix}")
    add_custom_command(
      OUTPUT "${library}" "${folder}/${stem}.h" "${folder}/${stem}.hpp"
      COMMAND "${DLC_EXECUTABLE}" build "${source}" -o "${folder}" "--emit=${emit},header,hpp,dep-info" ${options}
      DEPENDS "${source}" "${DLC_EXECUTABLE}"
      DEPFILE "${folder}/${stem}.d"
      COMMENT "Compiling model ${stem}"
      VERBATIM
    )
    list(APPEND made "${library}" "${folder}/${stem}.h" "${folder}/${stem}.hpp")
    add_library(${name}_${stem} ${kind} IMPORTED GLOBAL)
    set_target_properties(
      ${name}_${stem} PROPERTIES IMPORTED_LOCATION "${library}" INTERFACE_INCLUDE_DIRECTORIES "${folder}"
    )
    list(APPEND libraries ${name}_${stem})
  endforeach()
  add_custom_target(${name}_dlc DEPENDS ${made})
  foreach(library IN LISTS libraries)
    add_dependencies(${library} ${name}_dlc)
  endforeach()
  target_link_libraries(${name} INTERFACE ${libraries})
endfunction()
