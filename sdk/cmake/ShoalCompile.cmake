# Compiler flags that everything of ours is built with.
add_library(shoal_flags INTERFACE)
target_compile_definitions(shoal_flags INTERFACE _GNU_SOURCE)
target_compile_options(shoal_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
    -Wpointer-arith -Wwrite-strings -Wno-missing-field-initializers
    $<$<BOOL:${SHOAL_WERROR}>:-Werror>
    -fno-omit-frame-pointer)

if(SHOAL_FUZZ) # what is fuzzed has to tell the fuzzer where it went
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(SHOAL_SANITIZE)
    # -g1: lines for reports, and two hundred test programs that are linked in half the time.
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -g1)
    add_link_options(-fsanitize=address,undefined)
    add_compile_definitions(SHOAL_DEBUG=1)
elseif(SHOAL_TSAN)
    add_compile_options(-fsanitize=thread -g1)
    add_link_options(-fsanitize=thread)
    add_compile_definitions(SHOAL_DEBUG=1)
else()
    target_compile_options(shoal_flags INTERFACE -fstack-protector-strong -fstack-clash-protection
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND NOT SHOAL_SANITIZE AND NOT SHOAL_TSAN)
    target_compile_options(shoal_flags INTERFACE -fcf-protection)
endif()
set(CMAKE_EXE_LINKER_FLAGS "${CMAKE_EXE_LINKER_FLAGS} -pie")
