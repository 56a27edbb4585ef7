find_package(PkgConfig REQUIRED)
pkg_check_modules(IDENTITY_SODIUM REQUIRED IMPORTED_TARGET libsodium)
set(LIBS shoal_ask shoal_federate shoal_paging shoal_sign shoal_urlhost PkgConfig::IDENTITY_SODIUM)
