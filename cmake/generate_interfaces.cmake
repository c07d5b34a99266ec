# generate_interfaces(PACKAGE...): the messages and services of this project's msg/ and srv/.
#
# The Python generator exports the include folders of the Python that it was built with. Those of
# message packages from PyPI belong to another machine, and ours must not leave this one: both are
# replaced, which changes nothing where ROS came from apt.
macro(generate_interfaces)
  find_package(Python3 REQUIRED COMPONENTS Interpreter Development.Module NumPy)
  find_package(rosidl_default_generators REQUIRED)
  foreach(dependency ${ARGN})
    find_package(${dependency} REQUIRED)
  endforeach()

  get_property(imported_targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target ${imported_targets})
    if(target MATCHES "__rosidl_generator_py$")
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "")
    endif()
  endforeach()

  file(GLOB interface_files RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/msg/*.msg ${CMAKE_CURRENT_SOURCE_DIR}/srv/*.srv)
  rosidl_generate_interfaces(${PROJECT_NAME} ${interface_files} DEPENDENCIES ${ARGN})
  set_target_properties(${PROJECT_NAME}__rosidl_generator_py PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "")
endmacro()
