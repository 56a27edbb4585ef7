# Libraries that a plugin may link: shoal_mustache, shoal_m3u8. A plugin from elsewhere includes this file from
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

add_library(shoal_m3u8 STATIC EXCLUDE_FROM_ALL ${SHOAL_LIB}/m3u8/m3u8.c)
set_target_properties(shoal_m3u8 PROPERTIES
    POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_include_directories(shoal_m3u8 PUBLIC ${SHOAL_LIB}/m3u8)
target_compile_definitions(shoal_m3u8 PRIVATE _GNU_SOURCE)
if(TARGET shoal_flags)
    target_link_libraries(shoal_m3u8 PRIVATE shoal_flags)
endif()
