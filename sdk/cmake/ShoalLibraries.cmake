# Libraries that a plugin may link: shoal_mustache. A plugin from elsewhere includes this file from
# share/shoal/cmake, after it has found jansson.
get_filename_component(SHOAL_LIB ${CMAKE_CURRENT_LIST_DIR}/../lib ABSOLUTE)
file(GLOB MUSTACHE_SOURCES CONFIGURE_DEPENDS ${SHOAL_LIB}/mustache/*.c)
list(FILTER MUSTACHE_SOURCES EXCLUDE REGEX "_test\\.c$")
add_library(shoal_mustache STATIC EXCLUDE_FROM_ALL ${MUSTACHE_SOURCES})
set_target_properties(shoal_mustache PROPERTIES
    POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_include_directories(shoal_mustache PUBLIC ${SHOAL_LIB}/mustache)
target_compile_definitions(shoal_mustache PRIVATE _GNU_SOURCE)
target_link_libraries(shoal_mustache PUBLIC PkgConfig::JANSSON PRIVATE m)
if(TARGET shoal_flags)
    target_link_libraries(shoal_mustache PRIVATE shoal_flags)
endif()
