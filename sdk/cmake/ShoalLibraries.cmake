# Libraries that a plugin may link: shoal_mustache, shoal_m3u8, shoal_jsontext, shoal_ask, shoal_follow,
# shoal_federate, shoal_named, shoal_paging, shoal_sign, shoal_swarm, shoal_urlhost. A plugin from elsewhere includes
# this file from share/shoal/cmake, after it has found jansson.
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

foreach(NAME m3u8 jsontext ask federate follow named paging sign swarm urlhost)
    file(GLOB LIBRARY_SOURCES CONFIGURE_DEPENDS ${SHOAL_LIB}/${NAME}/*.c)
    list(FILTER LIBRARY_SOURCES EXCLUDE REGEX "_test\\.c$")
    add_library(shoal_${NAME} STATIC EXCLUDE_FROM_ALL ${LIBRARY_SOURCES})
    set_target_properties(shoal_${NAME} PROPERTIES
        POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
    target_include_directories(shoal_${NAME} PUBLIC ${SHOAL_LIB}/${NAME})
    target_compile_definitions(shoal_${NAME} PRIVATE _GNU_SOURCE)
    if(TARGET shoal_flags)
        target_link_libraries(shoal_${NAME} PRIVATE shoal_flags)
    endif()
endforeach()
# Written with the SDK's headers: those of these sources, or those that were installed with them.
find_path(SHOAL_LIB_SDK shoal/plugin.h NO_CACHE REQUIRED
    HINTS ${SHOAL_LIB}/../include ${SHOAL_LIB}/../../../include NO_DEFAULT_PATH)
foreach(NAME ask federate follow named paging sign swarm urlhost)
    target_include_directories(shoal_${NAME} PRIVATE ${SHOAL_LIB_SDK})
    target_link_libraries(shoal_${NAME} PUBLIC PkgConfig::JANSSON)
endforeach()
# These ask services.
foreach(NAME federate sign)
    target_link_libraries(shoal_${NAME} PUBLIC shoal_ask)
endforeach()
